"""GET /events: changes as server-sent events; resumed without loss or repetition, filtered, bounded. With proxies: tests/flow/events_test.py."""
import contextlib
import signal
import threading
import time

import pytest

import pace
import ursa
from access_test import ELSEWHERE, document, issue_user
from sse import Stream


def timeout(mesh, name):
    return {**document("Timeout", "MESH"), "mesh": mesh, "name": name}


def put(daemon, mesh, name):
    answer = daemon.put(f"/meshes/{mesh}/timeouts/{name}", timeout(mesh, name))
    assert answer.status in (200, 201), answer
    return int(answer.headers["Ursa-Revision"])


def make_mesh(daemon, name):
    assert daemon.put(f"/meshes/{name}", {"type": "Mesh", "name": name}).status in (200, 201)


@pytest.fixture
def fresh():
    with ursa.running("memory") as started:
        yield started


def metric(daemon, name):
    for line in daemon.get("/metrics", port=daemon.diag_port).text.splitlines():
        if line.startswith(name + " "):
            return float(line.split()[1])
    return 0


def until(condition, limit=20):
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_changes_are_told_with_their_revision_and_author(daemon):
    make_mesh(daemon, "told")
    with Stream(daemon.api_port, "?mesh=told").greeted() as stream:
        assert stream.status == 200 and "text/event-stream" in stream.head and "no-store" in stream.head
        revisions = [put(daemon, "told", "a"), put(daemon, "told", "a")]
        revisions.append(int(daemon.delete("/meshes/told/timeouts/a").headers["Ursa-Revision"]))
        events = [stream.next() for _ in range(3)]
    assert [e.kind for e in events] == ["resource"] * 3
    assert [e.data["op"] for e in events] == ["create", "update", "delete"]
    assert [e.data["revision"] for e in events] == revisions and [e.id for e in events] == [f"{r}-0" for r in revisions]
    for event in events:
        assert list(event.data) == ["revision", "time", "op", "author", "type", "mesh", "name"]
        assert {k: event.data[k] for k in ("author", "type", "mesh", "name")} == {
            "author": "mesh-system:admin", "type": "Timeout", "mesh": "told", "name": "a"}


def test_a_transaction_is_told_whole_and_a_mesh_goes_with_all_that_is_in_it(daemon):
    with Stream(daemon.api_port, "?type=Mesh&type=Timeout&event=resource").greeted() as stream:
        documents = [{"type": "Mesh", "name": "whole"}, timeout("whole", "x"), timeout("whole", "y")]
        revision = daemon.post("/apply", documents).json["revision"]
        made = [stream.next() for _ in range(3)]
        assert {(e.data["type"], e.data["name"]) for e in made} >= {("Mesh", "whole"), ("Timeout", "x"), ("Timeout", "y")}
        assert {e.data["revision"] for e in made} == {revision} and len({e.id for e in made}) == 3
        daemon.delete("/meshes/whole")
        gone = []
        while not gone or gone[-1].data["type"] != "Mesh":
            gone.append(stream.next())
        gone = [e for e in gone if e.data["op"] == "delete"]
        assert {(e.data["type"], e.data["name"]) for e in gone} >= {("Timeout", "x"), ("Timeout", "y"), ("Mesh", "whole")}


@pytest.mark.parametrize("query, field", [
    ("type=Nothing", "type"), ("type=", "type"), ("event=x", "event"), ("since=x", "since"), ("since=", "since"), ("since=1000000", "since"),
    ("since=1-", "since")])
def test_faults_name_their_field(daemon, query, field):
    answer = daemon.get(f"/events?{query}")
    assert answer.status == 400 and [c["field"] for c in answer.json["invalid_parameters"]] == [field], answer


def test_a_fault_names_every_kind_of_event(daemon):
    reason = daemon.get("/events?event=x").json["invalid_parameters"][0]["reason"]
    assert "resource, proxy, nack, certificate, ca or finding" in reason, reason


def test_a_mesh_that_is_not_there(daemon):
    assert daemon.get("/events?mesh=nothing").status == 404


def test_since_a_revision_begins_behind_it(fresh):
    make_mesh(fresh, "m")
    first = put(fresh, "m", "a")
    second = put(fresh, "m", "b")
    third = put(fresh, "m", "c")
    for since, names in ((first, ["b", "c"]), (second, ["c"]), (f"{first}-0", ["b", "c"]), (third, [])):
        with Stream(fresh.api_port, f"?type=Timeout&since={since}") as stream:
            assert [stream.next().data["name"] for _ in names] == names
            put(fresh, "m", "later")
            assert stream.next().data["name"] == "later"
            fresh.delete("/meshes/m/timeouts/later")


