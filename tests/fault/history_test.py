"""GET /history, /diff and ?revision=n: the past as it was, of what the caller may see, as long as it is kept."""
import json
import threading

import pytest

import ursa

from access_test import ELSEWHERE, issue_user

MATCH = [{"match": {"kuma.io/service": "*"}}]


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def daemon(request):
    with ursa.running(request.param) as started:
        yield started


def timeout(mesh, name, seconds=1, **more):
    return {"type": "Timeout", "mesh": mesh, "name": name, "sources": MATCH, "destinations": MATCH,
            "conf": {"connectTimeout": f"{seconds}s", **more}}


def dataplane(mesh, name, **tags):
    return {"type": "Dataplane", "mesh": mesh, "name": name,
            "networking": {"address": "127.0.0.1", "inbound": [{"port": 80, "tags": {"kuma.io/service": "web", **tags}}]}}


def plain_mesh(name, **more):
    return {"type": "Mesh", "name": name, "skipCreatingInitialPolicies": ["*"], **more}


def put(daemon, document, **more):
    plural = {"Mesh": "meshes", "Timeout": "timeouts", "Dataplane": "dataplanes", "Secret": "secrets"}[document["type"]]
    path = f"/meshes/{document['mesh']}/{plural}/{document['name']}" if "mesh" in document else f"/{plural}/{document['name']}"
    answer = daemon.put(path, document, **more)
    assert answer.status in (200, 201), answer
    return int(answer.headers["Ursa-Revision"])


def changes(entry):
    return [(c["op"], c["type"], c.get("mesh"), c["name"]) for c in entry["changes"]]


def spec(resource):
    return {k: v for k, v in resource.items() if k not in ("creationTime", "modificationTime")}


def test_every_write_is_told_with_its_author(daemon):
    token = issue_user(daemon, "wanda", ["team-a"])
    first = put(daemon, plain_mesh("told"))
    second = put(daemon, timeout("told", "t"), headers={"Authorization": f"Bearer {token}"}, source=ELSEWHERE)
    third = put(daemon, timeout("told", "t", 2))
    assert daemon.delete("/meshes/told/timeouts/t").status == 200
    told = daemon.get("/history?mesh=told").json
    assert (told["total"], told["next"]) == (4, None)
    assert [e["revision"] for e in told["items"]] == [third + 1, third, second, first]
    assert [e["author"] for e in told["items"]] == ["mesh-system:admin", "mesh-system:admin", "wanda", "mesh-system:admin"]
    assert {e["origin"] for e in told["items"]} == {"api"}
    assert [changes(e) for e in told["items"][:3]] == [[(op, "Timeout", "told", "t")] for op in ("delete", "update", "create")]
    assert ("create", "Mesh", None, "told") in changes(told["items"][3])
    assert told["items"][1]["time"] > told["items"][2]["time"]
    assert daemon.get("/history?type=timeouts&mesh=told&name=t").json["total"] == 3
    assert daemon.get("/history?type=Timeout&name=t&mesh=default").json["total"] == 0


def test_what_the_daemon_makes_is_its_own(daemon):
    first = daemon.get("/history?size=0").json["items"][-1]
    assert (first["revision"], first["author"], first["origin"]) == (1, "ursa", "system")


def test_one_transaction_is_one_entry(daemon):
    documents = [plain_mesh("whole"), timeout("whole", "a"), timeout("whole", "b")]
    revision = daemon.post("/apply", documents).json["revision"]
    entry, = daemon.get("/history?mesh=whole").json["items"]
    assert entry["revision"] == revision
    assert [c for c in changes(entry) if c[1] != "Secret"] == [
        ("create", "Mesh", None, "whole"), ("create", "Timeout", "whole", "a"), ("create", "Timeout", "whole", "b")]
    assert daemon.delete("/meshes/whole").status == 200
    entry = daemon.get("/history?mesh=whole").json["items"][0]
    assert ("delete", "Mesh", None, "whole") in changes(entry) and ("delete", "Timeout", "whole", "b") in changes(entry)


