"""ursactl with real Envoys: what it says has taken effect has, and what it shows of a proxy is the proxy's."""
import contextlib
import json
import os
import signal
import subprocess

import pytest

from ursa import BUILD
from world import World, mesh_document, policy


@pytest.fixture(scope="module")
def world():
    with World() as started:
        started.plane.apply(mesh_document("blue", "STRICT"))
        started.blue, = started.pairs("blue")
        yield started


def ursactl(world, *words, text=None, status=0):
    done = subprocess.run([str(BUILD / "ursactl"), "--no-config", "--address", f"http://127.0.0.1:{world.plane.api_port}", *words],
                          input=text, capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done
    return done.stdout


def timeout(seconds):
    return json.dumps(policy("Timeout", "blue", "t", {"connectTimeout": f"{seconds}s"}))


def test_apply_waits_until_envoy_has_it(world):
    said = ursactl(world, "apply", "-f", "-", "--wait", text=timeout(7)).splitlines()
    assert said[0].startswith("timeout/blue/t ") and said[1].endswith(": applied by 2 of 2 proxies")
    assert '"connect_timeout": "7s"' in world.blue.web.config_dump()
    assert ursactl(world, "status", "--mesh", "blue", "--wait=20s") == said[1] + "\n"


def test_apply_names_who_has_not(world):
    pid = world.blue.web.envoy_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        said = ursactl(world, "apply", "-f", "-", "--wait=500ms", text=timeout(8), status=1).splitlines()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    assert said[1].endswith(": not yet applied by 1 of 2 proxies (1 pending, 0 refused)")
    assert said[3].split() == ["MESH", "NAME", "STATE", "REASON"]
    assert said[4].split()[:3] == ["blue", "web", "pending"]
    assert ursactl(world, "status", "--wait=20s").endswith("applied by 2 of 2 proxies\n")


def test_proxies_are_shown_as_they_are(world):
    rows = [line.split() for line in ursactl(world, "inspect", "dataplanes", "--mesh", "blue").splitlines()[1:]]
    assert [(row[1], row[-1]) for row in rows] == [("backend", "-"), ("web", "-")] and all("Online" in row for row in rows)
    wide = ursactl(world, "get", "dataplanes", "--mesh", "blue", "-o", "wide").splitlines()
    assert all("Online" in row and "sidecar" in row for row in wide[1:])
    services = ursactl(world, "inspect", "services", "--mesh", "blue").splitlines()[1:]
    assert sorted(line.split()[:2] for line in services) == [[name, "Online"] for name in ("api", "db", "web")]


def test_envoy_is_asked_through_the_control_plane(world):
    assert "api::" in ursactl(world, "inspect", "dataplane", "web", "--mesh", "blue", "--type", "clusters")
    assert "cluster.api" in ursactl(world, "inspect", "dataplane", "web", "--mesh", "blue", "--type", "stats")
    assert json.loads(ursactl(world, "inspect", "dataplane", "web", "--mesh", "blue", "--type", "config-dump"))["configs"]
