"""The discovery service and a client that follows a script, in each of its protocols (reliability.md X1, X2, X5)."""
import contextlib
import itertools
import os
import random
import time

import pytest
import yaml

import ads
import grpc_stream
import ursa
from access_test import types
from ads import Client
from follower import Follower

SEED = int(os.environ.get("URSA_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
SERVICES = ("api", "db", "cache")


def mesh(name):
    return {"type": "Mesh", "name": name, "mtls": {"enabledBackend": "ca-1", "backends": [{"name": "ca-1", "type": "builtin"}]}}


def dataplane(mesh_name, name, address, service, *outbounds):
    networking = {"address": address, "inbound": [{"port": 80, "tags": {"kuma.io/service": service, "kuma.io/protocol": "http"}}]}
    if outbounds:
        networking["outbound"] = [{"port": 10000 + SERVICES.index(s), "tags": {"kuma.io/service": s}} for s in outbounds]
    return {"type": "Dataplane", "mesh": mesh_name, "name": name, "networking": networking}


def timeout(mesh_name, seconds, **conf):
    match = [{"match": {"kuma.io/service": "*"}}]
    return {"type": "Timeout", "mesh": mesh_name, "name": "t", "sources": match, "destinations": match, "conf": {"connectTimeout": f"{seconds}s", **conf}}


class Plane(ursa.Daemon):
    def apply(self, *documents):
        """And waits until the streams have it."""
        answer = self.post("/apply", list(documents))
        assert answer.status == 200, answer
        self.wait()

    def remove(self, path):
        assert self.delete(path).status == 200
        self.wait()

    def wait(self):
        assert self.http("GET", "/debug/wait", port=self.diag_port).status == 200

    def stream(self, mesh_name, name):
        return self.http("GET", f"/debug/proxy/{mesh_name}/{name}", port=self.diag_port).json["streams"][-1]

    def counts(self, mesh_name, name, kind):
        """(sent, accepted, refused) of a proxy's newest stream."""
        of = self.stream(mesh_name, name)["types"][kind]
        return of["responsesSent"], of["responsesAcknowledged"], of["responsesRejected"]


@contextlib.contextmanager
def running():
    plane = Plane("memory", DP_SERVER_AUTHN_DP_PROXY_TYPE="none").start()
    try:
        yield plane
    finally:
        plane.stop()


@pytest.fixture(name="plane", scope="module")
def _plane():
    with running() as plane:
        yield plane


@pytest.fixture(name="world")
def _world(plane):
    """The meshes blue and green, each with two callers of api."""
    for name, net in (("blue", 1), ("green", 2)):
        plane.apply(mesh(name), dataplane(name, "web", f"10.0.{net}.1", "web", "api"), dataplane(name, "shop", f"10.0.{net}.2", "shop", "api"),
                    dataplane(name, "api", f"10.0.{net}.3", "api"))
    yield plane
    for name in ("blue", "green"):
        for kind in ("dataplanes", ""):
            items = plane.get(f"/meshes/{name}/{kind}").json["items"] if kind else [None]
            for item in items:
                plane.remove(f"/meshes/{name}/{kind}/{item['name']}" if item else f"/meshes/{name}")


PROTOCOLS = pytest.mark.parametrize("protocol", ads.PROTOCOLS)


# ---- X1: what an answer says, and what it does not ----
@PROTOCOLS
def test_answers_to_older_responses_are_no_answers(world, protocol):
    with Client(world, "blue", "web", protocol) as client:
        client.ask("cds")
        old = client.next()
        client.answer(old)
        assert client.silence() == []
        world.apply(timeout("blue", 3))
        new, = client.silence()
        sent, accepted, refused = world.counts("blue", "web", "cds")
        assert (sent, accepted, refused) == (2, 1, 0)
        for error in (None, "refused by a script"):
            client.answer(old, error=error)
            assert client.silence() == []
            assert world.counts("blue", "web", "cds") == (2, 1, 0)
        client.answer(new)
        assert client.silence() == []
        assert world.counts("blue", "web", "cds") == (2, 2, 0)
        assert "lastRejection" not in world.stream("blue", "web")


def test_versions_that_nobody_gave_are_not_believed(world):
    """An answer is known by its nonce; a version counts in the first request of a stream only."""
    for version in ("garbage", "0", "ffffffffffffffff", "x" * 4000):
        with Client(world, "blue", "web") as client:
            client.request("cds", version=version)
            response = client.next()
            assert "api" in response.resources
            client.request("cds", version=version, nonce=response.nonce)
            client.request("cds", version=version, nonce=response.nonce)
            assert client.silence() == []
    with Client(world, "blue", "web") as client:
        client.request("cds", version=response.version)
        assert client.silence() == []


@PROTOCOLS
def test_unknown_types_and_nonces_disturb_nothing(world, protocol):
    with Client(world, "blue", "web", protocol) as client:
        client.ask("type.googleapis.com/envoy.config.of.tomorrow.v4.Cluster")
        client.ask("")
        client.ask("cds")
        response = client.next()
        client.answer(response)
        for nonce in ("0", "99", "-1", "x", "9" * 4000):
            response.nonce = nonce
            client.answer(response)
            client.answer(response, error="refused by a script")
        client.ask("type.googleapis.com/envoy.config.of.tomorrow.v4.Cluster", ["a", "b"])
        assert client.silence() == []
        assert world.counts("blue", "web", "cds") == (1, 1, 0)
        client.ask("lds")
        assert client.next().type == "lds"


@PROTOCOLS
def test_a_refusal_is_remembered_and_not_argued_with(world, protocol):
    """Recorded with the client's words, never sent again, however often it is refused; the next content is."""
    with Follower(world, "blue", "web", protocol).ready() as client:
        client.settle()
        before = world.stream("blue", "web")["types"]["cds"]
        world.apply(timeout("blue", 4))
        refused = [r for r in client.silence() if r.type == "cds"][0]
        for _ in range(50):
            client.answer(refused, error="the script does not like it")
            assert not [r for r in client.silence() if r.type == "cds"]
        stream = world.stream("blue", "web")
        cds = stream["types"]["cds"]
        assert stream["lastRejection"] == "cds: the script does not like it"
        assert cds["responsesRejected"] == 1 and cds["responsesSent"] == before["responsesSent"] + 1
        assert cds["acknowledgedVersion"] == before["acknowledgedVersion"], "the last good one is known"
        world.apply(timeout("blue", 5))
        client.settle()
        cds = world.stream("blue", "web")["types"]["cds"]
        assert cds["sentVersion"] == cds["acknowledgedVersion"] and cds["responsesRejected"] == 1


@PROTOCOLS
def test_a_refusal_is_its_own_affair(world, protocol):
    """Neither the proxy's other types nor other proxies wait for it, of its mesh or of another."""
    with Follower(world, "blue", "web", protocol).ready() as web, Follower(world, "blue", "shop", protocol).ready() as shop, \
            Follower(world, "green", "web", protocol).ready() as other:
        for client in (web, shop, other):
            client.settle()
        web.refuses["lds"] = "no such listener here"
        listener = {**dataplane("blue", "web", "10.0.1.1", "web", "api")}
        listener["networking"]["inbound"].append({"port": 81, "tags": {"kuma.io/service": "web-2", "kuma.io/protocol": "tcp"}})
        world.apply(listener)
        assert "lds" in order(web.settle())
        assert world.counts("blue", "web", "lds")[2] == 1
        world.apply(dataplane("blue", "api-2", "10.0.1.4", "api"), dataplane("green", "api-2", "10.0.2.4", "api"))
        for client in (web, shop, other):
            client.settle()
            assert len(ads.pb.find(client.held["eds"]["api"], 2, 2)) == 2, "both endpoints"
        assert world.counts("blue", "web", "lds")[2] == 1


# ---- X2: make before break; each follower holds every response against it ----
def order(responses):
    return [kind for kind, _ in itertools.groupby(r.type for r in responses)]


@PROTOCOLS
def test_what_is_new_comes_before_what_sends_there(world, protocol):
    with Follower(world, "blue", "web", protocol).ready() as client:
        client.settle()
        world.apply(dataplane("blue", "db", "10.0.1.5", "db"), dataplane("blue", "web", "10.0.1.1", "web", "api", "db"))
        grown = order(client.settle())
        assert client.is_complete() and "db" in client.held["cds"]
        assert [k for k in grown if k in ("cds", "eds", "lds")] == ["cds", "eds", "lds"]
        assert "rds" not in grown or grown.index("rds") > grown.index("lds")
        world.apply(dataplane("blue", "web", "10.0.1.1", "web", "api"))
        shrunk = order(client.settle())
        assert client.is_complete() and "db" not in client.held["cds"]
        assert [k for k in shrunk if k in ("cds", "lds")] == ["lds", "cds"]


def chances():
    print("seed", SEED)
    return random.Random(SEED)


def something_else(chance):
    """Documents that change blue: which services web calls, who offers them where, and how their calls are split."""
    yield dataplane("blue", "web", "10.0.1.1", "web", *(s for s in SERVICES if chance.random() < 0.6))
    for n in range(len(SERVICES)):
        yield dataplane("blue", f"s{n}", f"10.0.1.{10 + chance.randrange(3)}", chance.choice(SERVICES))
    split = [{"weight": 1 + chance.randrange(3), "destination": {"kuma.io/service": s}} for s in chance.sample(SERVICES, 1 + chance.randrange(3))]
    yield {"type": "TrafficRoute", "mesh": "blue", "name": "split", "sources": [{"match": {"kuma.io/service": "*"}}],
           "destinations": [{"match": {"kuma.io/service": chance.choice(SERVICES)}}], "conf": {"split": split}}


@PROTOCOLS
def test_nothing_ever_sends_into_the_void(world, protocol):
    """Services, splits and outbounds come and go at random, and every response passes the follower's check."""
    chance = chances()
    with Follower(world, "blue", "web", protocol).ready() as client:
        for _ in range(60):
            world.apply(*something_else(chance))
            client.settle()
            assert client.is_complete()
        types = world.stream("blue", "web")["types"]
        assert all(t["sentVersion"] == t["acknowledgedVersion"] for t in types.values()), types


@PROTOCOLS
def test_who_comes_back_is_told_what_has_changed(world, protocol):
    """While a proxy is away anything may change; then it holds what one holds that never was there, and was told nothing that it had."""
    chance = chances()
    client = Follower(world, "blue", "web", protocol).ready()
    client.settle()
    for _ in range(30):
        client.close()
        had = client
        if chance.random() < 0.8:
            world.apply(*something_else(chance))
        client = Follower(world, "blue", "web", protocol, had=had)
        client.settle()
        with Follower(world, "blue", "web", protocol).ready() as fresh:
            agree(client, fresh)
        for response in client.log:
            kind = response.type
            known = {n for n, v in response.resources.items() if had.held[kind].get(n) == v}
            if kind == "eds":  # come with every change of their cluster
                known -= {n for n in known if had.held["cds"].get(n) != client.held["cds"].get(n)}
            if protocol == "sotw":  # which knows of versions of whole types only
                known = known if had.held[kind] == client.held[kind] else set()
            assert not known, f"{response} tells again {known}"
    client.close()


# ---- X5: the same world, the same bytes ----
PATHS = {name: plural for name, plural, _, _ in types()}


def agree(*clients):
    """They hold the same before long: what proxies say of themselves may change their configuration once more."""
    end = time.monotonic() + grpc_stream.LIMIT
    while any(client.settle() for client in clients) or any(client.held != clients[0].held for client in clients):
        assert time.monotonic() < end, [client.held for client in clients]


@pytest.mark.parametrize("case", sorted(p.name for p in (ursa.ROOT / "tests/golden").iterdir()))
def test_protocols_agree_about_a_world(case):
    """Through every step of the compiler's cases: what a proxy holds is the same whatever it speaks, and whether it was there before or comes now."""
    with contextlib.ExitStack() as undo:
        plane = undo.enter_context(running())
        there = {}
        for file in sorted((ursa.ROOT / "tests/golden" / case).glob("*.yaml")):
            documents = [d for d in yaml.safe_load_all(file.read_text()) if d["type"] not in ("DataplaneInsight", "Advance")]  # the plane does that
            for deletes, run in itertools.groupby(documents, lambda d: d["type"] == "Delete"):
                if not deletes:
                    plane.apply(*run)
                for document in run if deletes else ():
                    plane.remove(f"/meshes/{document['mesh']}/{PATHS[document['kind']]}/{document['name']}")
            for document in documents:
                if document["type"] == "Dataplane":
                    for protocol in ads.PROTOCOLS:
                        key = document["mesh"], document["name"], protocol
                        there[key] = there.get(key) or undo.enter_context(Follower(plane, *key)).ready()
            for (mesh_name, name, protocol), client in list(there.items()):
                if plane.get(f"/meshes/{mesh_name}/dataplanes/{name}").status == 404:
                    assert client.end()[0] == 5, client.status
                    del there[mesh_name, name, protocol]
                    continue
                with Follower(plane, mesh_name, name, protocol).ready() as fresh:
                    agree(client, fresh)
                agree(client, there[mesh_name, name, "sotw"])
        assert there
