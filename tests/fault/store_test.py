"""The daemon on a disk that fails, fills up, or holds another version's store; killed amid a large transaction (reliability.md D3, D4, D6, D8, H8)."""
import contextlib
import hashlib
import http.client
import itertools
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
import urllib.parse

import pytest

import pace
import ursa

from apply_test import apply, dataplane, mesh
from daemon_test import refuses, running

MANY = 400  # documents of one transaction
SEED = int(os.environ.get("URSA_TEST_SEED", random.SystemRandom().randrange(1 << 32)))


def put_mesh(daemon, name):
    return daemon.put(f"/meshes/{name}", mesh(name))


# ---- D8 ----
def test_the_store_of_a_newer_version_is_left_alone(tmp_path):
    path = tmp_path / "ursa.db"
    with running(tmp_path, STORE_TYPE="sqlite"):
        pass
    with contextlib.closing(sqlite3.connect(path)) as db:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        db.execute(f"PRAGMA user_version = {version + 1}")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    files = lambda: {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in tmp_path.glob("ursa.db*") if p.stat().st_size and p.suffix != ".lock"}
    before = files()
    refuses(tmp_path, "cannot start", path, version + 1, STORE_TYPE="sqlite")
    assert files() == before
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {version}")
    with running(tmp_path, STORE_TYPE="sqlite"):
        pass


# ---- D4 ----
@contextlib.contextmanager
def small_disk(folder, size):
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("mounts no tmpfs here")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def test_a_full_disk_refuses_writes_only(tmp_path):
    with small_disk(tmp_path, "4m"):
        ballast = tmp_path / "ballast"
        ballast.write_bytes(bytes(2 << 20))
        with ursa.running("sqlite", STORE_SQLITE_PATH=tmp_path / "ursa.db") as daemon:
            daemon.expected_trouble = "full|status=507"
            stored = []
            for i in itertools.count():
                answer = daemon.post("/apply", _documents(f"full-{i}"), headers={"Content-Type": "application/json"})
                if answer.status != 200:
                    break
                stored.append(f"full-{i}")
                assert i < 1000, "4 MB hold more than was thought"
            assert answer.status in (500, 507) and ("full" in answer.text or "space" in answer.text), answer
            assert stored
            for _ in range(5):
                assert daemon.post("/apply", _documents(f"full-{i}"), headers={"Content-Type": "application/json"}).status == answer.status
            assert daemon.log().count("writes fail: ") == 1, daemon.log()  # not a line for each
            for _ in range(5):  # everybody else is served
                assert put_mesh(daemon, "more").status in (200, 201, 500, 507)
                assert daemon.get("/meshes?size=1000").json["total"] >= 1 + len(stored)
                assert daemon.http("POST", "/bootstrap", {"mesh": stored[0], "name": "web-1"}, tls=True).status in (200, 422), "no bootstrap"
            ballast.unlink()
            answer = daemon.post("/apply", _documents("recovered"), headers={"Content-Type": "application/json"})
            assert answer.status == 200, answer
            names = {item["name"] for item in daemon.get("/meshes?size=1000").json["items"]}
            assert names >= set(stored) | {"recovered"}
            begun, lost = daemon.log().count("writes fail: "), re.findall("writes succeed again: requests=([0-9]+) came to nothing", daemon.log())
            assert len(lost) == begun and int(lost[0]) >= 6, daemon.log()


def _documents(name):
    return json.dumps([mesh(name)] + [dataplane(name, f"web-{i}") for i in range(50)])


