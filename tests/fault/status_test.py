"""GET /status asked badly, by nobody in particular, and while the daemon stops. With real proxies: tests/flow/status_test.py."""
import pytest

FAULTS = [  # the query, the field, a part of the reason
    ("revision=x", "revision", 'must be a number, not "x"'), ("revision=-1", "revision", "must be a number"),
    ("revision=", "revision", "must be a number"), ("revision=99999999999999999999", "revision", "must be a number"),
    ("revision=1000000", "revision", "must be at most the store's newest, "),
    ("wait=1d", "wait", 'unknown unit "d"'), ("wait=30", "wait", "missing unit"), ("wait=", "wait", "must be a duration such as 30s"),
    ("wait=-1s", "wait", "must be from 0s to 5m, not -1s"), ("wait=5m1ns", "wait", "must be from 0s to 5m"),
]


@pytest.mark.parametrize("query, field, reason", FAULTS)
def test_faults_name_their_field(daemon, query, field, reason):
    answer = daemon.get(f"/status?{query}")
    assert answer.status == 400
    cause, = answer.json["invalid_parameters"]
    assert cause["field"] == field and reason in cause["reason"]


def test_all_faults_are_told_at_once(daemon):
    answer = daemon.get("/status?revision=x&wait=y")
    assert [cause["field"] for cause in answer.json["invalid_parameters"]] == ["revision", "wait"]


def test_a_mesh_that_is_not_there(daemon):
    assert daemon.get("/status?mesh=nothing").status == 404


@pytest.mark.parametrize("query", ["", "?wait=5m", "?wait=0", "?mesh=default", "?revision=1&wait=1ms"])
def test_without_proxies_everything_has_taken_effect(daemon, query):
    """At once, also when it might wait."""
    answer = daemon.get("/status" + query)
    newest = int(daemon.put("/meshes/default", {"type": "Mesh", "name": "default"}).headers["Ursa-Revision"])
    asked = 1 if "revision=1" in query else newest - 1
    assert answer.status == 200, answer
    assert answer.json == {"revision": asked, "applied": True, "proxies": {"total": 0, "applied": 0, "pending": 0, "refused": 0}, "laggards": []}
