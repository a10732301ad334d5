"""GET /status: a change is said to have taken effect when Envoy has it, and who has not got it is named."""
import contextlib
import json
import os
import signal
import socket
import threading
import time

import pytest

import pace
from load import call, until
from world import World, mesh_document, outbound, policy


@pytest.fixture
def world():
    with World() as started:
        started.plane.apply(mesh_document("blue", "STRICT"), mesh_document("green"))
        yield started


def timeout(mesh, connect):
    """A policy that the clusters of every proxy speak of."""
    return policy("Timeout", mesh, "t", {"connectTimeout": connect})


def revision_of(answer):
    return int(answer.headers["Ursa-Revision"])


def counts(status):
    return tuple(status["proxies"][key] for key in ("total", "applied", "pending", "refused"))


def connect_timeouts(proxy):
    dump = json.loads(proxy.config_dump())
    clusters = [c["cluster"] for part in dump["configs"] for c in part.get("dynamic_active_clusters", [])]
    return {c.get("connect_timeout") for c in clusters if c["name"] in ("api", "db")}


@contextlib.contextmanager
def frozen(*proxies):
    """Their Envoys stand still: they read nothing and answer nothing."""
    pids = [proxy.envoy_pid() for proxy in proxies]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def asked(plane, path):
    """A request under way: the thread and where its answer will be."""
    answers = []
    thread = threading.Thread(target=lambda: answers.append(plane.get(path, timeout=60)))
    thread.start()
    return thread, answers


def test_applied_means_that_envoy_has_it(world, record):
    plane = world.plane
    blue, green = world.pairs("blue", "green")
    status = plane.fetch("/status?wait=20s")
    assert status["applied"] and counts(status) == (4, 4, 0, 0) and status["laggards"] == []
    took = []
    for i in range(10):
        connect = f"{i + 2}s"
        started = time.monotonic()
        revision = revision_of(plane.put_document(timeout("blue", connect), wait=False))
        status = plane.fetch(f"/status?revision={revision}&wait=20s")
        took.append(time.monotonic() - started)
        assert status["applied"] and status["revision"] == revision and counts(status) == (4, 4, 0, 0)
        assert connect_timeouts(blue.web) == {connect}, "said to be applied before Envoy had it"
    record(f"PUT and its status with 4 Envoys: median {sorted(took)[5] * 1000:.1f} ms")
    assert counts(plane.fetch("/status?mesh=blue")) == (2, 2, 0, 0)
    assert counts(plane.fetch("/status?mesh=green&revision=1")) == (2, 2, 0, 0)


def test_who_does_not_answer_is_named(world):
    plane = world.plane
    blue, green = world.pairs("blue", "green")
    assert plane.fetch("/status?wait=20s")["applied"]
    with frozen(blue.web):
        revision = revision_of(plane.put_document(timeout("blue", "7s"), wait=False))
        status = plane.fetch(f"/status?revision={revision}&wait=500ms")
        assert not status["applied"] and counts(status) == (4, 3, 1, 0)
        laggard, = status["laggards"]
        assert (laggard["mesh"], laggard["name"], laggard["state"]) == ("blue", "web", "pending")
        assert laggard["reason"] == "clusters were sent and are not acknowledged yet"
        assert plane.fetch("/status?mesh=green")["applied"], "the other mesh has nothing to do with it"
        thread, answers = asked(plane, f"/status?revision={revision}&wait=60s")
        until("it to wait", lambda: plane.metrics()["xds_questions"] >= 4)
    thread.join()
    assert answers[0].json["applied"] and counts(answers[0].json) == (4, 4, 0, 0)
    # A proxy that leaves is not waited for.
    with frozen(blue.web):
        revision = revision_of(plane.put_document(timeout("blue", "8s"), wait=False))
        thread, answers = asked(plane, f"/status?revision={revision}&wait=60s")
        os.kill(blue.web.envoy_pid(), signal.SIGKILL)
        thread.join()
        blue.web.wait()
        assert counts(answers[0].json) == (3, 3, 0, 0)
        blue.web.start()
    blue.web.ready()


def test_a_refusal_is_told_with_envoys_words(world):
    plane = world.plane
    [blue] = world.pairs("blue")
    for stored in (blue.backend_document, blue.web_document):
        plane.put_document(stored, wait=False)
    document = blue.web_document
    listeners = document["networking"]["outbound"]
    with contextlib.closing(socket.socket()) as occupied:  # Envoy cannot listen there
        occupied.bind(("127.0.0.1", 0))
        occupied.listen()
        port = occupied.getsockname()[1]
        document["networking"]["outbound"] = [*listeners, outbound(port, "api")]
        revision = revision_of(plane.put_document(document, wait=False))
        status = plane.fetch(f"/status?revision={revision}&wait=20s")
        assert not status["applied"] and counts(status) == (2, 1, 0, 1)
        laggard, = status["laggards"]
        assert (laggard["mesh"], laggard["name"], laggard["state"]) == ("blue", "web", "refused")
        assert laggard["reason"].startswith("listeners were refused: ") and str(port) in laggard["reason"]
        # Something else reaches it all the same, and a listener that it accepts mends it.
        plane.put_document(timeout("blue", "7s"), wait=False)
        assert counts(plane.fetch("/status?wait=20s")) == (2, 1, 0, 1)
    document["networking"]["outbound"] = listeners
    revision = revision_of(plane.put_document(document, wait=False))
    assert plane.fetch(f"/status?revision={revision}&wait=20s")["applied"]
    assert call(blue.port["to_api"]).status == 200


def test_waiters_are_bounded_and_leave_with_their_clients():
    with World(API_SERVER_MAX_WAITERS="20") as world:
        plane = world.plane
        plane.expected_trouble = "apiServer.maxWaiters"
        plane.apply(mesh_document("blue", "STRICT"))
        blue, = world.pairs("blue")
        assert plane.fetch("/status?wait=20s")["applied"]
        with frozen(blue.web):
            plane.put_document(timeout("blue", "7s"), wait=False)
            waiting = [socket.create_connection(("127.0.0.1", plane.api_port)) for _ in range(20)]
            for client in waiting:
                client.sendall(b"GET /status?wait=5m HTTP/1.1\r\nHost: localhost\r\n\r\n")
            until("all to wait", lambda: plane.get("/status").status == 503)
            assert "apiServer.maxWaiters" in plane.get("/status").json["detail"]
            for client in waiting:
                client.close()
            until("all to be gone", lambda: plane.metrics()["api_waiters_gone"] == 20)
            status = until("somebody else's turn", lambda: (a := plane.get("/status")).status == 200 and a).json
            assert counts(status) == (2, 1, 1, 0)
            plane.put_document(timeout("blue", "8s"))


def test_a_stop_answers_who_waits():
    with World() as world:
        plane = world.plane
        plane.apply(mesh_document("blue", "STRICT"))
        blue, = world.pairs("blue")
        assert plane.fetch("/status?wait=20s")["applied"]
        with frozen(blue.web):
            plane.put_document(timeout("blue", "7s"), wait=False)
            before = plane.metrics()["xds_questions"]
            thread, answers = asked(plane, "/status?wait=5m")
            until("it to wait", lambda: plane.metrics()["xds_questions"] > before)
            time.sleep(0.5)  # and for every loop to have its part of it
            world.stop_plane()
            thread.join()
            assert counts(answers[0].json) == (2, 1, 1, 0) and not answers[0].json["applied"]
            assert pace.clock_within(world.stop_seconds, 10)
