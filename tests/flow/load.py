"""load.py -- callers: single requests, and a constant load on connections that are kept, whose every failure and every closed connection counts."""
import contextlib
import http.client
import json
import socket
import threading
import time

LIMIT = 20  # seconds that anything may take before a test gives up


def until(what, condition, limit=LIMIT):
    """Waits until condition() is true and returns its value; a failure to connect is not yet true."""
    end = time.monotonic() + limit
    value = None
    while time.monotonic() < end:
        with contextlib.suppress(OSError, http.client.HTTPException):
            value = condition()
            if value:
                return value
        time.sleep(0.01)
    raise AssertionError(f"waited {limit} s for {what}; last seen: {value!r}")


class Reply:
    def __init__(self, status, text):
        self.status, self.text = status, text

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def app(self):
        """Who answered; None when no application did."""
        return self.json["app"] if self.status == 200 else None

    def __repr__(self):
        return f"{self.status} {self.text[:500]}"


class Caller:
    """One kept HTTP connection. A connection that the other side closes is counted and opened again by the next call."""

    def __init__(self, port):
        self.port = port
        self.closed = 0
        self._connection = None

    def call(self, path="/", headers=None):
        """The reply; status 0 with the reason when there was none."""
        if not self._connection:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT)
        try:
            self._connection.request("GET", path, headers=headers or {})
            answer = self._connection.getresponse()
            reply = Reply(answer.status, answer.read().decode("utf-8", "replace"))
            if answer.will_close:
                self._drop()
            return reply
        except (OSError, http.client.HTTPException) as failed:
            self._drop()
            return Reply(0, f"{type(failed).__name__}: {failed}")

    def _drop(self):
        self.closed += 1
        self.close()

    def close(self):
        if self._connection:
            self._connection.close()
        self._connection = None


def call(port, path="/", headers=None):
    """One request on a connection of its own."""
    with contextlib.closing(Caller(port)) as caller:
        return caller.call(path, headers)


def tcp_call(port, line="hello"):
    """The line that came back on a connection of its own; "" when it was closed instead."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=LIMIT) as connection:
            connection.sendall(line.encode() + b"\n")
            with connection.makefile("r") as answers:
                return answers.readline().rstrip("\n")
    except OSError:
        return ""


class Load:
    """with Load(port) as load: ... -- kept connections, each asking again and again until the block ends; then failures and closed count."""

    def __init__(self, port, connections=4, pause=0.005, good=(200,)):
        self.port, self.pause, self.good = port, pause, good
        self.failures = []
        self.answered = [0] * connections
        self._stop = threading.Event()
        self._callers = [Caller(port) for _ in range(connections)]
        self._threads = [threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(connections)]

    def _run(self, i):
        caller = self._callers[i]
        while not self._stop.is_set():
            reply = caller.call()
            if reply.status not in self.good:
                self.failures.append(reply)
            self.answered[i] += 1
            self._stop.wait(self.pause)
        caller.close()

    @property
    def requests(self):
        return sum(self.answered)

    @property
    def closed(self):
        return sum(c.closed for c in self._callers)

    def go_on(self, n=50):
        """Returns after n more requests, at least one of them on each connection."""
        before, total = list(self.answered), self.requests
        until(f"{n} more requests", lambda: self.requests >= total + n and all(now > then + 1 for now, then in zip(self.answered, before)))

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        self.go_on()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def check(self):
        """No request failed and no connection was closed."""
        assert not self.failures, f"{len(self.failures)} of {self.requests} requests failed, the first: {self.failures[0]}"
        assert self.closed == 0, f"{self.closed} connections were closed"


class Shakes:
    """with Shakes(port) as shakes: ... -- one TCP connection after the other, each with a handshake of its own between the proxies; then failures and calls."""

    def __init__(self, port, pause=0.005):
        self.port, self.pause = port, pause
        self.calls, self.failures = 0, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._stop.is_set():
            self.failures += not tcp_call(self.port)
            self.calls += 1
            self._stop.wait(self.pause)

    def __enter__(self):
        self._thread.start()
        until("a connection", lambda: self.calls)
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def check(self):
        assert not self.failures, f"{self.failures} of {self.calls} connections failed"