def test_history_has_pages(daemon):
    put(daemon, plain_mesh("paged"))
    for seconds in range(1, 11):
        put(daemon, timeout("paged", "t", seconds))
    for query in ("mesh=paged", "mesh=paged&type=Timeout", ""):
        everything = daemon.get(f"/history?size=0&{query}").json["items"]
        seen, path = [], f"/history?size=3&{query}"
        while path:
            page = daemon.get(path).json
            assert len(page["items"]) <= 3 and page["total"] == len(everything)
            seen += page["items"]
            path = page["next"] and page["next"].split(f":{daemon.api_port}")[1]
        assert seen == everything


@pytest.mark.parametrize("path, field", [
    ("/history?type=Nothing", "type"), ("/history?size=x", "size"), ("/history?offset=-1", "offset"), ("/diff", "from"), ("/diff?from=x", "from"),
    ("/diff?from=1&to=1e3", "to"), ("/diff?from=-1", "from"), ("/meshes?revision=x", "revision"), ("/meshes/default?revision=", "revision"),
    ("/meshes/default?revision=99999999999999999999", "revision"), ("/dataplane-insights?revision=1", "revision"),
    ("/dataplanes+insights?revision=1", "revision"), ("/mesh-insights/default?revision=1", "revision"), ("/policies?revision=1", "revision"),
])
def test_bad_questions_say_what_is_wrong(daemon, path, field):
    answer = daemon.get(path)
    assert answer.status == 400 and [c["field"] for c in answer.json["causes"]] == [field], answer


def test_the_state_then(daemon):
    made = put(daemon, plain_mesh("then"))
    put(daemon, dataplane("then", "d"))
    first = put(daemon, timeout("then", "t", 1))
    shown, listed = daemon.get("/meshes/then/timeouts/t"), daemon.get("/meshes/then/timeouts").json
    second = put(daemon, timeout("then", "t", 2))
    third = put(daemon, timeout("then", "u", 3))
    assert daemon.delete("/meshes/then/timeouts/t").status == 200
    then = daemon.get(f"/meshes/then/timeouts/t?revision={first}")
    assert (then.json, then.headers["ETag"], then.headers["Ursa-Revision"]) == (shown.json, shown.headers["ETag"], str(first))
    assert daemon.get(f"/meshes/then/timeouts?revision={first}").json == listed
    assert daemon.get(f"/meshes/then/timeouts/t?revision={third}").json["conf"] == {"connectTimeout": "2s"}
    assert [i["name"] for i in daemon.get(f"/meshes/then/timeouts?revision={third}").json["items"]] == ["t", "u"]
    assert [i["name"] for i in daemon.get(f"/meshes/then/timeouts?revision={second}").json["items"]] == ["t"]
    assert [i["name"] for i in daemon.get("/meshes/then/timeouts").json["items"]] == ["u"]
    assert daemon.get(f"/meshes/then/timeouts/u?revision={second}").status == 404
    assert "then" in [i["name"] for i in daemon.get(f"/meshes?revision={made}").json["items"]]
    assert "then" not in [i["name"] for i in daemon.get(f"/meshes?revision={made - 1}").json["items"]]
    assert daemon.get(f"/meshes/then?revision={made - 1}").status == 404
    assert [i["name"] for i in daemon.get(f"/dataplanes?revision={first}").json["items"] if i["mesh"] == "then"] == ["d"]
    # A mesh that is gone is still told of.
    assert daemon.delete("/meshes/then/dataplanes/d").status == 200 and daemon.delete("/meshes/then").status == 200
    assert daemon.get(f"/meshes/then/timeouts/t?revision={first}").json == shown.json
    page = daemon.get(f"/meshes/then/timeouts?revision={third}&size=1").json
    assert page["total"] == 2 and f"revision={third}" in page["next"]


def test_a_revision_that_is_not_there_is_told(daemon):
    newest = put(daemon, plain_mesh("newest"))
    for path in ("/meshes/default", "/meshes", "/meshes/default/timeouts"):
        answer = daemon.get(f"{path}?revision={newest + 1}")
        assert answer.status == 404 and f"the newest is {newest}" in answer.json["detail"], answer
    assert daemon.get(f"/diff?from=1&to={newest + 1}").status == 404
    assert daemon.get("/meshes?revision=0").json == {"total": 0, "items": [], "next": None}


