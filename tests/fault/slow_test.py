"""A thousand clients that send or read a byte now and then (reliability.md H4): a good client does not notice, and they are cut off."""
import contextlib
import select
import socket
import threading
import time

import pytest

import pace
import raw
import ursa

N = 1000
EVERY = 0.5  # seconds between two bytes of one slow client
HEAD = b"GET /meshes?size=1000 HTTP/1.1\r\nHost: localhost\r\n"
PUT = b"PUT /meshes/slow HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
LIMIT = 3  # seconds; of a request's body and of an answer, set below
WAYS = {
    # what is sent at once, what follows byte by byte, the answer's beginning, seconds until it is cut off
    "nothing": (b"", b"", b"", LIMIT),
    "half a request line": (b"GET /", b"m" * 100, b"", LIMIT),
    "header": (HEAD + b"X: ", b"x" * 100, b"HTTP/1.1 408 ", LIMIT),
    "body": (PUT + b"Content-Length: 1000\r\n\r\n", b" " * 100, b"HTTP/1.1 408 ", LIMIT),
    "chunks": (PUT + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n" * 30, b"HTTP/1.1 408 ", LIMIT),
    "a chunk beyond every number": (PUT + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFF0\r\n", b" " * 100, b"HTTP/1.1 408 ", LIMIT),
    "read": ((HEAD + b"\r\n") * 20, None, b"HTTP/1.1 200 ", LIMIT),  # of the last answer: it takes some of them
}


class Slow:
    """Many clients, all slow in one way, in a thread of their own."""

    def __init__(self, daemon, way, n=N, port=None):
        first, self._rest, self._answer, _ = WAYS[way]
        self.ended = []  # (seconds after its start, what came back)
        self._open = {}
        for _ in range(n):
            made = socket.socket()
            if self._rest is None:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            made.connect(("127.0.0.1", port or daemon.api_port))
            made.sendall(first)
            made.setblocking(False)
            self._open[made.fileno()] = [made, time.monotonic(), b"", 0]
        self._poll = select.epoll()
        for number in self._open:
            self._poll.register(number, select.EPOLLIN | select.EPOLLRDHUP if self._rest is not None else select.EPOLLRDHUP)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        """Takes what comes; every EVERY seconds, a byte goes or is read everywhere."""
        next_byte = time.monotonic() + EVERY
        give_up = next_byte + 30
        while self._open and time.monotonic() < give_up:
            for number, _ in self._poll.poll(max(0, next_byte - time.monotonic())):
                self._take(number, 65536)
            if time.monotonic() >= next_byte:
                next_byte += EVERY
                for number in list(self._open):
                    self._trickle(number)

    def _take(self, number, size):
        made, started, data, _ = entry = self._open[number]
        piece = b""
        with contextlib.suppress(ConnectionResetError):
            piece = made.recv(size)
        entry[2] = data + piece
        if not piece:
            self.ended.append((time.monotonic() - started, entry[2]))
            self._poll.unregister(number)
            made.close()
            del self._open[number]

    def _trickle(self, number):
        made, _, _, sent = entry = self._open[number]
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            if self._rest is None:
                self._take(number, 1)
            elif sent < len(self._rest):
                entry[3] += made.send(self._rest[sent:sent + 1])

    def is_alive(self):
        return self._thread.is_alive()

    def judge(self, seconds):
        late = 4 if self._rest is not None else 15
        self._thread.join()
        assert not self._open, f"{len(self._open)} are still connected"
        times = sorted(t for t, _ in self.ended)
        assert times[0] > seconds - 1.5 and pace.clock_within(times[-1] - seconds, late), f"cut off after {times[0]:.1f} to {times[-1]:.1f} s"
        wrong = [data for _, data in self.ended if not data.startswith(self._answer)]
        assert not wrong, f"{len(wrong)} answers such as {wrong[0][:200]}"
        return times


def p99(daemon, while_true):
    """Of a good client, over as many requests as fit in."""
    took = []
    while while_true(len(took)):
        started = time.monotonic()
        assert daemon.get("/meshes/default").status == 200
        took.append(time.monotonic() - started)
    return sorted(took)[int(len(took) * 0.99)], len(took)


@pytest.fixture(scope="module", name="patient")
def _patient():
    with ursa.running("memory", API_SERVER_CONNECTION_TIMEOUT=f"{LIMIT}s") as daemon:
        for i in range(200):
            assert daemon.put(f"/meshes/slow-{i}", {"type": "Mesh", "name": f"slow-{i}"}).status == 201
        yield daemon


@pytest.mark.parametrize("way", WAYS)
def test_slow_clients_are_cut_off_and_hold_up_nobody(patient, way):
    alone, _ = p99(patient, lambda n: n < 300)
    slow = Slow(patient, way)
    beside, n = p99(patient, lambda n: slow.is_alive())
    times = slow.judge(WAYS[way][3])
    print(f"{way}: p99 {beside * 1000:.1f} ms of {n} (alone {alone * 1000:.1f}), cut after {times[0]:.1f} to {times[-1]:.1f} s")
    assert pace.clock_within(beside, max(0.05, 3 * alone)), f"p99 {beside * 1000:.0f} ms beside them, {alone * 1000:.0f} ms alone"


def test_headers_have_five_seconds(daemon_of_default):
    """Whatever the time for bodies and answers is; on the port of /healthy and /debug too."""
    ways = [Slow(daemon_of_default, "header", 100), Slow(daemon_of_default, "header", 100, daemon_of_default.diag_port)]
    for slow in ways:
        slow.judge(5)


@pytest.fixture(name="daemon_of_default")
def _daemon_of_default():
    with ursa.running("memory") as daemon:
        yield daemon


def test_the_proxies_port_cuts_off_slow_headers(patient):
    """Over TLS, where HTTP/1.1 is handed on."""
    with raw.connect(patient, patient.dp_port, tls=True) as slow:
        slow.sendall(HEAD + b"X: ")
        started = time.monotonic()
        assert raw.read_to_end(slow).startswith(b"HTTP/1.1 408 ")
        took = time.monotonic() - started
        assert took > LIMIT - 1 and pace.clock_within(took - LIMIT, 2), took


def test_a_connection_rests_between_two_requests(patient):
    with raw.connect(patient) as resting:
        resting.sendall(HEAD + b"\r\n")
        assert resting.recv(20).startswith(b"HTTP/1.1 200 ")
        started = time.monotonic()
        assert b"408" not in raw.read_to_end(resting)[-20:]
        took = time.monotonic() - started
        assert took > LIMIT - 1 and pace.clock_within(took - LIMIT, 2), took
