"""Who may be in a mesh, with real proxies that want to be (Mesh.constraints; the rules alone: tests/fault/membership_test.py)."""
import pytest

import ursa
from load import Load, call, until
from world import World, dataplane, inbound, mesh_document, outbound

UNFULFILLED = "does not fulfill any requirements"


@pytest.fixture(scope="module")
def world():
    with World(XDS_SERVER_DATAPLANE_DEREGISTRATION_DELAY="1s", XDS_SERVER_DATAPLANE_STATUS_FLUSH_INTERVAL="0.1s") as started:
        yield started


def mesh(name, requirements=(), restrictions=()):
    def rules(sets):
        return [{"tags": tags} for tags in sets]
    return {**mesh_document(name, "STRICT"),
            "constraints": {"dataplaneProxy": {"requirements": rules(requirements), "restrictions": rules(restrictions)}}}


def sentence(of, tags, service, rest):
    listed = " ".join(f"{k}={v}" for k, v in sorted({"kuma.io/service": service, "kuma.io/protocol": "http", **tags}.items()))
    return f'dataplane cannot be a member of mesh "{of}" because its tags "{listed}" {rest} defined on the Mesh'


def document(of, name, tags, outbounds=()):
    admin, port, app_port = ursa.free_ports(3)
    return dataplane(of, name, admin, [inbound(port, app_port, name, "http", **tags)], outbounds)


class Members:
    """A mesh with api and web, which calls it; both may be in it."""

    def __init__(self, world, of, tags):
        self.world, self.of, self.tags = world, of, tags
        self.to_api, = ursa.free_ports(1)
        api = document(of, "api", tags)
        self.app = world.http_app(f"{of}-api", api["networking"]["inbound"][0]["servicePort"])
        self.api, self.web = world.proxy(api), world.proxy(document(of, "web", tags, [outbound(self.to_api, "api")]))
        for proxy in (self.api, self.web):
            proxy.ready()
        until("traffic", lambda: call(self.to_api).app == self.app.name)

    def stop(self):
        self.web.stop()
        self.api.stop()
        self.app.close()

    def is_refused(self, tags, why, name="late"):
        """A further proxy with these tags: its launcher says why and ends, nothing is registered."""
        late = self.world.proxy(document(self.of, name, tags))
        assert late.wait() == 1
        assert sentence(self.of, tags, name, why) in late.log(), late.log()
        assert self.world.plane.get(f"/meshes/{self.of}/dataplanes/{name}").status == 404


NAMESPACE = "k8s.kuma.io/namespace"
EXAMPLES = {  # the documents': the mesh, who may be in it, who may not and why
    "namespaces": (mesh("namespaces", [{NAMESPACE: "ns-1"}, {NAMESPACE: "ns-2"}]), {NAMESPACE: "ns-2"}, [({NAMESPACE: "ns-3"}, UNFULFILLED), ({}, UNFULFILLED)]),
    "teams": (mesh("teams", [{"team": "*"}], [{"legacy": "*"}]), {"team": "a"},
              [({"owner": "a"}, UNFULFILLED), ({"team": "a", "legacy": "true"}, 'matches restricted tags "legacy=*"')]),
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_who_may_be_in_serves_and_who_may_not_is_told(world, example):
    constrained, tags, refused = EXAMPLES[example]
    world.plane.apply(constrained)
    members = Members(world, example, tags)
    for others, why in refused:
        members.is_refused(others, why)
    assert call(members.to_api).app == members.app.name
    members.stop()


def test_two_meshes_split_by_zone(world):
    """A proxy of the other zone is in neither by mistake; both serve."""
    world.plane.apply(*(mesh(zone, [{"kuma.io/zone": zone}]) for zone in ("west", "east")))
    west, east = (Members(world, zone, {"kuma.io/zone": zone}) for zone in ("west", "east"))
    west.is_refused({"kuma.io/zone": "east"}, UNFULFILLED)
    east.is_refused({"kuma.io/zone": "west"}, UNFULFILLED)
    assert (call(west.to_api).app, call(east.to_api).app) == ("west-api", "east-api")
    west.stop()
    east.stop()


def test_who_is_in_stays_when_the_constraints_change_and_does_not_come_back(world):
    """Nobody is thrown out: traffic goes on, a warning tells, also after the control plane has been away. Who leaves stays out, until it fulfils what is asked."""
    plane = world.plane
    plane.apply(mesh("changing"))
    members = Members(world, "changing", {"version": "v1"})
    with Load(members.to_api) as load:
        plane.apply(mesh("changing", [{"team": "*"}]))
        for name, proxy in (("api", members.api), ("web", members.web)):
            overview = until("the warning", lambda proxy=proxy: (o := proxy.overview().json).get("warnings") and o)
            assert sentence("changing", members.tags, name, UNFULFILLED) in str(overview["warnings"]), overview["warnings"]
        plane.kill()
        plane.start()
        until("both online again", lambda: all(proxy.stream() and proxy.online() for proxy in (members.api, members.web)))
        members.is_refused({"version": "v1"}, UNFULFILLED)
        late = world.proxy(document("changing", "late", {"team": "a"})).ready()
        until("it to be online", late.online)
        late.stop()
        load.go_on()
    load.check()
    members.web.stop()
    until("its Dataplane to go", lambda: plane.get("/meshes/changing/dataplanes/web").status == 404)
    members.is_refused(members.tags, UNFULFILLED, name="web")
    members.stop()
