"""POST /rollback: a revision is the present again, as one transaction, whatever else is written, and whatever moment the process dies in."""
import os
import random
import threading
import time

import pytest

import ursa

from access_test import ELSEWHERE, issue_user
from history_test import changes, daemon, dataplane, plain_mesh, put, spec, timeout  # noqa: F401 (a fixture)

SEED = int(os.environ.get("URSA_TEST_SEED", random.SystemRandom().randrange(1 << 32)))


def rollback(daemon, to, query="", **more):
    return daemon.post(f"/rollback?to={to}{query}", None, **more)


def outcomes(answer):
    return {(i["type"], i.get("mesh"), i["name"]): i["outcome"] for i in answer.json["items"]}


def differences(daemon, start, end, mesh):
    return daemon.get(f"/diff?from={start}&to={end}&mesh={mesh}&size=0").json["items"]


def newest(daemon):
    return daemon.get("/history?size=1").json["items"][0]["revision"]


def test_a_mesh_is_what_it_was(daemon):
    put(daemon, plain_mesh("back"))
    put(daemon, timeout("back", "changed", 1))
    put(daemon, dataplane("back", "d"))
    then = put(daemon, timeout("back", "gone", 1))
    put(daemon, plain_mesh("beside"))
    put(daemon, timeout("back", "changed", 2))
    put(daemon, timeout("back", "new", 1))
    daemon.delete("/meshes/back/timeouts/gone")
    before = put(daemon, plain_mesh("back", constraints={}))
    dry = rollback(daemon, then, "&mesh=back&dryRun=true")
    assert dry.status == 200 and dry.json["dryRun"] is True and "Ursa-Revision" not in dry.headers, dry
    assert newest(daemon) == before
    answer = rollback(daemon, then, "&mesh=back")
    assert answer.status == 200 and int(answer.headers["Ursa-Revision"]) == answer.json["revision"] == before + 1, answer
    assert outcomes(answer) == outcomes(dry)
    assert {k: v for k, v in outcomes(answer).items() if k[0] == "Timeout"} == {
        ("Timeout", "back", "changed"): "updated", ("Timeout", "back", "gone"): "created", ("Timeout", "back", "new"): "deleted"}
    assert differences(daemon, then, before + 1, "back") == []
    assert daemon.get("/meshes/back/timeouts/changed").json["conf"] == {"connectTimeout": "1s"}
    assert daemon.get("/meshes/beside").status == 200
    entry = daemon.get("/history?mesh=back").json["items"][0]
    assert (entry["revision"], entry["author"], entry["origin"]) == (before + 1, "mesh-system:admin", "api")
    assert ("create", "Timeout", "back", "gone") in changes(entry)
    again = rollback(daemon, then, "&mesh=back")
    assert (again.status, again.json["items"], again.json["revision"]) == (200, [], before + 1)


def test_a_deleted_mesh_comes_back_with_its_secrets(daemon):
    daemon.put("/meshes/lost", {"type": "Mesh", "name": "lost"})
    daemon.delete("/meshes/lost/traffic-permissions/allow-all-lost")
    put(daemon, {"type": "Secret", "mesh": "lost", "name": "s", "data": "Zmlyc3Q="})
    then = put(daemon, {"type": "Secret", "mesh": "lost", "name": "t", "data": "dGhlbg=="})
    token = daemon.post("/tokens/dataplane", {"mesh": "lost", "name": "d", "validFor": "1h"})
    assert token.status == 200
    listed = {name: daemon.get(f"/meshes/lost/{name}").json for name in ("secrets", "timeouts", "traffic-permissions")}
    assert daemon.delete("/meshes/lost").status == 200
    assert rollback(daemon, then, "&mesh=lost").status == 200
    for name, then_listed in listed.items():
        now = daemon.get(f"/meshes/lost/{name}").json["items"]
        assert [spec(i) for i in now] == [spec(i) for i in then_listed["items"]], name
    # Secrets that are there stay: a key that was replaced is not good again.
    put(daemon, {"type": "Secret", "mesh": "lost", "name": "s", "data": "c2Vjb25k"})
    put(daemon, {"type": "Secret", "mesh": "lost", "name": "u", "data": "bmV3"})
    answer = rollback(daemon, then, "&mesh=lost")
    assert [(i["name"], i["outcome"], "stay" in i["reason"]) for i in answer.json["items"]] == [("s", "kept", True), ("u", "kept", True)]
    assert "c2Vjb25k" not in answer.text and daemon.get("/meshes/lost/secrets/s").json["data"] == "c2Vjb25k"


def test_everything_is_what_it_was(daemon):
    then = put(daemon, plain_mesh("all"))
    put(daemon, plain_mesh("all-later"))
    put(daemon, timeout("all-later", "t"))
    put(daemon, timeout("all", "t"))
    answer = rollback(daemon, then)
    assert answer.status == 200, answer
    assert daemon.get("/meshes/all-later").status == daemon.get("/meshes/all/timeouts/t").status == 404
    assert outcomes(answer)["Secret", "all-later", "dataplane-token-signing-key-all-later-1"] == "deleted"
    rest = daemon.get(f"/diff?from={then}&size=0").json["items"]
    assert all(i["type"] in ("GlobalSecret", "Secret") for i in rest), rest


