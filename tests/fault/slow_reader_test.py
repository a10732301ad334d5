"""Hundreds of proxies that stop reading (reliability.md X8): each costs one message, however much changes; nobody else notices; and whoever reads again is
told the newest."""
import contextlib
import pathlib
import re
import time

import pytest

import ads
import pace
import pb
from ads_test import PROTOCOLS, Plane, mesh, timeout
from follower import Follower

N, SERVICES = 500, 60
CHANGES = 40  # or as many as the machine does until they are cut off
KEPT = 10  # messages: what the kernel takes, the one under way, the newest
EACH = 200 << 10  # bytes that one of them may cost: the buffers of its connection, and a message of 60 clusters (30 kB) that is under way
MORE = 2 << 20  # bytes that all of them may cost more when twice as much has changed
SOON = 0.25  # seconds until another mesh's proxy has its change
STALL = 20  # seconds; after thirty, those that take nothing are cut off


def dataplane(name, i):
    networking = {"address": f"10.1.{i // 200}.{i % 200 + 1}", "inbound": [{"port": 80, "tags": {"kuma.io/service": f"s-{i % SERVICES}"}}],
                  "outbound": [{"port": 10000 + k, "tags": {"kuma.io/service": f"s-{k}"}} for k in range(SERVICES)]}
    return {"type": "Dataplane", "mesh": name, "name": f"p-{i}", "networking": networking}


def resident(plane):
    return int(re.search(r"VmRSS:\s+(\d+) kB", pathlib.Path(f"/proc/{plane.process.pid}/status").read_text())[1]) << 10


@pytest.fixture(name="plane")
def _plane():
    plane = Plane("memory", DP_SERVER_AUTHN_DP_PROXY_TYPE="none").start()
    try:
        plane.apply(mesh("slow"))
        for i in range(0, N, 100):
            plane.apply(*(dataplane("slow", k) for k in range(i, i + 100)))
        plane.apply(mesh("quick"), dataplane("quick", 0), dataplane("quick", 1))
        yield plane
    finally:
        plane.stop()


def connect_timeout(cluster):
    """Of a cluster as it was sent, in seconds."""
    return pb.first(pb.first(cluster, 4), 1, 0)


def change(plane, quick, seconds):
    """One in each mesh; seconds until the quick one's proxy has it, who is asked for last."""
    plane.apply(timeout("slow", seconds))
    quick.settle()
    started = time.monotonic()
    plane.post("/apply", [timeout("quick", seconds)])
    quick.follow("its change", lambda: connect_timeout(quick.held["cds"]["s-0"]) == seconds)
    return time.monotonic() - started


def changes(plane, quick, first, until):
    """As many as are due and as there is time for."""
    took = []
    while len(took) < CHANGES // 2 and (not took or time.monotonic() < until):
        took.append(change(plane, quick, first + len(took)))
    return took


@PROTOCOLS
def test_who_does_not_read_holds_up_nobody(plane, protocol):
    with contextlib.ExitStack() as undo:
        quick = undo.enter_context(Follower(plane, "quick", "p-0", protocol)).ready()
        slow = [undo.enter_context(ads.Client(plane, "slow", f"p-{i}", protocol, receive_buffer=4096)) for i in range(N)]
        for client in slow:
            client.ask("cds")
        for client in slow:
            client.answer(client.next())  # and nothing is read from now on
        message = max(len(client.received) for client in slow)
        before, stalled = resident(plane), time.monotonic()
        took = changes(plane, quick, 100, stalled + STALL / 2)
        half = resident(plane)
        took += changes(plane, quick, 200, stalled + STALL)
        after = resident(plane)
        print(f"{message >> 10} kB a message; {(half - before) >> 10} kB for {N} slow readers half way, {(after - half) >> 10} kB more after {len(took)} changes; "
              f"the quick one waited {sorted(took)[len(took) // 2] * 1000:.0f} ms, at most {max(took) * 1000:.0f} ms; {time.monotonic() - stalled:.1f} s")
        assert half - before < N * EACH and after - half < MORE
        assert pace.clock_within(sorted(took)[len(took) * 9 // 10], SOON), took
        newest = connect_timeout(quick.held["cds"]["s-0"])
        for client in slow[::50]:
            seen = []
            while not seen or connect_timeout(seen[-1].resources["s-0"]) != newest:
                seen.append(client.next())
                client.answer(seen[-1])
            assert len(seen) < KEPT, f"{len(seen)} messages were kept for it"
