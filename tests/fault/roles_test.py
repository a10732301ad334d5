"""Roles of a mesh: what their bearers are shown of the rest, which is nothing, and how such users are made.

The statuses of every route are access_test.py's."""
import concurrent.futures

import pytest

import ursa

from access_test import ELSEWHERE, document, issue_user

OTHERS = "other-"  # begins the name of whatever belongs to another mesh


@pytest.fixture(scope="module")
def meshes(daemon):
    """The mesh "default" beside others, each with a Dataplane, a policy and a secret, and global things."""
    for mesh in ("other-1", "other-2"):
        assert daemon.put(f"/meshes/{mesh}", {"type": "Mesh", "name": mesh}).status == 201
    for mesh in ("default", "other-1", "other-2"):
        for name, plural in (("Dataplane", "dataplanes"), ("Timeout", "timeouts"), ("Secret", "secrets")):
            item = {**document(name, "MESH"), "mesh": mesh, "name": f"{mesh}-x"}
            assert daemon.put(f"/meshes/{mesh}/{plural}/{mesh}-x", item).status == 201
    assert daemon.put("/zones/other-zone", {"type": "Zone", "name": "other-zone"}).status == 201
    return daemon


def bearer(daemon, *groups):
    return {"Authorization": f"Bearer {issue_user(daemon, 'vera', groups)}"}


LISTS = ["/meshes", "/dataplanes", "/timeouts", "/dataplanes+insights", "/mesh-insights", "/service-insights", "/traffic-routes", "/dataplane-insights"]


@pytest.mark.parametrize("path", LISTS)
def test_lists_over_all_meshes_show_ones_own(meshes, path):
    one = bearer(meshes, "mesh:default:viewer")
    own = meshes.get(path, headers=one, source=ELSEWHERE).json
    everything = meshes.get(path, source=ELSEWHERE).json
    assert OTHERS not in str(own) and own["total"] == len(own["items"]) and own["next"] is None
    mine = [item for item in everything["items"] if OTHERS not in str(item)]
    assert [item["name"] for item in own["items"]] == [item["name"] for item in mine]
    assert meshes.get(path, headers=bearer(meshes, "mesh:unborn:admin"), source=ELSEWHERE).json == {"total": 0, "items": [], "next": None}


def test_pages_run_over_the_meshes_one_has(meshes):
    who = bearer(meshes, "mesh:other-2:viewer", "mesh:default:admin", "mesh:missing:viewer", "mesh:default:viewer")
    everything = [item for item in meshes.get("/timeouts?size=1000").json["items"] if item["mesh"] != "other-1"]
    assert len(everything) > 3
    for size in (1, 2, 3, 100):
        seen, path = [], f"/timeouts?size={size}"
        while path:
            page = meshes.get(path, headers=who, source=ELSEWHERE).json
            assert page["total"] == len(everything) and len(page["items"]) <= size
            seen += page["items"]
            path = page["next"] and page["next"].split(f":{meshes.api_port}")[1]
        assert seen == everything
    assert meshes.get("/timeouts?size=1&offset=1000", headers=who, source=ELSEWHERE).json["items"] == []


def test_secrets_are_listed_where_one_is_admin(meshes):
    who = bearer(meshes, "mesh:other-2:viewer", "mesh:default:admin")
    listed = meshes.get("/secrets", headers=who, source=ELSEWHERE).json
    assert {item["mesh"] for item in listed["items"]} == {"default"} and listed["total"] == len(listed["items"])


def test_global_insights_count_ones_own(meshes):
    counts = meshes.get("/global-insights", headers=bearer(meshes, "mesh:default:admin", "mesh:missing:admin"), source=ELSEWHERE).json["resources"]
    assert {name: count["total"] for name, count in counts.items()} == {
        "GlobalSecret": 0, "Mesh": 1, "Zone": 0, "ZoneEgress": 0, "ZoneIngress": 0}


