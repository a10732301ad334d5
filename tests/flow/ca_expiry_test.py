"""An operator's CA that comes to its end (a builtin one renews itself before): it is told of in time, and when it has ended nothing is signed
with it, while proxies keep what they have (reliability.md C4)."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

import pace
import ursa
from load import call, until
from postures_test import provided
from proxy import Proxy
from sse import Stream
from world import World, dataplane, inbound

FAKETIME = shutil.which("faketime")  # Debian's package of that name
pytestmark = [pytest.mark.skipif(not FAKETIME, reason="faketime is not here"),
              pytest.mark.skipif(pace.SANITIZED != 1, reason="a sanitizer wants to be loaded first")]


class Calendar:
    """The wall clock of the processes that have 'environment': so many days ahead, as they are set."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="ursa-clock-")
        self._file = pathlib.Path(self._folder.name) / "ahead"
        told = subprocess.run([FAKETIME, "-f", "+0", "env"], capture_output=True, check=True, text=True).stdout
        preload = next(line for line in told.splitlines() if line.startswith("LD_PRELOAD="))
        self.environment = {"LD_PRELOAD": preload.partition("=")[2], "FAKETIME_TIMESTAMP_FILE": str(self._file), "FAKETIME_NO_CACHE": "1",
                            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        self.set(0)

    def set(self, days):
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"+{days}d")
        fresh.rename(self._file)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._folder.cleanup()


class Ending:
    """What the control plane says of the CA of mesh blue, day by day."""

    def __init__(self, plane, calendar):
        self.plane, self.calendar, self.day = plane, calendar, 0

    def set(self, day):
        """Any change of a mesh makes the control plane look at the time."""
        self.calendar.set(day)
        self.day = day
        self.plane.apply({"type": "Mesh", "name": f"day-{day}"})

    def gauges(self):
        metrics = self.plane.metrics()
        return [metrics.get(name, 0) for name in ("certificates_expire_in_30_days", "certificates_expire_in_7_days", "certificates_expired")]

    def expect(self, findings, gauges):
        until(f"the gauges of day {self.day}", lambda: self.gauges() == gauges)
        found = [f for f in self.plane.fetch("/doctor?mesh=blue")["findings"] if f["id"].startswith("ca-")]
        assert [(f["id"], f["severity"]) for f in found] == findings, f"day {self.day}"
        assert all("another certificate and key in backend ca-1" in f["remedy"] for f in found)


def serials(proxy):
    return {c["serial"] for c in proxy.certificates()}


@pytest.fixture
def calendar():
    with Calendar() as c:
        yield c


@pytest.fixture
def world(calendar, monkeypatch):
    with monkeypatch.context() as patch:
        for name, value in calendar.environment.items():
            patch.setenv(name, value)
        started = World()
    with started:
        yield started


def test_a_ca_comes_to_its_end(world, calendar):
    plane, ending = world.plane, Ending(world.plane, calendar)
    plane.expected_trouble = r"the CA of trust domain spiffe://blue/ has expired at 20\d\d-|resources of proxy late could not be built"
    backend, _ = provided("ca-1", days=31)
    plane.apply({"type": "Mesh", "name": "blue", "mtls": {"enabledBackend": "ca-1", "backends": [backend]}})
    pair, = world.pairs("blue")
    token = plane.token("blue", "late", valid_for="87600h")
    with Stream(plane.api_port, "?mesh=blue&event=finding").greeted() as events:
        ending.expect([], [0, 0, 0])
        for day, finding, severity, gauges in ((2, "ca-expires", "warning", [1, 0, 0]), (25, "ca-expires", "error", [0, 1, 0])):
            ending.set(day)
            told = events.next().data
            assert (told["state"], told["severity"], told["type"], told["name"], told["backend"]) == (finding, severity, "Mesh", "blue", "ca-1")
            ending.expect([(finding, severity)], gauges)
        assert plane.log().count("finding=ca-expires mesh=blue certificate=ca-1") == 2, "each is told once"
        until("no certificate under way", lambda: plane.metrics().get("certificates_under_way", 0) == 0)
        assert plane.fetch("/status?wait=20s")["applied"]
        had = {proxy: serials(proxy) for proxy in pair.proxies}
        ending.set(32)
        assert events.next().data["state"] == "ca-expired"
        ending.expect([("ca-expired", "error")], [0, 0, 1])

    # Who comes now is not signed for, and the log says why; who is there goes on with what they have.
    port, app, admin = ursa.free_ports(3)
    late = Proxy(plane, dataplane("blue", "late", admin, [inbound(port, app, "late", "http")]), token).start()
    try:
        until("the refusal to sign", lambda: "proxy=late no certificate: the CA of trust domain spiffe://blue/ has expired at" in plane.log())
    finally:
        late.stop()
    assert {proxy: serials(proxy) for proxy in pair.proxies} == had
    assert call(pair.port["to_api"]).status == 200
