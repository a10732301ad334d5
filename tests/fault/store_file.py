"""store_file.py -- runs the store_writer driver and judges the file it leaves behind.

Driver's promise (store_writer.c): transaction N puts three parts with N as their data and takes back those of N - 50. So of the numbers that
are equal modulo 50 exactly the highest that was applied is there, with all its parts."""
import os
import re
import sqlite3
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DRIVER = os.path.join(ROOT, "build/release/tests/fault/store_writer")
PARTS, TAKE_BACK = 3, 50


def build():
    subprocess.run(["make", "-s", "build/release/tests/fault/store_writer"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def answers(text):
    """What the driver printed: the numbers acknowledged, and (number, kind) of each failure, in order. A cut last line counts as nothing."""
    acked = [int(n) for n in re.findall(r"^ack (\d+)\n", text, re.M)]
    failed = [(int(n), kind) for n, kind in re.findall(r"^fail (\d+) (.*)\n", text, re.M)]
    return acked, failed


def contents(path):
    """Opens the store as a daemon would; number -> list of its parts' data."""
    done = subprocess.run([DRIVER, path, "check"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"the store does not open again: {done.stderr.strip()}")
    found = {}
    for number, data in re.findall(r"^have (\d+) (.*)$", done.stdout, re.M):
        found.setdefault(int(number), []).append(data)
    return found


def check_integrity(path):
    db = sqlite3.connect(path)
    verdict = db.execute("PRAGMA integrity_check").fetchall()
    orphans = db.execute("PRAGMA foreign_key_check").fetchall()
    db.close()
    assert verdict == [("ok",)], f"integrity_check: {verdict[:3]}"
    assert not orphans, f"foreign_key_check: {orphans[:3]}"


def check(path, acked):
    """Everything acknowledged is there, nothing is half there, the file is sound. Returns the numbers found."""
    found = contents(path)
    for number, data in found.items():
        assert data == [str(number)] * PARTS, f"transaction {number} is there in part: {data}"
    highest = {}
    for number in found:
        rest = number % TAKE_BACK
        assert rest not in highest, f"transactions {number} and {highest[rest]} are both there: the later one takes the earlier back"
        highest[rest] = number
    for number in acked:
        assert highest.get(number % TAKE_BACK, 0) >= number, f"transaction {number} was acknowledged and is lost"
    check_integrity(path)
    return found


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def case(self, name, run):
        try:
            run()
            self.passed += 1
        except AssertionError as fault:
            self.failed += 1
            print(f"FAILED {name}: {fault}", flush=True)

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        sys.exit(1 if self.failed else 0)
