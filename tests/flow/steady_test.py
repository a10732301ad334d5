"""Traffic goes on whatever changes, and when nobody is there to change anything (reliability.md X2, X3, X6)."""
import os
import signal
import time

import pytest

import pace
import ursa
from load import Load, call, tcp_call, until
from world import World, dataplane, inbound, mesh_document, outbound, policy

CHANGES, REQUESTS = 200, 10000
WARM = 1  # seconds from a change of a cluster to its being in use
# Seconds that the control plane is away. From 60 on certificates fall due meanwhile, and the test takes three times as long.
AWAY = float(os.environ.get("URSA_TEST_AWAY", 6))
RENEWED = 0.8  # of its life after which a certificate is renewed
RETURN = 10  # seconds after its return in which everybody has a new certificate
SPREAD = 0.1  # seconds between the first and the last of them, at least, where Envoys draw when they come back


@pytest.fixture(name="world", params=["delta", "sotw", "rest"])
def _world(request):
    with World(BOOTSTRAP_SERVER_PARAMS_XDS_TRANSPORT=request.param, XDS_SERVER_DATAPLANE_STATUS_FLUSH_INTERVAL="0.1s") as started:
        backend = {"dpCert": {"rotation": {"expiration": f"{life()}s"}}} if AWAY >= 60 else {}
        started.plane.apply(mesh_document("blue", "STRICT", **backend), mesh_document("green", "STRICT"))
        yield started


def all_proxies(pairs):
    return [proxy for pair in pairs for proxy in pair.proxies]


# ---- X2 ----
def switched(put, remove):
    """Every second time it is taken back."""
    while True:
        put()
        yield
        remove()
        yield


def changes(world, blue):
    """Generators, each of which changes one thing at a time: whatever may change without a request being refused."""
    plane = world.plane
    timeout = plane.fetch("/meshes/blue/timeouts/timeout-all-blue")
    way = world.forwarder("way", *ursa.free_ports(1), blue.port["api1"])
    spare, *_ = ursa.free_ports(1)

    def timeouts():
        for i in range(CHANGES):
            conf = {**timeout["conf"], "connectTimeout": f"{5 + i % 7}s"} if i % 2 else {**timeout["conf"], "http": {
                **timeout["conf"]["http"], "requestTimeout": f"{15 + i % 5}s"}}
            plane.put_document({**timeout, "conf": conf})
            yield

    def splits():
        tags = {"kuma.io/service": "api"}
        document = policy("TrafficRoute", "blue", "split", None, "web", "api")
        while True:
            for v1, v2 in ((50, 50), (99, 1), (1, 99)):
                plane.put_document({**document, "conf": {"split": [{"weight": w, "destination": {**tags, "version": v}} for w, v in ((v1, "v1"), (v2, "v2"))]}})
                yield
            plane.remove(document)
            yield

    def of(document):
        return switched(lambda: plane.put_document(document), lambda: plane.remove(document))

    def with_one_more(document, kind, item):
        more = {**document, "networking": {**document["networking"], kind: [*document["networking"][kind], item]}}
        return switched(lambda: plane.put_document(more), lambda: plane.put_document(document))

    return [
        timeouts(), splits(),
        of(policy("Retry", "blue", "again", {"http": {"numRetries": 3}}, "web", "api")),
        of(policy("CircuitBreaker", "blue", "patient", {"detectors": {"totalErrors": {"consecutive": 100}}}, "web", "api")),
        of(policy("TrafficPermission", "blue", "web-to-api", None, "web", "api")),
        of(dataplane("blue", "way", 9901, [inbound(way.port, way.port, "api", "http", version="v1")])),
        with_one_more(blue.web_document, "outbound", outbound(ursa.free_ports(1)[0], "elsewhere")),
        with_one_more(blue.backend_document, "inbound", inbound(spare, blue.port["db_app"], "spare", "tcp")),
    ]


