"""A mesh on its way to another way of speaking TLS waits for each of its proxies (decision 21): for those that lag, that refuse, and that are away."""
import contextlib
import threading
import time

import pytest

from ads_test import Plane, dataplane
from follower import Follower
from grpc_stream import LIMIT
from sse import Stream


@pytest.fixture(name="plane")
def _plane():
    plane = Plane("memory", DP_SERVER_AUTHN_DP_PROXY_TYPE="none").start()
    try:
        for name, net in (("blue", 1), ("green", 2)):
            plane.apply(mesh(name), dataplane(name, "web", f"10.0.{net}.1", "web", "api"), dataplane(name, "api", f"10.0.{net}.3", "api"))
        yield plane
    finally:
        plane.stop()


def mesh(name, backend=None):
    document = {"type": "Mesh", "name": name}
    if backend:
        document["mtls"] = {"enabledBackend": backend, "backends": [{"name": backend, "type": "builtin"}]}
    return document


def listen(plane, name):
    return Stream(plane.api_port, f"?mesh={name}&event=ca").greeted()


def expect(events, state):
    """The next event, which has to be of that kind."""
    event = next(iter(events))
    assert event.data["state"] == state, event
    return event.data


def steps(plane):
    lines = plane.http("GET", "/metrics", port=plane.diag_port).text.splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("rollout_steps ")), 0)


def web_and_api(open_, plane, *protocol):
    """Those of blue, which have all that there is; closed with 'open_'."""
    web, api = (open_.enter_context(Follower(plane, "blue", name, *protocol)).ready() for name in ("web", "api"))
    web.settle(), api.settle()
    return web, api


@contextlib.contextmanager
def following(*followers):
    """All of them take over what comes, until the block ends."""
    over = threading.Event()
    threads = [threading.Thread(target=follower.follow, args=("the end", over.is_set)) for follower in followers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def expect_following(events, states, *followers):
    with following(*followers):
        for state in states:
            expect(events, state)


def go_beside(plane):
    """Another mesh, whose proxy follows, goes all the way: what this one does not do meanwhile, it does not do."""
    with Follower(plane, "green", "web") as other, listen(plane, "green") as events:
        other.ready().settle()
        plane.apply(mesh("green", "ca-1"))
        expect_following(events, ("begun", "step", "arrived"), other)


@pytest.mark.parametrize("protocol", ["sotw", "delta"])
def test_who_lags_is_waited_for(plane, protocol):
    with contextlib.ExitStack() as open_:
        web, api = web_and_api(open_, plane, protocol)
        events = open_.enter_context(listen(plane, "blue"))
        plane.apply(mesh("blue", "ca-1"))
        expect(events, "begun")
        api.settle()
        go_beside(plane)
        assert steps(plane) == 1 + 3, "one of blue, three of green"
        assert not [r for r in web.settle() if r.type == "cds"], "clients dial TLS before all have certificates"
        expect_following(events, ("step", "arrived"), web, api)


def test_who_is_away_is_waited_for(plane):
    with contextlib.ExitStack() as open_:
        web, api = web_and_api(open_, plane)
        api.close()
        events = open_.enter_context(listen(plane, "blue"))
        plane.apply(mesh("blue", "ca-1"))
        expect(events, "begun")
        with following(web):  # the end of api's stream may be noticed only after the question
            assert expect(events, "waiting")["first"] == "api"
        go_beside(plane)
        web.settle()
        back = open_.enter_context(Follower(plane, "blue", "api", had=api))
        back.ready()
        expect_following(events, ("step", "arrived"), web, back)


def test_who_comes_and_goes_without_end_is_waited_for(plane):
    """What such a proxy tells is written seconds later: until then the store says that it is online."""
    with listen(plane, "blue") as events:
        plane.apply(mesh("blue", "ca-1"))
        assert "arrived" in (event.data["state"] for event in events)
    with contextlib.ExitStack() as open_:
        web, api = web_and_api(open_, plane)
        for _ in range(2):
            api.close()
            api = open_.enter_context(Follower(plane, "blue", "api", had=api)).ready()
            api.settle()
        api.close()
        web.settle()
        events = open_.enter_context(listen(plane, "blue"))
        plane.apply(mesh("blue", "ca-2"))
        expect(events, "begun")
        with following(web):
            assert expect(events, "waiting")["first"] == "api"


@contextlib.contextmanager
def refusal(plane):
    """blue has begun its way to mTLS, whose listeners its api refuses: its followers, its events."""
    with contextlib.ExitStack() as open_:
        web, api = web_and_api(open_, plane)
        api.refuses["lds"] = "not like this"
        events = open_.enter_context(listen(plane, "blue"))
        plane.apply(mesh("blue", "ca-1"))
        expect(events, "begun")
        yield web, api, events


def test_who_refuses_holds_its_mesh_and_is_named(plane):
    with refusal(plane) as (web, api, events):
        with following(web, api):
            waiting = expect(events, "waiting")
        assert (waiting["laggards"], waiting["first"]) == ("1", "api") and "not like this" in waiting["reason"], waiting
        del api.refuses["lds"]
        plane.apply(dataplane("blue", "api", "10.0.1.3", "api", "db"))
        expect_following(events, ("step", "arrived"), web, api)


def test_who_refuses_does_not_hold_a_mesh_that_goes_back(plane):
    with refusal(plane) as (web, api, events):
        expect_following(events, ("waiting",), web, api)
        plane.apply(mesh("blue"))
        expect(events, "arrived")
        del api.refuses["lds"]
        plane.apply(mesh("blue", "ca-1"))
        expect_following(events, ("begun", "step", "arrived"), web, api)


def test_who_is_not_back_after_restarts_is_waited_for():
    plane = Plane("sqlite", DP_SERVER_AUTHN_DP_PROXY_TYPE="none").start()

    def way():
        return plane.get("/meshes/blue/ca").json

    try:
        plane.apply(mesh("blue"), dataplane("blue", "web", "10.0.1.1", "web", "api"), dataplane("blue", "api", "10.0.1.3", "api"))
        with contextlib.ExitStack() as open_:
            web, api = web_and_api(open_, plane)
            plane.apply(mesh("blue", "ca-1"))
            before = way()["present"]
            assert (before["serve"], before["dial"]) == ("both", "plain")
            for _ in range(2):
                plane.process.kill()
                plane.process.wait()
                plane.start()
                web = open_.enter_context(Follower(plane, "blue", "web", had=web)).ready()
                web.settle()
                assert way()["present"] == before, "api may still be where it was"
            api = open_.enter_context(Follower(plane, "blue", "api", had=api)).ready()
            with following(web, api):
                end = time.monotonic() + LIMIT
                while not way()["settled"]:
                    assert time.monotonic() < end, way()
                    time.sleep(0.1)  # POLL: until a deadline
            assert way()["present"]["serve"] == "tls"
    finally:
        plane.stop()