def test_a_mesh_that_is_not_ones_own_is_refused_whether_or_not_it_exists(meshes):
    who = bearer(meshes, "mesh:default:admin")
    for path in ("", "/timeouts", "/timeouts/x", "/secrets", "/secrets/x", "/dataplanes+insights", "/service-insights", "/service-insights/x"):
        there, missing = (meshes.get(f"/meshes/{mesh}{path}", headers=who, source=ELSEWHERE) for mesh in ("other-1", "missing"))
        assert there.status == missing.status == 403 and there.text == missing.text, path
        assert there.json["title"] == "Access Denied", there
    for token in ({"mesh": "other-1"}, {"mesh": "missing"}, {}, {"mesh": ""}):
        assert meshes.post("/tokens/dataplane", token, headers=who, source=ELSEWHERE).status == 403, token
    assert meshes.post("/tokens/dataplane", {"mesh": "default"}, headers=who, source=ELSEWHERE).status == 200
    refusal = meshes.get("/meshes/other-1/timeouts/x", headers=who, source=ELSEWHERE).json
    assert refusal["detail"] == 'user "vera/mesh:default:admin,mesh-system:authenticated" cannot access the resource of type "Timeout"'


def test_a_mesh_is_changed_by_its_admin_and_made_and_removed_by_the_control_planes(meshes):
    who = bearer(meshes, "mesh:default:admin", "mesh:unborn:admin")
    for body, status in (({"type": "Mesh", "name": "default"}, 200), ({"type": "Mesh", "name": "unborn"}, 403)):
        assert meshes.put(f"/meshes/{body['name']}", body, headers=who, source=ELSEWHERE).status == status
        assert meshes.post("/apply", [body], headers=who, source=ELSEWHERE).status == status
    for mesh in ("default", "unborn"):
        assert meshes.delete(f"/meshes/{mesh}", headers=who, source=ELSEWHERE).status == 403


def test_a_mesh_that_is_gone_is_brought_back_by_the_control_planes(meshes):
    body = {"type": "Mesh", "name": "gone"}
    assert meshes.put("/meshes/gone", body).status == 201
    revision = meshes.get("/history?size=1").json["items"][0]["revision"]
    who = bearer(meshes, "mesh:gone:admin")
    assert meshes.post(f"/rollback?to={revision}&mesh=gone&dryRun=true", None, headers=who, source=ELSEWHERE).status == 200
    assert meshes.delete("/meshes/gone").status == 200
    for answer in (meshes.post(f"/rollback?to={revision}&mesh=gone", None, headers=who, source=ELSEWHERE),
                   meshes.put("/meshes/gone", body, headers=who, source=ELSEWHERE), meshes.post("/apply", [body], headers=who, source=ELSEWHERE)):
        assert answer.status == 403, answer
    assert meshes.get("/meshes/gone").status == 404


def test_a_mesh_that_goes_meanwhile_is_not_made_again(meshes):
    """Its admin puts it while the control plane's removes it: whatever comes first, it is gone in the end."""
    body = {"type": "Mesh", "name": "race"}
    who = bearer(meshes, "mesh:race:admin")
    for _ in range(20):
        assert meshes.put("/meshes/race", body).status == 201
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            writes = [pool.submit(meshes.put, "/meshes/race", body, headers=who, source=ELSEWHERE) for _ in range(3)]
            assert pool.submit(meshes.delete, "/meshes/race").result().status == 200
            assert {write.result().status for write in writes} <= {200, 403}
        assert meshes.get("/meshes/race").status == 404


def test_documents_are_judged_one_by_one(meshes):
    """One document of another mesh among one's own: it is refused, and nothing is applied."""
    who = bearer(meshes, "mesh:default:operator", "mesh:other-2:viewer")
    mine = {**document("Timeout", "MESH"), "name": "fresh"}
    for stranger, status in (({**mine, "mesh": "other-1"}, 403), ({**mine, "mesh": "other-2"}, 403), ({**mine, "mesh": "missing"}, 403),
                             (document("Secret", "MESH"), 403), ({"type": "Zone", "name": "z"}, 403), ({"type": "Mesh", "name": "default"}, 403)):
        answer = meshes.post("/apply", [mine, stranger], headers=who, source=ELSEWHERE)
        assert answer.status == status, answer
        assert [entry["outcome"] for entry in answer.json["documents"]] == ["not applied", "refused"], answer
    assert meshes.get("/meshes/default/timeouts/fresh").status == 404
    assert meshes.post("/apply", [mine], headers=who, source=ELSEWHERE).status == 200
    assert meshes.delete("/meshes/default/timeouts/fresh", headers=who, source=ELSEWHERE).status == 200


