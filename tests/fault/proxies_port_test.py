"""What a proxy, or who claims to be one, may send to the proxies' port, and how much of it (reliability.md X7, X8, H3, H5)."""
import contextlib
import os
import resource
import select
import ssl
import time

import pytest

import ads
import pace
import pb
import ursa
from frames import CONTINUATION, DATA, END_HEADERS, GOAWAY, HEADER, HEADERS, HELLO, PING, RESET, SETTINGS, connect, first_request, frame, literal, tls

MIB = 1 << 20
CALM = 11  # ENHANCE_YOUR_CALM
INVALID_ARGUMENT, EXHAUSTED = 3, 8


# ---- what the daemon needs ----
def resident(daemon):
    return int(open(f"/proc/{daemon.process.pid}/statm", encoding="ascii").read().split()[1]) * os.sysconf("SC_PAGESIZE")


def cpu_seconds(daemon):
    fields = open(f"/proc/{daemon.process.pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def release_only(limit):
    """Of memory: sanitizers keep what is freed, and shadows of all."""
    return limit if ursa.BUILD.name == "release" else 1 << 40


def dataplane(name, *outbounds):
    return {"type": "Dataplane", "mesh": "default", "name": name, "networking": {
        "address": "10.0.0.1", "inbound": [{"port": 80, "tags": {"kuma.io/service": name}}],
        "outbound": [{"port": 10000 + i, "tags": {"kuma.io/service": service}} for i, service in enumerate(outbounds)]}}


@contextlib.contextmanager
def running(**settings):
    with ursa.running("memory", DP_SERVER_AUTHN_DP_PROXY_TYPE="none", XDS_SERVER_DATAPLANE_STATUS_FLUSH_INTERVAL="1h", **settings) as daemon:
        assert daemon.post("/apply", [dataplane("web"), dataplane("well")]).status == 200
        yield daemon


def is_served(daemon):
    """A proxy of good manners gets its clusters."""
    with ads.Client(daemon, "default", "well") as client:
        client.ask("cds")
        return client.next().type == "cds"


# ---- X7 ----
class Heavy(ads.Client):
    """Sends messages of any size, as fast as it may."""

    def send(self, message):
        rest = b"\0" + len(message).to_bytes(4, "big") + message
        while rest and self.status is None:
            n = min(self._h2.local_flow_control_window(self._stream), self._h2.max_outbound_frame_size, len(rest))
            if n == 0:
                self.feed()
                continue
            self._h2.send_data(self._stream, rest[:n])
            rest = rest[n:]
            self._flush()
            if select.select([self], [], [], 0)[0]:
                self.feed()


def nested(depth):
    """google.protobuf.Struct in Struct."""
    value = pb.field(3, "leaf")
    for _ in range(depth):
        value = pb.field(5, pb.field(1, pb.field(1, "k") + pb.field(2, value)))
    return pb.field(1, pb.field(1, "k") + pb.field(2, value))


def request(node=b"", rest=b"", kind=ads.TYPES["cds"]):
    return pb.field(2, pb.field(1, "default.web") + node) + rest + pb.field(4, kind)


IGNORED = "ignored"
ODD = {
    # message: how the call ends; None: it is served
    "no protobuf": (b"\xff" * 1000, INVALID_ARGUMENT),
    "cut off": (request()[:-3], INVALID_ARGUMENT),
    "a length beyond the end": (b"\x12\xff\xff\xff\xff\x07", INVALID_ARGUMENT),
    "a varint without end": (b"\x08" + b"\x80" * 100, INVALID_ARGUMENT),
    "metadata a thousand deep": (request(pb.field(3, nested(1000))), INVALID_ARGUMENT),
    "metadata of 200 kB": (request(pb.field(3, pb.struct_of({f"key-{i}": "x" * 100 for i in range(1600)}))), None),
    "metadata of 900 kB": (request(pb.field(3, pb.struct_of({f"key-{i}": "x" * 100 for i in range(7000)}))), EXHAUSTED),
    "a million empty fields": (request(rest=b"\x1a\0" * 500_000), EXHAUSTED),
    "more than a message may be": (request(pb.field(3, b"x" * (MIB + 1))), EXHAUSTED),
    "unknown type": (request(kind="type.googleapis.com/envoy.no.Such"), IGNORED),
    "a name of 1 MB": (request(rest=pb.field(3, "n" * (MIB - 1000))), EXHAUSTED),
    "names that are no text": (request(rest=pb.field(3, b"\xff\xfe\0")), INVALID_ARGUMENT),
}


@pytest.fixture(name="daemon", scope="module")
def _daemon():
    with running() as daemon:
        yield daemon


@pytest.mark.parametrize("what", ODD)
def test_odd_messages(daemon, what):
    """Refused with words, or borne; and no client costs more than a megabyte while it is there."""
    message, code = ODD[what]
    n = 20
    before = resident(daemon)
    with contextlib.ExitStack() as undo:
        clients = [undo.enter_context(Heavy(daemon, "default", "web")) for _ in range(n)]
        for client in clients:
            client.send(message)
        for client in clients:
            if code is None:
                assert client.next().type == "cds"
            elif code is IGNORED:
                assert client.silence() == []
            else:
                assert client.end()[0] == code
                assert client.end()[1]
        grown = resident(daemon) - before
        print(f"{what}: {grown / n / 1024:.0f} KiB each")
        assert grown < n * release_only(MIB)
    assert is_served(daemon)


# ---- H3 ----
def floods():
    """{what: (what comes first, frame i of the flood)}"""
    return {
        "rapid reset": (b"", lambda i: frame(HEADERS, END_HEADERS, 2 * i + 1, HEADER) + frame(RESET, 0, 2 * i + 1, b"\0\0\0\x08")),
        "CONTINUATION": (frame(HEADERS, 0, 1, HEADER), lambda i: frame(CONTINUATION, 0, 1, literal(b"x", b"y"))),
        "SETTINGS": (b"", lambda i: frame(SETTINGS)),
        "PING": (b"", lambda i: frame(PING, 0, 0, b"12345678")),
        "empty DATA": (frame(HEADERS, END_HEADERS, 1, HEADER), lambda i: frame(DATA, 0, 1)),
    }


def goaway(data):
    """The error code of the GOAWAY in what the server sent; None: there is none."""
    at, code = 0, None
    while at + 9 <= len(data):
        size = int.from_bytes(data[at:at + 3], "big")
        if data[at + 3] == GOAWAY and at + 17 <= len(data):
            code = int.from_bytes(data[at + 13:at + 17], "big")
        at += 9 + size
    return code


@pytest.mark.parametrize("what", floods())
def test_floods_are_ended(daemon, what):
    """100,000 frames, or as many as it takes: told to calm down, and closed, before they cost much."""
    first, one = floods()[what]
    before, cpu = resident(daemon), cpu_seconds(daemon)
    with connect(daemon, tls()) as connection:
        data = b""
        with contextlib.suppress(OSError):
            connection.sendall(HELLO + first)
            for i in range(0, 100_000, 500):
                connection.sendall(b"".join(one(i + k) for k in range(500)))
        with contextlib.suppress(OSError):
            while piece := connection.recv(65536):
                data += piece
    assert goaway(data) == CALM
    used, grown = cpu_seconds(daemon) - cpu, resident(daemon) - before
    print(f"{what}: {used:.2f} s of processor time, {grown / MIB:.1f} MiB")
    assert pace.processor_within(used, 1)
    assert grown < release_only(10 * MIB)
    assert is_served(daemon)


# ---- X8 ----
SLOW, CHANGES, SERVICES = 500, 40, 400


def test_slow_readers_cost_one_answer_each():
    """They ask, read the first frame and stop. What they are owed does not pile up, and who reads is told at once."""
    with running() as daemon:
        services = [f"s{i}" for i in range(SERVICES)]
        assert daemon.post("/apply", [*(dataplane(s) for s in services), *(dataplane(f"slow-{i}", *services) for i in range(SLOW // 20)),
                                      dataplane("quick", *services)]).status == 200
        with contextlib.ExitStack() as undo:
            quick = undo.enter_context(ads.Client(daemon, "default", "quick"))
            quick.ask("cds")
            clusters = quick.next()
            assert len(clusters.resources) > SERVICES
            quick.answer(clusters)
            context, slow = tls(), []
            for i in range(SLOW):
                slow.append(undo.enter_context(connect(daemon, context)))
                slow[-1].sendall(HELLO + first_request(f"slow-{i // 20}"))
                slow[-1].recv(9)
            before, sent = resident(daemon), 0
            for i in range(CHANGES):
                conf = {"connectTimeout": f"{i + 1}s"}
                match = [{"match": {"kuma.io/service": "*"}}]
                assert daemon.put("/meshes/default/timeouts/t", {"type": "Timeout", "mesh": "default", "name": "t", "sources": match,
                                                                 "destinations": match, "conf": conf}).status in (200, 201)
                response = quick.next()
                sent += sum(map(len, response.resources.values()))
                assert response.type == "cds"
                quick.answer(response)
            grown = (resident(daemon) - before) / SLOW
            print(f"{sent / CHANGES / 1024:.0f} KiB a change; {grown / 1024:.0f} KiB for each of {SLOW} slow readers after {CHANGES} of them")
            assert sent > 40 * CHANGES * 1024  # much more than the sockets take
            assert grown < release_only(100 * 1024)
        assert is_served(daemon)


# ---- H5 ----
IDLE, LIMIT = 10_000, 9_000
IDLE_BYTES = 40 * 1024  # of a connection with a stream that is served


def test_ten_thousand_connections():
    """Those above the limit are refused, the others are served; and a connection with an idle stream costs little."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < IDLE + 500:
        pytest.skip(f"only {hard} descriptors for {IDLE} clients")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    names = [f"p{i}" for i in range(LIMIT // 30)]  # streams of a proxy are bounded, too
    with running(DP_SERVER_MAX_CONNECTIONS=LIMIT) as daemon, contextlib.ExitStack() as undo:
        assert daemon.post("/apply", [dataplane(name) for name in names]).status == 200
        context = tls(ssl.TLSVersion.TLSv1_2)  # what Envoy speaks by default
        with connect(daemon, context) as connection:
            session = connection.session
        before = resident(daemon)
        kept = []
        for i in range(LIMIT):
            kept.append(undo.enter_context(connect(daemon, context, session)))
            kept[-1].sendall(HELLO + first_request(names[i // 30]))
        for connection in kept:
            assert connection.recv(9)
        for _ in range(IDLE - LIMIT):
            with pytest.raises(OSError):
                connect(daemon, context, session)
        deadline = time.monotonic() + 20
        while (used := (resident(daemon) - before) / LIMIT) > release_only(IDLE_BYTES):  # falls when the crowd has rested
            assert time.monotonic() < deadline, f"an idle connection costs {used:.0f} bytes"
            assert daemon.http("GET", "/ready", port=daemon.diag_port).status == 200
        print(f"{LIMIT} connections with a stream cost {used:.0f} bytes each")
        kept.pop().close()
        end = time.monotonic() + 20
        while True:  # until it has seen that there is room
            with contextlib.suppress(OSError), connect(daemon, context, session) as connection:
                connection.sendall(HELLO + first_request("well"))
                assert connection.recv(9)
                break
            assert time.monotonic() < end
