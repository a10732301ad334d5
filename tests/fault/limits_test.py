"""More connections than there may be, and more than there are descriptors for (reliability.md H5, H6)."""
import contextlib
import os
import resource
import time

import pytest

import pace
import raw
import ursa

ASK = b"GET /meshes/default HTTP/1.1\r\nHost: localhost\r\n\r\n"
N, LIMIT = 10000, 4096  # clients; apiServer.maxConnections by default
IDLE_BYTES = 8 << 10  # of resident memory that an idle connection may cost


def cpu_seconds(daemon):
    fields = open(f"/proc/{daemon.process.pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(daemon):
    return int(open(f"/proc/{daemon.process.pid}/statm", encoding="ascii").read().split()[1]) * os.sysconf("SC_PAGESIZE")


def answer(connection):
    """The first answer's status line and fields, and its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, body = data.split(b"\r\n\r\n", 1)
    size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < size:
        body += connection.recv(65536)
    return head


@contextlib.contextmanager
def many(daemon, n):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < n + 100:
        pytest.skip(f"only {hard} descriptors for {n} clients")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with contextlib.ExitStack() as open_ones:
        yield [open_ones.enter_context(raw.connect(daemon)) for _ in range(n)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_ten_thousand_idle_connections():
    """Those above the limit are told so, at once; the others are served; and an idle one costs little."""
    with ursa.running("memory", API_SERVER_CONNECTION_TIMEOUT="120s") as daemon:
        daemon.get("/meshes")
        before = resident(daemon)
        with many(daemon, N) as clients:
            kept, refused = clients[:LIMIT], clients[LIMIT:]
            for client in refused:
                assert raw.read_to_end(client).startswith(b"HTTP/1.1 503 ")
            fresh = (resident(daemon) - before) / LIMIT
            for client in kept:
                client.sendall(ASK)
            for client in kept:
                assert answer(client).startswith(b"HTTP/1.1 200 ")
            deadline = time.monotonic() + 20
            while (used := (resident(daemon) - before) / LIMIT) > IDLE_BYTES:  # falls when they have rested a while
                assert time.monotonic() < deadline, f"an idle connection costs {used:.0f} bytes"
                assert daemon.http("GET", "/ready", port=daemon.diag_port).status == 200  # that port has a limit of its own
            for client in kept[::100]:
                client.sendall(ASK)
                assert answer(client).startswith(b"HTTP/1.1 200 ")
        print(f"idle connections cost {fresh:.0f} bytes, after a request {used:.0f}")
        assert fresh <= IDLE_BYTES
        deadline = time.monotonic() + 20
        while daemon.get("/").status == 503:  # until it has seen that they are gone
            assert time.monotonic() < deadline


def test_without_descriptors_it_waits_and_recovers():
    with ursa.running("memory") as daemon:
        have = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
        assert have < 60
        resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (64, 64))
        held = [raw.connect(daemon) for _ in range(60)]
        with pytest.raises(TimeoutError):
            daemon.get("/", timeout=0.5)
        before, started = cpu_seconds(daemon), time.monotonic()
        with pytest.raises(TimeoutError):
            daemon.get("/", timeout=2)
        used = (cpu_seconds(daemon) - before) / (time.monotonic() - started)
        assert pace.processor_within(used, 0.05), f"it spins: {used:.0%} of a core"
        for connection in held:
            connection.close()
        assert daemon.get("/", timeout=10).status == 200
        assert daemon.http("GET", "/", tls=True, timeout=10).status == 404  # the proxies' port too