def test_a_resumed_client_misses_nothing_and_sees_nothing_twice(fresh):
    """Writers go on while clients are cut off again and again, and name the last event they saw."""
    make_mesh(fresh, "m")
    with Stream(fresh.api_port).greeted() as start:
        place = start.last_id
    n_writers, n_writes = 4, 100

    def write(i):
        for k in range(n_writes):
            put(fresh, "m", f"t{i}-{k % 7}")

    writers = [threading.Thread(target=write, args=(i,)) for i in range(n_writers)]
    for writer in writers:
        writer.start()
    seen, cuts = [], 0
    while len(seen) < n_writers * n_writes:
        with Stream(fresh.api_port, "?type=Timeout", {"Last-Event-ID": place}) as stream:
            for event in stream:
                assert event.kind == "resource", event
                seen.append(event)
                place = event.id
                if len(seen) == n_writers * n_writes or len(seen) % 7 == cuts % 7:
                    break
        cuts += 1
    for writer in writers:
        writer.join()
    revisions = [e.data["revision"] for e in seen]
    assert revisions == list(range(revisions[0], revisions[0] + len(seen))), "lost, doubled or out of order"
    assert cuts > 20


@pytest.mark.parametrize("place", ["999999-0", "garbage", "0-0"])
def test_what_is_not_kept_is_said(fresh, place):
    make_mesh(fresh, "m")
    with Stream(fresh.api_port, "?type=Timeout", {"Last-Event-ID": place}) as stream:
        reset = stream.next()
        assert reset.kind == "reset" and reset.id is None and "reason" in reset.data
        put(fresh, "m", "a")
        assert stream.next().data["name"] == "a"


def test_a_restart_loses_no_change():
    """What happened beside changes is not known any more, and that is said; the changes themselves go on where the client was."""
    with ursa.running("sqlite") as daemon:
        with Stream(daemon.api_port).greeted() as stream:
            place = stream.last_id
        make_mesh(daemon, "m")
        revisions = [put(daemon, "m", name) for name in ("a", "b")]
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(20) == 0
        until(lambda: int(time.time()) > int(place.split("-")[1]))
        daemon.start()
        with Stream(daemon.api_port, "?type=Timeout&mesh=m", {"Last-Event-ID": place}) as stream:
            assert stream.next().kind == "reset"
            assert [stream.next().data["name"] for _ in range(3)] == ["timeout-all-m", "a", "b"]
        with Stream(daemon.api_port, f"?since={revisions[0]}&type=Timeout") as stream:  # about changes only: none was missed
            told = stream.next().data
            assert (told["name"], told["op"], told["revision"]) == ("b", "create", revisions[1])
            put(daemon, "m", "c")
            assert stream.next().data["name"] == "c"


def test_the_ring_is_bounded():
    with ursa.running("memory", API_SERVER_EVENTS_KEPT="10") as daemon:
        make_mesh(daemon, "m")
        revisions = [put(daemon, "m", f"t{i}") for i in range(20)]
        with Stream(daemon.api_port, f"?since={revisions[5]}") as stream:
            assert stream.next().kind == "reset"
        with Stream(daemon.api_port, f"?since={revisions[9]}") as stream:
            assert [stream.next().data["name"] for _ in range(10)] == [f"t{i}" for i in range(10, 20)]


def test_who_reads_slowly_is_told_and_let_go():
    with ursa.running("memory", API_SERVER_EVENTS_KEPT="100") as daemon:
        mesh = "m" * 60
        make_mesh(daemon, mesh)
        with Stream(daemon.api_port, "?type=Timeout", receive_buffer=4096).greeted() as slow:
            documents = [timeout(mesh, f"{'n' * 240}-{i}") for i in range(500)]
            for i in range(32):  # 8 MB: more than the sockets between hold
                for d in documents:
                    d["conf"]["connectTimeout"] = f"{i + 1}s"
                assert daemon.post("/apply", documents).status == 200
            events = list(slow)
        assert events[-1].kind == "end" and "too slowly" in events[-1].data["reason"] and events[-1].id is None
        assert all(e.kind == "resource" for e in events[:-1])
        assert metric(daemon, "events_streams_too_slow") == 1


