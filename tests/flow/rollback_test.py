"""A rollback under traffic: the policies of a revision act again, on the connections that are open, and the proxies do not notice anything else."""
from load import Caller, until
from world import World, mesh_document, policy


def test_going_back_acts_at_once_and_leaves_proxies_alone(record):
    with World(XDS_SERVER_DATAPLANE_STATUS_FLUSH_INTERVAL="0.1s") as world:
        plane = world.plane
        plane.apply(mesh_document("blue", "STRICT"), mesh_document("green", "STRICT"))
        blue, green = world.pairs("blue", "green")
        allowed = int(plane.put_document(policy("TrafficPermission", "blue", "allow-all-blue", None)).headers["Ursa-Revision"])
        caller, other = Caller(blue.port["to_api"]), Caller(green.port["to_api"])
        until("a permitted call", lambda: caller.call().status == other.call().status == 200)
        denied = int(plane.remove(policy("TrafficPermission", "blue", "allow-all-blue", None)).headers["Ursa-Revision"])
        until("a denied call", lambda: caller.call().status == 403)
        updates = [proxy.updates() for proxy in green.proxies]
        closed = caller.closed
        for revision, status in ((allowed, 200), (denied, 403), (allowed, 200)):
            answer = plane.post(f"/rollback?to={revision}&mesh=blue", None)
            assert answer.status == 200, answer
            # The proxies' own Dataplanes came after 'allowed' was made, or went with nothing: none is touched.
            assert {i["type"] for i in answer.json["items"] if i["outcome"] != "kept"} == {"TrafficPermission"}, answer
            until(f"a call answered {status}", lambda status=status: caller.call().status == status)
            assert other.call().status == 200
        assert caller.closed == closed and [proxy.updates() for proxy in green.proxies] == updates
        for proxy in (*blue.proxies, *green.proxies):
            assert proxy.online() and plane.get(f"/meshes/{proxy.dataplane['mesh']}/dataplanes/{proxy.name}").status == 200
