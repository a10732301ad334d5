"""Two meshes with mutual TLS, the same names in both: identity, isolation, permissions, and policies that change under load."""
import contextlib
import itertools
import statistics
import threading
import time

import pytest

import pace
from load import Caller, Load, call, tcp_call, until
from world import World, dataplane, inbound, mesh_document, policy

ROUNDS = 10
QUICK = 0.020  # seconds from the API's answer to the first changed answer
QUICK_TCP = 0.050  # where a listener's filter chain is replaced


@pytest.fixture(scope="module", params=["delta", "sotw"])
def world(request):
    with World(BOOTSTRAP_SERVER_PARAMS_XDS_TRANSPORT=request.param) as started:
        started.plane.apply(mesh_document("blue", "STRICT"), mesh_document("green", "STRICT"))
        yield started


@pytest.fixture(scope="module")
def meshes(world):
    """blue has a permission for each of its services, green the one that a new mesh is given."""
    world.plane.apply(*(permission_to(service) for service in ("api", "db")))
    world.plane.remove(permission_to("all", "allow-all-blue"))
    return world.pairs("blue", "green", brought=False)


def permission_to(service, name=None):
    return policy("TrafficPermission", "blue", name or f"web-to-{service}", None, "web", service)


@pytest.fixture
def blue(meshes):
    return meshes[0]


@pytest.fixture
def green(meshes):
    return meshes[1]


@pytest.fixture
def plane(world):
    return world.plane


# ---- identity and isolation ----
def test_peers_prove_their_services(blue, green):
    for pair in (blue, green):
        caller = call(pair.port["to_api"]).json["headers"]["x-forwarded-client-cert"]
        assert f"URI=spiffe://{pair.mesh}/web" in caller and f"By=spiffe://{pair.mesh}/api" in caller, caller
        assert tcp_call(pair.port["to_db"], "query") == f"{pair.mesh}-db: query"
        own = [c["uris"] for c in pair.web.certificates() if not c["ca"] and c["uris"]]
        want = ["kuma://kuma.io/protocol/http", "kuma://kuma.io/service/web", f"spiffe://{pair.mesh}/web"]
        assert own and all(uris == want for uris in own), own


def test_plain_text_to_a_strict_inbound_is_refused(blue, green):
    apps = [app for pair in (blue, green) for app in pair.apps.values()]
    before = [app.requests for app in apps]
    for pair in (blue, green):
        for port in ("api1", "api2"):
            assert call(pair.port[port]).status == 0
        assert pair.db_app.name not in tcp_call(pair.port["db"])
    assert before == [app.requests for app in apps]


def test_the_same_name_never_mixes(blue, green):
    with contextlib.closing(Caller(blue.port["to_api"])) as to_blue, contextlib.closing(Caller(green.port["to_api"])) as to_green:
        for _ in range(100):
            assert to_blue.call().app in ("blue-api-v1", "blue-api-v2")
            assert to_green.call().app in ("green-api-v1", "green-api-v2")


def test_nothing_of_another_mesh_is_sent(plane, blue, green):
    for pair, other in ((blue, green), (green, blue)):
        theirs = [plane.fetch(f"/meshes/{other.mesh}/secrets/{other.mesh}.ca-builtin-cert-ca-1")["data"]]
        theirs += [c["serial"] for c in other.web.certificates() if c["ca"] and c["uris"]]
        theirs += [other.mesh] + [str(port) for name, port in other.port.items() if name.startswith("api")]
        for proxy in pair.proxies:
            seen = proxy.config_dump() + proxy.admin("/certs")[1]
            assert pair.mesh in seen
            for text in theirs:
                assert text not in seen, f"{proxy} knows {text[:40]!r} of mesh {other.mesh}"


def test_a_stolen_address_is_of_no_use(plane, blue, green):
    """Somebody in green registers the address of blue's api as a service of green: it can be reached, but it cannot prove to be of green."""
    stolen = dataplane("green", "stolen", 9901, [inbound(blue.port["api1"], 1, "other-api", "http", version="v1")])
    plane.put_document(stolen)
    try:
        reply = until("green to try", lambda: (r := call(green.port["to_other"])).status and r)
        assert reply.status == 503, reply
        verdicts = green.web.stats(r"^cluster\.other-api\.ssl\.(fail_verify_(error|san)|handshake)$")
        assert verdicts["cluster.other-api.ssl.fail_verify_error"] + verdicts["cluster.other-api.ssl.fail_verify_san"] > 0, verdicts
        assert verdicts["cluster.other-api.ssl.handshake"] == 0, verdicts
    finally:
        plane.remove(stolen)


