"""A proxy's life: its Dataplane comes and goes with it, its certificate is renewed, what it refuses is told, its launcher passes signals on."""
import contextlib
import os
import signal
import socket
import time

import pytest

import pace
import ursa
from load import Load, call, tcp_call, until
from world import World, dataplane, inbound, mesh_document, outbound, policy


@pytest.fixture
def world():
    with World(XDS_SERVER_DATAPLANE_DEREGISTRATION_DELAY="1s", XDS_SERVER_DATAPLANE_STATUS_FLUSH_INTERVAL="0.1s") as started:
        started.plane.apply(mesh_document("blue", "STRICT"), mesh_document("green", "STRICT"))
        yield started


def server(mesh, name):
    """A Dataplane with one HTTP inbound, on ports of its own."""
    admin, port, app_port = ursa.free_ports(3)
    return dataplane(mesh, name, admin, [inbound(port, app_port, name, "http")])


def last_subscription(proxy):
    return proxy.overview().json["dataplaneInsight"]["subscriptions"][-1]


# ---- Dataplanes that proxies bring ----
def test_a_brought_dataplane_comes_and_goes_with_its_proxy(world):
    plane = world.plane
    stored = server("blue", "stored")
    plane.apply(stored)
    brought = server("blue", "brought")
    assert plane.get("/meshes/blue/dataplanes/brought").status == 404
    proxies = [world.proxy(brought), world.proxy(stored, brought=False)]
    for proxy in proxies:
        proxy.ready()
        until(f"{proxy} online", proxy.online)
        assert plane.fetch(f"/meshes/blue/dataplanes/{proxy.name}")["networking"] == proxy.dataplane["networking"]
    assert plane.get("/meshes/green/dataplanes/brought").status == 404
    left = time.monotonic()
    for proxy in proxies:
        proxy.stop()
    until("the insight to say offline", lambda: not proxies[0].online())
    until("the brought one to go", lambda: plane.get("/meshes/blue/dataplanes/brought").status == 404)
    took = time.monotonic() - left
    assert took > 1 and pace.clock_within(took, 5), took
    assert plane.get("/meshes/blue/dataplanes+insights/brought").status == 404
    assert "disconnectTime" in last_subscription(proxies[1])
    assert plane.fetch("/meshes/blue/dataplanes/stored")["networking"] == stored["networking"]


def test_a_proxy_that_comes_back_in_time_keeps_its_dataplane():
    with World(XDS_SERVER_DATAPLANE_DEREGISTRATION_DELAY="3s") as world:
        plane = world.plane
        plane.apply(mesh_document("blue", "STRICT"), mesh_document("green"))
        proxy = world.proxy(server("blue", "returning")).ready()
        until("it to be online", proxy.online)
        made = plane.fetch("/meshes/blue/dataplanes/returning")["creationTime"]
        witness = world.proxy(server("green", "returning")).ready()
        proxy.stop()
        proxy.start().ready()
        until("it to be online again", proxy.online)
        # Its namesake leaves later and is removed; the one that is back is not.
        witness.stop()
        until("the witness to go", lambda: plane.get("/meshes/green/dataplanes/returning").status == 404)
        assert plane.fetch("/meshes/blue/dataplanes/returning")["creationTime"] == made


def test_the_insight_tells_versions_and_counts(world):
    plane = world.plane
    proxy = world.proxy(server("blue", "api")).ready()
    until("it to be online", proxy.online)

    def counted():
        status = last_subscription(proxy)["status"]
        total = status["total"]
        return status["lds"].get("responsesSent") and total["responsesSent"] == total["responsesAcknowledged"] and status

    status = until("the counters", counted)
    assert {name: int(status[name]["responsesSent"]) > 0 for name in ("cds", "lds", "rds")} == {"cds": True, "lds": True, "rds": True}
    assert "responsesRejected" not in status["total"]
    subscription = last_subscription(proxy)
    assert subscription["version"]["envoy"]["version"] == "1.40.0" and subscription["version"]["kumaDp"]["version"]
    mtls = proxy.overview().json["dataplaneInsight"]["mTLS"]
    assert mtls["issuedBackend"] == "ca-1" and mtls["certificateRegenerations"] == 1
    insight = plane.fetch("/mesh-insights/blue")
    assert insight["dataplanes"]["total"] == insight["dataplanes"]["online"] == 1
    assert plane.fetch("/meshes/blue/service-insights/api")["status"] == "online"
    assert plane.fetch("/mesh-insights/green").get("dataplanes", {}).get("total", 0) == 0
    before = int(status["total"]["responsesSent"])
    plane.put_document(server("blue", "other"))
    plane.remove(policy("TrafficPermission", "blue", "allow-all-blue", None))
    until("one more", lambda: int(last_subscription(proxy)["status"]["total"]["responsesSent"]) == before + 1)


