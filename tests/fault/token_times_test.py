"""Tokens while the wall clock is set (reliability.md C3), and that the daemon is told when it is."""
import pathlib
import re

import pytest

import ads
import fakeclock
import hds
import pace
import ursa
from access_test import ELSEWHERE, issue_user

DAY = 86400
MESH = {"type": "Mesh", "name": "blue"}
DATAPLANE = {"type": "Dataplane", "mesh": "blue", "name": "web", "networking": {
    "address": "127.0.0.1", "inbound": [{"port": 80, "tags": {"kuma.io/service": "web"}}]}}
UNAUTHENTICATED = 16
ABSOLUTE_AND_CANCELLED = 3  # TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET
# Seconds that the clock is ahead of when tokens of an hour were issued, and what is said of them. They begin five minutes before.
TIMES = [(0, None), (-290, None), (-310, "not valid yet"), (-DAY, "not valid yet"), (0, None), (3590, None), (3610, "expired"), (DAY, "expired"), (0, None)]


@pytest.fixture(name="clock", scope="module")
def _clock():
    if pace.SANITIZED != 1:
        pytest.skip("a sanitizer wants to be loaded first")
    with fakeclock.WallClock() as clock:
        yield clock


@pytest.fixture(name="daemon", scope="module")
def _daemon(clock):
    started = ursa.Daemon()
    started.environment.update(clock.environment)
    started.start()
    try:
        assert started.put("/meshes/blue", MESH).status == 201
        assert started.put("/meshes/blue/dataplanes/web", DATAPLANE).status == 201
        yield started
    finally:
        clock.set(0)
        started.stop()


def issue(daemon):
    answer = daemon.post("/tokens/dataplane", {"mesh": "blue", "name": "web", "validFor": "1h"})
    assert answer.status == 200, answer
    return answer.text


def at_the_bootstrap(daemon, token):
    answer = daemon.post("/bootstrap", {"mesh": "blue", "name": "web", "dataplaneToken": token}, headers={"Host": "localhost"}, port=daemon.dp_port, tls=True)
    assert answer.status in (200, 422), answer
    return None if answer.status == 200 else answer.text


def on_a_stream(protocol):
    def ask(daemon, token):
        with ads.Client(daemon, "blue", "web", protocol, token=token) as client:
            client.ask("cds")
            return said(client.refusal())
    return ask


def for_health(daemon, token):
    with hds.Client(daemon, "blue", "web", token=token) as client:
        client.ask()
        return said(client.refusal())


def said(refusal):
    if refusal is None:
        return None
    assert refusal[0] == UNAUTHENTICATED, refusal
    return refusal[1]


def by_polling(daemon, token):
    answer = daemon.post("/v3/discovery:clusters", {"node": {"id": "blue.web"}}, headers={"Authorization": token, "Host": "x"}, port=daemon.dp_port, tls=True)
    assert answer.status in (200, 401), answer
    return None if answer.status == 200 else answer.text


DOORS = {"bootstrap": at_the_bootstrap, "delta": on_a_stream("delta"), "sotw": on_a_stream("sotw"), "health": for_health, "poll": by_polling}


@pytest.mark.parametrize("door", DOORS)
def test_a_token_is_good_in_its_time_only(daemon, clock, door):
    """Another one each time, since who was let in before is let go on."""
    clock.set(0)
    for (ahead, want), token in [(time, issue(daemon)) for time in TIMES]:
        clock.set(ahead)
        refusal = DOORS[door](daemon, token)
        assert refusal is None if want is None else want in refusal, (ahead, refusal)


def test_so_is_a_users(daemon, clock):
    clock.set(0)
    token = issue_user(daemon, "john", valid_for="1h")
    for ahead, want in TIMES:
        clock.set(ahead)
        answer = daemon.get("/who-am-i", headers={"Authorization": f"Bearer {token}"}, source=ELSEWHERE)
        assert answer.status == (401 if want else 200), (ahead, answer)


def test_a_stream_goes_on_when_the_clock_is_set_back(daemon, clock):
    """Its token was good when it came; that it is shown again with each request is no reason to cut off every proxy for an hour or a day. Where its
    time is over, it ends."""
    clock.set(0)
    with ads.Client(daemon, "blue", "web", "delta", token=issue(daemon)) as client:
        for ahead, kind in ((0, "cds"), (-310, "lds"), (-DAY, "eds"), (0, "rds")):
            clock.set(ahead)
            client.ask(kind)
            client.silence()
        clock.set(DAY)
        client.ask("sds")
        code, text = client.end()
        assert code == UNAUTHENTICATED and "expired" in text, (code, text)


def test_the_kernel_tells_when_the_clock_is_set(daemon):
    """A timer of the wall clock that ends when that is set: who sets this machine's clock would disturb others, so its flags have to do."""
    infos = [path.read_text() for path in pathlib.Path(f"/proc/{daemon.process.pid}/fdinfo").iterdir()]
    flags = [re.search(r"clockid: 0\n.*settime flags: 0(\d+)", info, re.S) for info in infos]
    assert ABSOLUTE_AND_CANCELLED in [int(found[1], 8) for found in flags if found]