# ---- permissions ----
class Prober:
    """Asks back to back on a thread; remembers every answer that differs from the one before, with its time."""

    def __init__(self, ask):
        self._ask = ask
        self.changes = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        last = None
        while not self._stop.is_set():
            answer = self._ask()
            if answer != last:
                self.changes.append((time.monotonic(), answer))
            last = answer

    def __enter__(self):
        self._thread.start()
        until("the first answer", lambda: self.changes)
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def after(self, change, answer):
        """Makes a change that is to lead to this answer; seconds from the API's answer to its first effect."""
        n = len(self.changes)
        change()
        answered = time.monotonic()
        until(f"the answer {answer!r}", lambda: len(self.changes) > n)
        assert len(self.changes) == n + 1 and self.changes[n][1] == answer, self.changes[n:]
        return self.changes[n][0] - answered


def measure_permission(plane, permission, ask, allowed, denied, limit, record):
    """Removes and restores a permission again and again."""
    denials, permits = [], []
    with Prober(ask) as prober:
        assert prober.changes[-1][1] == allowed
        for _ in range(ROUNDS):
            denials.append(prober.after(lambda: plane.remove(permission, wait=False), denied))
            permits.append(prober.after(lambda: plane.put_document(permission, wait=False), allowed))
    for what, times in (("denied", denials), ("restored", permits)):
        median = statistics.median(times)
        record(f"{what} {median * 1000:.1f} ms after the API's answer (median of {ROUNDS}; worst {max(times) * 1000:.1f} ms)")
        assert pace.clock_within(median, limit), times


def test_a_permission_acts_on_the_next_request_of_an_open_connection(plane, blue, green, record):
    upstream = "cluster.api.upstream_cx_total"
    with contextlib.closing(Caller(blue.port["to_api"])) as caller, Load(green.port["to_api"]) as others:
        assert {caller.call().app for _ in range(10)} == {"blue-api-v1", "blue-api-v2"}  # a connection to each
        pooled = blue.web.stat(upstream)
        measure_permission(plane, permission_to("api"), lambda: caller.call().status, 200, 403, QUICK, record)
        assert caller.closed == 0, "the caller's connection was closed"
        assert blue.web.stat(upstream) == pooled, "the connection between the proxies was replaced"
        assert blue.backend.stat("listener_manager.listener_modified") == 0
    others.check()


def test_a_permission_acts_on_tcp(plane, blue, record):
    measure_permission(plane, permission_to("db"), lambda: tcp_call(blue.port["to_db"], "query"), "blue-db: query", "", QUICK_TCP, record)


# ---- policies that change under load ----
@contextlib.contextmanager
def undisturbed(pair):
    """Load on the mesh's web -> api during the block, and a caller for its questions: nothing fails, nothing is closed, no listener changes;
    the Envoys agree."""
    closes = {proxy: rf"^listener\.127\.0\.0\.1_({pair.port[a]}|{pair.port[b]})\.downstream_cx_destroy$"
              for proxy, a, b in ((pair.web, "to_api", "to_api"), (pair.backend, "api1", "api2"))}
    with contextlib.closing(Caller(pair.port["to_api"])) as caller, Load(pair.port["to_api"]) as load:
        before = {proxy: proxy.stats(pattern) for proxy, pattern in closes.items()}
        assert all(before.values())
        modified = {proxy: proxy.stat("listener_manager.listener_modified") for proxy in pair.proxies}
        yield caller
        load.go_on()
        assert caller.closed == 0
        after = {proxy: proxy.stats(pattern) for proxy, pattern in closes.items()}
        assert modified == {proxy: proxy.stat("listener_manager.listener_modified") for proxy in pair.proxies}
    load.check()
    assert before == after, "Envoy closed connections"


def test_a_request_timeout_changes_under_load(plane, blue):
    path = "/meshes/blue/timeouts/timeout-all-blue"
    original = plane.fetch(path)
    short = {**original, "conf": {**original["conf"], "http": {**original["conf"]["http"], "requestTimeout": "0.2s"}}}
    with undisturbed(blue) as caller:
        assert caller.call("/delay/400").status == 200
        for _ in range(5):
            plane.put_document(short)
            until("the short time limit", lambda: caller.call("/delay/400").status == 504)
            plane.put_document(original)
            until("the long time limit", lambda: caller.call("/delay/400").status == 200)


def test_retries_change_under_load(plane, blue):
    """409 is nothing that is tried again, unless a policy says so."""
    retry = policy("Retry", "blue", "also-409", {"http": {"numRetries": 2, "retriableStatusCodes": [409]}}, "web", "api")
    names = itertools.count()

    def ask(caller):
        return caller.call(f"/once/409/{next(names)}").status

    with undisturbed(blue) as caller:
        assert ask(caller) == 409
        plane.put_document(retry)
        until("retries", lambda: ask(caller) == 200)
        assert [ask(caller) for _ in range(10)] == [200] * 10
        plane.remove(retry)
        until("no retries", lambda: ask(caller) == 409)


