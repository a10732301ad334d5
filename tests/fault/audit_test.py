"""The audit log: who changed what, when, from where, allowed or refused; and what is never in it."""
import base64
import contextlib
import json
import os
import re
import signal
import socket
import stat

import pytest

import ursa

from access_test import DATAPLANE_TOKEN, ELSEWHERE, decode, document, issue_user


class Log:
    """The lines since the last look, of one daemon."""

    def __init__(self, daemon):
        self.path, self.seen = daemon.work_dir / "audit.jsonl", 0

    def new(self):
        text = self.path.read_bytes()[self.seen:].decode("utf-8")
        self.seen += len(text.encode())
        assert text == "" or text.endswith("\n")
        return [json.loads(line) for line in text.splitlines()]

    def one(self):
        lines = self.new()
        assert len(lines) == 1, lines
        return lines[0]


@pytest.fixture
def log(daemon):
    made = Log(daemon)
    made.new()
    return made


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_a_write_is_told_with_who_and_whence(daemon, log):
    assert daemon.put("/meshes/a", {"type": "Mesh", "name": "a"}).status == 201
    line = log.one()
    time, peer = line.pop("time"), line.pop("peer")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", time) and re.fullmatch(r"127\.0\.0\.1:\d+", peer)
    revision = line.pop("revision")
    assert revision > 0 and line == {
        "user": "mesh-system:admin", "groups": ["mesh-system:admin", "mesh-system:authenticated"], "tls": False, "method": "PUT", "path": "/meshes/a",
        "type": "Mesh", "name": "a", "status": 201, "allowed": True}
    token = issue_user(daemon, "john", ["team-a"])
    log.new()
    headers = {**bearer(token), "X-Forwarded-For": "10.9.8.7"}
    answer = daemon.put("/meshes/a/timeouts/x", {**document("Timeout", "MESH"), "mesh": "a"}, headers=headers, port=daemon.https_port, tls=True, source=ELSEWHERE)
    line = log.one()
    assert answer.status == 201 and line["revision"] == int(answer.headers["Ursa-Revision"]) > revision
    assert {key: line[key] for key in ("user", "groups", "tls", "type", "mesh", "name", "forwardedFor")} == {
        "user": "john", "groups": ["team-a", "mesh-system:authenticated"], "tls": True, "type": "Timeout", "mesh": "a", "name": "x", "forwardedFor": "10.9.8.7"}
    assert line["peer"].startswith(ELSEWHERE + ":")


def test_reads_are_not_told(daemon, log):
    for path in ("/", "/meshes", "/meshes/default", "/global-secrets", "/nothing"):
        daemon.get(path)
    daemon.http("GET", "/meshes", source=ELSEWHERE, headers=bearer("garbage"))
    daemon.post("/bootstrap", {"mesh": "default", "name": "x"}, port=daemon.dp_port, tls=True)
    assert log.new() == []


def test_refusals_are_told_with_their_reason(daemon, log):
    viewer, expired = issue_user(daemon, "vera", ["mesh:default:viewer"]), issue_user(daemon, "old", valid_for="-1h")
    log.new()
    body = document("Timeout", "MESH")
    rows = [
        (None, 403, "mesh-system:anonymous", 'user "mesh-system:anonymous/mesh-system:unauthenticated" cannot access the resource of type "Timeout"'),
        (viewer, 403, "vera", 'user "vera/mesh:default:viewer,mesh-system:authenticated" cannot access the resource of type "Timeout"'),
        (expired, 401, None, "authentication failed: the token is expired"), ("garbage", 401, None, "authentication failed: "),
    ]
    for token, status, user, reason in rows:
        answer = daemon.put("/meshes/default/timeouts/x", body, headers=bearer(token) if token else {}, source=ELSEWHERE)
        line = log.one()
        assert answer.status == line["status"] == status and line["allowed"] is False and line.get("user") == user
        assert line["reason"].startswith(reason) and "revision" not in line, line
    for method, path, status in (("DELETE", "/meshes/none", 404), ("POST", "/nothing", 404), ("PUT", "/meshes", 405), ("DELETE", "/meshes/%ff%00", 400)):
        assert daemon.http(method, path).status == status
        line = log.one()
        assert (line["method"], line["status"], line["allowed"]) == (method, status, True) and "reason" not in line


