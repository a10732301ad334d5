#!/usr/bin/env python3
"""disk.py -- the n-th sync or write fails (strace injects it): nothing is acknowledged that is not durable.

A failed sync, for want of space or not, must not be retried: the store answers everything with an I/O error until it is opened again,
and then is sound. A full disk fails the writes it hits; they work again as soon as there is space, without a restart. Each fault is tried on a new file, where it
meets the making of the store, and on one that is there, where it meets the writer at work (strace counts calls per thread)."""
import itertools
import os
import shutil
import subprocess
import tempfile

import store_file

COUNT = 30  # with the first one, below the driver's 50: nothing is taken back
INJECTIONS = (
    # name, system calls, error, which, what must hold beyond a sound file
    ("sync fails once", "fsync,fdatasync", "EIO", "{n}", "read-only"),
    ("sync fails once for want of space", "fsync,fdatasync", "ENOSPC", "{n}", "read-only"),
    ("write fails once", "pwrite64", "EIO", "{n}", "read-only"),
    ("disk full once", "pwrite64", "ENOSPC", "{n}", "recovers"),
    ("disk stays full", "pwrite64", "ENOSPC", "{n}+", "stays full"),
)
LAST_N = 24


def strace_works():
    if not shutil.which("strace"):
        return False
    probe = subprocess.run(["strace", "-f", "-o", "/dev/null", "-e", "inject=fsync:error=EIO:when=1", "true"], check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return probe.returncode == 0


def run_driver(folder, calls, error, which):
    """The driver under injection, one transaction at a time: (answers, exit status, whether the fault was met)."""
    trace = os.path.join(folder, "trace")
    command = ["strace", "-f", "-o", trace, "-e", f"trace={calls}", "-e", f"inject={calls}:error={error}:when={which}",
               store_file.DRIVER, os.path.join(folder, "store.db"), str(COUNT), "1"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    with open(trace, encoding="utf-8", errors="replace") as lines:
        met = "(INJECTED)" in lines.read()
    return done.stdout, done.returncode, met


def judge(folder, is_new, calls, error, which, promise):
    if not is_new:
        subprocess.run([store_file.DRIVER, os.path.join(folder, "store.db"), "1", "1"], check=True, stdout=subprocess.DEVNULL)
    text, status, met = run_driver(folder, calls, error, which)
    acked, failed = store_file.answers(text)
    assert met, "the fault was never met: this case tests nothing"
    assert is_new or failed or len(acked) == COUNT, "the store does not start"
    assert status in (0, 1), f"the driver ended with {status}"
    assert status == 1 or len(acked) + len(failed) == COUNT, f"{len(acked) + len(failed)} answers for {COUNT} transactions"
    kind = "io" if promise == "read-only" else "no_space"
    assert all(word == kind for _, word in failed), f"answered with other errors: {failed[:3]}"
    if promise == "read-only" and failed:
        assert max(acked, default=0) < failed[0][0], f"acknowledged after the disk failed: {acked} {failed[:1]}"
    if promise == "recovers" and failed:
        assert max(acked, default=0) > failed[-1][0], f"does not write again after the disk was full once: {acked[-1:]} {failed}"
    if promise == "stays full" and failed:
        assert max(acked, default=0) < failed[0][0], f"acknowledged on a full disk: {acked} {failed[:1]}"
    store_file.check(os.path.join(folder, "store.db"), acked)


def main():
    store_file.build()
    tally = store_file.Tally()
    can_inject = strace_works()
    for (name, *fault), is_new, n in itertools.product(INJECTIONS, (True, False), range(1, LAST_N + 1)):
        if not can_inject:
            tally.skipped += 1
            continue
        calls, error, which, promise = fault
        with tempfile.TemporaryDirectory(prefix="ursa-disk-") as folder:
            tally.case(f"{name}, n={n}, {'new file' if is_new else 'at work'}",
                       lambda: judge(folder, is_new, calls, error, which.format(n=n), promise))
    tally.end()


main()
