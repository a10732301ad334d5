"""Provided CAs whose certificate and key are files of the control plane: below configured folders only, read when the Mesh is written."""
import base64

import ursa
from pki import Cert


def mesh(cert, key, **more):
    return {"type": "Mesh", "name": "m", "mtls": {"enabledBackend": "corp", "backends": [
        {"name": "corp", "type": "provided", "conf": {"cert": {"file": str(cert)}, "key": {"file": str(key)}}, **more}]}}


def causes(answer):
    assert answer.status == 400, answer
    return [(c["field"], c["message"]) for c in answer.json["causes"]]


def secret(daemon, name):
    answer = daemon.get(f"/meshes/m/secrets/{name}")
    return base64.b64decode(answer.json["data"]) if answer.status == 200 else None


AT = "mtls.backends[0].conf."
CERT, KEY = "m.ca-provided-cert-corp", "m.ca-provided-key-corp"


def test_files_become_secrets_of_the_mesh(tmp_path):
    folder = tmp_path / "cas"
    folder.mkdir()
    first, second = Cert("first", ca=True), Cert("second", ca=True)
    cert, key = first.save(folder, "ca")
    (tmp_path / "outside.key").write_bytes(first.key_pem)
    (folder / "link.key").symlink_to(tmp_path / "outside.key")
    with ursa.running("memory", GENERAL_CA_FOLDERS=folder) as daemon:
        assert causes(daemon.put("/meshes/m", mesh(cert, tmp_path / "outside.key"))) == [
            (AT + "key.file", "it is in none of the folders of general.caFolders")]
        assert causes(daemon.put("/meshes/m", mesh(folder / "none", folder / "link.key"))) == [
            (AT + "cert.file", "there is no such file"), (AT + "key.file", "it leads out of its folder of general.caFolders")]
        assert causes(daemon.put("/meshes/m", mesh(cert, cert))) == [
            (AT + "cert", "not a valid TLS key pair: tls: failed to parse private key")]
        assert daemon.get("/meshes/m").status == 404 and secret(daemon, KEY) is None

        assert daemon.put("/meshes/m", mesh(cert, key)).status == 201
        assert (secret(daemon, CERT), secret(daemon, KEY)) == (first.pem, first.key_pem)
        assert causes(daemon.delete(f"/meshes/m/secrets/{KEY}"))[0][0] == "name"

        second.save(folder, "ca")  # taken over by the next write of the Mesh
        assert (secret(daemon, CERT), secret(daemon, KEY)) == (first.pem, first.key_pem)
        assert daemon.put("/meshes/m", mesh(cert, key)).status == 200
        assert (secret(daemon, CERT), secret(daemon, KEY)) == (second.pem, second.key_pem)
        assert second.key_pem.decode() not in daemon.log()


def test_without_folders_there_are_no_files(tmp_path):
    cert, key = Cert("ca", ca=True).save(tmp_path, "ca")
    with ursa.running("memory") as daemon:
        assert causes(daemon.put("/meshes/m", mesh(cert, key))) == [
            (AT + f"{what}.file", "files of the control plane cannot be used (general.caFolders names no folder): store the text as a secret")
            for what in ("cert", "key")]


def test_a_ca_that_has_ended_does_not_lock_its_mesh():
    """It comes in only while it is good; a Mesh that has it can still be changed. (Elsewhere: unit/ca/chain_test.c, with a clock.)"""
    ended = Cert("ended", ca=True, days=(-2, -1))
    conf = {"cert": {"inlineString": ended.pem.decode()}, "key": {"inlineString": ended.key_pem.decode()}}
    document = {"type": "Mesh", "name": "m", "mtls": {"backends": [{"name": "corp", "type": "provided", "conf": conf}]}}
    with ursa.running("memory") as daemon:
        [(field, message)] = causes(daemon.put("/meshes/m", document))
        assert field == AT + "cert[0]" and message.startswith("it has expired at ")
