"""proxies.py -- the load generator (bench/load): tens of thousands of simulated proxies in one process, given orders."""
import json
import subprocess
import time

from plane import BUILD, LOAD_CORE, fail, on_core

PROXIES_A_SOURCE = 10000  # connections from one loopback address
HANDSHAKES = 200  # at a time: more would only wait for the one thread that makes them all, until ursa-cp takes them for dead


class Proxies:
    """with Proxies(plane, dataplanes, ...) as proxies: ... 'dataplanes' are Dataplanes in the order in which they connect; those in 'brought'
    (True: all) are brought by their proxies. Nothing connects before connect()."""

    def __init__(self, plane, dataplanes, transport="delta", brought=False, endpoints=0, seconds=900, token=None):
        lines = plane.work / "proxies"
        with open(lines, "w", encoding="utf-8") as file:
            for d in dataplanes:
                own = brought is True or (brought and d["name"] in brought)
                file.write(f"{d['mesh']} {d['name']} {token or '-'}" + (f" {json.dumps(d)}" if own else "") + "\n")
        n = len(dataplanes)
        self.plane, self.n = plane, n
        self.events = []
        self.process = subprocess.Popen(
            [BUILD / "bench/ads_load", f"--port={plane.dp}", f"--api-port={plane.api}", f"--proxies={lines}", f"--transport={transport}", "--hold",
             f"--endpoints={endpoints}", f"--sources={n // PROXIES_A_SOURCE + 1}", f"--parallel={HANDSHAKES}", f"--seconds={seconds}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=on_core(LOAD_CORE))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self.process.kill()
        elif self.process.poll() is None:
            self.order("quit")
        self.process.wait(60)

    # ---- orders and events ----
    def order(self, *words):
        self.process.stdin.write(" ".join(str(w) for w in words) + "\n")
        self.process.stdin.flush()

    def event(self, name):
        """The next of that name; others that come first are kept for whoever asks for them."""
        for i, event in enumerate(self.events):
            if event["event"] == name:
                return self.events.pop(i)
        while True:
            line = self.process.stdout.readline()
            event = json.loads(line) if line else {"event": "end"}
            if event["event"] in ("end", "incomplete"):
                fail(f"the simulated proxies say {event} where '{name}' was expected")
            if event["event"] == name:
                return event
            self.events.append(event)

    def connect(self, n=None):
        self.order("connect", n or self.n)
        return self.event("configured")

    def reconnect(self):
        self.order("reconnect")
        return self.event("reconnected")

    def settle(self, ms=300):
        self.order("settle", ms)
        return self.event("settled")

    def churn(self, rate, seconds, mesh, victims, services, protocol="http"):
        """Begins; the result is event("churned")."""
        self.order("churn", rate, seconds, mesh, victims, services, protocol)

    def change(self, documents, n=None, mesh="", name="", settle_ms=100):
        """Applies documents in one request and waits until n proxies (of the mesh) have received something, or something new whose name begins so. Times in
        ms from just before the request was sent ("sent_...") and from its answer ("answered_...", negative for those that were sooner); bytes; unless
        'settle_ms' is None, also processor time and when nothing more came."""
        self.order("mark", n or self.n, *[word for word in (mesh, name) if word])
        self.event("marked")
        cpu, sent = self.plane.cpu_s(), time.monotonic_ns()
        self.plane.apply(documents)
        answered = time.monotonic_ns()
        pushed = self.event("pushed")
        result = {"bytes": pushed["bytes"]}
        if settle_ms is not None:
            result["settled_ms"] = (self.settle(settle_ms)["last_ns"] - sent) / 1e6
            result["cpu_ms"] = (self.plane.cpu_s() - cpu) * 1000
        for name in ("first", "p50", "p99", "last"):
            at = pushed["mark_ns"] + pushed[f"{name}_ms"] * 1e6
            result[f"sent_{name}"], result[f"answered_{name}"] = (at - sent) / 1e6, (at - answered) / 1e6
        return result
