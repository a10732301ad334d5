"""scenarios.py -- the worlds that are measured, one function each; main() of bench/run says which and how large.

Propagation is counted from just before the change's request was sent until the last proxy has received it; figures named "after the answer" from the
moment when the request was answered. Each is the median of a few rounds."""
import statistics
import time

import worlds
from plane import Plane, descriptors
from proxies import Proxies

VICTIMS = 100
DESCRIPTORS_BESIDE = 300  # what ursa-cp and the load generator open beside the proxies' connections
FAIR_PAUSE = 0.1  # s between changes of the mesh that is measured: one that changes without end takes turns with itself


# ---- parts ----
def change(proxies, figures, name, documents, size, n=None, mesh="", target=None):
    """The median of some rounds; 'documents' gives those of a round. The target is held against the time after the answer."""
    rounds = [proxies.change(documents(i), n, mesh) for i in range(size.rounds)]
    median = {key: statistics.median(r[key] for r in rounds) for key in rounds[0]}
    reached = n or proxies.n
    figures.add(f"{name}: last proxy, ms after the answer", max(median["answered_last"], 0), target)
    figures.add(f"{name}: last proxy, ms", median["sent_last"])
    figures.add(f"{name}: p99, ms", median["sent_p99"])
    figures.add(f"{name}: p50, ms", median["sent_p50"])
    figures.add(f"{name}: all is quiet, ms", median["settled_ms"])
    figures.add(f"{name}: bytes a proxy", median["bytes"] / reached)
    figures.add(f"{name}: CPU ms", median["cpu_ms"])
    return median


def connected(plane, proxies, figures, name, n, target_s=None, target_ratio=None):
    """Connects n proxies at once: time until all hold everything, bytes against what they hold in the end, memory."""
    before, cpu = plane.rss_mb(), plane.cpu_s()
    result = proxies.connect(n)
    settled = proxies.settle(1000)
    figures.add(f"{name}: all configured, s", result["last_ms"] / 1000, target_s)
    figures.add(f"{name}: p50 configured, s", result["p50_ms"] / 1000)
    figures.add(f"{name}: nothing more comes, s", (settled["last_ns"] - result["started_ns"]) / 1e9)
    figures.add(f"{name}: bytes sent, MB", settled["bytes"] / 1e6)
    figures.add(f"{name}: bytes against the final ones", settled["bytes"] / max(settled["final_bytes"], 1), target_ratio)
    figures.add(f"{name}: connections lost", settled["lost"])
    figures.add(f"{name}: CPU, s", plane.cpu_s() - cpu)
    figures.add(f"{name}: RSS a proxy, KB", (plane.rss_mb() - before) * 1024 / n)
    return result


def idle(plane, figures, name, size, target_cpu=None, target_rss=None):
    """While nothing changes: what earlier changes leave to do (the proxies' insights are written seconds later) has its time first."""
    until, n_quiet = time.monotonic() + size.rest_seconds, 0
    while n_quiet < 3 and time.monotonic() < until:
        n_quiet = n_quiet + 1 if plane.idle_cpu_s(2) < 0.0005 else 0
    figures.add(f"{name}: idle CPU, s a minute", plane.idle_cpu_s(size.idle_seconds) * 60 / size.idle_seconds, target_cpu)
    figures.add(f"{name}: RSS, MB", plane.rss_mb(), target_rss)


def newcomers(proxies, figures, name, n, target=None):
    """One more proxy at a time on an idle machine, from its own first request until it is configured."""
    times = []
    for _ in range(n):
        times.append(proxies.connect(1)["each_last_ms"])
        proxies.settle(100)
    figures.add(f"{name}: first configuration, median ms", statistics.median(times), target)
    figures.add(f"{name}: first configuration, longest ms", max(times), target)


def reconnect(plane, proxies, figures, name):
    """All drop their connections and return at once, with what they hold."""
    cpu, before = plane.cpu_s(), proxies.settle(100)["bytes"]
    result = proxies.reconnect()
    settled = proxies.settle(1000)
    quiet = max(settled["last_ns"], result["ended_ns"])
    figures.add(f"{name}: all reconnect at once: streams open, s", (result["ended_ns"] - result["started_ns"]) / 1e9)
    figures.add(f"{name}: all reconnect at once: quiet after, s", (quiet - result["started_ns"]) / 1e9)
    figures.add(f"{name}: all reconnect at once: bytes a proxy", (settled["bytes"] - before) / proxies.n)
    figures.add(f"{name}: all reconnect at once: CPU, s", plane.cpu_s() - cpu)


