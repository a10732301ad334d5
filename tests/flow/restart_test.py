"""The control plane goes away: killed and started again under load, stopped; and what keeps running without it."""
import contextlib

import pytest

import pace
import ursa
from load import Caller, Load, call, until
from world import World, dataplane, inbound, mesh_document, policy


@pytest.fixture
def world():
    with world_over("delta") as started:
        yield started


@contextlib.contextmanager
def world_over(transport):
    with World(XDS_SERVER_DATAPLANE_STATUS_FLUSH_INTERVAL="0.1s", BOOTSTRAP_SERVER_PARAMS_XDS_TRANSPORT=transport) as started:
        started.plane.apply(mesh_document("blue", "STRICT"), mesh_document("green", "STRICT"))
        yield started


def state(proxy):
    """What would change if the proxy were sent anything but secrets."""
    updates = {name: n for name, n in proxy.updates().items() if not name.startswith("sds.")}
    return updates, proxy.stats(r"^(listener_manager\.listener|cluster_manager\.cluster)_(added|modified|removed)$")


def sent(proxy):
    """{type: responses} of the proxy's present stream."""
    return {name: type_["responsesSent"] for name, type_ in proxy.stream()["types"].items()}


def all_online(pairs):
    return all(proxy.stream() and proxy.online() for pair in pairs for proxy in pair.proxies)


@pytest.fixture(params=["delta", "sotw", "rest"])
def transport(request):
    return request.param


@pytest.fixture
def either_world(transport):
    with world_over(transport) as started:
        yield started


def test_killed_and_started_again_under_load(either_world, transport, record):
    world, plane = either_world, either_world.plane
    pairs = world.pairs("blue", "green")
    proxies = [proxy for pair in pairs for proxy in pair.proxies]
    until("all proxies online", lambda: all_online(pairs))
    assert {proxy.stream()["transport"] for proxy in proxies} == {transport}
    until("quiet", lambda: all(type_["sentVersion"] == type_["acknowledgedVersion"] for proxy in proxies for type_ in proxy.stream()["types"].values()))
    first_start = plane.metrics()["xds_bytes_sent"]
    before = {proxy: state(proxy) for proxy in proxies}
    secrets = {proxy: sum(proxy.updates("sds").values()) for proxy in proxies}
    kept = plane.fetch("/meshes/blue/dataplanes/web")
    with Load(pairs[0].port["to_api"]) as blue_load, Load(pairs[1].port["to_api"]) as green_load:
        plane.kill()
        blue_load.go_on(200)
        green_load.go_on(200)
        plane.start()
        until("all proxies back", lambda: all_online(pairs), limit=45)
        until("new secrets at every proxy", lambda: all(sum(proxy.updates("sds").values()) > secrets[proxy] for proxy in proxies))
        blue_load.go_on()
        for proxy in proxies:
            if transport != "rest":  # what a poller is told is not yet what was asked for
                assert {name: n for name, n in sent(proxy).items() if n} == {"sds": 1}, f"{proxy} was sent {sent(proxy)}"
            assert before[proxy] == state(proxy)
        again = plane.metrics()
        record(f"4 proxies: {first_start / 4:.0f} bytes each at the first start, {again['xds_bytes_sent'] / 4:.0f} after the restart (secrets)")
        assert transport == "rest" or again["xds_responses"] == len(proxies)
        assert again["xds_bytes_sent"] < first_start / 2
        assert plane.fetch("/meshes/blue/dataplanes/web") == kept

        # The next change works, and reaches its own mesh only.
        denied = policy("TrafficPermission", "blue", "only-db", None, "web", "db")
        plane.put_document(denied)
        plane.remove(policy("TrafficPermission", "blue", "allow-all-blue", None), wait=True)
        until("the denial", lambda: call(pairs[0].port["to_api"]).status == 403)
        assert not [reply for reply in blue_load.failures if reply.status != 403], blue_load.failures
        green_load.go_on()
    green_load.check()
    assert blue_load.closed == 0


def test_what_changed_while_it_was_away(world):
    """A new Dataplane stored just before a kill is there after it; a proxy that starts meanwhile waits for the control plane."""
    plane = world.plane
    blue, = world.pairs("blue")
    way = world.forwarder("way", *ursa.free_ports(1), blue.port["api1"])
    document = dataplane("blue", "way", 9901, [inbound(way.port, way.port, "api", "http", version="v3")])
    assert plane.put("/meshes/blue/dataplanes/way", document).status == 201
    plane.kill()
    with contextlib.closing(Caller(blue.port["to_api"])) as caller:
        assert caller.call().status == 200
        plane.start()
        until("the proxies back", lambda: all_online([blue]), limit=45)
        until("a request over the new way", lambda: caller.call().status == 200 and way.connections)
        assert caller.closed == 0


def test_a_proxy_waits_for_the_control_plane(world):
    plane = world.plane
    token = plane.token("blue", "web")
    plane.kill()
    admin, port, app_port = ursa.free_ports(3)
    world.http_app("blue-web", app_port)
    proxy = world.proxy(dataplane("blue", "web", admin, [inbound(port, app_port, "web", "http")]), token=token)
    until("it to say so", lambda: "waiting for the control plane" in proxy.log())
    plane.start()
    proxy.ready()


def test_sigterm_ends_it_quickly(world):
    """With proxies connected and a caller whose requests go on; the daemon ends with 0 and says so in time, its proxies serve on."""
    blue, green = world.pairs("blue", "green")
    with Load(blue.port["to_api"]) as load:
        world.stop_plane()
        load.go_on()
    load.check()
    assert pace.clock_within(world.stop_seconds, 2), world.stop_seconds
    assert call(green.port["to_api"]).app.startswith("green")