def test_a_diff_tells_fields(daemon):
    put(daemon, plain_mesh("diffed"))
    put(daemon, timeout("diffed", "t", 1, http={"requestTimeout": "5s"}))
    put(daemon, timeout("diffed", "gone"))
    start = put(daemon, dataplane("diffed", "d", version="1", team="a"))
    put(daemon, timeout("diffed", "t", 2, tcp={"idleTimeout": "7s"}))
    put(daemon, timeout("diffed", "new"))
    put(daemon, timeout("diffed", "passing"))
    put(daemon, dataplane("diffed", "d", version="2"))
    put(daemon, plain_mesh("diffed"))  # the same again: nothing differs but when
    daemon.delete("/meshes/diffed/timeouts/gone")
    daemon.delete("/meshes/diffed/timeouts/passing")
    end = put(daemon, plain_mesh("elsewhere"))
    diff = daemon.get(f"/diff?from={start}&mesh=diffed").json
    assert (diff["from"], diff["to"], diff["total"], diff["next"]) == (start, end, 4, None)
    assert [(i["op"], i["type"], i["name"]) for i in diff["items"]] == [
        ("update", "Dataplane", "d"), ("delete", "Timeout", "gone"), ("create", "Timeout", "new"), ("update", "Timeout", "t")]
    proxy, gone, new, changed = diff["items"]
    assert proxy["changes"] == [
        {"field": 'networking.inbound[0].tags.team', "before": "a", "after": None},
        {"field": 'networking.inbound[0].tags.version', "before": "1", "after": "2"}]
    assert changed["changes"] == [
        {"field": "conf.connectTimeout", "before": "1s", "after": "2s"},
        {"field": "conf.http", "before": {"requestTimeout": "5s"}, "after": None},
        {"field": "conf.tcp", "before": None, "after": {"idleTimeout": "7s"}}]
    assert (gone["after"], gone["changes"], gone["before"]["conf"]) == (None, [], {"connectTimeout": "1s"})
    assert (new["before"], new["changes"], new["after"]) == (None, [], daemon.get("/meshes/diffed/timeouts/new").json)
    back = daemon.get(f"/diff?from={end}&to={start}&mesh=diffed").json
    assert [(i["before"], i["after"]) for i in back["items"]] == [(i["after"], i["before"]) for i in diff["items"]]
    assert daemon.get(f"/diff?from={end}&to={end}").json["items"] == []
    page = daemon.get(f"/diff?from={start}&to={end}&mesh=diffed&size=1&offset=1").json
    assert page["items"] == [gone] and page["total"] == 4 and "offset=2" in page["next"]
    assert "elsewhere" in [i["name"] for i in daemon.get(f"/diff?from={start}&size=0").json["items"]]


def test_secrets_tell_only_that_they_changed(daemon):
    put(daemon, plain_mesh("secretive"))
    start = put(daemon, {"type": "Secret", "mesh": "secretive", "name": "s", "data": "Zmlyc3Q="})
    put(daemon, {"type": "Secret", "mesh": "secretive", "name": "s", "data": "c2Vjb25k"})
    put(daemon, {"type": "Secret", "mesh": "secretive", "name": "t", "data": "dGhpcmQ="})
    text = daemon.get(f"/diff?from={start}&mesh=secretive").text
    old, new = json.loads(text)["items"]
    assert old["changes"] == [{"field": "data", "before": None, "after": None}] and (old["op"], new["op"]) == ("update", "create")
    assert "data" not in old["before"] and "data" not in new["after"] and new["after"]["name"] == "t"
    assert not any(data in text for data in ("Zmlyc3Q=", "c2Vjb25k", "dGhpcmQ="))
    # Who may read them now may read what they were.
    assert daemon.get(f"/meshes/secretive/secrets/s?revision={start}").json["data"] == "Zmlyc3Q="
    assert daemon.get(f"/meshes/secretive/secrets/s?revision={start}", source=ELSEWHERE).status == 403