def test_faults_are_told_and_nothing_is_written(daemon):
    """A CA whose secret is another one by now: secrets that are there stay as they are."""
    put(daemon, plain_mesh("ruled", mtls={"enabledBackend": "made", "backends": [{"name": "made", "type": "builtin"}]}))
    for part in ("cert", "key"):
        made = daemon.get(f"/meshes/ruled/secrets/ruled.ca-builtin-{part}-made").json["data"]
        put(daemon, {"type": "Secret", "mesh": "ruled", "name": f"their-{part}", "data": made})
    conf = {part: {"secret": f"their-{part}"} for part in ("cert", "key")}
    put(daemon, plain_mesh("ruled", mtls={"enabledBackend": "theirs", "backends": [{"name": "theirs", "type": "provided", "conf": conf}]}))
    then = put(daemon, timeout("ruled", "t", 1))
    put(daemon, plain_mesh("ruled"))
    put(daemon, {"type": "Secret", "mesh": "ruled", "name": "their-cert", "data": "bm9uZQ=="})
    before = put(daemon, timeout("ruled", "t", 2))
    for query in ("&mesh=ruled", "&mesh=ruled&dryRun=true"):
        answer = rollback(daemon, then, query)
        assert answer.status == 400 and "1 fault" in answer.json["detail"], answer
        assert answer.json["items"][0]["faults"][0]["field"].startswith("mtls.backends[0]")
        assert answer.json["causes"][0]["message"].startswith("Mesh ruled: ")
        assert outcomes(answer)["Mesh", None, "ruled"] == "refused" and outcomes(answer)["Timeout", "ruled", "t"] == "not applied"
    assert newest(daemon) == before and daemon.get("/meshes/ruled/timeouts/t").json["conf"] == {"connectTimeout": "2s"}


@pytest.mark.parametrize("query, status, words", [
    ("", 400, "to"), ("?to=x", 400, "to"), ("?to=1&dryRun=perhaps", 400, "dryRun"), ("?to=999999", 404, "the newest is"),
    ("?to=1&mesh=nowhere", 404, "there is no mesh nowhere"),
])
def test_bad_requests_say_what_is_wrong(daemon, query, status, words):
    answer = daemon.post("/rollback" + query, None)
    assert answer.status == status and (words in answer.json["detail"] or words in [c["field"] for c in answer.json.get("causes", [])]), answer


def test_a_meshs_administrator_goes_back_in_that_mesh(daemon):
    who = {"headers": {"Authorization": f"Bearer {issue_user(daemon, 'ada', ['mesh:owned:admin'])}"}, "source": ELSEWHERE}
    before = newest(daemon)
    then = put(daemon, plain_mesh("owned"))
    put(daemon, timeout("owned", "t"))
    assert rollback(daemon, then, "", **who).status == rollback(daemon, then, "&mesh=default", **who).status == 403
    assert rollback(daemon, then, "&mesh=owned", **who).status == 200
    assert daemon.get("/history?mesh=owned").json["items"][0]["author"] == "ada"
    assert rollback(daemon, before, "&mesh=owned", **who).status == 403  # the Mesh itself was not there
    assert daemon.get("/meshes/owned").status == 200


def test_whatever_else_is_written_the_mesh_is_what_it_was(daemon):
    """Clients write to the mesh and beside it all the time; right after each rollback the mesh is exactly what it was."""
    for mesh in ("contended", "neighbour"):
        put(daemon, plain_mesh(mesh))
    for n in range(20):
        then = put(daemon, timeout("contended", f"t-{n}", 1))
    done, wrong = threading.Event(), []

    def write(mesh, seed):
        moments, n = random.Random(seed), 0
        while not done.is_set():
            n += 1
            name = f"t-{moments.randrange(40)}"
            if moments.random() < 0.3:
                daemon.delete(f"/meshes/{mesh}/timeouts/{name}")
            else:
                put(daemon, timeout(mesh, name, 2 + n % 50))

    writers = [threading.Thread(target=write, args=(mesh, i)) for i, mesh in enumerate(("contended", "contended", "neighbour"))]
    for writer in writers:
        writer.start()
    for _ in range(15):
        answer = rollback(daemon, then, "&mesh=contended")
        if answer.status != 200 or differences(daemon, then, answer.json["revision"], "contended"):
            wrong.append(answer)
    done.set()
    for writer in writers:
        writer.join()
    assert not wrong, wrong[0]


@pytest.mark.parametrize("round_", range(6))
def test_killed_in_the_middle_it_is_all_or_nothing(round_):
    """SIGKILL at a random moment while 400 resources go back; the seed repeats it."""
    moments = random.Random(SEED + round_)
    with ursa.running("sqlite") as daemon:
        put(daemon, plain_mesh("mortal"))
        names = [f"t-{n}" for n in range(200)]
        assert daemon.post("/apply", [timeout("mortal", n, 1) for n in names]).status == 200
        then = newest(daemon)
        later = [timeout("mortal", n, 2) for n in names[::2]] + [timeout("mortal", f"u-{n}", 3) for n in range(200)]
        before = daemon.post("/apply", later).json["revision"]
        answers = []

        def ask():
            try:
                answers.append(rollback(daemon, then, "&mesh=mortal").status)
            except (OSError, ValueError, AssertionError) as fault:
                answers.append(str(fault))
            except Exception as fault:  # http.client's own, of a cut connection
                answers.append(repr(fault))

        asker = threading.Thread(target=ask)
        asker.start()
        time.sleep(moments.uniform(0.0, 0.03))  # the moment of death, not a wait for something
        daemon.process.kill()
        daemon.process.wait()
        asker.join()
        daemon.start()
        reached = newest(daemon)
        assert reached in (before, before + 1) and (answers != [200] or reached == before + 1), (SEED, answers, reached)
        assert differences(daemon, then if reached > before else before, reached, "mortal") == [], (SEED, answers)
