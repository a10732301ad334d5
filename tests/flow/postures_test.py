"""A mesh changes its CA, and turns mutual TLS on and off, without a request lost: whatever single PUT the operator sends (decision 21)."""
import base64
import contextlib

import pytest
from cryptography import x509

from load import LIMIT, Load, until
from sse import Stream
from world import World, mesh_document

ARRIVAL = 20  # seconds until a mesh has to have arrived at the new posture


@pytest.fixture(params=["delta", "sotw"])
def world(request):
    with World(BOOTSTRAP_SERVER_PARAMS_XDS_TRANSPORT=request.param) as started:
        started.plane.apply(mesh_document("blue"), mesh_document("green", "STRICT"))
        yield started


def blue(enabled=None, mode="STRICT", backends=("ca-1",)):
    document = {"type": "Mesh", "name": "blue"}
    if enabled:
        document["mtls"] = {"enabledBackend": enabled, "backends": [{"name": name, "type": "builtin", "mode": mode} for name in backends]}
    return document


@contextlib.contextmanager
def arriving(plane):
    """Ends when the mesh has arrived where the block sends it; the events of the way."""
    steps = []
    with Stream(plane.api_port, "?mesh=blue&event=ca", timeout=ARRIVAL).greeted() as events:
        yield steps
        for event in events:
            steps.append(event.data)
            if event.data["state"] == "arrived":
                return
    raise AssertionError(f"the mesh did not arrive: {steps}")


def go(plane, *documents):
    """One PUT after the other, each when the mesh has arrived at the one before."""
    for document in documents:
        with arriving(plane) as steps:
            plane.put_document(document, wait=False)
    return steps


def root(plane, backend):
    """The serial number of a builtin CA's root certificate as Envoy prints it."""
    data = plane.fetch(f"/meshes/blue/secrets/blue.ca-builtin-cert-{backend}")["data"]
    return f"{x509.load_pem_x509_certificate(base64.b64decode(data)).serial_number:x}"


def knows(proxy, plane, backend):
    """Whether its Envoy has the root of that backend in what it was told, or in use."""
    data = plane.fetch(f"/meshes/blue/secrets/blue.ca-builtin-cert-{backend}")["data"]
    dump = proxy.config_dump()
    return data in dump or base64.b64encode(base64.b64decode(data)).decode() in dump or any(
        certificate["ca"] and certificate["serial"] == root(plane, backend) for certificate in proxy.certificates())


def test_mtls_goes_on_and_off_by_single_puts(world):
    plane, (pair, other) = world.plane, world.pairs("blue", "green")
    with Load(pair.port["to_api"]) as load, Load(other.port["to_api"]) as beside:
        for mode in ("STRICT", "PERMISSIVE", "STRICT"):
            go(plane, blue("ca-1", mode))
            until("TLS", lambda: pair.web.stats(r"^cluster\.api\.ssl\.handshake$").get("cluster.api.ssl.handshake"))
            load.go_on()
        go(plane, blue(), blue("ca-1", "PERMISSIVE"), blue())
        load.go_on()
    load_check(load), beside.check()


def load_check(load):
    """No request failed; that a listener closes a connection, gracefully, is how inbounds change."""
    assert not load.failures, f"{len(load.failures)} of {load.requests} requests failed, the first: {load.failures[0]}"


def test_a_change_of_mind_on_the_way_loses_nothing(world):
    plane, (pair,) = world.plane, world.pairs("blue")
    with Load(pair.port["to_api"]) as load:
        for mode in ("STRICT", None, "STRICT", "PERMISSIVE", None):
            plane.put_document(blue(mode and "ca-1", mode))
            load.go_on(20)
        go(plane, blue("ca-1"))
        load.go_on()
    load_check(load)


def test_a_mesh_changes_its_ca(world):
    plane, (pair,) = world.plane, world.pairs("blue")
    go(plane, blue("ca-1"))
    with Load(pair.port["to_api"]) as load:
        plane.put_document(blue("ca-1", backends=("ca-1", "ca-2")))
        until("both to be trusted", lambda: all(knows(p, plane, "ca-1") and knows(p, plane, "ca-2") for p in pair.proxies))
        go(plane, blue("ca-2", backends=("ca-1", "ca-2")), blue("ca-2", backends=("ca-2",)))
        assert_only(pair, plane, "ca-2", "ca-1")
        load.go_on()
        steps = go(plane, blue("ca-3", backends=("ca-3",)))
        assert [step["state"] for step in steps] == ["begun", "step", "arrived"], steps
        assert_only(pair, plane, "ca-3", "ca-2")
        load.go_on()
    load.check()


def assert_only(pair, plane, new, old):
    for proxy in pair.proxies:
        until(f"{proxy} to have {new} only", lambda p=proxy: knows(p, plane, new) and not knows(p, plane, old), LIMIT)


def test_a_new_control_plane_goes_on_where_the_last_one_ended(world):
    plane, (pair,) = world.plane, world.pairs("blue")
    go(plane, blue("ca-1"))
    with Load(pair.port["to_api"]) as load:
        plane.put_document(blue("ca-2", backends=("ca-2",)))
        plane.kill()
        plane.start()
        until("the new CA only", lambda: all(knows(p, plane, "ca-2") and not knows(p, plane, "ca-1") for p in pair.proxies), 90)
        load.go_on()
    load.check()