def split(mesh, v1, v2):
    tags = {"kuma.io/service": "api"}
    return policy("TrafficRoute", mesh, "split", {"split": [
        {"weight": v1, "destination": {**tags, "version": "v1"}}, {"weight": v2, "destination": {**tags, "version": "v2"}}]}, "web", "api")


def only(caller, version):
    """Do ten requests in a row reach that version?"""
    return all(caller.call().app.endswith(version) for _ in range(10))


def test_a_split_changes_under_load(plane, blue):
    """While both clusters of a split are in use nothing is closed. Where a cluster comes or goes, the callers still notice nothing."""
    with contextlib.closing(Caller(blue.port["to_api"])) as caller, Load(blue.port["to_api"]) as load:
        plane.put_document(split("blue", 99, 1))
        until("the cluster without a split to go", lambda: not blue.web.stats(r"^cluster\.api\.membership_total$"))
        until("the rare version", lambda: caller.call().app == "blue-api-v2")
        load.go_on()
        with undisturbed(blue):
            for weights, version in (((1, 99), "v2"), ((99, 1), "v1"), ((1, 99), "v2")):
                plane.put_document(split("blue", *weights))
                until(f"mostly {version}", lambda version=version: only(caller, version))
        for weights, version in (((0, 100), "v2"), ((100, 0), "v1"), ((0, 100), "v2")):
            plane.put_document(split("blue", *weights))
            until(f"only {version}", lambda version=version: only(caller, version))
        plane.remove(split("blue", 1, 1))
        until("both versions", lambda: not only(caller, "v2"))
        load.go_on()
        assert caller.closed == 0
    load.check()


def test_a_weight_of_zero_does_not_move_the_others(plane, blue):
    """From 0/100 to 1/99: the new version must not get everything while clusters and routes change."""
    with contextlib.closing(Caller(blue.port["to_api"])) as caller:
        for _ in range(5):
            plane.put_document(split("blue", 0, 100))
            until("only v2", lambda: only(caller, "v2"))
            before = blue.apps["v1"].requests
            plane.put_document(split("blue", 1, 99), wait=False)
            for _ in range(100):
                caller.call()
            assert blue.apps["v1"].requests - before < 10
    plane.remove(split("blue", 1, 1))


def test_a_split_is_kept(plane, green, record):
    """90/10: 2,000 requests give v2 200 +- 13 (one standard deviation); allowed are five."""
    plane.put_document(split("green", 90, 10))
    with contextlib.closing(Caller(green.port["to_api"])) as caller:
        until("the split", lambda: green.web.stats(r"^cluster\.api-_\d_\.membership_total$"))
        answers = [caller.call().app for _ in range(2000)]
        v2 = answers.count("green-api-v2")
        record(f"{2000 - v2} to v1, {v2} to v2")
        assert answers.count("green-api-v1") + v2 == 2000
        assert 133 < v2 < 267
        plane.put_document(split("green", 0, 100))
        until("only v2", lambda: only(caller, "v2"))
        assert {caller.call().app for _ in range(500)} == {"green-api-v2"}
    plane.remove(split("green", 1, 1))


def test_health_flips_under_load(plane, blue):
    """An endpoint that goes unhealthy, comes back, goes, and is removed for good: nobody notices."""
    def versions(v2_ready, with_v2=True):
        document = {**blue.backend_document, "networking": {**blue.backend_document["networking"]}}
        api1, api2, db = document["networking"]["inbound"]
        document["networking"]["inbound"] = [api1, *([{**api2, "health": {"ready": v2_ready}}] if with_v2 else []), db]
        return document

    def endpoints():
        return blue.web.stat("cluster.api.membership_total")

    with Load(blue.port["to_api"]) as load:
        assert endpoints() == 2
        for ready in (False, True, False):
            plane.put_document(versions(ready))
            until("the endpoint to come or go", lambda ready=ready: endpoints() == 1 + ready)
            load.go_on()
        plane.put_document(versions(False, with_v2=False))
        until("the listener to go", lambda: blue.backend.stat("listener_manager.total_listeners_active") == 2)
        load.go_on()
        plane.put_document(versions(False))
        until("the listener to come back", lambda: blue.backend.stat("listener_manager.total_listeners_active") == 3)
        plane.put_document(blue.backend_document)
        until("the endpoint to come back", lambda: endpoints() == 2)
        load.go_on()
    load.check()
