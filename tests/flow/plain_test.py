"""A mesh without mTLS beside one whose mTLS is permissive: plain traffic, both kinds of callers, endpoints that come and go."""
import pytest

import ursa
from load import Load, call, tcp_call, until
from world import World, dataplane, inbound, mesh_document


@pytest.fixture(scope="module", params=["delta", "sotw", "rest"])
def world(request):
    with World(BOOTSTRAP_SERVER_PARAMS_XDS_TRANSPORT=request.param) as started:
        started.plane.apply(mesh_document("blue"), mesh_document("green", "PERMISSIVE"))
        yield started


@pytest.fixture(scope="module")
def meshes(world):
    return world.pairs("blue", "green")


def test_plain_traffic(world, meshes):
    blue = meshes[0]
    for _ in range(20):
        reply = call(blue.port["to_api"])
        assert reply.app in ("blue-api-v1", "blue-api-v2")
        assert "x-forwarded-client-cert" not in reply.json["headers"]
    assert tcp_call(blue.port["to_db"], "query") == "blue-db: query"
    assert call(blue.port["api1"]).app == "blue-api-v1"
    assert not [c for c in blue.web.certificates() if c["uris"]], "a certificate in a mesh without mTLS"


def test_source_tags_end_at_the_last_proxy(meshes):
    """x-kuma-tags is between proxies; applications do not see it."""
    for pair in meshes:
        assert not [name for name in call(pair.port["to_api"]).json["headers"] if name.startswith("x-kuma")]


def test_permissive_takes_plain_text_and_tls(meshes):
    green = meshes[1]
    assert call(green.port["api1"]).app == "green-api-v1"
    assert "x-forwarded-client-cert" not in call(green.port["api1"]).json["headers"]
    until("TLS between the proxies", lambda: "x-forwarded-client-cert" in call(green.port["to_api"]).json["headers"])
    assert "URI=spiffe://green/web" in call(green.port["to_api"]).json["headers"]["x-forwarded-client-cert"]
    assert green.web.stat("cluster.api.ssl.handshake") > 0
    assert tcp_call(green.port["db"], "query") == tcp_call(green.port["to_db"], "query") == "green-db: query"


def test_the_meshes_do_not_mix(meshes):
    for _ in range(50):
        for pair in meshes:
            assert call(pair.port["to_api"]).app.startswith(pair.mesh)


def test_endpoints_come_and_go_under_load(world, meshes):
    """Ten more endpoints (further ways to the same inbound) are added, then removed: each is used, and nobody notices."""
    blue, plane = meshes[0], world.plane
    ways = [world.forwarder(f"way-{i}", port, blue.port["api1"]) for i, port in enumerate(ursa.free_ports(10))]
    documents = [dataplane("blue", f"way-{i}", 9901, [inbound(way.port, way.port, "api", "http", version="v3")]) for i, way in enumerate(ways)]
    modified = blue.web.stat("listener_manager.listener_modified")
    with Load(blue.port["to_api"]) as load:
        for document in documents:
            plane.put_document(document)
            load.go_on(20)
        until("requests over every way", lambda: all(way.connections for way in ways))
        for document in documents:
            plane.remove(document)
            load.go_on(20)
        until("two endpoints", lambda: blue.web.stat("cluster.api.membership_total") == 2)
        load.go_on()
    load.check()
    assert blue.web.stat("listener_manager.listener_modified") == modified


def test_mtls_is_switched_on(world, meshes):
    """A plain mesh becomes a permissive, then a strict one; its callers are served meanwhile, and the other mesh hears nothing."""
    blue, green = meshes
    plane = world.plane
    before = [proxy.updates() for proxy in green.proxies]
    with Load(blue.port["to_api"]) as load:
        plane.put_document(mesh_document("blue", "PERMISSIVE"))
        until("TLS between the proxies", lambda: "x-forwarded-client-cert" in call(blue.port["to_api"]).json["headers"])
        assert call(blue.port["api1"]).app == "blue-api-v1"
        load.go_on()
        plane.put_document(mesh_document("blue", "STRICT"))
        until("plain text to be refused", lambda: call(blue.port["api1"]).status == 0)
        load.go_on()
    load.check()
    assert call(blue.port["to_api"]).app
    assert before == [proxy.updates() for proxy in green.proxies]
