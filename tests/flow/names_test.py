"""A Dataplane whose address is a host name: its proxy listens on the address, and others reach it there."""
import pytest

from load import call, until
from world import World, mesh_document


@pytest.fixture(scope="module")
def world():
    with World() as started:
        started.plane.apply(mesh_document("blue", "STRICT"))
        yield started


def test_localhost(world):
    pair = world.pairs("blue")[0]
    assert call(pair.port["to_api"]).app.startswith("blue-api")
    pair.backend_document["networking"]["address"] = "localhost"
    modified = pair.backend.stat("listener_manager.listener_modified")
    world.plane.put_document(pair.backend_document)
    assert call(pair.port["to_api"]).app.startswith("blue-api")
    assert pair.backend.stat("listener_manager.listener_modified") == modified  # the same address all the time
    pair.backend_document["networking"]["address"] = "no-such-host.invalid"
    world.plane.put_document(pair.backend_document)
    until("no endpoint", lambda: pair.web.stat("cluster.api.membership_total") == 0)
    pair.backend_document["networking"]["address"] = "localhost"
    world.plane.put_document(pair.backend_document)
    until("an answer", lambda: call(pair.port["to_api"]).status == 200)