# ---- (a) and (h): every proxy sees every service ----
def visible(figures, size, transport, brought):
    n, services, late = size.visible
    how = f"{n} x {services}, {transport}, {'brought' if brought else 'stored'}"
    small = transport == "delta"
    dataplanes = [worlds.dataplane("bench", i, services) for i in range(n + 2 * late)]
    # Of those that come late, half bring their Dataplanes; the others' are stored, and known as endpoints, from the beginning.
    bringing = {d["name"] for d in dataplanes[:n if brought else 0] + dataplanes[n + late:]}
    with Plane(profile=size.profile) as plane:
        plane.apply([worlds.mesh("bench")])
        plane.apply(d for d in dataplanes if d["name"] not in bringing)
        with Proxies(plane, dataplanes, transport, brought=bringing, endpoints=n + late) as proxies:
            connected(plane, proxies, figures, how, n, target_s=3 if brought else None, target_ratio=1.5 if brought else None)
            change(proxies, figures, f"{how}: one endpoint more", lambda i: [worlds.endpoint("bench", i, i)], size, n, target=50 if small else 150)
            change(proxies, figures, f"{how}: requestTimeout", lambda i: [worlds.timeout("bench", request=f"{20 + i}s")], size, n, target=400)
            change(proxies, figures, f"{how}: connectTimeout", lambda i: [worlds.timeout("bench", connect=f"{6 + i}s")], size, n, target=800)
            change(proxies, figures, f"{how}: a permission of all", lambda i: [worlds.permission("bench", f"svc-{i}")], size, n, target=30)
            change(proxies, figures, f"{how}: a permission of one service", lambda i: [worlds.permission("bench", f"svc-{i}", "svc-3")], size,
                   len(range(3, n, services)), target=30)
            idle(plane, figures, how, size, 0.05, 80)
            newcomers(proxies, figures, f"{how}: new, stored", late, 10)
            newcomers(proxies, figures, f"{how}: new, brought", late, 10)
            reconnect(plane, proxies, figures, how)