def test_documents_that_are_applied_are_listed(daemon, log):
    who = issue_user(daemon, "otto", ["mesh:default:operator"])
    log.new()
    timeout, secret = document("Timeout", "MESH"), document("Secret", "MESH")
    for documents, dry_run, outcomes in (([timeout], "false", ["created"]), ([timeout], "true", ["unchanged"]), ([timeout, secret], "false", ["not applied", "refused"])):
        answer = daemon.post(f"/apply?dryRun={dry_run}", documents, headers=bearer(who), source=ELSEWHERE)
        line = log.one()
        assert line["status"] == answer.status and line["nDocuments"] == len(documents)
        assert line["documents"] == [{"type": d["type"], "mesh": "default", "name": "x", "outcome": o} for d, o in zip(documents, outcomes)]
        assert line.get("dryRun", False) == (dry_run == "true")
    many = [{**timeout, "name": f"t{i}"} for i in range(200)]
    assert daemon.post("/apply", many).status == 200
    line = log.one()
    assert line["nDocuments"] == 200 and 50 <= len(line["documents"]) < 60 and len(json.dumps(line)) < 10000


def test_a_rollback_tells_what_it_changed(daemon, log):
    body = {**document("Timeout", "MESH"), "name": "back"}
    before = daemon.get("/history?size=1").json["items"][0]["revision"]
    assert daemon.put("/meshes/default/timeouts/back", body).status == 201
    log.new()
    answer = daemon.post(f"/rollback?to={before}&mesh=default", None)
    line = log.one()
    assert answer.status == 200 and (line["path"], line["mesh"], line["to"]) == ("/rollback", "default", str(before))
    assert line["revision"] == int(answer.headers["Ursa-Revision"]) and line["nChanges"] == 1
    assert line["changes"] == [{"op": "delete", "type": "Timeout", "mesh": "default", "name": "back"}]


def test_what_changes_the_daemon_is_told_too(daemon, log):
    assert daemon.http("POST", "/debug/log?module=xds&level=info", port=daemon.diag_port).status == 200
    assert daemon.http("POST", "/debug/log?module=xds&level=info", port=daemon.diag_port, source=ELSEWHERE).status == 403
    assert [(line["path"], line["status"], line["allowed"]) for line in log.new()] == [("/debug/log", 200, True), ("/debug/log", 403, False)]


def test_tokens_are_told_by_their_id_and_not_shown(daemon, log):
    for path, body in (("/tokens/user", {"name": "john", "groups": ["team-a"], "validFor": "1h"}), ("/tokens/dataplane", DATAPLANE_TOKEN),
                       ("/tokens/zone", {"zone": "z", "scope": ["egress"], "validFor": "1h"}), ("/tokens/zone-ingress", {"zone": "z", "validFor": "1h"})):
        token = daemon.post(path, body).text
        noted = log.one()["token"]
        assert noted["id"] == json.loads(decode(token.split(".")[1]))["jti"] and noted["kind"] == path.rsplit("/", 1)[1] and noted["validFor"] == "1h0m0s"
        assert noted.get("name") == body.get("name") and noted.get("mesh") == body.get("mesh") and noted["groups"] == body.get("groups", [])