def test_others_see_of_the_past_what_they_see_of_the_present(daemon):
    start = put(daemon, plain_mesh("mine"))
    put(daemon, plain_mesh("yours"))
    for mesh in ("mine", "yours"):
        put(daemon, timeout(mesh, f"of-{mesh}"))
        put(daemon, {"type": "Secret", "mesh": mesh, "name": f"secret-{mesh}", "data": "eA=="})

    def ask(path, *groups):
        return daemon.get(path, headers={"Authorization": f"Bearer {issue_user(daemon, 'una', groups)}"}, source=ELSEWHERE)

    for groups, mine, secrets in ((["mesh:mine:viewer"], True, False), (["mesh:mine:admin"], True, True), (["team"], False, False)):
        for path in ("/history?size=0", f"/diff?from={start}&size=0", f"/timeouts?revision={start + 4}&size=0"):
            text = ask(path, *groups).text
            assert "of-mine" in text and ("yours" in text) != mine, (path, groups)
            assert "secret-yours" not in text, (path, groups)
            assert ("secret-mine" in text) == (secrets and "timeouts" not in path), (path, groups)
    for path in ("/history?mesh=yours", f"/diff?from={start}&mesh=yours", f"/meshes/yours?revision={start + 4}", f"/meshes/yours/timeouts?revision={start}"):
        assert ask(path, "mesh:mine:admin").status == 403, path
    assert ask(f"/meshes/mine/secrets?revision={start + 4}", "mesh:mine:viewer").status == 403


def test_readers_of_the_past_and_a_writer_do_not_disturb_each_other(daemon):
    """While a resource is rewritten, every revision that is asked for shows what that revision wrote."""
    put(daemon, plain_mesh("busy"))
    written, done = {}, threading.Event()

    def read():
        while not done.is_set():
            for revision, seconds in list(written.items())[-3:]:
                seen = daemon.get(f"/meshes/busy/timeouts/t?revision={revision}").json["conf"]["connectTimeout"]
                if seen != f"{seconds}s":
                    wrong.append((revision, seconds, seen))
            newest = daemon.get("/history?mesh=busy&size=1").json["items"][0]
            if changes(newest)[0][3] not in ("t", "busy"):
                wrong.append(newest)

    wrong = []
    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for seconds in range(1, 200):
        written[put(daemon, timeout("busy", "t", seconds))] = seconds
    done.set()
    for reader in readers:
        reader.join()
    assert not wrong, wrong[:3]


@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_what_is_no_longer_kept_is_said(store):
    with ursa.running(store, STORE_HISTORY_REVISIONS="5") as daemon:
        put(daemon, plain_mesh("kept"))
        for seconds in range(1, 21):
            newest = put(daemon, timeout("kept", "t", seconds))
        oldest = newest - 5
        for path in (f"/meshes/kept/timeouts/t?revision={oldest - 1}", f"/timeouts?revision={oldest - 1}", f"/diff?from={oldest - 1}",
                     f"/diff?from={newest}&to={oldest - 1}"):
            answer = daemon.get(path)
            assert answer.status == 404 and f"revision {oldest - 1} is no longer kept: the oldest is {oldest}" in answer.json["detail"], answer
        assert daemon.get(f"/meshes/kept/timeouts/t?revision={oldest}").json["conf"] == {"connectTimeout": "15s"}
        assert daemon.get("/history").json["total"] == 5
        assert len(daemon.get(f"/diff?from={oldest}").json["items"]) == 1


def test_history_lives_through_a_restart():
    with ursa.running("sqlite") as daemon:
        put(daemon, plain_mesh("lasting"))
        first = put(daemon, timeout("lasting", "t", 1))
        put(daemon, timeout("lasting", "t", 2))
        told = daemon.get("/history?mesh=lasting").json
        daemon.process.kill()
        daemon.process.wait()
        daemon.start()
        assert daemon.get("/history?mesh=lasting").json == told
        assert daemon.get(f"/meshes/lasting/timeouts/t?revision={first}").json["conf"] == {"connectTimeout": "1s"}
