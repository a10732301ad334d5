"""Envoys that poll for their configuration (decision 20): what uses a cluster comes after it, and what is said to be applied is."""
import contextlib

import pytest

from load import Caller, Load
from world import World, mesh_document, policy


@pytest.fixture(scope="module")
def world():
    with World(BOOTSTRAP_SERVER_PARAMS_XDS_TRANSPORT="rest") as started:
        started.plane.apply(mesh_document("blue", "STRICT"), mesh_document("green", "STRICT"))
        yield started


@pytest.fixture(scope="module")
def meshes(world):
    return world.pairs("blue", "green")


def only(mesh, version):
    """All requests to api go to that version, which has a cluster of its own."""
    return policy("TrafficRoute", mesh, "split", {"split": [
        {"weight": 100, "destination": {"kuma.io/service": "api", "version": version}}]}, "web", "api")


def test_clusters_come_and_go_under_load(world, meshes):
    """Each change takes one cluster away and brings another; as soon as it is applied, all requests go there. The other mesh hears nothing."""
    blue, green = meshes
    plane = world.plane
    assert {proxy.stream()["transport"] for pair in meshes for proxy in pair.proxies} == {"rest"}
    heard = [proxy.updates() for proxy in green.proxies]
    with contextlib.closing(Caller(blue.port["to_api"])) as caller, Load(blue.port["to_api"]) as load:
        for i in range(20):
            version = ("v1", "v2")[i % 2]
            plane.put_document(only("blue", version))
            status = plane.get("/status?wait=20s&mesh=blue").json
            assert status["applied"], status
            assert {caller.call().app for _ in range(20)} == {f"blue-api-{version}"}
        for i in range(20):  # one right after the other
            plane.put_document(only("blue", ("v1", "v2")[i % 2]))
            load.go_on(5)
        assert plane.get("/status?wait=20s&mesh=blue").json["applied"]
        load.go_on()
    load.check()
    assert heard == [proxy.updates() for proxy in green.proxies]
    plane.remove(only("blue", "v1"))
