"""The discovery service and its store: one request is one version for proxies too, and a full disk keeps nobody from being served (reliability.md D4,
D6)."""
import contextlib
import itertools
import json
import threading

import pytest

import ads
import pb
import ursa
from ads import Client
from ads_test import PROTOCOLS, Plane, dataplane, mesh, timeout
from follower import Follower
from store_test import small_disk

N_PARTS, GENERATIONS = 30, 40
UNAVAILABLE = (8, 13, 14)  # of gRPC's codes: nothing is wrong with the request


@contextlib.contextmanager
def running(**settings):
    plane = Plane("sqlite", DP_SERVER_AUTHN_DP_PROXY_TYPE="none", **settings).start()
    try:
        yield plane
    finally:
        plane.stop()


# ---- D6 ----
def parts(generation):
    """Every endpoint of api, each with the generation in its address."""
    return [dataplane("m", f"api-{i}", f"10.{generation}.0.{i}", "api") for i in range(N_PARTS)]


def addresses(assignment):
    return [ads.text(a) for a in pb.find(assignment, 2, 2, 1, 1, 1, 2)]


def generations(response):
    """Those of the endpoints of a response; nothing when it is about something else."""
    api = response.resources.get("api") if response.type == "eds" else None
    if api is None:
        return set()
    found = addresses(api)
    assert len(found) == N_PARTS, found
    return {int(a.split(".")[1]) for a in found}


@PROTOCOLS
def test_an_apply_is_one_version_for_proxies(protocol):
    """They are told all of it or nothing, while it is written again and again and after a kill amid that."""
    with running() as plane:
        plane.apply(mesh("m"), dataplane("m", "web", "10.0.0.1", "web", "api"), *parts(1))
        sent = 1
        for _ in range(3):
            with Follower(plane, "m", "web", protocol).ready() as client:
                assert set().union(*map(generations, client.log)) == {sent}
                told = set()

                def write(first=sent + 1):
                    for generation in range(first, first + GENERATIONS):
                        assert plane.post("/apply", parts(generation)).status == 200

                writer = threading.Thread(target=write)
                writer.start()
                sent += GENERATIONS
                client.follow("the last", lambda last=sent: addresses(client.held["eds"]["api"])[0].startswith(f"10.{last}."))
                writer.join()
                for response in client.log:
                    seen = generations(response)
                    assert len(seen) <= 1, f"torn: {seen}"
                    told |= seen
                print(f"{len(told)} of {GENERATIONS + 1} versions were sent")
                assert sorted(told)[-1] == sent
            plane.process.kill()
            plane.process.wait()
            plane.start()


# ---- D4 ----
def fill(plane):
    """Until not even one more document can be written."""
    names = itertools.count()
    for size in (100, 10, 1):
        while (answer := plane.post("/apply", [{**timeout("m", 1), "name": f"ballast-{next(names)}"} for _ in range(size)])).status == 200:
            assert next(names) < 100000, "the disk holds more than was thought"
        assert answer.status in (500, 507), answer


@PROTOCOLS
def test_a_full_disk_keeps_no_proxy_from_being_served(tmp_path, protocol):
    large = [{"port": 20000 + i, "tags": {"kuma.io/service": "api"}} for i in range(500)]  # needs more pages than a full disk may still have
    web, api = dataplane("m", "web", "10.0.0.1", "web", "api"), dataplane("m", "api", "10.0.0.2", "api")
    with small_disk(tmp_path, "4m"):
        ballast = tmp_path / "ballast"
        ballast.write_bytes(bytes(2 << 20))
        with running(STORE_SQLITE_PATH=tmp_path / "ursa.db") as plane:
            plane.expected_trouble = "full|status=507|no space|disk"
            plane.apply(mesh("m"), web, api)
            with Follower(plane, "m", "web", protocol).ready() as there:
                there.settle()
                fill(plane)
                there.settle()
                with Follower(plane, "m", "web", protocol).ready() as fresh, Follower(plane, "m", "api", protocol, dataplane=json.dumps(api)).ready():
                    fresh.settle()  # who came last got it all; and one that brings what is stored already needs no disk
                    assert fresh.held == there.held
                with Client(plane, "m", "new", protocol, dataplane=json.dumps({**api, "name": "new", "networking": {
                        **api["networking"], "outbound": large}})) as refused:
                    refused.ask("cds")
                    assert refused.end()[0] in UNAVAILABLE, refused.status
                    assert not refused.received
                assert there.settle() == [] and there.status is None
                ballast.unlink()
                with Follower(plane, "m", "new", protocol, dataplane=json.dumps({**api, "name": "new", "networking": {
                        **api["networking"], "address": "10.0.0.3"}})).ready():
                    there.follow("the new endpoint", lambda: len(addresses(there.held["eds"]["api"])) == 2)
