"""Certificates and tokens under clocks that pass quickly and clocks that are set (reliability.md C1, C3)."""
import datetime
import itertools
import os
import pathlib
import time

import pytest

import fakeclock
import pace
from load import Load, call, tcp_call, until
from world import World, mesh_document

pytestmark = pytest.mark.skipif(pace.SANITIZED != 1, reason="a sanitizer wants to be loaded first")
SKEW = datetime.timedelta(seconds=10)  # that a certificate begins before it is issued


def own(proxy):
    """Its own certificate; Envoy lists it for each place where it is used."""
    found = {c["serial"]: c for c in proxy.certificates() if not c["ca"] and c["uris"]}
    return found.popitem()[1] if len(found) == 1 else None


def next_own(proxy, before, limit=20):
    """The one that replaces it."""
    return until(f"another certificate of {proxy}", lambda: (now := own(proxy)) and now["serial"] != before["serial"] and now, limit)


# ---- C1 ----
TIMES = 60  # as fast, the control plane's limits of time too: much more, and it takes a proxy that is slow to answer for gone
LIFE = datetime.timedelta(minutes=float(os.environ.get("URSA_TEST_LIFE", 20)))


@pytest.mark.skipif(not fakeclock.FASTER, reason="faketime is not here")
def test_certificates_are_renewed_in_time_again_and_again(record):
    """Twenty minutes (URSA_TEST_LIFE) pass in twenty seconds. At four fifths of their life, under constant load."""
    with fakeclock.FastTime(TIMES) as clock, World(clock.environment, clock.of_the_wall, token_life="87600h") as world:
        world.plane.apply(mesh_document("blue", "STRICT", dpCert={"rotation": {"expiration": f"{LIFE.seconds}s"}}), mesh_document("green", "STRICT"))
        blue, green = world.pairs("blue", "green", brought=False)
        ages, witness, last = [], own(green.web), {proxy: own(proxy) for proxy in blue.proxies}
        with Load(blue.port["to_api"]) as load, Load(green.port["to_api"]) as others:
            for _ in range(2):
                for proxy in blue.proxies:
                    now = next_own(proxy, last[proxy], LIFE.seconds / TIMES)
                    assert clock.now() < last[proxy]["ends"], "the one before had ended"
                    assert now["ends"] - now["begins"] == LIFE + SKEW
                    ages.append((now["begins"] - last[proxy]["begins"]) / LIFE)
                    last[proxy] = now
                assert call(blue.port["to_api"]).status == 200 and tcp_call(blue.port["to_db"], "query") == "blue-db: query"
            load.go_on()
        record(f"renewed at {min(ages):.1%} to {max(ages):.1%} of {LIFE}; {load.requests} requests, {len(load.failures)} failed")
        assert 0.75 <= min(ages) and max(ages) <= 0.85, ages
        load.check()
        others.check()
        assert own(green.web) == witness, "the other mesh's live a day"


# ---- C3 ----
DAY = 86400
SMALL = (0.5, 0, -0.5, 0)  # what time daemons set at once, and no jump


@pytest.mark.parametrize("whose", ["the control plane's", "everybody's"])
def test_a_clock_that_is_set(whose, record):
    """A day forward and back again, a day back and forward again: nobody notices, and nobody is given more than one certificate a jump."""
    everybody, born = whose == "everybody's", -3 * DAY  # the mesh's CA is that old
    with fakeclock.WallClock(ahead=born if everybody else 0) as clock, World(
            clock.environment, clock.environment if everybody else None, token_life="87600h",
            XDS_SERVER_DATAPLANE_DEREGISTRATION_DELAY="1s", XDS_SERVER_DATAPLANE_STATUS_FLUSH_INTERVAL="0.1s") as world:
        plane = world.plane
        plane.apply(mesh_document("blue", "STRICT"), mesh_document("green", "STRICT"))
        pairs = world.pairs("blue", "green")
        proxies = [proxy for pair in pairs for proxy in pair.proxies]
        until("all online", lambda: all(proxy.online() for proxy in proxies))
        streams = [proxy.stream()["subscription"] for proxy in proxies]

        def counted(name):
            return plane.metrics().get(name, 0)

        def set_clock(ahead):
            """Sets it; how many certificates were issued because of that."""
            jumps, issued = counted("clock_jumps"), counted("ca_leaves_issued")
            clock.set(ahead)
            plane.wait()  # wakes the thread that sees to it, as the kernel does when it is the kernel's clock
            if abs(ahead) >= 1 or ahead == 0 and abs(last) >= 1:
                until("the jump to be seen", lambda: counted("clock_jumps") == jumps + 1)
            until("no certificate under way", lambda: counted("certificates_under_way") == 0)
            assert plane.fetch("/status?wait=20s")["applied"]
            return counted("ca_leaves_issued") - issued

        total, last = 0, born if everybody else 0
        with Load(pairs[0].port["to_api"]) as load, Load(pairs[1].port["to_api"]) as others:
            for ahead in (0, DAY, 0, -DAY, 0, *SMALL) if everybody else (DAY, 0, -DAY, 0, *SMALL):
                issued = set_clock(ahead)
                assert issued <= (0 if ahead in SMALL and last in SMALL else len(proxies)), (ahead, issued)
                true = datetime.datetime.now(datetime.timezone.utc)
                for proxy, moment in itertools.product(proxies, {0, ahead}):
                    cert = until("one certificate", lambda proxy=proxy: own(proxy))
                    assert cert["begins"] < true + datetime.timedelta(seconds=moment) < cert["ends"], (proxy, ahead, cert)
                for pair in pairs:
                    assert call(pair.port["to_api"]).status == 200 and tcp_call(pair.port["to_db"], "query") == f"{pair.mesh}-db: query"
                used, began = processor_seconds(plane.process.pid), time.monotonic()
                load.go_on(200)
                assert processor_seconds(plane.process.pid) - used < 0.5 * (time.monotonic() - began), "it is busy with nothing"
                total, last = total + issued, ahead
            others.go_on()
        load.check()
        others.check()
        record(f"{total:.0f} certificates for {len(proxies)} proxies; {load.requests} requests, {len(load.failures)} failed")
        assert [proxy.stream()["subscription"] for proxy in proxies] == streams and all(proxy.online() for proxy in proxies)
        # What is to happen a second after a proxy has left does, whatever the clock shows meanwhile.
        pairs[0].web.stop()
        left = time.monotonic()
        clock.set(-DAY)
        until("its Dataplane to go", lambda: plane.get("/meshes/blue/dataplanes/web").status == 404)
        took = time.monotonic() - left
        assert took > 0.5 and pace.clock_within(took, 5), took


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