# ---- D3 ----
def test_after_a_failed_sync_nothing_is_acknowledged(tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace is not here")
    with ursa.running("sqlite") as daemon:
        daemon.expected_trouble = "store|disk|I/O|sync"
        assert put_mesh(daemon, "before").status == 201
        trace = tmp_path / "trace"
        tracer = subprocess.Popen(["strace", "-f", "-e", "trace=fsync,fdatasync,epoll_wait", "-e", "inject=fsync,fdatasync:error=EIO", "-o", trace,
                                   "-p", str(daemon.process.pid)], stderr=subprocess.DEVNULL)
        while not trace.exists() or "epoll_wait" not in trace.read_text():  # until it sees the daemon
            assert daemon.get("/").status == 200 and tracer.poll() is None
        started = time.monotonic()
        answer = put_mesh(daemon, "lost")
        assert answer.status >= 500 and pace.clock_within(time.monotonic() - started, 5), answer
        assert "INJECTED" in trace.read_text()
        tracer.terminate()
        tracer.wait()
        for i in range(10):  # the disk works again, but what it has is not known
            assert put_mesh(daemon, f"after-{i}").status >= 500
        assert daemon.get("/meshes/before").status == 200
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.wait(ursa.STOP_LIMIT)
        daemon.start()
        assert daemon.get("/meshes/before").status == 200
        assert put_mesh(daemon, "again").status == 201


# ---- D6, and D1 through the API ----
def read_until_dead(daemon, seen):
    with contextlib.suppress(OSError, http.client.HTTPException):
        while True:
            seen.add(daemon.get("/meshes/whole/dataplanes?size=1").json["total"])


def test_a_kill_amid_a_large_transaction_leaves_all_or_nothing():
    moments = random.Random(SEED)
    outcomes = set()
    with ursa.running("sqlite") as daemon:
        documents = [mesh("whole")] + [dataplane("whole", f"web-{i}") for i in range(MANY)]
        for round_ in range(10):
            seen, answers = set(), []

            def write():
                with contextlib.suppress(OSError, http.client.HTTPException):
                    answers.append(apply(daemon, documents, form="json").status)

            threads = [threading.Thread(target=write)] + [threading.Thread(target=read_until_dead, args=(daemon, seen)) for _ in range(2)]
            for thread in threads:
                thread.start()
            time.sleep(moments.uniform(0, 0.12))  # the moment of death, not a wait for something
            daemon.process.kill()
            daemon.process.wait()
            for thread in threads:
                thread.join()
            daemon.start()
            there = daemon.get("/meshes/whole/dataplanes?size=1").json["total"] if daemon.get("/meshes/whole").status == 200 else 0
            assert seen | {there} <= {0, MANY}, f"seed {SEED}, round {round_}: {seen} before, {there} after"
            assert there == MANY or answers != [200], f"seed {SEED}: acknowledged and lost"
            outcomes.add(there)
            assert daemon.post("/apply", "[]", headers={"Content-Type": "application/json"}).status in (200, 400)
            if there:
                assert all(daemon.delete(f"/meshes/whole/dataplanes/web-{i}").status == 200 for i in range(MANY))
                assert daemon.delete("/meshes/whole").status == 200
    assert outcomes, "no round ran"


# ---- H8 ----
def test_a_list_walked_at_a_revision_is_that_revisions():
    """Pages of one revision fit together, whatever is written meanwhile; a single page is one state in any case."""
    with ursa.running("memory") as daemon:
        assert apply(daemon, [mesh("walk")] + [dataplane("walk", f"web-{i:03}") for i in range(300)]).status == 200
        done = threading.Event()

        def churn():
            for i in itertools.cycle(range(0, 300, 7)):
                if done.is_set():
                    return
                daemon.delete(f"/meshes/walk/dataplanes/web-{i:03}")
                daemon.put(f"/meshes/walk/dataplanes/web-{i:03}", dataplane("walk", f"web-{i:03}"))

        writer = threading.Thread(target=churn)
        writer.start()
        try:
            for _ in range(10):
                revision = daemon.http("GET", "/debug/feed", port=daemon.diag_port).json["revision"]
                names, totals, path = [], set(), f"/meshes/walk/dataplanes?size=40&revision={revision}"
                while path:
                    page = daemon.get(path).json
                    names += [item["name"] for item in page["items"]]
                    totals.add(page["total"])
                    if page["next"]:
                        url = urllib.parse.urlsplit(page["next"])
                        path = f"{url.path}?{url.query}"
                        assert f"revision={revision}" in url.query, page["next"]
                    else:
                        path = None
                assert len(totals) == 1 and len(names) == len(set(names)) == totals.pop() and len(names) >= 299
        finally:
            done.set()
            writer.join()