@pytest.mark.parametrize("group", ["mesh:default:oprator", "mesh:default", "mesh:", "mesh::admin", "mesh:default:admin:x", "mesh:default:Admin"])
def test_a_group_with_a_slip_is_not_issued(daemon, group):
    answer = daemon.post("/tokens/user", {"name": "vera", "groups": ["team-a", group], "validFor": "1h"})
    assert answer.status == 400 and answer.json["causes"] == [{
        "field": "groups[1]", "message": f'"{group}" is none of mesh:<mesh>:viewer, mesh:<mesh>:operator, mesh:<mesh>:admin'}]


def test_roles_are_issued_by_the_control_planes_administrators_only(meshes):
    for groups in (["mesh:default:admin"], ["mesh:default:admin", "team-a"]):
        answer = meshes.post("/tokens/user", {"name": "x", "groups": ["mesh:default:viewer"], "validFor": "1h"}, headers=bearer(meshes, *groups),
                             source=ELSEWHERE)
        assert (answer.status, answer.json["detail"]) == (403, "action not allowed")


def test_an_administrator_is_not_confined(meshes):
    who = bearer(meshes, "mesh:default:viewer", "mesh-system:admin")
    assert meshes.get("/meshes/other-1/secrets", headers=who, source=ELSEWHERE).status == 200
    assert meshes.get("/meshes", headers=who, source=ELSEWHERE).json["total"] == 3


def test_without_anonymous_reads_a_credential_decides():
    with ursa.running("memory", API_SERVER_AUTHN_ANONYMOUS_READS="false") as daemon:
        for path in ("/meshes", "/meshes/default", "/dataplanes", "/config", "/global-insights", "/zones"):
            assert daemon.get(path, source=ELSEWHERE).status == 403, path
            assert daemon.get(path, headers=bearer(daemon), source=ELSEWHERE).status == 200, path
        for path in ("/", "/who-am-i", "/policies"):
            assert daemon.get(path, source=ELSEWHERE).status == 200, path
        who = bearer(daemon, "mesh:default:viewer")
        assert [daemon.get(f"/meshes/{m}", headers=who, source=ELSEWHERE).status for m in ("default", "other")] == [200, 403]


def test_the_settings_give_roles_too():
    roles = "user:john=shop:operator,group:team-a=shop:viewer,group:mesh-system:unauthenticated=public:viewer,user:mesh-system:admin=shop:viewer"
    with ursa.running("memory", ACCESS_STATIC_MESH_ROLES=roles) as daemon:
        for mesh in ("shop", "public", "other"):
            assert daemon.put(f"/meshes/{mesh}", {"type": "Mesh", "name": mesh}).status == 201

        def seen(headers):
            assert daemon.get("/meshes/other", headers=headers, source=ELSEWHERE).status in (200, 403)
            return [item["name"] for item in daemon.get("/meshes", headers=headers, source=ELSEWHERE).json["items"]]

        john = {"Authorization": f"Bearer {issue_user(daemon, 'john')}"}
        jane = {"Authorization": f"Bearer {issue_user(daemon, 'jane', ['team-a'])}"}
        both = {"Authorization": f"Bearer {issue_user(daemon, 'jane', ['team-a', 'mesh:other:admin'])}"}
        free = {"Authorization": f"Bearer {issue_user(daemon, 'jill')}"}
        assert [seen(who) for who in (john, jane, both, {})] == [["shop"], ["shop"], ["other", "shop"], ["public"]]
        assert seen(free) == ["default", "other", "public", "shop"]
        timeout = {**document("Timeout", "MESH"), "mesh": "shop"}
        assert [daemon.put("/meshes/shop/timeouts/x", timeout, headers=who, source=ELSEWHERE).status for who in (john, jane, {})] == [201, 403, 403]
        assert daemon.get("/who-am-i", headers=john, source=ELSEWHERE).json["groups"] == ["mesh-system:authenticated", "mesh:shop:operator"]
        assert daemon.get("/who-am-i").json["groups"] == ["mesh-system:admin", "mesh-system:authenticated"]  # not confined
