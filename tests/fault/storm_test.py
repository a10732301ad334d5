"""Many proxies lose their streams at once and come back at once, with what they had (reliability.md X4)."""
import time

import pytest

import ads
import pace
from ads_test import dataplane, mesh, running
from follower import Follower

MESHES = ("blue", "green")
N = 100  # proxies of each mesh
SECONDS = 3


def connect(plane, had=None):
    """All of them, one after the other without waiting for any."""
    return {key: Follower(plane, *key[:2], key[2], had=(had or {}).get(key)) for key in
            ((m, f"web-{i}", ads.PROTOCOLS[i % len(ads.PROTOCOLS)]) for m in MESHES for i in range(N))}


def lose(clients):
    for client in clients.values():
        client.close()


@pytest.fixture(name="world", scope="module")
def _world():
    """Two meshes of proxies, each protocol spoken by as many; their first configuration taken over."""
    with running() as plane:
        for m, net in zip(MESHES, (1, 2)):
            plane.apply(mesh(m), dataplane(m, "api-1", f"10.{net}.1.1", "api"), dataplane(m, "api-2", f"10.{net}.1.2", "api"),
                        *(dataplane(m, f"web-{i}", f"10.{net}.0.{i}", "web", "api") for i in range(N)))
        clients = connect(plane)
        for client in clients.values():
            client.ready()
        yield plane, clients
        lose(clients)


def come_back(plane, clients):
    """The same proxies with new streams, and when they began to come."""
    started = time.monotonic()
    lose(clients)
    clients.update(connect(plane, clients))
    return started


def test_nothing_is_sent_to_those_who_have_it(world):
    plane, clients = world
    for client in clients.values():
        client.settle()
    before = plane.http("GET", "/metrics", port=plane.diag_port).text
    started = come_back(plane, clients)
    plane.wait()
    for key, client in clients.items():
        assert client.settle() == [], key
    took = time.monotonic() - started
    print(f"{len(clients)} proxies came back in {took:.2f} s")
    assert pace.clock_within(took, SECONDS), f"{took:.2f} s"
    for name in ("xds_responses", "xds_bytes_sent"):
        count = [line for line in before.splitlines() if line.startswith(name + " ")]
        assert count and count[0] in plane.http("GET", "/metrics", port=plane.diag_port).text, name
    online = plane.get("/meshes/blue/dataplanes+insights?size=1000").json["items"]
    assert sum("disconnectTime" not in d["dataplaneInsight"]["subscriptions"][-1] for d in online if d["name"].startswith("web")) == N


def test_what_changed_meanwhile_is_sent_and_nothing_else(world):
    """Blue's clusters changed while its proxies were away; green's did not."""
    plane, clients = world
    for client in clients.values():
        client.settle()
    lose(clients)  # before the change
    timeout = plane.get("/meshes/blue/timeouts/timeout-all-blue").json
    timeout["conf"]["connectTimeout"] = "7s"
    plane.apply(timeout)
    old = {key: client.held["cds"]["api"] for key, client in clients.items()}
    started = come_back(plane, clients)
    for key, client in clients.items():
        if key[0] == "blue":
            client.follow("the new clusters", lambda key=key, client=client: client.held["cds"]["api"] != old[key])
    took = time.monotonic() - started
    print(f"{len(clients)} proxies were told in {took:.2f} s")
    assert pace.clock_within(took, SECONDS), f"{took:.2f} s"
    for (m, name, protocol), client in clients.items():
        client.settle()
        if m == "green":
            assert client.log == []
            continue
        assert [r.type for r in client.log] == ["cds", "eds"], "changed clusters, and the endpoints without which they stay cold"
        if protocol == "delta":
            assert set(client.log[0].resources) == {"api"} and not client.log[0].removed, client.log
        assert set(client.log[1].resources) == {"api"}