# ---- (b): many services, few of which a proxy calls ----
def sparse(figures, size, transport):
    n, services, outbounds = size.sparse
    how = f"{n} x {services} x {outbounds} outbounds, {transport}"
    dataplanes = [worlds.dataplane("bench", i, services, sees=[(i + k) % services for k in range(1, outbounds + 1)]) for i in range(n)]
    with Plane(profile=size.profile) as plane:
        plane.apply([worlds.mesh("bench")])
        plane.apply(dataplanes)
        with Proxies(plane, dataplanes, transport, endpoints=outbounds * (n // services)) as proxies:
            connected(plane, proxies, figures, how, n)
            change(proxies, figures, f"{how}: one endpoint more", lambda i: [worlds.endpoint("bench", i, 500 % services + i)], size,
                   outbounds * (n // services), target=50)
            idle(plane, figures, how, size, target_rss=120)


# ---- (c): transparently proxied, every service visible ----
def transparent(figures, size, transport):
    n, services = size.transparent
    kind = "outbounds" if size.explicit_outbounds else "transparent"
    how = f"{n} x {services} tcp, {kind}, {transport}"
    dataplanes = [worlds.dataplane("bench", i, services, protocol="tcp") for i in range(n)]
    if not size.explicit_outbounds:
        dataplanes = [worlds.transparent(d) for d in dataplanes]
    with Plane(profile=size.profile) as plane:
        plane.apply([worlds.mesh("bench")])
        plane.apply(dataplanes)
        with Proxies(plane, dataplanes, transport, endpoints=n) as proxies:
            connected(plane, proxies, figures, how, n)
            median = change(proxies, figures, f"{how}: one endpoint more", lambda i: [worlds.endpoint("bench", i, i, "tcp")], size, n, target=200)
            figures.add(f"{how}: one endpoint more: p99, ms after the answer", max(median["answered_p99"], 0), 100)
            idle(plane, figures, how, size)


# ---- (d): many meshes ----
def runs_of_others(plane, but):
    """How often the compiler's functions ran, for each mesh but one."""
    return {m["mesh"]: m["functions"] for m in plane.debug("/debug/engine")["meshes"] if m["mesh"] != but}


def meshes(figures, size, transport, brought):
    asked_meshes, per_mesh, services = size.meshes
    n_meshes = min(asked_meshes, (descriptors() - DESCRIPTORS_BESIDE) // per_mesh)
    if n_meshes < asked_meshes:
        print(f"  this machine lets a process open {descriptors()} files: {n_meshes} meshes instead of {asked_meshes}, and targets in proportion")
    n, part = n_meshes * per_mesh, n_meshes / asked_meshes
    how = f"{n} proxies in {n_meshes} meshes, {transport}, {'brought' if brought else 'stored'}"
    names = [f"mesh-{i}" for i in range(n_meshes)]
    dataplanes = [worlds.dataplane(names[i % n_meshes], i // n_meshes, services) for i in range(n)]
    with Plane(profile=size.profile) as plane:
        plane.apply(worlds.mesh(name) for name in names)
        if not brought:
            plane.apply(dataplanes)
        with Proxies(plane, dataplanes, transport, brought=brought, endpoints=per_mesh) as proxies:
            connected(plane, proxies, figures, how, n, target_s=90 * part)
            figures.add(f"{how}: RSS, MB", plane.rss_mb(), 2048 * part)
            before = runs_of_others(plane, names[0])
            change(proxies, figures, f"{how}: one endpoint more in one", lambda i: [worlds.endpoint(names[0], i, i)], size, per_mesh, names[0], target=50)
            after = runs_of_others(plane, names[0])
            figures.add(f"{how}: other meshes in which a function ran", sum(before[m] != after[m] for m in before), 0)
            idle(plane, figures, how, size)


# ---- another CA ----
CA_SECRET, IDENTITY_SECRET = "mesh_ca:", "identity_cert:"


def roots(plane, n):
    """CA certificates and their keys, base64 as in a Secret: those of meshes that are there for nothing else."""
    names = [f"root-{i}" for i in range(n)]
    plane.apply(worlds.mesh(name) for name in names)
    return [[plane.secret(name, f"{name}.ca-builtin-{part}-ca") for part in ("cert", "key")] for name in names]


def rotation(figures, size, transport):
    """A provided CA is replaced: everybody must have the new root, and everybody needs another certificate."""
    n, services = size.rotation
    how = f"another CA, {n} x {services}, {transport}"
    dataplanes = [worlds.dataplane("bench", i, services) for i in range(n)]
    with Plane(profile=size.profile) as plane:
        pairs = roots(plane, 1 + 2 * size.rounds)
        plane.apply([worlds.mesh("bench", mtls=False)])
        plane.apply(worlds.ca_secrets("bench", *pairs.pop()))
        plane.apply([worlds.mesh("bench", provided=True)])
        plane.apply(dataplanes)
        with Proxies(plane, dataplanes, transport, endpoints=n) as proxies:
            connected(plane, proxies, figures, how, n)
            rotated = []
            for what, secret in (("its root", CA_SECRET), ("a certificate of it", IDENTITY_SECRET)):
                rounds = [proxies.change(worlds.ca_secrets("bench", *pairs.pop()), n, "bench", secret, settle_ms=1000) for _ in range(size.rounds)]
                for part in ("first", "p50", "p99", "last"):
                    figures.add(f"{how}: {what}, {part}, ms", statistics.median(r[f"sent_{part}"] for r in rounds))
                rotated += rounds
            figures.add(f"{how}: all is quiet, s", statistics.median(r["settled_ms"] for r in rotated) / 1000, 10)
            figures.add(f"{how}: CPU, s", statistics.median(r["cpu_ms"] for r in rotated) / 1000)


# ---- clients that poll ----
def polling(figures, size):
    """A connection for each thing that a proxy asks for, so there are few proxies."""
    n, services = size.polling
    how = f"{n} x {services}, rest"
    dataplanes = [worlds.dataplane("bench", i, services) for i in range(n)]
    with Plane(profile=size.profile) as plane:
        plane.apply([worlds.mesh("bench")])
        plane.apply(dataplanes)
        with Proxies(plane, dataplanes, "rest", endpoints=n) as proxies:
            connected(plane, proxies, figures, how, n)
            change(proxies, figures, f"{how}: one endpoint more", lambda i: [worlds.endpoint("bench", i, i)], size)
            change(proxies, figures, f"{how}: requestTimeout", lambda i: [worlds.timeout("bench", request=f"{20 + i}s")], size)
            figures.add(f"{how}: RSS, MB", plane.rss_mb())


# ---- (e): churn ----
def churn(figures, size, transport, rate, seconds):
    n, services = size.churn
    how = f"{rate} changes/s, {n} x {services}, {transport}"
    dataplanes = [worlds.dataplane("bench", i, services) for i in range(n)]
    with Plane(profile=size.profile) as plane:
        plane.apply([worlds.mesh("bench")])
        plane.apply(dataplanes)
        plane.apply(worlds.victim("bench", i, services) for i in range(VICTIMS))
        with Proxies(plane, dataplanes, transport, endpoints=n) as proxies:
            proxies.connect()
            proxies.churn(rate, 3, "bench", VICTIMS, services)  # until memory is what it needs
            proxies.event("churned")
            before, cpu = plane.rss_mb(), plane.cpu_s()
            proxies.churn(rate, seconds, "bench", VICTIMS, services)
            result = proxies.event("churned")
            figures.add(f"{how}: p99, ms", result["p99_ms"], 250 if rate <= 100 else None)
            figures.add(f"{how}: p50, ms", result["p50_ms"])
            figures.add(f"{how}: longest, ms", result["last_ms"])
            figures.add(f"{how}: answered, p50 ms", result["answered_p50_ms"])
            figures.add(f"{how}: answered, p99 ms", result["answered_p99_ms"])
            figures.add(f"{how}: messages for a change that a proxy sees", result["messages"] / max(result["seen"], 1))
            figures.add(f"{how}: refused or lost", result["refused"] + result["missing"], 0)
            figures.add(f"{how}: CPU, of a core", (plane.cpu_s() - cpu) / result["seconds"])
            figures.add(f"{how}: RSS, MB", plane.rss_mb())
            figures.add(f"{how}: RSS grew, MB", max(plane.rss_mb() - before, 0), 5 if rate <= 100 else None)


# ---- (f): one mesh's churn and another's changes ----
def fairness(figures, size, transport):
    n, services = size.fair
    how = f"fairness, 2 x {n} x {services}, {transport}"
    dataplanes = [worlds.dataplane(name, i, services) for name in ("busy", "quiet") for i in range(n)]
    with Plane(profile=size.profile) as plane:
        plane.apply(worlds.mesh(name) for name in ("busy", "quiet"))
        plane.apply(dataplanes)
        plane.apply(worlds.victim("busy", i, services) for i in range(VICTIMS))
        with Proxies(plane, dataplanes, transport, endpoints=n) as proxies:
            proxies.connect()
            proxies.settle(1000)  # what the proxies' coming leaves to do is no part of quiet

            def last_proxy(i):
                time.sleep(FAIR_PAUSE)
                return proxies.change([worlds.endpoint("quiet", i, i % services)], n, "quiet", settle_ms=None)["sent_last"]

            def p99(first):
                """Of the changes' last proxies."""
                last = sorted(last_proxy(i) for i in range(first, first + size.fair_changes))
                return last[-1 - len(last) // 100]

            quiet = p99(0)
            proxies.churn(500, int(size.fair_changes * 2 * FAIR_PAUSE) + 2, "busy", VICTIMS, services)
            churned = p99(size.fair_changes)
            result = proxies.event("churned")
            figures.add(f"{how}: p99 while all is quiet, ms", quiet)
            figures.add(f"{how}: p99 beside 500 changes/s in the other, ms", churned)
            figures.add(f"{how}: the difference, ms", max(churned - quiet, 0), 20)
            figures.add(f"{how}: the churn's own p99, ms", result["p99_ms"])


# ---- (g): meshes that are only there ----
def empty_meshes(figures, size):
    n = size.empty_meshes
    with Plane(profile=size.profile) as plane:
        started = time.monotonic()
        plane.apply(worlds.mesh(f"mesh-{i}") for i in range(n))
        figures.add(f"{n} meshes: created in one request, s", time.monotonic() - started)
    with Plane() as plane:
        started = time.monotonic()
        for i in range(n):
            plane.put(f"/meshes/mesh-{i}", worlds.mesh(f"mesh-{i}"))
        figures.add(f"{n} meshes: created one after the other, s", time.monotonic() - started, 3)
        idle(plane, figures, f"{n} meshes", size, target_cpu=0.005)


# ---- the plot ----
def series(figures, size, transport):
    """Latency and memory against the number of proxies, in the world of (a)."""
    services = size.visible[1]
    for n in size.series:
        dataplanes = [worlds.dataplane("bench", i, services) for i in range(n)]
        with Plane() as plane:
            plane.apply([worlds.mesh("bench")])
            plane.apply(dataplanes)
            with Proxies(plane, dataplanes, transport, endpoints=n) as proxies:
                proxies.connect()
                last = statistics.median(proxies.change([worlds.endpoint("bench", i, i)])["sent_last"] for i in range(size.rounds))
                figures.series.append({"proxies": n, "services": services, "transport": transport, "last_ms": round(last, 2), "rss_mb": round(plane.rss_mb(), 1)})
                figures.add(f"{n} x {services}, {transport}: endpoint, last proxy, ms", last)
                figures.add(f"{n} x {services}, {transport}: RSS, MB", plane.rss_mb())
