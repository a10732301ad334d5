"""ursa-cp doctor: beside a control plane, after it, without one. What each finding takes is in unit/doctor/findings_test."""
import json
import os
import subprocess

import pytest

import ursa
from access_test import MATCH, NETWORKING

LOST = {"type": "Timeout", "mesh": "default", "name": "lost", "sources": [{"match": {"kuma.io/service": "nobody"}}], "destinations": MATCH,
        "conf": {"connectTimeout": "1s"}}


def doctor(environment, *arguments):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("URSA_", "KUMA_"))}
    return subprocess.run([ursa.BUILD / "ursa-cp", "doctor", *arguments], env={**kept, **environment}, capture_output=True, text=True, timeout=60)


def ids(run):
    return {(f["id"], f["mesh"], f["resource"]) for f in json.loads(run.stdout)["findings"]}


@pytest.fixture
def daemon():
    d = ursa.Daemon("sqlite").start()
    assert d.put("/meshes/default/dataplanes/a", {"type": "Dataplane", "mesh": "default", "name": "a", "networking": NETWORKING}).status == 201
    assert d.put("/meshes/default/timeouts/lost", LOST).status == 201
    yield d
    d.stop()


def test_beside_a_control_plane_and_after_it(daemon):
    """It is asked while it runs; then the store says the same, and is as it was."""
    running = doctor(daemon.environment, "-o", "json")
    assert running.returncode == 0, running
    assert ("policy-matches-nothing", "default", "Timeout lost") in ids(running)
    assert ("open-admin", "", "apiServer.authn.localhostIsAdmin") in ids(running)
    daemon.process.kill()  # its log is still beside the store
    daemon.process.wait()
    folder = {p.name: p.read_bytes() for p in daemon.work_dir.iterdir() if p.name.startswith("ursa.db")}
    assert folder["ursa.db-wal"], "what was written last is in the log alone"
    stopped = doctor(daemon.environment, "-o", "json")
    assert stopped.returncode == 0, stopped
    assert ids(stopped) == ids(running)
    assert {p.name: p.read_bytes() for p in daemon.work_dir.iterdir() if p.name.startswith("ursa.db")} == folder
    text = doctor(daemon.environment)
    assert "default: Timeout lost (policy-matches-nothing)" in text.stdout and "remedy: " in text.stdout
    daemon.start()


def test_errors_are_the_exit_status(daemon):
    daemon.process.kill()
    daemon.process.wait()
    os.chmod(daemon.work_dir / "ursa.db", 0o644)
    found = doctor(daemon.environment, "-o", "json")
    assert found.returncode == 1 and ("file-open-to-others", "", str(daemon.work_dir / "ursa.db")) in ids(found), found
    os.chmod(daemon.work_dir / "ursa.db", 0o600)
    daemon.start()


def test_without_a_store_nothing_is_made(tmp_path):
    environment = {"URSA_GENERAL_WORK_DIR": str(tmp_path / "work"), "URSA_DP_SERVER_AUTHN_DP_PROXY_TYPE": "none"}
    found = doctor(environment, "-o", "json")
    assert found.returncode == 1 and ("proxies-unauthenticated", "", "dpServer.authn.dpProxy.type") in ids(found), found
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments, said", [(["-o", "xml"], "usage"), (["more"], "unexpected argument"), (["--config-file", "/nothing"], "/nothing")])
def test_called_wrongly(arguments, said):
    found = doctor({}, *arguments)
    assert found.returncode == 2 and said in found.stderr, found


def test_what_is_no_store(tmp_path):
    (tmp_path / "ursa.db").write_text("not a store at all" * 100)
    found = doctor({"URSA_GENERAL_WORK_DIR": str(tmp_path)})
    assert found.returncode == 2 and "not an SQLite file" in found.stderr, found
