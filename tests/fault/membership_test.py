"""Who may be in a mesh (Mesh.constraints): the documents' examples, for stored and for brought Dataplanes; and who would be kept out
when the constraints change."""
import subprocess

import pytest
import yaml

import ursa


@pytest.fixture(scope="module")
def daemon():
    with ursa.running(DP_SERVER_AUTHN_DP_PROXY_TYPE="none") as started:
        yield started


def mesh(name, requirements=(), restrictions=()):
    def rules(sets):
        return [{"tags": tags} for tags in sets]
    return {"type": "Mesh", "name": name,
            "constraints": {"dataplaneProxy": {"requirements": rules(requirements), "restrictions": rules(restrictions)}}}


def dataplane(of, name, *tag_sets):
    inbound = [{"port": 80 + i, "tags": {"kuma.io/service": "web", **tags}} for i, tags in enumerate(tag_sets)]
    return {"type": "Dataplane", "mesh": of, "name": name, "networking": {"address": "127.0.0.1", "inbound": inbound}}


def sentence(of, tags, rest):
    listed = " ".join(f"{k}={v}" for k, v in sorted({"kuma.io/service": "web", **tags}.items()))
    return f'dataplane cannot be a member of mesh "{of}" because its tags "{listed}" {rest} defined on the Mesh'


UNFULFILLED = "does not fulfill any requirements"
NAMESPACES = mesh("namespaces", [{"k8s.kuma.io/namespace": "ns-1"}, {"k8s.kuma.io/namespace": "ns-2"}])
TEAMS = mesh("teams", [{"team": "*"}], [{"legacy": "*"}])
WEST, EAST = mesh("west", [{"kuma.io/zone": "west"}]), mesh("east", [{"kuma.io/zone": "east"}])
JOINING = [  # mesh, the tag sets of the inbounds, the first that may not join and why; None: all may
    (NAMESPACES, [{"k8s.kuma.io/namespace": "ns-1"}], None),
    (NAMESPACES, [{"k8s.kuma.io/namespace": "ns-2"}], None),
    (NAMESPACES, [{"k8s.kuma.io/namespace": "ns-3"}], (0, UNFULFILLED)),
    (NAMESPACES, [{}], (0, UNFULFILLED)),
    (NAMESPACES, [{"k8s.kuma.io/namespace": "ns-1"}, {}], (1, UNFULFILLED)),
    (TEAMS, [{"team": "a"}], None),
    (TEAMS, [{"owner": "a"}], (0, UNFULFILLED)),
    (TEAMS, [{"team": "a", "legacy": "true"}], (0, 'matches restricted tags "legacy=*"')),
    (TEAMS, [{"team": "a"}, {"team": "b", "legacy": "x"}], (1, 'matches restricted tags "legacy=*"')),
    (WEST, [{"kuma.io/zone": "west"}], None),
    (WEST, [{"kuma.io/zone": "east"}], (0, UNFULFILLED)),
    (EAST, [{"kuma.io/zone": "east"}], None),
    (EAST, [{"kuma.io/zone": "west"}], (0, UNFULFILLED)),
]


@pytest.mark.parametrize("of, tag_sets, refused", JOINING)
def test_who_may_join(daemon, of, tag_sets, refused):
    assert daemon.put(f"/meshes/{of['name']}", of).status in (200, 201)
    path, body = f"/meshes/{of['name']}/dataplanes/web-1", dataplane(of["name"], "web-1", *tag_sets)
    brought = {"mesh": of["name"], "name": "web-1", "dataplaneResource": yaml.safe_dump(body)}
    stored = daemon.put(path, body)
    bootstrap = daemon.http("POST", "/bootstrap", brought, {"Host": "localhost"}, port=daemon.dp_port, tls=True)
    if refused is None:
        assert (stored.status, bootstrap.status) == (201, 200), (stored, bootstrap)
        changed = daemon.put(path, dataplane(of["name"], "web-1", {"x": "y"}))  # an update is judged like a creation
        assert changed.status == 400 and UNFULFILLED in changed.json["causes"][0]["message"], changed
        assert daemon.delete(path).status == 200
    else:
        at, why = refused
        cause = {"field": f"networking.inbound[{at}].tags", "message": sentence(of["name"], tag_sets[at], why)}
        assert (stored.status, stored.json["causes"]) == (400, [cause]), stored
        assert bootstrap.status == 422 and cause["message"] in bootstrap.body, bootstrap
        assert daemon.get(path).status == 404


@pytest.mark.parametrize("dry", [True, False])
def test_constraints_that_change_name_whom_they_would_not_let_in(daemon, dry):
    name = f"change-{dry}".lower()
    assert daemon.put(f"/meshes/{name}", {"type": "Mesh", "name": name}).status == 201
    for proxy, tags in (("in-1", {"team": "a"}), ("out-1", {}), ("out-2", {"team": "a", "legacy": "1"})):
        assert daemon.put(f"/meshes/{name}/dataplanes/{proxy}", dataplane(name, proxy, tags)).status == 201
    answer = daemon.post("/apply" + ("?dryRun=true" if dry else ""), {**mesh(name, [{"team": "*"}], [{"legacy": "*"}])})
    assert answer.status == 200, answer
    assert answer.json["documents"][0]["notLetIn"] == {"total": 2, "dataplanes": [
        {"name": "out-1", "reason": sentence(name, {}, UNFULFILLED)},
        {"name": "out-2", "reason": sentence(name, {"team": "a", "legacy": "1"}, 'matches restricted tags "legacy=*"')}]}
    for proxy in ("in-1", "out-1", "out-2"):
        overview = daemon.get(f"/meshes/{name}/dataplanes+insights/{proxy}").json
        assert len(overview.get("warnings", [])) == (0 if dry or proxy == "in-1" else 1), overview
    assert daemon.get(f"/meshes/{name}/dataplanes").json["total"] == 3  # they stay
    same = daemon.post("/apply", dataplane(name, "out-1", {}))
    assert (same.status, same.json["documents"][0]["outcome"]) == (200, "unchanged"), same
    changed = daemon.post("/apply", dataplane(name, "out-1", {"version": "v2"}))
    assert changed.status == (200 if dry else 400), changed


def test_ursactl_says_so(daemon, tmp_path):
    assert daemon.put("/meshes/told", {"type": "Mesh", "name": "told"}).status == 201
    assert daemon.put("/meshes/told/dataplanes/out-1", dataplane("told", "out-1", {})).status == 201
    (tmp_path / "mesh.yaml").write_text(yaml.safe_dump(mesh("told", [{"team": "*"}])))
    said = subprocess.run([ursa.BUILD / "ursactl", "--no-config", "--address", f"http://127.0.0.1:{daemon.api_port}", "apply", "--dry-run",
                           "-f", tmp_path / "mesh.yaml"], capture_output=True, text=True, timeout=30, check=False)
    assert said.returncode == 0, said
    assert "would not let in 1 of its dataplanes" in said.stdout and "out-1: dataplane cannot be a member" in said.stdout