def test_no_request_fails_while_policies_and_routes_flip(world, record):
    blue, green = world.pairs("blue", "green", brought=False)
    with Load(blue.port["to_api"], pause=0.002) as load, Load(green.port["to_api"], connections=1) as others:
        flips = changes(world, blue)
        started = time.monotonic()
        for i in range(CHANGES):
            next(flips[i % len(flips)])
            load.go_on(REQUESTS // CHANGES)
        took = time.monotonic() - started
        assert world.plane.fetch("/status?wait=20s")["applied"]
    assert load.requests >= REQUESTS
    record(f"{load.requests} requests, {CHANGES} changes in {took:.1f} s: {len(load.failures)} failed, {load.closed} connections closed")
    load.check()
    others.check()
    for proxy in all_proxies((blue, green)):
        refused = proxy.stats(r"\.update_rejected$")
        assert refused and not any(refused.values()), refused


# ---- X3 ----
def test_clusters_get_warm_when_endpoints_stay(world, record):
    """A cluster's field changes again and again, clusters go and come; each time Envoy has it in use at once."""
    plane = world.plane
    blue, = world.pairs("blue", brought=False)
    timeout = plane.fetch("/meshes/blue/timeouts/timeout-all-blue")
    took = []

    def warm(change):
        started = time.monotonic()
        assert change().status in (200, 201)
        assert plane.fetch("/status?mesh=blue&wait=20s")["applied"]
        until("the clusters to be warm", lambda: blue.web.stat("cluster_manager.warming_clusters") == 0)  # who polls says so a moment early
        took.append(time.monotonic() - started)
        assert pace.clock_within(took[-1], WARM), f"{took[-1]:.2f} s"

    for i in range(100):
        warm(lambda i=i: plane.put_document({**timeout, "conf": {**timeout["conf"], "connectTimeout": f"{i + 1}s"}}, wait=False))
    assert '"connect_timeout": "100s"' in blue.web.config_dump()
    networking = blue.web_document["networking"]
    without = {**blue.web_document, "networking": {**networking, "outbound": [o for o in networking["outbound"] if o["tags"]["kuma.io/service"] != "db"]}}
    for _ in range(10):
        warm(lambda: plane.put_document(without, wait=False))
        assert not blue.web.stats(r"^cluster\.db\.membership_total$")
        warm(lambda: plane.put_document(blue.web_document, wait=False))
        assert tcp_call(blue.port["to_db"], "query") == "blue-db: query"
        assert call(blue.port["to_api"]).status == 200
    took.sort()
    record(f"{len(took)} changes of clusters: in use after {took[len(took) // 2] * 1000:.0f} ms (median), {took[-1] * 1000:.0f} ms (worst)")


# ---- X6 ----
def life():
    """Of a certificate that falls due while the control plane is away and is still good when the last Envoy has come back."""
    return int((RETURN + 20) / (1 - RENEWED))


def serials(proxies):
    return {proxy: {c["serial"] for c in proxy.certificates() if not c["ca"] and c["uris"]} for proxy in proxies}


def renewed(proxies, before, limit):
    """Waits until each has another certificate; the seconds that each of them took."""
    started, took = time.monotonic(), {}

    def all_have():
        for proxy in proxies:
            if proxy not in took and not serials([proxy])[proxy] & before[proxy]:
                took[proxy] = time.monotonic() - started
        return len(took) == len(proxies)

    until("new certificates", all_have, limit)
    return sorted(took.values())


def test_no_request_fails_while_the_control_plane_is_away(world, record):
    plane = world.plane
    pairs = world.pairs("blue", "green")
    proxies = all_proxies(pairs)
    issued = time.monotonic()
    until("all online", lambda: all(proxy.online() for proxy in proxies))
    with Load(pairs[0].port["to_api"]) as load, Load(pairs[1].port["to_api"]) as others:
        while AWAY >= 60 and time.monotonic() < issued + life() * RENEWED - AWAY + 10:
            load.go_on(100)
        before = serials(proxies)
        plane.kill()
        gone = time.monotonic()
        while time.monotonic() < gone + AWAY:
            load.go_on(100)
        plane.start()
        back = time.monotonic()
        took = renewed(proxies, before, limit=3 * RETURN)
        record(f"away for {back - gone:.0f} s; all had new certificates {took[0]:.1f} to {took[-1]:.1f} s after the return; "
               f"{load.requests} requests, {len(load.failures)} failed")
        assert pace.clock_within(took[-1], RETURN), took
        assert took[-1] - took[0] > SPREAD or proxies[0].stream()["transport"] == "rest", took
        until("all online again", lambda: all(proxy.stream() and proxy.online() for proxy in proxies))
        load.go_on()
        others.go_on()
    load.check()
    others.check()


def test_what_fell_due_while_the_control_plane_stood_still_is_renewed_at_once(record):
    """A process that is stopped, as by a machine that swaps: its streams stay open, and its timers are late."""
    with World() as world:
        plane = world.plane
        plane.apply(mesh_document("blue", "STRICT", dpCert={"rotation": {"expiration": "30s"}}), mesh_document("green"))
        blue, = world.pairs("blue", brought=False)
        before = serials(blue.proxies)
        issued = [c["begins"].timestamp() + 10 for proxy in blue.proxies for c in proxy.certificates() if not c["ca"] and c["uris"]]
        with Load(blue.port["to_api"]) as load:
            while time.time() < min(issued) + 21:
                load.go_on(100)
            assert serials(blue.proxies) == before
            os.kill(plane.process.pid, signal.SIGSTOP)
            while time.time() < max(issued) + 25:
                load.go_on(100)
            os.kill(plane.process.pid, signal.SIGCONT)
            took = renewed(blue.proxies, before, limit=10)
            record(f"renewed {took[-1] * 1000:.0f} ms after it went on")
            assert pace.clock_within(took[-1], 1), took
            load.go_on()
        load.check()
