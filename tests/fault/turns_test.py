"""Crowds on one loop do not hold up others: a push to a large mesh, and many who come at once (reliability.md X4, X8)."""
import contextlib
import select
import socket
import ssl

import pytest

import ads
import grpc_stream
from ads_test import Plane, mesh, timeout
from frames import HELLO, SETTINGS, connect, first_request, frame, tls

CROWD, SERVICES, TRIES = 600, 300, 5
WINDOWS = frame(SETTINGS, body=b"\0\4\x7f\xff\xff\xff") + frame(8, body=b"\x7f\xff\0\0")


def dataplane(mesh_name, name, *outbounds):
    return {"type": "Dataplane", "mesh": mesh_name, "name": name, "networking": {
        "address": "10.0.0.1", "inbound": [{"port": 80, "tags": {"kuma.io/service": name}}],
        "outbound": [{"port": 10000 + i, "tags": {"kuma.io/service": service}} for i, service in enumerate(outbounds)]}}


class Crowd:
    """Sockets, and which of them have something to read."""

    def __init__(self):
        self._sockets, self._poll = {}, select.poll()

    def add(self, one):
        self._sockets[one.fileno()] = one
        self._poll.register(one, select.POLLIN)

    def ready(self, wait=0):
        return [self._sockets[fd] for fd, _ in self._poll.poll(wait)]

    def drain(self):
        """Reads all that comes until nothing does any more."""
        while some := self.ready(300):
            for one in some:
                one.setblocking(False)
                with contextlib.suppress(ssl.SSLWantReadError, BlockingIOError):
                    while one.recv(1 << 18):
                        pass


@pytest.fixture(name="plane", scope="module")
def _plane():
    """One loop, and a proxy of good manners in a quiet mesh."""
    plane = Plane("memory", DP_SERVER_AUTHN_DP_PROXY_TYPE="none", DP_SERVER_LOOPS="1").start()
    try:
        plane.apply(mesh("loud"), mesh("quiet"), dataplane("quiet", "web", "api"), dataplane("quiet", "api"))
        yield plane
    finally:
        plane.stop()


@pytest.fixture(name="quiet")
def _quiet(plane):
    with ads.Client(plane, "quiet", "web") as client:
        client.ask("cds")
        client.answer(client.next())
        yield client


def change(plane, mesh_name, i):
    assert plane.put(f"/meshes/{mesh_name}/timeouts/t", timeout(mesh_name, i + 1)).status in (200, 201)


def told(client):
    response = client.next()
    assert response.type == "cds"
    client.answer(response)


def test_a_push_to_a_large_mesh(plane, quiet):
    """What the other mesh is owed does not wait until all of the large one have theirs. Measured by what these have by then: no clock."""
    services = [f"s{i}" for i in range(SERVICES)]
    proxies = [f"web-{i}" for i in range(CROWD // 30)]  # streams of one are bounded
    plane.apply(*(dataplane("loud", s) for s in services), *(dataplane("loud", p, *services) for p in proxies))
    crowd, context, before = Crowd(), tls(), []
    with contextlib.ExitStack() as undo:
        for i in range(CROWD):
            one = undo.enter_context(connect(plane, context))
            one.sendall(HELLO + WINDOWS + first_request(proxies[i // 30], "loud"))
            crowd.add(one)
        plane.wait()
        crowd.drain()
        for i in range(TRIES):
            change(plane, "loud", i)
            assert crowd.ready(grpc_stream.LIMIT * 1000)  # it has begun
            change(plane, "quiet", i)
            told(quiet)
            before.append(len(crowd.ready()))
            plane.wait()
            crowd.drain()
    print(f"of {CROWD} in the large mesh, so many were served before the other: {before}")
    assert min(before) < CROWD * 0.9


def client_hello():
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        tls().wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


def test_many_who_come_at_once(plane, quiet):
    """Handshakes take turns with those who are there. Measured by how many of them have been answered by then."""
    hello, before = client_hello(), []
    for i in range(TRIES):
        crowd = Crowd()
        with contextlib.ExitStack() as undo:
            comers = [undo.enter_context(socket.create_connection(("127.0.0.1", plane.dp_port), timeout=grpc_stream.LIMIT)) for _ in range(CROWD)]
            for one in comers:
                crowd.add(one)
            for one in comers:
                one.sendall(hello)
            change(plane, "quiet", TRIES + i)
            told(quiet)
            before.append(len(crowd.ready()))
    print(f"of {CROWD} who came at once, so many were answered before the proxy that was there: {before}")
    assert min(before) < CROWD / 2
