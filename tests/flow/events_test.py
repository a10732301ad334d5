"""GET /events with real proxies: they come and go, refuse, and are given certificates; and how soon all of it is told."""
import contextlib
import socket
import time

import pytest

import pace
from load import until
from sse import Stream
from world import World, mesh_document, outbound, policy


@pytest.fixture
def world():
    with World() as started:
        started.plane.apply(mesh_document("blue", "STRICT"), mesh_document("green"))
        yield started


def listen(world, query=""):
    return Stream(world.plane.api_port, query).greeted()


def take(stream, kind, name, **state):
    """The next event of that kind about that proxy."""
    for event in stream:
        if event.kind == kind and event.data["name"] == name and state.items() <= event.data.items():
            return event.data
    raise AssertionError(f"the stream ended before {kind} {name} {state}")


def test_proxies_come_and_go(world):
    with listen(world) as everything, listen(world, "?mesh=blue&event=proxy") as blue_only:
        blue, green = world.pairs("blue", "green")
        came = [blue_only.next().data for _ in range(2)]
        assert {(data["name"], data["state"]) for data in came} == {("backend", "online"), ("web", "online")}
        blue.web.stop()
        green.web.stop()
        assert take(blue_only, "proxy", "web", state="offline")["mesh"] == "blue"
        seen = []
        while {("blue", "offline"), ("green", "offline")} - {(mesh, state) for mesh, _, state in seen}:
            event = next(e for e in everything if e.kind == "proxy")
            seen.append((event.data["mesh"], event.data["name"], event.data["state"]))
        assert sorted(seen) == sorted([(m, n, "online") for m in ("blue", "green") for n in ("backend", "web")]
                                      + [("blue", "web", "offline"), ("green", "web", "offline")])
        blue.web.start().ready()
        assert take(blue_only, "proxy", "web", state="online")["mesh"] == "blue"


def test_a_refusal_is_told_with_envoys_words(world):
    blue, = world.pairs("blue")
    with listen(world, "?mesh=blue&event=nack") as stream, contextlib.closing(socket.socket()) as occupied:
        occupied.bind(("127.0.0.1", 0))
        occupied.listen()
        port = occupied.getsockname()[1]
        blue.web_document["networking"]["outbound"].append(outbound(port, "api"))
        world.plane.put_document(blue.web_document, wait=False)
        data = take(stream, "nack", "web")
        assert (data["state"], data["xds"], data["type"], data["mesh"]) == ("refused", "lds", "Dataplane", "blue")
        assert str(port) in data["reason"]


def test_certificates_are_told(world):
    with listen(world, "?event=certificate") as stream:
        world.plane.put_document(mesh_document("blue", "STRICT", dpCert={"rotation": {"expiration": "10s"}}))
        world.pairs("blue")
        issued = take(stream, "certificate", "web", state="issued")
        renewed = take(stream, "certificate", "web", state="renewed")
        assert issued["backend"] == renewed["backend"] == "ca-1" and issued["expires"] < renewed["expires"]


def test_how_soon_changes_are_told(world, record):
    blue, = world.pairs("blue")
    until("all to be quiet", lambda: world.plane.fetch("/status?wait=20s")["applied"])
    took = []
    with listen(world, "?type=Timeout") as stream:
        for i in range(50):
            started = time.monotonic()
            world.plane.put_document(policy("Timeout", "blue", "t", {"connectTimeout": f"{i + 1}s"}), wait=False)
            take(stream, "resource", "t")
            took.append(time.monotonic() - started)
    took.sort()
    record(f"from before the PUT to its event: median {took[25] * 1000:.2f} ms, worst {took[-1] * 1000:.2f} ms")
    assert pace.clock_within(took[25], 1)
