"""What may be a key is sealed in the store: nothing on the disk, backups included, shows it; without the key file nothing opens."""
import base64
import os
import pathlib
import stat
import subprocess

import pytest

import ursa

from backup_test import restore, save
from history_test import plain_mesh, put

MARK = "found-in-plain-text"
CODED = base64.b64encode(MARK.encode()).decode()


def secret(mesh, name, text=MARK):
    return {"type": "Secret", "mesh": mesh, "name": name, "data": base64.b64encode(text.encode()).decode()}


def provided_pair():
    """A CA that 'ursactl' makes no part of: certificate and key, PEM."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "-", "-subj", "/CN=ca",
               "-days", "2", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    key = text[text.index("-----BEGIN PRIVATE"):text.index("-----END PRIVATE KEY-----") + 26]
    return text[text.index("-----BEGIN CERT"):], key


def inline_mesh(name):
    """A Mesh whose CA stands in it, key and all, and the words by which that is recognised."""
    cert, key = provided_pair()
    conf = {"cert": {"inlineString": cert}, "key": {"inline": base64.b64encode(key.encode()).decode()}}
    mesh = {"type": "Mesh", "name": name, "mtls": {"enabledBackend": "own", "backends": [{"name": "own", "type": "provided", "conf": conf}]}}
    return mesh, [conf["key"]["inline"][130:190], key.splitlines()[2][:40]]


def hits(words, *places):
    """Files below the places that hold one of the words."""
    found = []
    for place in places:
        for path in [place] if place.is_file() else [p for p in place.rglob("*") if p.is_file()]:
            found += [(str(path), word) for word in words if word.encode() in path.read_bytes()]
    return found


def seal_rotate(**settings):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("URSA_", "KUMA_"))}
    return subprocess.run([ursa.BUILD / "ursa-cp", "seal", "rotate"], capture_output=True, text=True, check=False,
                          env={**kept, **{"URSA_" + k: str(v) for k, v in settings.items()}})


def kill(daemon):
    daemon.process.kill()
    daemon.process.wait()


def refused(daemon):
    """What the daemon says when it does not start."""
    log = daemon.work_dir / "log"
    before = len(daemon.log()) if log.exists() else 0
    with pytest.raises(AssertionError, match="did not start"):
        daemon.start()
    return daemon.log()[before:]


@pytest.fixture
def filled():
    """A daemon with secrets of each kind, some with a past, and the words that must be nowhere."""
    with ursa.running("sqlite") as daemon:
        mesh, words = inline_mesh("inline")
        put(daemon, plain_mesh("m"))
        for name in ("s", "t"):
            put(daemon, secret("m", name))
        put(daemon, secret("m", "s", "another " + MARK))
        assert daemon.put("/global-secrets/g", {"type": "GlobalSecret", "name": "g", "data": CODED}).status == 201
        put(daemon, mesh)
        put(daemon, {**mesh, "routing": {"zoneEgress": True}})
        assert daemon.delete("/meshes/m/secrets/t").status == 200
        for kind in ("secrets", "global-secrets"):
            listed = daemon.get(f"/{kind}").json["items"]
            assert listed
            words += [item["data"][-120:-60] for item in listed if len(item["data"]) > 200]
        yield daemon, [*words, MARK, CODED, base64.b64encode(b"another " + MARK.encode()).decode()]


def test_nothing_on_the_disk_shows_a_secret(filled, tmp_path):
    daemon, words = filled
    key_file = daemon.work_dir / "seal.key"
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600 and len(key_file.read_text().strip()) == 44
    backup = tmp_path / "backup.db"
    save(daemon, backup)
    cli = subprocess.run([ursa.BUILD / "ursactl", "--no-config", "--address", f"http://127.0.0.1:{daemon.api_port}", "backup", tmp_path / "cli.db"],
                         capture_output=True, text=True, check=True)
    assert "restoring it takes the control plane's key file" in cli.stdout
    assert not hits(words, daemon.work_dir, tmp_path)
    kill(daemon)  # so that the log is left, too
    assert not hits(words, daemon.work_dir) and hits([key_file.read_text().strip()], daemon.work_dir) == [(str(key_file), key_file.read_text().strip())]
    daemon.start()
    assert daemon.get("/meshes/m/secrets/s").json["data"] == secret("m", "s", "another " + MARK)["data"]
    assert not hits(words, daemon.work_dir, tmp_path)


def test_a_backup_opens_with_its_key_only(filled, tmp_path):
    daemon, words = filled
    backup, elsewhere = tmp_path / "backup.db", tmp_path / "elsewhere"
    revision = save(daemon, backup)
    done = restore(backup, GENERAL_WORK_DIR=elsewhere)
    assert done.returncode == 1 and f"not in {elsewhere}/seal.key: put the key file back" in done.stderr, done
    assert list(elsewhere.iterdir()) == []
    done = restore(backup, GENERAL_WORK_DIR=elsewhere, STORE_SEAL_KEY_FILE=daemon.work_dir / "seal.key")
    assert done.returncode == 0 and f"is revision {revision} now" in done.stdout, done
    assert not hits(words, elsewhere)


def test_without_its_key_the_daemon_does_not_start(filled):
    daemon, _ = filled
    key_file, store = daemon.work_dir / "seal.key", daemon.work_dir / "ursa.db"
    key = key_file.read_text()
    daemon.process.terminate()
    daemon.process.wait()
    daemon.expected_trouble = "cannot start"
    before = store.read_bytes()
    key_file.unlink()
    said = refused(daemon)
    assert f"{store}: it is sealed with key" in said and f"which is not in {key_file}: put the key file back" in said
    key_file.write_text(base64.b64encode(bytes(32)).decode())
    key_file.chmod(0o600)
    assert "put the key file back" in refused(daemon)
    key_file.write_text(key)
    key_file.chmod(0o640)
    assert "others than its owner may use it (mode 640): chmod 600" in refused(daemon)
    aside = pathlib.Path(f"{key_file}.aside")
    key_file.rename(aside)
    key_file.symlink_to(aside)
    assert "must not be a link" in refused(daemon)
    assert store.read_bytes() == before and key not in daemon.log()
    key_file.unlink()
    aside.chmod(0o600)
    aside.rename(key_file)
    daemon.start()
    assert daemon.get("/meshes/m/secrets/s").status == 200


def test_a_key_file_that_is_named_is_not_made(tmp_path):
    daemon = ursa.Daemon("sqlite", STORE_SEAL_KEY_FILE=tmp_path / "own.key")
    daemon.expected_trouble = "cannot start"
    assert f"{tmp_path}/own.key: there is no such key file: 'ursa-cp seal rotate' makes one" in refused(daemon)
    assert list(tmp_path.iterdir()) == []
    made = seal_rotate(STORE_SEAL_KEY_FILE=tmp_path / "own.key", GENERAL_WORK_DIR=daemon.work_dir)
    assert made.returncode == 0 and "has a new key" in made.stdout, made
    daemon.start()
    put(daemon, plain_mesh("m"))
    daemon.stop()


def test_rotation(filled, tmp_path):
    """A new key while the daemon runs; after a restart the old one is needed by older backups only."""
    daemon, words = filled
    key_file, backup = daemon.work_dir / "seal.key", tmp_path / "backup.db"
    old = key_file.read_text().strip()
    told = daemon.get("/meshes/m/secrets?size=0").json
    save(daemon, backup)
    done = seal_rotate(GENERAL_WORK_DIR=daemon.work_dir)
    assert done.returncode == 0 and "at the daemon's next start" in done.stdout and old not in done.stdout, done
    lines = key_file.read_text().split()
    assert len(lines) == 2 and lines[1] == old and stat.S_IMODE(key_file.stat().st_mode) == 0o600
    put(daemon, secret("m", "u"))
    kill(daemon)
    daemon.start()
    assert daemon.get("/meshes/m/secrets/u").status == 200
    kill(daemon)
    key_file.write_text(lines[0] + "\n")
    daemon.start()
    items = [item for item in daemon.get("/meshes/m/secrets?size=0").json["items"] if item["name"] != "u"]
    assert items == told["items"]
    kill(daemon)
    assert restore(backup, GENERAL_WORK_DIR=daemon.work_dir).returncode == 1
    key_file.write_text("\n".join(lines) + "\n")
    assert restore(backup, GENERAL_WORK_DIR=daemon.work_dir).returncode == 0
    daemon.start()
    assert daemon.get("/meshes/m/secrets?size=0").json == told
    assert not hits(words, daemon.work_dir)


def test_no_new_key_hides_that_the_old_one_is_gone(filled):
    daemon, _ = filled
    key_file = daemon.work_dir / "seal.key"
    kill(daemon)
    key_file.rename(key_file.with_suffix(".away"))
    done = seal_rotate(GENERAL_WORK_DIR=daemon.work_dir)
    assert done.returncode == 1 and f"{key_file}: there is no such key file, but a store" in done.stderr, done
    assert not key_file.exists()
    key_file.with_suffix(".away").rename(key_file)
    daemon.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="it takes root to have files of another user")
def test_a_key_file_of_another_user_stays_as_it_is(tmp_path):
    key_file = tmp_path / "seal.key"
    assert seal_rotate(GENERAL_WORK_DIR=tmp_path).returncode == 0
    os.chown(key_file, 65534, 65534)
    before = key_file.read_text()
    done = seal_rotate(GENERAL_WORK_DIR=tmp_path)
    assert done.returncode == 1 and "belongs to another user (uid 65534): run this as that one" in done.stderr, done
    assert key_file.read_text() == before and key_file.stat().st_uid == 65534


@pytest.mark.parametrize("arguments, status, words", [(["seal"], 2, "usage"), (["seal", "x"], 2, "usage"), (["seal", "rotate", "x"], 2, "unexpected argument x")])
def test_bad_command_lines(arguments, status, words):
    done = subprocess.run([ursa.BUILD / "ursa-cp", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == status and words in done.stderr and done.stdout == "", done
