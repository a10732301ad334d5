"""Health that Envoys find out: workloads that stop answering leave everybody's endpoints, come back, and make no history."""
import contextlib
import time

import pytest

import ursa
from app import HttpApp
from load import Load, call, until
from world import World, dataplane, inbound, mesh_document, outbound

SOON = 3  # seconds: a look each second, told each second, and a machine that has other things to do


@pytest.fixture(scope="module")
def world():
    with World() as started:
        started.plane.apply(mesh_document("blue", "STRICT"), mesh_document("green"))
        yield started


class Probed:
    """A mesh with web, which calls api: two proxies of one workload each, whose health is probed."""

    def __init__(self, world, mesh):
        self.mesh, self.port = mesh, {}
        names = [f"{name}_{what}" for name in ("api1", "api2", "web") for what in ("admin", "inbound", "app")] + ["to_api", "probes"]
        self.port = port = dict(zip(names, ursa.free_ports(len(names))))
        self.apps, self.proxies = {}, {}
        for name in ("api1", "api2"):
            self.apps[name] = world.http_app(f"{mesh}-{name}", port[f"{name}_app"])
            document = dataplane(mesh, name, port[f"{name}_admin"], [
                {**inbound(port[f"{name}_inbound"], port[f"{name}_app"], "api", "http"), "serviceProbe": {"tcp": {}}}])
            if name == "api1":
                document["probes"] = {"port": port["probes"], "endpoints": [
                    {"inboundPort": port["api1_app"], "inboundPath": "/deep/health", "path": "/health"}]}
            self.proxies[name] = world.proxy(document)
        self.web = world.proxy(dataplane(mesh, "web", port["web_admin"], [inbound(port["web_inbound"], port["web_app"], "web", "http")],
                                         [outbound(port["to_api"], "api")]))

    def endpoints(self):
        return self.web.stat("cluster.api.membership_total")


@pytest.fixture(scope="module")
def meshes(world):
    started = [Probed(world, mesh) for mesh in ("blue", "green")]
    for probed in started:
        for proxy in [*probed.proxies.values(), probed.web]:
            proxy.ready()
        until("both endpoints", lambda probed=probed: probed.endpoints() == 2)
    return started


def ready(plane, mesh, name):
    inbounds = plane.fetch(f"/meshes/{mesh}/dataplanes/{name}")["networking"]["inbound"]
    return [i["health"].get("ready", False) if "health" in i else None for i in inbounds]


def test_a_probe_is_routed_to_the_workload(meshes):
    """Plain, though the mesh's inbounds want certificates."""
    reply = call(meshes[0].port["probes"], "/health")
    assert (reply.app, reply.json["path"]) == ("blue-api1", "/deep/health")
    assert call(meshes[0].port["probes"], "/other").status == 404


def test_a_workload_that_stops_answering(world, meshes, record):
    blue, green = meshes
    plane = world.plane
    assert ready(plane, "blue", "api1") == ready(plane, "blue", "api2") == [True]
    revision = plane.fetch("/history?size=1")["total"]
    others = [proxy.updates() for proxy in [*green.proxies.values(), green.web]]
    with Load(blue.port["to_api"], good=(200, 503)) as load:
        for _ in range(2):
            blue.apps["api1"].close()
            gone = time.monotonic()
            until("it to leave the endpoints", lambda: blue.endpoints() == 1, SOON)
            took = time.monotonic() - gone
            assert ready(plane, "blue", "api1") == [False]
            assert {call(blue.port["to_api"]).app for _ in range(20)} == {"blue-api2"}
            blue.apps["api1"] = HttpApp(world.loop, "blue-api1", blue.port["api1_app"])
            back = time.monotonic()
            until("it to come back", lambda: blue.endpoints() == 2, SOON)
            record(f"left after {took:.2f} s, came back after {time.monotonic() - back:.2f} s")
        load.go_on()
    assert ready(plane, "blue", "api1") == [True]
    assert plane.fetch("/history?size=1")["total"] == revision, "health is no history"
    assert [proxy.updates() for proxy in [*green.proxies.values(), green.web]] == others, "the other mesh hears nothing"


def test_health_outlives_a_restart(world, meshes):
    """What was told is stored: the endpoints are there before their Envoys have told again."""
    blue, plane = meshes[0], world.plane
    blue.apps["api2"].close()
    until("it to leave the endpoints", lambda: blue.endpoints() == 1, SOON)
    plane.kill()
    plane.start()
    assert ready(plane, "blue", "api1") == [True]
    assert ready(plane, "blue", "api2") == [False]
    with contextlib.closing(HttpApp(world.loop, "blue-api2", blue.port["api2_app"])):
        until("it to come back", lambda: blue.endpoints() == 2)
        until("the load to be shared", lambda: {call(blue.port["to_api"]).app for _ in range(20)} == {"blue-api1", "blue-api2"})
