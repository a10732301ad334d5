"""POST /backup and 'ursa-cp restore': what is restored is a revision that was, whatever was written meanwhile (reliability.md, D7)."""
import base64
import contextlib
import os
import socket
import sqlite3
import subprocess
import threading

import pytest

import ursa

from access_test import ELSEWHERE
from history_test import plain_mesh, put, timeout

N_PARTS = 20


def restore(backup, **settings):
    """Runs ursa-cp restore; the finished process."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("URSA_", "KUMA_"))}
    return subprocess.run([ursa.BUILD / "ursa-cp", "restore", "--from", backup], capture_output=True, text=True, check=False,
                          env={**kept, **{"URSA_" + k: str(v) for k, v in settings.items()}})


def save(daemon, path):
    """A backup into a file; its revision."""
    with contextlib.closing(socket.create_connection(("127.0.0.1", daemon.api_port), timeout=60)) as connection:
        connection.sendall(b"POST /backup HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(1 << 20), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
    assert lines[0].split()[1] == "200" and headers["content-type"] == "application/vnd.sqlite3", head
    assert int(headers["content-length"]) == len(body)
    assert headers["content-disposition"] == f'attachment; filename="ursa-{headers["ursa-revision"]}.db"'
    path.write_bytes(body)
    return int(headers["ursa-revision"])


def stored(path):
    """name -> spec of the Timeouts in an SQLite file, and its revision."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = db.execute("SELECT name, CAST(spec AS TEXT) FROM resources WHERE type = 'Timeout' AND mesh = 'saved'").fetchall()
        return dict(rows), db.execute("SELECT revision FROM state").fetchone()[0]


def test_what_is_restored_is_a_revision(tmp_path):
    """One client rewrites all parts at once, others write beside it, all the time; every backup has whole transactions, those of its revision, and
    restores to just that."""
    with ursa.running("sqlite") as daemon:
        put(daemon, plain_mesh("saved"))
        put(daemon, plain_mesh("beside"))
        done, counts, revisions = threading.Event(), {}, {}

        def rewrite():
            n = 0
            while not done.is_set():
                n += 1
                secret = {"type": "Secret", "mesh": "saved", "name": "part", "data": base64.b64encode(str(n).encode()).decode()}
                answer = daemon.post("/apply", [secret, *(timeout("saved", f"part-{i}", n) for i in range(N_PARTS))])
                revisions[n] = answer.json["revision"]

        def write_beside(client):
            n = 0
            while not done.is_set():
                n += 1
                put(daemon, timeout("beside", f"of-{client}", n % 50 + 1))
                counts[client] = n

        writers = [threading.Thread(target=rewrite)] + [threading.Thread(target=write_beside, args=(i,)) for i in range(3)]
        for writer in writers:
            writer.start()
        saved = []
        while len(saved) < 12 or len(revisions) < 30:
            path = tmp_path / f"backup-{len(saved)}"
            saved.append((path, save(daemon, path)))
            elsewhere = tmp_path / f"restored-{len(saved)}"
            done_there = restore(path, GENERAL_WORK_DIR=elsewhere, STORE_SEAL_KEY_FILE=daemon.work_dir / "seal.key")
            assert done_there.returncode == 0 and stored(elsewhere / "ursa.db") == stored(path), done_there
        done.set()
        for writer in writers:
            writer.join()
        assert len(counts) == 3
        for path, revision in saved:
            parts, reached = stored(path)
            assert reached == revision
            assert len(set(parts.values())) <= 1 and len(parts) in (0, N_PARTS), "a transaction is there in part"
            due = max((n for n, r in revisions.items() if r <= revision), default=0)
            assert not due or f'"connectTimeout":"{due}s"' in parts["part-0"], (due, parts["part-0"])
        told, kept_secret = (daemon.get(f"/meshes/saved/{what}revision={saved[-1][1]}&size=0").json for what in ("timeouts?", "secrets/part?"))
        assert not list(daemon.work_dir.glob("*.backup*"))
        # And back: the daemon on the restored store is the one of that revision.
        used = restore(saved[-1][0], GENERAL_WORK_DIR=daemon.work_dir)
        assert used.returncode == 1 and "in use by another process" in used.stderr, used
        daemon.process.kill()
        daemon.process.wait()
        done = restore(saved[-1][0], GENERAL_WORK_DIR=daemon.work_dir)
        assert done.returncode == 0 and f"is revision {saved[-1][1]} now" in done.stdout and "before-restore" in done.stdout, done
        daemon.start()
        assert daemon.get("/meshes/saved/timeouts?size=0").json == told and daemon.get("/meshes/saved/secrets/part").json == kept_secret
        assert put(daemon, timeout("saved", "after", 1)) == saved[-1][1] + 1
        kept = stored(daemon.work_dir / "ursa.db.before-restore")
        assert kept[1] >= max(revisions.values()) and f'"connectTimeout":"{max(revisions)}s"' in kept[0]["part-0"]


