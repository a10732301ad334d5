"""What a proxy of one mesh can learn at all the doors together (reliability.md X9): its bootstrap, its streams, its polls, its health checks."""
import base64
import contextlib
import itertools
import json

import pytest

import hds
from ads_test import dataplane, timeout
from follower import Follower
from isolation_test import DENIED, INVALID, NETS, STRANGERS, UNAUTHENTICATED, _plane, secrets_of, token  # noqa: F401: the fixture 'plane'

STATUS = {UNAUTHENTICATED: 401, DENIED: 403}  # of HTTP


# ---- who may come ----
def bootstrap(plane, mesh, name, jwt):
    return plane.post("/bootstrap", {"mesh": mesh, "name": name, "dataplaneToken": jwt or "", "caCert": ""}, headers={"Host": "localhost"},
                      port=plane.dp_port, tls=True)


def poll(plane, mesh, name, jwt, kind, names=(), version=""):
    headers = {"Host": "rest_cluster", "Content-Type": "application/json", **({"Authorization": jwt} if jwt else {})}
    body = {"node": {"id": f"{mesh}.{name}"}, "resource_names": list(names), "version_info": version}
    return plane.post(f"/v3/discovery:{kind}", json.dumps(body), headers=headers, port=plane.dp_port, tls=True)


def is_silent_on(text, mesh):
    """Says no more than who asked said itself."""
    return f"10.{NETS[mesh]}." not in text and f"{mesh}-people" not in text and "CERTIFICATE" not in text and "resources" not in text


@pytest.mark.parametrize("who", STRANGERS)
def test_no_door_lets_a_stranger_in(plane, who):
    """As web of blue; that it is another's, another mesh's or nobody's is told, and nothing else."""
    make, code = STRANGERS[who]
    jwt = make(plane)
    with hds.Client(plane, "blue", "web", token=jwt) as client:
        client.ask()
        assert client.end()[0] == code and not client.received, client.status
    for kind in ("clusters", "listeners", "endpoints", "routes", "secrets", "extension_configs"):
        answer = poll(plane, "blue", "web", jwt, kind, ["api", "identity_cert:secret:blue"] if kind in ("endpoints", "secrets") else ())
        assert answer.status == STATUS[code] and is_silent_on(answer.text, "blue"), answer
    answer = bootstrap(plane, "blue", "web", jwt)
    assert answer.status == 422 and is_silent_on(answer.text, "blue"), answer


@pytest.mark.parametrize("node", ["green.web", "blue.api", "green.of-green", ".web", "blue.", "nonsense"])
def test_a_health_stream_stays_its_proxys(plane, node):
    with hds.Client(plane, "blue", "web", token=token(plane, "blue")) as client:
        client.ask()
        client.next()
        before = len(client.received)
        client.ask(node)
        assert client.end()[0] == INVALID and len(client.received) == before, client.status


def test_nobody_tells_of_anothers_health(plane):
    """A report counts for the proxy whose stream it is, whatever clusters it names; without a request it is nobody's."""
    before = [plane.get(f"/meshes/{m}/dataplanes/{name}").json["networking"] for m in NETS for name in ("web", "api")]
    with hds.Client(plane, "blue", "sees-all", token=token(plane, "blue", name="sees-all")) as client:
        client.ask()
        client.next()
        client.report({name: hds.UNHEALTHY for name in ("localhost:80", "api", "only-green", "blue.web", "green.web")})
        client.silence()
    with hds.Client(plane, "green", "web", token=token(plane, "blue")) as client:
        client.report({"localhost:80": hds.UNHEALTHY})
        assert client.end()[0] in (INVALID, UNAUTHENTICATED), client.status
    plane.wait()
    assert [plane.get(f"/meshes/{m}/dataplanes/{name}").json["networking"] for m in NETS for name in ("web", "api")] == before


# ---- every byte ----
def objects(value):
    """Every object in a tree of JSON."""
    if isinstance(value, dict):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(item)


# What an Envoy asks for next, by a member of an object that says so.
REFERENCES = {"endpoints": ("edsClusterConfig", "name"), "routes": ("routeConfigName", "routeConfigName"), "extension_configs": ("configDiscovery", "name"),
              "secrets": ("sdsConfig", "name")}


def polled(plane, mesh, name, jwt):
    """All that a proxy that polls is told, certificates as they are."""
    said, kinds, trees = b"", ["clusters", "listeners", *REFERENCES], []
    for kind in kinds:
        member, key = REFERENCES.get(kind, ("", ""))
        names = sorted({o[key] for o in objects(trees) if member in o}) if member else [None]
        assert names, f"nothing refers to {kind}"
        for asked in names:
            answer = poll(plane, mesh, name, jwt, kind, [asked] if asked else ())
            assert answer.status == 200, (kind, asked, answer)
            trees.append(answer.json)
            said += answer.text.encode()
    return said + b"".join(base64.b64decode(o["inlineBytes"]) for o in objects(trees) if "inlineBytes" in o)


def probed(mesh, name, address, *services):
    document = dataplane(mesh, name, address, *services)
    document["networking"]["inbound"][0]["serviceProbe"] = {"tcp": {}}
    return document


@pytest.mark.parametrize("name", ["web", "sees-all"])
def test_nothing_of_another_mesh_at_any_door(plane, name):
    """All that a proxy is sent through all of them while everything about both meshes changes, searched for what names the other mesh."""
    tokens = {m: token(plane, m, name=name) for m in NETS}
    said = {m: {} for m in NETS}
    with contextlib.ExitStack() as undo:
        followers = {(m, protocol): undo.enter_context(Follower(plane, m, name, protocol, token=tokens[m])).ready()
                     for m in NETS for protocol in ("delta", "sotw")}
        checkers = {m: undo.enter_context(hds.Client(plane, m, name, token=tokens[m])) for m in NETS}
        for client in checkers.values():
            client.ask()
        for turn, (m, net) in itertools.product(range(2), NETS.items()):
            plane.apply(timeout(m, net, http={"requestTimeout": f"{turn + 1}s"}), dataplane(m, "more", f"10.{net}.1.{turn}", "api"),
                        probed(m, "web", f"10.{net}.0.1", "web", "api", *(["db"] if turn else [])))
            for mesh in NETS:
                said[mesh]["poll"] = said[mesh].get("poll", b"") + polled(plane, mesh, name, tokens[mesh])
                said[mesh]["bootstrap"] = bootstrap(plane, mesh, name, tokens[mesh]).text.encode()
            for client in followers.values():
                client.settle()
        for (m, protocol), client in followers.items():
            said[m][protocol] = bytes(client.received)
        for m, client in checkers.items():
            client.next()
            client.silence()
            said[m]["health"] = bytes(client.received)
        assert name != "web" or all(b"localhost:80" in said[m]["health"] and m.encode() in said[m]["bootstrap"] for m in NETS)
    for mine, theirs in (("blue", "green"), ("green", "blue")):
        own, others = secrets_of(plane, mine), secrets_of(plane, theirs)
        for door, text in said[mine].items():
            if door not in ("bootstrap", "health"):
                assert f"10.{NETS[mine]}.".encode() in text and any(der in text for der in own[2:]), f"{door}: the search would find these"
            for secret in others:
                assert secret not in text, f"at the door {door} {mine}'s proxy was told {secret!r} of {theirs}"
