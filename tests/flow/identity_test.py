"""Names that are not just letters, and proxies of several services: certificates, clients and permissions mean the same by them."""
import contextlib

import pytest

import ursa
from load import Caller, call, tcp_call, until
from world import World, dataplane, inbound, mesh_document, outbound

MESH, API, ADMIN, WEB, CRON = "m_1", "Api.v1_x:443", "api-admin", "Web_1.x:80", "cron"
TAG, VALUE = "team:eu/x", "a:b.c_d"


def permission(source, destination):
    return {"type": "TrafficPermission", "mesh": MESH, "name": "test", "sources": [{"match": source}],
            "destinations": [{"match": {"kuma.io/service": destination}}]}


@pytest.fixture(scope="module")
def world():
    with World() as started:
        plane = started.plane
        ports = dict(zip(("api", "api_app", "admin", "admin_app", "web", "cron", "none", "to_api", "to_admin", "envoy_1", "envoy_2"), ursa.free_ports(11)))
        plane.apply(mesh_document(MESH, "STRICT"))
        plane.remove({"type": "TrafficPermission", "mesh": MESH, "name": f"allow-all-{MESH}"})
        started.http_app("api", ports["api_app"])
        started.tcp_app("admin", ports["admin_app"])
        server = dataplane(MESH, "server", ports["envoy_1"], [inbound(ports["api"], ports["api_app"], API, "http"),
                                                              inbound(ports["admin"], ports["admin_app"], ADMIN, "tcp")])
        client = dataplane(MESH, "client", ports["envoy_2"], [inbound(ports["web"], ports["none"], WEB, "http", **{TAG: VALUE}),
                                                              inbound(ports["cron"], ports["none"], CRON, "tcp")],
                           [outbound(ports["to_api"], API), outbound(ports["to_admin"], ADMIN)])
        proxies = [started.proxy(document) for document in (server, client)]
        for proxy in proxies:
            proxy.ready()
        started.server, started.client = proxies
        started.port = ports
        yield started


def test_certificates_carry_the_names(world):
    want = {"client": [f"kuma://{TAG}/{VALUE}", "kuma://kuma.io/protocol/http", "kuma://kuma.io/protocol/tcp", f"kuma://kuma.io/service/{WEB}",
                       f"kuma://kuma.io/service/{CRON}", f"spiffe://{MESH}/{WEB}", f"spiffe://{MESH}/{CRON}"],
            "server": ["kuma://kuma.io/protocol/http", "kuma://kuma.io/protocol/tcp", f"kuma://kuma.io/service/{API}",
                       f"kuma://kuma.io/service/{ADMIN}", f"spiffe://{MESH}/{API}", f"spiffe://{MESH}/{ADMIN}"]}
    for proxy in (world.server, world.client):
        own = [c["uris"] for c in proxy.certificates() if not c["ca"] and c["uris"]]
        assert own and all(uris == sorted(want[proxy.name]) for uris in own), own


@pytest.mark.parametrize("source, passes", [
    ({"kuma.io/service": WEB}, True),
    ({"kuma.io/service": CRON}, True),  # the other service of that proxy
    ({"kuma.io/service": "*", TAG: VALUE}, True),
    ({"kuma.io/service": CRON, TAG: VALUE}, True),  # a tag of one inbound, the service of another: as the reference has it
    ({"kuma.io/service": WEB, TAG: "*"}, True),
    ({"kuma.io/service": "Web_1"}, False),  # no prefix
    ({"kuma.io/service": "Web_1xx:80"}, False),  # no pattern
    ({"kuma.io/service": WEB.lower()}, False),
    ({"kuma.io/service": "*", "team:eu": "x/" + VALUE}, False),  # another tag, of the same letters
    ({"kuma.io/service": "*", TAG: "a:b.c"}, False),
])
def test_permissions_mean_whole_names(world, source, passes):
    allowed = permission(source, API)
    with contextlib.closing(Caller(world.port["to_api"])) as caller:
        world.plane.put_document(allowed)
        try:
            until("the permission", lambda: caller.call().status == (200 if passes else 403))
            assert tcp_call(world.port["to_admin"], "query") == "", "the permission is to one of the server's services"
        finally:
            world.plane.remove(allowed)
        until("nobody to be let in", lambda: caller.call().status == 403)


def test_a_permission_to_the_other_service(world):
    allowed = permission({"kuma.io/service": CRON}, ADMIN)
    world.plane.put_document(allowed)
    try:
        until("the permission", lambda: tcp_call(world.port["to_admin"], "query") == "admin: query")
        assert call(world.port["to_api"]).status == 403
    finally:
        world.plane.remove(allowed)


def test_clients_take_a_server_of_several_services(world):
    """And look for the one that they call, wholly."""
    handshakes = world.client.stats(r"^cluster\.[Aa]pi.*\.ssl\.handshake$")
    assert len(handshakes) == 2 and all(handshakes.values()), handshakes
    assert not any(world.client.stats(r"^cluster\.[Aa]pi.*\.ssl\.fail_verify_san$").values())
    assert f'"exact": "spiffe://{MESH}/{API}"' in world.client.config_dump()