def test_only_administrators_make_backups():
    with ursa.running("sqlite") as daemon:
        assert daemon.post("/backup", None, source=ELSEWHERE).status == 403
        assert daemon.http("GET", "/backup").status == 405
        assert not list(daemon.work_dir.glob("*backup*"))


def test_backups_at_once_are_bounded():
    """Clients that do not read hold what they asked for; the next is told to wait, and others are served."""
    with ursa.running("sqlite", API_SERVER_CONNECTION_TIMEOUT="2s") as daemon:
        daemon.expected_trouble = "2 backups are on their way"
        put(daemon, plain_mesh("big"))
        body = {"type": "Secret", "mesh": "big", "data": "eHh4" * 200000}
        for i in range(12):
            assert daemon.put(f"/meshes/big/secrets/s{i}", {**body, "name": f"s{i}"}).status == 201
        slow = []
        for _ in range(2):
            connection = socket.create_connection(("127.0.0.1", daemon.api_port), timeout=10)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(b"POST /backup HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n")
            assert connection.recv(9, socket.MSG_WAITALL) == b"HTTP/1.1 "
            slow.append(connection)
        answer = daemon.post("/backup", None)
        assert answer.status == 503 and "2 backups" in answer.text, answer
        assert daemon.get("/meshes/big").status == 200
        slow.pop().close()  # its place is free as soon as the daemon has seen it go
        while daemon.http("POST", "/backup").status == 503:
            pass
        slow.pop().close()


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 20 MB."""
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", tmp_path], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


def test_a_backup_leaves_room_for_writes(small_disk):
    with ursa.running("sqlite", STORE_SQLITE_PATH=small_disk / "ursa.db") as daemon:
        daemon.expected_trouble = "a backup needs"
        put(daemon, plain_mesh("m"))
        assert daemon.post("/backup", None).status == 200
        body = {"type": "Secret", "mesh": "m", "name": "s", "data": "eHh4" * 200000}
        for i in range(3):  # the store and its log are larger than what a backup would leave
            assert daemon.put("/meshes/m/secrets/s", body).status in (200, 201)
        answer = daemon.post("/backup", None)
        assert answer.status == 507 and "are free" in answer.json["detail"], answer
        assert put(daemon, timeout("m", "t")) and [p.name for p in small_disk.iterdir() if "backup" in p.name] == []


@pytest.mark.parametrize("arguments, status, words", [
    (["restore"], 2, "needs --from"), (["restore", "--from"], 2, "requires an argument"), (["restore", "--from", "x", "y"], 2, "unexpected argument y"),
    (["restore", "--from", "/nonexistent"], 1, "/nonexistent: No such file"), (["run", "--from", "x"], 2, "unrecognized option"),
])
def test_bad_command_lines(tmp_path, arguments, status, words):
    done = subprocess.run([ursa.BUILD / "ursa-cp", *arguments], capture_output=True, text=True, check=False,
                          env={**os.environ, "URSA_GENERAL_WORK_DIR": str(tmp_path)})
    assert done.returncode == status and words in done.stderr and done.stdout == "", done
    assert list(tmp_path.iterdir()) == []


def test_a_store_in_memory_has_neither(tmp_path):
    with ursa.running("memory") as daemon:
        answer = daemon.post("/backup", None)
        assert answer.status == 409 and "kept in memory" in answer.json["detail"], answer
    done = restore(tmp_path / "x", GENERAL_WORK_DIR=tmp_path, STORE_TYPE="memory")
    assert done.returncode == 1 and "store.type is memory" in done.stderr


def test_what_a_killed_process_left_is_removed():
    with ursa.running("sqlite") as daemon:
        daemon.process.kill()
        daemon.process.wait()
        for suffix in ("backup", "restore"):
            (daemon.work_dir / f"ursa.db.{suffix}").write_text("keys")
        daemon.start()
        assert not [p for p in daemon.work_dir.iterdir() if p.suffix in (".backup", ".restore")]
