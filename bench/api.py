"""api.py -- what the REST API, the start and an idle daemon cost. Rates are wrk's."""
import json
import re
import subprocess

import worlds
from plane import LOAD_CORE, ROOT, Plane, fail, on_core

SERVICES = 20
SCALE = {"us": 0.001, "ms": 1, "s": 1000}


def wrk(plane, path, connections, seconds, script=None, headers=()):
    """Requests a second, and their median in ms."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency"]
    for header in headers:
        command += ["-H", header]
    if script:
        command += ["-s", str(ROOT / "bench" / script)]
    out = subprocess.run(command + [f"http://127.0.0.1:{plane.api}{path}"], capture_output=True, text=True, check=True, preexec_fn=on_core(LOAD_CORE)).stdout
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    if bad:
        fail(f"{bad.group(1)} answers of {path} were refused")
    p50 = re.search(r"50%\s+([\d.]+)(us|ms|s)", out)
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)), float(p50.group(1)) * SCALE[p50.group(2)]


def measure(plane, figures, name, path, connections, seconds, **more):
    """Rate and median of one kind of request, and the daemon's processor time for each: that hardly depends on what else the machine does."""
    before = plane.cpu_s()
    rate, p50 = wrk(plane, path, connections, seconds, **more)
    figures.add(f"{name}, /s", rate)
    figures.add(f"{name}, p50 ms", p50)
    figures.add(f"{name}, CPU us each", (plane.cpu_s() - before) * 1e6 / (rate * seconds))


def requests(figures, size):
    seconds = size.api_seconds
    with Plane(profile=size.profile) as plane:
        figures.add("GET /ready after start, ms", plane.start_ms)
        figures.add("RSS idle, MB", plane.rss_mb())
        figures.add("idle CPU, s a minute", plane.idle_cpu_s(size.idle_seconds) * 60 / size.idle_seconds)
        plane.apply([worlds.mesh("bench")])
        plane.apply(worlds.dataplane("bench", n, SERVICES) for n in range(200))
        measure(plane, figures, "GET one", "/meshes/bench/dataplanes/dp-1", 8, seconds)
        token = plane.request("POST", "/tokens/user", json.dumps({"name": "bench", "validFor": "1h"}).encode())[1].decode()
        from_elsewhere = ("X-Forwarded-For: 192.0.2.1", f"Authorization: Bearer {token}")
        measure(plane, figures, "GET one with a token", "/meshes/bench/dataplanes/dp-1", 8, seconds, headers=from_elsewhere)
        measure(plane, figures, "GET a page of 100", "/meshes/bench/dataplanes?size=100", 1, seconds)
        for clients in (1, 8, 64):
            measure(plane, figures, f"PUT durable, {clients} clients", "/", clients, seconds, script="put.lua")


def stored(figures, size):
    """Start-up and memory with many small Dataplanes in the store, and reading among them."""
    n = size.stored
    plane = Plane()
    plane.apply([worlds.mesh("bench")])
    empty = plane.rss_mb()
    plane.apply(worlds.dataplane("bench", i, SERVICES, sees=()) for i in range(n))
    plane.stop(keep=True)
    with Plane(plane.work, profile=size.profile) as plane:
        figures.add(f"{n} stored: start, ms", plane.start_ms)
        figures.add(f"{n} stored: start, CPU ms", plane.cpu_s() * 1000)
        figures.add(f"{n} stored: RSS, MB", plane.rss_mb())
        figures.add(f"{n} stored: bytes a small Dataplane", (plane.rss_mb() - empty) * (1 << 20) / n)
        measure(plane, figures, f"{n} stored: GET one", f"/meshes/bench/dataplanes/dp-{n // 2}", 8, size.api_seconds)
        measure(plane, figures, f"{n} stored: GET a page of 100", f"/meshes/bench/dataplanes?size=100&offset={n // 2}", 1, size.api_seconds)
