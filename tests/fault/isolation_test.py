"""A proxy of one mesh and what belongs to others (reliability.md X9): who it may be, what it may ask for, and every byte that it is sent."""
import base64
import itertools
import re

import pytest

import ads
from ads import Client
from ads_test import PROTOCOLS, Plane, dataplane, mesh, timeout
from follower import Follower

UNAUTHENTICATED, DENIED, INVALID = 16, 7, 3
NETS = {"blue": 101, "green": 102}


@pytest.fixture(name="plane", scope="module")
def _plane():
    """Two meshes with the same names of everything but what tells them apart: addresses, tags, a service each."""
    plane = Plane("memory", GENERAL_BAD_TOKENS_PER_SECOND=0).start()
    try:
        for name, net in NETS.items():
            web, api = dataplane(name, "web", f"10.{net}.0.1", "web", "api"), dataplane(name, "api", f"10.{net}.0.2", "api")
            api["networking"]["inbound"][0]["tags"]["made-by"] = f"{name}-people"
            own = dataplane(name, f"of-{name}", f"10.{net}.0.3", f"only-{name}")
            sees_all = dataplane(name, "sees-all", f"10.{net}.0.4", "sees-all")
            sees_all["networking"]["transparentProxying"] = {"redirectPortInbound": 15006, "redirectPortOutbound": 15001}
            plane.apply(mesh(name), web, api, own, sees_all, timeout(name, net))
        yield plane
    finally:
        plane.stop()


def token(plane, mesh_name, **claims):
    answer = plane.post("/tokens/dataplane", {"mesh": mesh_name, "validFor": "1h", **claims})
    assert answer.status == 200, answer
    return answer.text


def secrets_of(plane, mesh_name):
    """Texts and bytes that only proxies of this mesh may see: its names, addresses, tags; its authority and its certificate, as text and as DER."""
    found = [mesh_name, f"10.{NETS[mesh_name]}."]
    for secret in plane.get(f"/meshes/{mesh_name}/secrets").json["items"]:
        pem = base64.b64decode(secret["data"])
        found += [line for line in pem.decode("ascii", "ignore").splitlines() if len(line) == 64 and not line.startswith("-")]
        found += [base64.b64decode(body)[20:] for body in re.findall(rb"-----BEGIN [A-Z ]+-----\n([A-Za-z0-9+/=\n]+)-----END", pem)]
    assert len(found) > 10, found
    return [text if isinstance(text, bytes) else text.encode() for text in found]


# ---- who it may be ----
STRANGERS = {
    "no token": (lambda plane: None, UNAUTHENTICATED),
    "another mesh's token": (lambda plane: token(plane, "green"), UNAUTHENTICATED),
    "another mesh's token of that name": (lambda plane: token(plane, "green", name="web"), UNAUTHENTICATED),
    "another proxy's token": (lambda plane: token(plane, "blue", name="api"), DENIED),
    "another service's token": (lambda plane: token(plane, "blue", tags={"kuma.io/service": ["api"]}), DENIED),
}


@PROTOCOLS
@pytest.mark.parametrize("who", STRANGERS)
def test_who_is_not_the_proxy_gets_nothing(plane, protocol, who):
    make, code = STRANGERS[who]
    for kind in ads.TYPES:
        with Client(plane, "blue", "web", protocol, token=make(plane)) as client:
            client.ask(kind, ["api"] if kind == "eds" else ())
            assert client.end()[0] == code, client.status
            assert not client.received


@PROTOCOLS
@pytest.mark.parametrize("mesh_name, name", [("green", "web"), ("blue", "api"), ("blue", "web.green"), ("green", "of-green"), ("", "web")])
def test_nobody_becomes_another_on_the_way(plane, protocol, mesh_name, name):
    """A stream stays the proxy's that it began as, whatever its token would allow."""
    with Client(plane, "blue", "web", protocol, token=token(plane, "blue")) as client:
        client.ask("cds")
        client.answer(client.next())
        client.silence()
        node = ads.pb.field(1, f"{mesh_name}.{name}")
        before = len(client.received)
        if protocol == "sotw":
            client.request("lds", node=node)
        else:
            client.delta("lds", node=node)
        assert client.end()[0] == INVALID, client.status
        assert len(client.received) == before


# ---- what it may ask for ----
NOT_ITS_OWN = {
    "sds": ["identity_cert:secret:green", "mesh_ca:secret:green", "green.ca-builtin-cert-ca-1", "green.ca-builtin-key-ca-1",
            "blue.ca-builtin-key-ca-1", "blue.ca-builtin-cert-ca-1", "dataplane-token-signing-key-blue-1", "user-token-signing-key-1"],
    "eds": ["only-green", "only-blue", "green", "api.green", "green/api", "*"],
    "rds": ["outbound:only-green", "outbound:only-blue", "inbound:api", "*"],
    "ecds": ["rbac:inbound:api", "rbac:inbound:only-green", "*"],
    "cds": ["only-green", "only-blue"],
    "lds": ["inbound:10.102.0.1:80", "inbound:10.101.0.2:80", "outbound:127.0.0.1:10001"],
}


@PROTOCOLS
@pytest.mark.parametrize("kind", NOT_ITS_OWN)
def test_names_that_are_not_its_own_bring_nothing(plane, protocol, kind):
    """Asked for by name, alone and beside what it may have; what comes back is its own."""
    with Follower(plane, "blue", "web", protocol, token=token(plane, "blue", name="web")).ready() as follower:
        follower.settle()
        own = follower.held[kind]
    for names in (NOT_ITS_OWN[kind], [*NOT_ITS_OWN[kind], *own]):
        with Client(plane, "blue", "web", protocol, token=token(plane, "blue", name="web")) as client:
            client.ask(kind, names)
            plane.wait()
            for response in client.silence():
                assert {n: v for n, v in response.resources.items() if own.get(n) != v} == {}


# ---- what it is sent ----
@PROTOCOLS
@pytest.mark.parametrize("name", ["web", "sees-all"])
def test_no_byte_of_another_mesh(plane, protocol, name):
    """All that two proxies of one name receive while everything about both meshes changes, byte for byte; transparent ones see every service."""
    with Follower(plane, "blue", name, protocol, token=token(plane, "blue")).ready() as blue, \
            Follower(plane, "green", name, protocol, token=token(plane, "green")).ready() as green:
        for turn, (m, net) in itertools.product(range(3), NETS.items()):
            plane.apply(timeout(m, net, http={"requestTimeout": f"{turn + 1}s"}),
                        dataplane(m, "more", f"10.{net}.1.{turn}", "api", *(["db"] if turn % 2 else [])),
                        dataplane(m, "web", f"10.{net}.0.1", "web", "api", *(["db"] if turn % 2 else [])))
            blue.settle()
            green.settle()
        plane.remove("/meshes/blue/dataplanes/more")
        plane.remove("/meshes/green/dataplanes/more")
        blue.settle()
        green.settle()
        for client, mine, theirs in ((blue, "blue", "green"), (green, "green", "blue")):
            received = bytes(client.received)
            assert len(client.log) > 10 and f"10.{NETS[mine]}.".encode() in received and mine.encode() in received
            own, others = secrets_of(plane, mine), secrets_of(plane, theirs)
            assert any(der in received for der in own[2:]), "the search would find a certificate"
            for text in others:
                assert text not in received, f"{mine}'s proxy was sent {text!r} of {theirs}"