def test_no_secret_is_ever_in_it(daemon, log):
    key = base64.b64encode(b"-----BEGIN PRIVATE KEY-----\nabc").decode()
    secret = {"type": "Secret", "mesh": "default", "name": "s", "data": key}
    tokens = [issue_user(daemon, "john"), daemon.post("/tokens/dataplane", DATAPLANE_TOKEN).text]
    for body in (secret, {**secret, "data": "not base64 but secret"}, {**secret, "name": "other"}, json.dumps(secret)[:-1]):
        daemon.put("/meshes/default/secrets/s", body, headers={"Content-Type": "application/json"})
        daemon.post("/apply", body, headers={"Content-Type": "application/json"})
    for token in tokens:
        daemon.put("/meshes/default/secrets/s", secret, headers=bearer(token), source=ELSEWHERE)
        daemon.put("/meshes/default/secrets/s", secret, headers=bearer(token[:-3]), source=ELSEWHERE)
        daemon.put(f"/meshes/default/secrets/s?token={token}", secret)
    lines = log.new()
    text = log.path.read_text()
    assert len(lines) >= 15
    for never in (key, "PRIVATE", "not base64 but", *(part for token in tokens for part in token.split(".")[1:])):
        assert never not in text, never


def test_odd_names_stay_one_line_of_json(daemon, log):
    for path in ("/meshes/%0a", "/meshes/a%22b", "/meshes/%e2%80%a8", "/meshes/%ff%fe", "/meshes/" + "x" * 5000, "/meshes/ä\"\\".encode().decode("latin-1")):
        with socket.create_connection(("127.0.0.1", daemon.api_port)) as raw:
            raw.sendall(f"DELETE {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode("latin-1"))
            raw.makefile("rb").read()
        line = log.one()
        assert len(json.dumps(line)) < 3000, path
    name = "q\"\n\u2028" + "ü" * 500
    token = issue_user(daemon, name, ["h" * 300, *["g" * 100] * 60])
    log.new()
    daemon.delete("/meshes/none", headers=bearer(token), source=ELSEWHERE)
    line = log.one()
    assert name.startswith(line["user"]) and 200 < len(line["user"].encode()) <= 256 and line["groups"] == ["h" * 256, *["g" * 100] * 49]


def test_a_client_that_goes_before_its_answer_is_told_all_the_same(daemon, log):
    with socket.create_connection(("127.0.0.1", daemon.api_port)) as raw:
        body = json.dumps({"type": "Mesh", "name": "gone"})
        raw.sendall(f"PUT /meshes/gone HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    assert daemon.put("/meshes/after", {"type": "Mesh", "name": "after"}).status == 201
    there = daemon.get("/meshes/gone").status == 200
    daemon.delete("/meshes/gone")
    assert ("/meshes/gone", 201) in [(line["path"], line["status"]) for line in log.new()] or not there


def test_a_flood_of_refusals_pushes_nothing_out(daemon, log):
    """What is refused again and again is counted, and what is allowed is told always."""
    with ursa.running("memory", GENERAL_BAD_TOKENS_PER_SECOND=0) as other:
        lines = Log(other)
        for i in range(300):
            assert other.delete("/meshes/none", headers=bearer("garbage"), source="127.0.0.3").status == 401
        refused = lines.new()
        assert 20 <= len(refused) < 60
        assert other.delete("/meshes/none", source="127.0.0.4").status == 403  # another source has room
        assert lines.one()["leftOut"] > 200
        for i in range(50):
            assert other.put(f"/meshes/m{i}", {"type": "Mesh", "name": f"m{i}"}).status == 201
        assert [line["path"] for line in lines.new()] == [f"/meshes/m{i}" for i in range(50)]
        for i in range(400):  # many sources
            other.delete("/meshes/none", source=f"127.0.1.{i % 250 + 1}")
        assert len(lines.new()) < 250


# ---- the file ----
def put(daemon, name):
    assert daemon.put(f"/meshes/{name}", {"type": "Mesh", "name": name}).status in (200, 201)


def names(path):
    return [json.loads(line)["name"] for line in path.read_text().splitlines()]


def test_only_the_owner_reads_it():
    with ursa.running("memory") as daemon:
        assert stat.S_IMODE((daemon.work_dir / "audit.jsonl").stat().st_mode) == 0o600


def test_an_open_file_is_narrowed(tmp_path):
    file = tmp_path / "log"
    file.write_text("{}\n")
    file.chmod(0o644)
    with ursa.running("memory", AUDIT_FILE=file) as daemon:
        put(daemon, "a")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600 and len(file.read_text().splitlines()) == 2


def test_its_size_is_bounded(tmp_path):
    file, before = tmp_path / "log", tmp_path / "log.1"
    with ursa.running("memory", AUDIT_FILE=file, AUDIT_MAX_SIZE=2000) as daemon:
        for i in range(40):
            put(daemon, f"m{i}")
            assert file.stat().st_size <= 2000
        assert sorted(p.name for p in tmp_path.iterdir()) == ["log", "log.1"] and before.stat().st_size <= 2000
        kept = names(before) + names(file)
        assert kept == [f"m{i}" for i in range(40 - len(kept), 40)] and len(kept) >= 6
        assert stat.S_IMODE(before.stat().st_mode) == stat.S_IMODE(file.stat().st_mode) == 0o600


def test_it_can_be_rotated_from_outside(tmp_path):
    file, moved = tmp_path / "log", tmp_path / "moved"
    with ursa.running("memory", AUDIT_FILE=file) as daemon:
        put(daemon, "a")
        file.rename(moved)
        put(daemon, "b")
        daemon.reload()
        put(daemon, "c")
        assert (names(moved), names(file)) == (["a", "b"], ["c"])


def test_it_goes_on_after_a_restart(tmp_path):
    file = tmp_path / "log"
    for name in ("a", "b"):
        with ursa.running("memory", AUDIT_FILE=file) as daemon:
            put(daemon, name)
    assert names(file) == ["a", "b"]


def test_it_survives_sigkill(tmp_path):
    file = tmp_path / "log"
    daemon = ursa.Daemon("memory", AUDIT_FILE=file).start()
    for i in range(20):
        put(daemon, f"m{i}")
    daemon.process.send_signal(signal.SIGKILL)
    daemon.process.wait()
    assert names(file) == [f"m{i}" for i in range(20)]


def test_standard_output_and_off():
    with ursa.running("memory", AUDIT_FILE="-") as daemon:
        put(daemon, "a")
        assert '"path":"/meshes/a"' in daemon.log() and not (daemon.work_dir / "audit.jsonl").exists()
    with ursa.running("memory", AUDIT_FILE="off") as daemon:
        put(daemon, "a")
        assert '"path":"/meshes/a"' not in daemon.log() and not (daemon.work_dir / "audit.jsonl").exists()


@pytest.mark.parametrize("kind", ["folder", "link", "pipe", "missing folder"])
def test_what_is_no_file_of_ours_is_refused(tmp_path, kind):
    path = tmp_path / "log"
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to("/dev/null")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path = tmp_path / "none" / "log"
    with pytest.raises(AssertionError) as refused:
        ursa.Daemon("memory", AUDIT_FILE=path).start()
    assert f"audit.file {path}: " in str(refused.value)


def test_a_disk_that_is_full_is_reported_and_writes_go_on(tmp_path):
    """The file's size limit stands for a full disk: the line is lost, said so, and counted."""
    with ursa.running("memory", AUDIT_FILE=tmp_path / "log") as daemon:
        daemon.expected_trouble = "audit file=.* cannot be written"
        os.truncate(tmp_path / "log", 0)
        import resource
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        put(daemon, "a")
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        put(daemon, "b")
        assert names(tmp_path / "log") == ["b"]
        metrics = daemon.get("/metrics", port=daemon.diag_port).text
        assert re.search(r"audit_lines_lost\S* 1$", metrics, re.M), [line for line in metrics.splitlines() if "audit" in line]
