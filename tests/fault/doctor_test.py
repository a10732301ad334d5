"""GET /doctor over HTTP: who is told what, and that findings come and go with their faults. What each finding takes is in
unit/doctor/findings_test."""
import pytest

import ursa
from access_test import ELSEWHERE, MATCH, NETWORKING, issue_user

LOST = [{"match": {"kuma.io/service": "nobody"}}]


@pytest.fixture(scope="module")
def daemon():
    with ursa.running() as d:
        for mesh in ("blue", "red"):
            assert d.put(f"/meshes/{mesh}", {"type": "Mesh", "name": mesh}).status == 201
            assert d.put(f"/meshes/{mesh}/dataplanes/a", {"type": "Dataplane", "mesh": mesh, "name": "a", "networking": NETWORKING}).status == 201
            assert d.put(f"/meshes/{mesh}/timeouts/lost-{mesh}", {
                "type": "Timeout", "mesh": mesh, "name": f"lost-{mesh}", "sources": LOST, "destinations": MATCH,
                "conf": {"connectTimeout": "1s"}}).status == 201
        yield d


def found(daemon, query="", user=None):
    """(id, mesh, resource) of what this user is told."""
    headers = {"Authorization": f"Bearer {user}"} if user else {}
    answer = daemon.get("/doctor" + query, headers=headers, source=ELSEWHERE if user else None)
    assert answer.status == 200, answer
    assert answer.json["omitted"] == 0 and answer.json["controlPlane"] is (not query and not user)
    findings = answer.json["findings"]
    assert all(f["text"] and f["remedy"] for f in findings), findings
    severities = [f["severity"] for f in findings]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)
    return [(f["id"], f["mesh"], f["resource"]) for f in findings], answer.text


def test_an_administrator_is_told_everything(daemon):
    findings, _ = found(daemon)
    assert ("open-admin", "", "apiServer.authn.localhostIsAdmin") in findings
    for mesh in ("blue", "red"):
        assert ("policy-matches-nothing", mesh, f"Timeout lost-{mesh}") in findings


def test_of_one_mesh(daemon):
    findings, text = found(daemon, "?mesh=blue")
    assert {mesh for _, mesh, _ in findings} == {"blue"}
    assert "lost-red" not in text
    assert daemon.get("/doctor?mesh=none").status == 404


@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
def test_who_has_a_role_hears_of_that_mesh_alone(daemon, role):
    user = issue_user(daemon, "otto", [f"mesh:blue:{role}"])
    findings, text = found(daemon, user=user)
    assert ("policy-matches-nothing", "blue", "Timeout lost-blue") in findings
    assert {mesh for _, mesh, _ in findings} == {"blue"}, "neither the control plane nor another mesh"
    assert "lost-red" not in text
    refused = daemon.get("/doctor?mesh=red", headers={"Authorization": f"Bearer {user}"}, source=ELSEWHERE)
    assert refused.status == 403, refused


def test_who_is_no_administrator_hears_nothing_of_the_control_plane(daemon):
    findings, _ = found(daemon, user=issue_user(daemon, "john", ["team-a"]))
    assert {mesh for _, mesh, _ in findings} == {"blue", "red"}


def test_a_finding_goes_with_its_fault(daemon):
    path = "/meshes/blue/timeouts/passing"
    body = {"type": "Timeout", "mesh": "blue", "name": "passing", "sources": LOST, "destinations": MATCH, "conf": {"connectTimeout": "1s"}}
    assert daemon.put(path, body).status == 201
    assert ("policy-matches-nothing", "blue", "Timeout passing") in found(daemon)[0]
    assert daemon.put(path, {**body, "sources": MATCH}).status == 200
    assert ("policy-matches-nothing", "blue", "Timeout passing") not in found(daemon)[0]
