"""GET /meshes/{mesh}/ca and POST .../ca/rotate without proxies, asked badly too; a builtin CA that renews itself. With real proxies: tests/flow/postures_test.py."""
import base64
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from ursa import BUILD

ARRIVAL = 10  # seconds
SKEW = 10  # seconds that certificates begin in the past


def backend(name, type_="builtin", **conf):
    return {"name": name, "type": type_, "conf": conf} if conf else {"name": name, "type": type_}


def put(daemon, name, enabled, *backends):
    document = {"type": "Mesh", "name": name, "mtls": {"enabledBackend": enabled, "backends": list(backends)}}
    assert daemon.put(f"/meshes/{name}", document).status in (200, 201)


def stored_root(daemon, mesh, name):
    data = daemon.get(f"/meshes/{mesh}/secrets/{mesh}.ca-builtin-cert-{name}").json["data"]
    return x509.load_pem_x509_certificate(base64.b64decode(data))


def print_of(certificate):
    return certificate.fingerprint(hashes.SHA256()).hex()


def arrived(daemon, mesh, root=None):
    """The status as soon as the mesh has arrived, at that root."""
    deadline = time.monotonic() + ARRIVAL
    while True:
        status = daemon.get(f"/meshes/{mesh}/ca").json
        if status["settled"] and (root is None or status["present"]["issuer"]["roots"][0]["fingerprint"] == root):
            return status
        assert time.monotonic() < deadline, status
        time.sleep(0.02)  # POLL: until a deadline


def test_what_is_told(daemon):
    put(daemon, "told", "ca-1", backend("ca-1", caCert={"RSAbits": 2048, "expiration": "10d"}), backend("ca-2"))
    status = daemon.get("/meshes/told/ca").json
    first, second = (stored_root(daemon, "told", name) for name in ("ca-1", "ca-2"))
    assert (status["mesh"], status["settled"], status["laggards"]) == ("told", True, [])
    assert status["proxies"] == {"total": 0, "applied": 0, "pending": 0, "refused": 0}
    assert (status["present"]["serve"], status["present"]["dial"]) == ("tls", "tls")
    assert status["present"]["issuer"]["backend"] == "ca-1"
    assert {t["backend"]: t["roots"][0]["fingerprint"] for t in status["present"]["trusted"]} == {"ca-1": print_of(first), "ca-2": print_of(second)}
    root = status["present"]["issuer"]["roots"][0]
    assert root["commonName"] == "told" and root["notAfter"] == first.not_valid_after.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert "PRIVATE KEY" not in daemon.get("/meshes/told/ca").text


def test_without_mtls(daemon):
    assert daemon.put("/meshes/plain", {"type": "Mesh", "name": "plain"}).status == 201
    status = daemon.get("/meshes/plain/ca").json
    assert status["present"] == {"serve": "plain", "dial": "plain", "trusted": []} and status["settled"]


@pytest.mark.parametrize("bits", [None, 2048])
def test_a_builtin_ca_gets_a_new_root(daemon, bits):
    put(daemon, "rotated", "ca-1", backend("ca-1", caCert={"RSAbits": bits}) if bits else backend("ca-1"))
    before = print_of(stored_root(daemon, "rotated", "ca-1"))
    answer = daemon.post("/meshes/rotated/ca/rotate", None)
    assert answer.status == 200 and answer.json["revision"] == int(answer.headers["Ursa-Revision"]), answer
    after = stored_root(daemon, "rotated", "ca-1")
    assert print_of(after) != before and (bits is None or after.public_key().key_size == bits)
    status = arrived(daemon, "rotated", print_of(after))
    assert [t["roots"][0]["fingerprint"] for t in status["present"]["trusted"]] == [print_of(after)]


def test_another_backend_issues(daemon):
    put(daemon, "switched", "ca-1", backend("ca-1"), backend("ca-2"))
    assert daemon.post("/meshes/switched/ca/rotate?backend=ca-2", None).status == 200
    status = arrived(daemon, "switched", print_of(stored_root(daemon, "switched", "ca-2")))
    assert status["present"]["issuer"]["backend"] == "ca-2"
    assert daemon.get("/meshes/switched").json["mtls"]["enabledBackend"] == "ca-2"


def test_faults_say_what_to_do(daemon):
    assert daemon.put("/meshes/off", {"type": "Mesh", "name": "off"}).status in (200, 201)
    put(daemon, "one", "ca-1", backend("ca-1"))
    for path, reason in [("/meshes/off/ca/rotate", "mTLS is off"), ("/meshes/one/ca/rotate?backend=x", 'must be one of the mesh\'s backends, not "x"')]:
        answer = daemon.post(path, None)
        cause, = answer.json["invalid_parameters"]
        assert answer.status == 400 and cause["field"] == "backend" and reason in cause["reason"], answer
    for ask in (lambda: daemon.get("/meshes/nothing/ca"), lambda: daemon.post("/meshes/nothing/ca/rotate", None)):
        assert ask().status == 404


def test_a_builtin_ca_renews_itself(daemon):
    """At four fifths of its life."""
    put(daemon, "short", "ca-1", backend("ca-1", caCert={"expiration": "10s"}))
    first = stored_root(daemon, "short", "ca-1")
    deadline = time.monotonic() + 3 * ARRIVAL
    while print_of(stored_root(daemon, "short", "ca-1")) == print_of(first):
        assert time.monotonic() < deadline
        time.sleep(0.1)  # POLL: until a deadline
    second = stored_root(daemon, "short", "ca-1")
    life = (first.not_valid_after - first.not_valid_before).total_seconds()
    age = (second.not_valid_before - first.not_valid_before).total_seconds() + SKEW
    assert 0.75 <= age / life <= 0.9
    put(daemon, "short", "ca-1", backend("ca-1"))
    authors = [entry["author"] for entry in daemon.get("/history?mesh=short").json["items"] for change in entry["changes"] if "ca-builtin-cert" in change["name"]]
    assert "ursa" in authors


def test_a_root_of_a_moment_keeps_nobody_busy(daemon):
    put(daemon, "moment", "ca-1", backend("ca-1", caCert={"expiration": "1s"}))
    before = daemon.get("/history?size=1").json["items"][0]["revision"]
    time.sleep(2)  # this is what the test is about
    assert daemon.get("/history?size=1").json["items"][0]["revision"] <= before + 1
    assert daemon.delete("/meshes/moment").status == 200


def test_ursactl_rotates(daemon):
    put(daemon, "mine", "ca-1", backend("ca-1"), backend("ca-2"))
    words = [str(BUILD / "ursactl"), "--no-config", "--address", f"http://127.0.0.1:{daemon.api_port}", "rotate", "ca", "--mesh", "mine"]
    done = subprocess.run([*words, "--backend", "ca-2"], capture_output=True, text=True, timeout=30)
    print_ = print_of(stored_root(daemon, "mine", "ca-2"))
    assert done.returncode == 0 and done.stdout.splitlines()[-1] == "mesh mine has arrived", done
    assert f"serve tls, dial tls, issue from ca-2 ({print_[:8]}), trust ca-1 (" in done.stdout and f"ca-2 ({print_[:8]})\n" in done.stdout
    refused = subprocess.run([*words, "--backend", "x"], capture_output=True, text=True, timeout=30)
    assert refused.returncode == 1 and "must be one of the mesh's backends" in refused.stderr
    missing = subprocess.run([*words[:-1], "none"], capture_output=True, text=True, timeout=30)
    assert missing.returncode == 1 and missing.stderr == 'Error: there is no Mesh with name "none"\n'