# ---- what Envoy refuses ----
def test_a_refusal_is_told_and_harms_nothing_else(world):
    """An outbound on a port that is in use: Envoy refuses that listener. It is recorded, not sent again, and all else goes on."""
    plane = world.plane
    backend_document = server("blue", "api")
    app = world.http_app("blue-api", backend_document["networking"]["inbound"][0]["servicePort"])
    world.proxy(backend_document).ready()
    admin, to_api, good, *_ = ursa.free_ports(4)
    document = dataplane("blue", "web", admin, [inbound(*ursa.free_ports(2), "web", "http")], [outbound(to_api, "api")])
    plane.apply(document)
    web = world.proxy(document, brought=False).ready()
    until("traffic", lambda: call(to_api).app == app.name)
    listeners = document["networking"]["outbound"]
    with contextlib.closing(socket.socket()) as occupied:
        occupied.bind(("127.0.0.1", 0))
        occupied.listen()
        busy = occupied.getsockname()[1]
        document["networking"]["outbound"] = [*listeners, outbound(good, "api"), outbound(busy, "api")]
        with Load(to_api) as load:
            plane.put_document(document)
            until("the refusal", lambda: web.stream()["types"]["lds"]["responsesRejected"])
            seen = web.stream()
            assert seen["lastRejection"].startswith("lds: ") and str(busy) in seen["lastRejection"], seen
            until("it in the insight", lambda: last_subscription(web)["status"]["lds"].get("responsesRejected") == "1")
            assert call(good).app == app.name, "the listener beside the refused one"

            # Other types of the same proxy go on; the refused listeners are not sent again.
            permission = policy("TrafficPermission", "blue", "allow-all-blue", None)
            timeout = plane.fetch("/meshes/blue/timeouts/timeout-all-blue")
            for seconds in range(10, 20):
                timeout["conf"]["http"]["requestTimeout"] = f"{seconds}s"
                plane.put_document(timeout)
                until("the change", lambda seconds=seconds: f'"timeout": "{seconds}s"' in web.config_dump())
            after = web.stream()["types"]
            assert after["lds"]["responsesSent"] == seen["types"]["lds"]["responsesSent"]
            assert after["rds"]["responsesSent"] == seen["types"]["rds"]["responsesSent"] + 10
            assert after["lds"]["responsesRejected"] == 1

            # What replaces the refused one is taken.
            document["networking"]["outbound"] = [*listeners, outbound(good, "api")]
            plane.put_document(document)
            until("the listeners to be accepted", lambda: (lds := web.stream()["types"]["lds"])["sentVersion"] == lds["acknowledgedVersion"])
        load.check()
        assert plane.remove(permission).status == 200
        until("the denial", lambda: call(good).status == 403)


# ---- certificates ----
def test_certificates_are_renewed_in_time(world, record):
    """With certificates of 10 s, the shortest: two renewals at 4/5 of their life, no request fails, no connection is closed; the other mesh keeps its own."""
    plane = world.plane
    plane.put_document(mesh_document("blue", "STRICT", dpCert={"rotation": {"expiration": "10s"}}))
    blue, green = world.pairs("blue", "green")

    def serials(pair):
        return {cert["serial"] for cert in pair.web.certificates() if not cert["ca"] and cert["uris"]}

    others, known = serials(green), serials(blue)
    with Load(blue.port["to_api"]) as load:
        for _ in range(2):
            started = time.monotonic()
            until("another certificate", lambda: (now := serials(blue)) and not now & known)
            known = serials(blue)
            assert call(blue.port["to_api"]).status == 200 and tcp_call(blue.port["to_db"], "query")
        took = time.monotonic() - started
        record(f"renewed {took:.1f} s after the one before")
        assert took > 6 and pace.clock_within(took, 10), took
        load.go_on()
    load.check()
    assert serials(green) == others
    assert int(blue.web.overview().json["dataplaneInsight"]["mTLS"]["certificateRegenerations"]) >= 3


# ---- the launcher ----
def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_sigterm_ends_envoy_with_its_launcher(world):
    proxy = world.proxy(server("blue", "api")).ready()
    envoy = proxy.envoy_pid()
    proxy.process.send_signal(signal.SIGTERM)
    assert proxy.wait() == 0
    assert not is_alive(envoy)


def test_a_killed_launcher_takes_envoy_along(world):
    proxy = world.proxy(server("blue", "api")).ready()
    envoy = proxy.envoy_pid()
    proxy.process.kill()
    proxy.wait()
    until("Envoy to end", lambda: not is_alive(envoy))


def test_a_killed_envoy_ends_its_launcher(world):
    proxy = world.proxy(server("blue", "api")).ready()
    os.kill(proxy.envoy_pid(), signal.SIGKILL)
    assert proxy.wait() == 128 + signal.SIGKILL


# ---- kuma-dp ----
@pytest.mark.skipif(not os.environ.get("KUMA_DP"), reason="KUMA_DP names no kuma-dp")
@pytest.mark.parametrize("transport", ["delta", "sotw", "rest"])
def test_an_unmodified_kuma_dp_works(transport):
    with World(BOOTSTRAP_SERVER_PARAMS_XDS_TRANSPORT=transport, XDS_SERVER_DATAPLANE_DEREGISTRATION_DELAY="1s") as world:
        world.plane.apply(mesh_document("blue", "STRICT"))
        documents = [server("blue", "api"), server("blue", "web")]
        app = world.http_app("blue-api", documents[0]["networking"]["inbound"][0]["servicePort"])
        to_api, = ursa.free_ports(1)
        documents[1]["networking"]["outbound"] = [outbound(to_api, "api")]
        proxies = [world.proxy(document, program=os.environ["KUMA_DP"], flags=("--dns-enabled=false", "--drain-time=1s")) for document in documents]
        for proxy in proxies:
            proxy.ready()
            assert proxy.stream()["transport"] == transport
        until("traffic", lambda: call(to_api).app == app.name)
        assert "URI=spiffe://blue/web" in call(to_api).json["headers"]["x-forwarded-client-cert"]
        for proxy in proxies:
            until(f"{proxy} online", proxy.online)
            proxy.stop()
        if transport != "rest":  # who polls is missed after a minute
            until("its Dataplane to go", lambda: world.plane.get("/meshes/blue/dataplanes/web").status == 404)