def test_a_quiet_stream_is_not_idle():
    with ursa.running("memory", API_SERVER_CONNECTION_TIMEOUT="1s") as daemon:
        make_mesh(daemon, "m")
        with Stream(daemon.api_port).greeted() as stream:
            assert stream.is_quiet(2.5)
            put(daemon, "m", "a")
            assert stream.next().data["name"] == "a"


def test_clients_are_bounded_and_leave_room():
    with ursa.running("memory", API_SERVER_MAX_EVENT_STREAMS="3") as daemon:
        daemon.expected_trouble = "apiServer.maxEventStreams"
        with contextlib.ExitStack() as undo:
            for _ in range(3):
                undo.enter_context(Stream(daemon.api_port).greeted())
            refused = daemon.get("/events")
            assert refused.status == 503 and "apiServer.maxEventStreams" in refused.text
        until(lambda: metric(daemon, "events_streams") == 0)
        with Stream(daemon.api_port).greeted() as stream:
            assert stream.status == 200


def test_a_thousand_clients_hear_the_same():
    with ursa.running("memory") as daemon, contextlib.ExitStack() as undo:
        make_mesh(daemon, "m")
        streams = [undo.enter_context(Stream(daemon.api_port, "?type=Timeout")) for _ in range(1000)]
        for stream in streams:
            stream.greeted()
        started = time.monotonic()
        put(daemon, "m", "a")
        assert {stream.next().data["name"] for stream in streams} == {"a"}
        assert pace.clock_within(time.monotonic() - started, 5)
        started = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        last = [stream.next() for stream in streams]
        assert {e.kind for e in last} == {"end"} and {e.data["reason"] for e in last} == {"the control plane stops"}
        assert all(stream.next() is None for stream in streams)
        assert daemon.process.wait(10) == 0
        assert pace.clock_within(time.monotonic() - started, 10)


def test_a_stop_does_not_wait_for_who_does_not_read():
    with ursa.running("memory") as daemon:
        make_mesh(daemon, "m")
        documents = [timeout("m", f"{'n' * 200}-{i}") for i in range(500)]
        with Stream(daemon.api_port, "?type=Timeout", receive_buffer=4096).greeted():
            for i in range(8):
                for d in documents:
                    d["conf"]["connectTimeout"] = f"{i + 1}s"
                assert daemon.post("/apply", documents).status == 200
            started = time.monotonic()
            daemon.process.send_signal(signal.SIGTERM)
            assert daemon.process.wait(10) == 0
            assert pace.clock_within(time.monotonic() - started, 5)


# ---- who may hear what ----
def test_secrets_and_other_meshes_are_not_told(daemon):
    for mesh in ("mine", "theirs"):
        make_mesh(daemon, mesh)
    callers = {
        "stranger": {}, "viewer": {"Authorization": f"Bearer {issue_user(daemon, 'v', ['mesh:mine:viewer'])}"},
        "admin of mine": {"Authorization": f"Bearer {issue_user(daemon, 'a', ['mesh:mine:admin'])}"},
        "administrator": {"Authorization": f"Bearer {issue_user(daemon, 'r', ['mesh-system:admin'])}"}}
    want = {"stranger": {"mine/t", "theirs/t"}, "viewer": {"mine/t"}, "admin of mine": {"mine/t", "mine/s"},
            "administrator": {"mine/t", "theirs/t", "mine/s", "theirs/s", "g"}}
    with contextlib.ExitStack() as undo:
        streams = {who: undo.enter_context(Stream(daemon.api_port, headers=headers, source=ELSEWHERE)).greeted() for who, headers in callers.items()}
        for mesh in ("mine", "theirs"):
            put(daemon, mesh, "t")
            daemon.put(f"/meshes/{mesh}/secrets/s", {"type": "Secret", "mesh": mesh, "name": "s", "data": "eA=="})
        daemon.put("/global-secrets/g", {"type": "GlobalSecret", "name": "g", "data": "eA=="})
        put(daemon, "mine", "last")
        for who, stream in streams.items():
            heard = set()
            for event in stream:
                assert "eA==" not in str(event.data)
                if event.data["name"] == "last":
                    break
                heard.add("/".join(filter(None, (event.data.get("mesh"), event.data["name"]))))
            assert heard == want[who], who
    viewer = callers["viewer"]
    assert daemon.get("/events?mesh=theirs", headers=viewer, source=ELSEWHERE).status == 403
    assert daemon.get("/events?mesh=nothing", headers=viewer, source=ELSEWHERE).status == 403
