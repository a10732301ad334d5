"""Who guesses tokens is slowed down (reliability.md, H12), by address; whoever was good before is not held up by it."""
import json
import re
import socket
import time

import pytest

import ursa

from access_test import ELSEWHERE, issue_user
from ads import Client
from ads_test import Plane, dataplane, mesh

OTHER = "127.0.0.3"
MANY = 100
LIMIT = 60  # seconds


def who(daemon, token, source=ELSEWHERE, **more):
    return daemon.get("/who-am-i", headers={"Authorization": f"Bearer {token}"}, source=source, **more)


def statuses(daemon, token, n, source):
    """Of n requests with this token, sent all at once."""
    request = f"GET /who-am-i HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", daemon.api_port), timeout=60, source_address=(source, 0)) as connection:
        connection.sendall((request * (n - 1)).encode() + request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").encode())
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", answer)]


def until(status, ask):
    """Asks until this comes; the answer."""
    end = time.monotonic() + LIMIT
    while (answer := ask()).status != status:
        assert time.monotonic() < end, f"no {status}: {answer}"
    return answer


def test_ten_a_second():
    with ursa.running("memory") as daemon:
        told = statuses(daemon, "a.b.c", MANY, ELSEWHERE)
        assert len(told) == MANY and set(told) == {401, 429} and set(told[:10]) == {401} and told.count(429) > MANY / 2, told
        assert who(daemon, "a.b.c", OTHER).status == 401
        assert statuses(daemon, "a.b.c", MANY, "127.0.0.1") == [200] * MANY  # the local administrator shows no token


@pytest.fixture(name="strict")
def _strict():
    """One bad token a second."""
    with ursa.running("memory", GENERAL_BAD_TOKENS_PER_SECOND=1) as daemon:
        yield daemon


def test_who_was_good_before_passes(strict):
    known, fresh, expired = issue_user(strict, "known"), issue_user(strict, "fresh"), issue_user(strict, "late", valid_for="-1h")
    assert who(strict, known).status == 200
    assert statuses(strict, expired, 20, ELSEWHERE) == [401] * 20  # somebody of us signed it: that is no guess
    held = until(429, lambda: who(strict, known + "x"))
    assert held.json["title"] == "Too Many Requests" and "try again in a second" in held.json["detail"] and known not in held.text
    assert who(strict, known).json["name"] == "known"
    assert who(strict, known, tls=True, port=strict.https_port).json["name"] == "known"
    assert strict.get("/who-am-i", source=ELSEWHERE).json["name"] == "mesh-system:anonymous"
    assert who(strict, fresh, OTHER).status == 200 and who(strict, fresh).status == 200  # good by the other address, so here, too
    late = issue_user(strict, "newcomer")
    answers = []
    until(429, lambda: who(strict, "x"))
    until(200, lambda: answers.append(who(strict, late)) or answers[-1])  # its turn comes
    assert {answer.status for answer in answers} <= {200, 429}


def test_https_counts_with_http(strict):
    until(429, lambda: who(strict, "x", tls=True, port=strict.https_port))
    until(429, lambda: who(strict, "x"))


def test_bootstrap(strict):
    assert strict.put("/meshes/m", {"type": "Mesh", "name": "m"}).status == 201
    assert strict.put("/meshes/m/dataplanes/web", dataplane("m", "web", "10.0.0.1", "web")).status == 201
    body = {"mesh": "m", "name": "web", "proxyType": "dataplane", "dataplaneToken": "a.b.c"}

    def ask():
        return strict.http("POST", "/bootstrap", json.dumps(body), {"Host": "localhost:5678"}, port=strict.dp_port, tls=True)

    assert ask().status == 422
    assert "try again in a second" in until(429, ask).text
    body["dataplaneToken"] = strict.post("/tokens/dataplane", {"mesh": "m", "validFor": "1h"}).text
    assert until(200, ask)


@pytest.mark.parametrize("protocol", ["sotw", "delta"])
def test_streams(protocol):
    plane = Plane("memory", GENERAL_BAD_TOKENS_PER_SECOND=1).start()
    try:
        plane.apply(mesh("m"), dataplane("m", "web", "10.0.0.1", "web"))

        def end(token):
            with Client(plane, "m", "web", protocol, token=token) as client:
                client.ask("cds")
                return client.end()

        ends = [end("a.b.c") for _ in range(20)]
        assert ends[0][0] == 16 and {code for code, _ in ends} == {8, 16}, ends
        assert all("try again in a second" in text for code, text in ends if code == 8)
    finally:
        plane.stop()
