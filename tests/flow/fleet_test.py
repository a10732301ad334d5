"""A fleet of simulated proxies (bench/load) over all protocols: all are configured, a change reaches one mesh, a return costs nothing, a churn loses nothing."""
import pathlib
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "bench"))

import worlds  # noqa: E402
from plane import Plane  # noqa: E402
from proxies import Proxies  # noqa: E402

N, SERVICES, VICTIMS = 30, 10, 10


@pytest.fixture(params=("delta", "sotw", "rest"))
def fleet(request):
    """N proxies in each of two meshes; those of green bring their Dataplanes."""
    stored = [worlds.dataplane("blue", i, SERVICES) for i in range(N)]
    brought = [worlds.dataplane("green", i, SERVICES, name=f"own-{i}") for i in range(N)]
    with Plane() as plane:
        plane.apply([worlds.mesh("blue"), worlds.mesh("green"), *stored])
        plane.apply(worlds.victim("blue", i, SERVICES) for i in range(VICTIMS))
        with Proxies(plane, stored + brought, request.param, brought={d["name"] for d in brought}, endpoints=N, seconds=60) as proxies:
            assert proxies.connect()["configured"] == 2 * N
            yield proxies


def test_fleet(fleet):
    before = fleet.settle()
    assert before["missing"] == before["lost"] == 0 and before["fewest_endpoints"] == N

    fleet.change([worlds.endpoint("blue", 0, 3)], N, "blue")
    changed = fleet.settle()
    assert changed["messages"] - before["messages"] == N, "a message for each proxy of blue, none for green"

    assert fleet.reconnect()["proxies"] == 2 * N
    returned = fleet.settle()
    assert returned["lost"] == 0
    assert returned["messages"] == changed["messages"], "nothing is sent to a proxy that holds it"

    fleet.churn(100, 2, "blue", VICTIMS, SERVICES)
    churned = fleet.event("churned")
    assert churned["changes"] == 200 and churned["refused"] == churned["missing"] == 0
    assert churned["seen"] == 200 * N
    assert fleet.settle()["final_bytes"] == returned["final_bytes"], "the endpoints are as many as before, at other ports"
