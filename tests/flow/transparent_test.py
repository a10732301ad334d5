"""Transparent proxies: names that Envoy answers for, and connections that the kernel redirects, in a network namespace of its own."""
import asyncio
import contextlib
import ctypes
import http.client
import os
import shutil
import socket
import struct
import subprocess

import pytest

import ursa
from app import TcpApp
from load import LIMIT, until
from world import World, dataplane, inbound, mesh_document

A, AAAA = 1, 28
WORKLOAD = "127.0.0.9"  # its connections are redirected; a proxy's come from elsewhere
ELSEWHERE = "192.0.2.1"  # where the resolver says every name is


# ---- DNS ----
def question(name, kind):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", 0x1234, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!B2H", 0, kind, 1)


def addresses(answer, kind):
    """Of an answer whose names are all one pointer, or repeated."""
    count, at = struct.unpack("!H", answer[6:8])[0], 12
    while answer[at]:
        at += answer[at] + 1
    at += 5
    found = []
    for _ in range(count):
        while answer[at] and answer[at] < 0xc0:
            at += answer[at] + 1
        at += 2 if answer[at] else 1
        record, _, ttl, size = struct.unpack("!2HIH", answer[at:at + 10])
        at += 10
        if record == kind:
            found.append((socket.inet_ntop(socket.AF_INET if kind == A else socket.AF_INET6, answer[at:at + size]), ttl))
        at += size
    return found


def lookup(port, name, kind=A, source="127.0.0.1"):
    """[(address, seconds)]"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.bind((source, 0))
        asking.settimeout(LIMIT)
        asking.sendto(question(name, kind), ("127.0.0.1", port))
        return addresses(asking.recv(4096), kind)


class Resolver(asyncio.DatagramProtocol):
    """Says of every name that it is at ELSEWHERE."""

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        end = 12
        while data[end]:
            end += data[end] + 1
        kind = struct.unpack("!H", data[end + 1:end + 3])[0]
        record = struct.pack("!3HIH", 0xc00c, A, 1, 60, 4) + socket.inet_aton(ELSEWHERE) if kind == A else b""
        head = data[:2] + struct.pack("!5H", 0x8180, 1, bool(record), 0, 0)
        self.transport.sendto(head + data[12:end + 5] + record, addr)


# ---- the world ----
class PeerApp(TcpApp):
    """Answers a line with who calls."""

    async def _serve(self, reader, writer):
        await reader.readline()
        writer.write(writer.get_extra_info("peername")[0].encode())
        await writer.drain()


class Setting:
    """web, transparent and without any outbound, calls api (HTTP) and db (TCP) of the mesh red; the mesh blue has services of its own."""

    def __init__(self, world):
        names = ("web_admin", "backend_admin", "web", "web_app", "api", "api_app", "db", "db_app", "redirect_in", "redirect_out", "dns", "resolver")
        port = self.port = dict(zip(names, ursa.free_ports(len(names))))
        plane = self.plane = world.plane
        plane.apply(mesh_document("red", "PERMISSIVE"), mesh_document("blue"),
                    dataplane("blue", "one", 9901, [inbound(80, 80, "only-blue", "http")]))
        world.http_app("api", port["api_app"])
        world.tcp_app("db", port["db_app"])
        self.web_app = PeerApp(world.loop, "web", port["web_app"])
        world.loop.run(self.start_resolver())
        self.backend = world.proxy(dataplane("red", "backend", port["backend_admin"], [
            inbound(port["api"], port["api_app"], "api", "http"), inbound(port["db"], port["db_app"], "db_main", "tcp")]))
        web = dataplane("red", "web", port["web_admin"], [inbound(port["web"], port["web_app"], "web", "tcp")])
        web["networking"]["transparentProxying"] = {
            "redirectPortInbound": port["redirect_in"], "redirectPortOutbound": port["redirect_out"], "directAccessServices": ["db_main"]}
        self.web = world.proxy(web, flags=("--dns-envoy-port", str(port["dns"]), "--dns-coredns-empty-port", str(port["resolver"])))
        self.backend.ready()
        self.web.ready()

    async def start_resolver(self):
        await asyncio.get_running_loop().create_datagram_endpoint(Resolver, ("127.0.0.1", self.port["resolver"]))

    def address(self, name, **more):
        """Of a name of the mesh; None for any other."""
        found = lookup(self.port["dns"], name, **more)
        return found[0][0] if found and found != [(ELSEWHERE, found[0][1])] else None


@contextlib.contextmanager
def namespace():
    """This thread, and what it starts, in a network of its own; skips where that is not allowed."""
    if os.geteuid() != 0 or not shutil.which("iptables"):
        pytest.skip("root and iptables are needed to redirect")
    libc, new_net = ctypes.CDLL(None, use_errno=True), 0x40000000
    with open("/proc/thread-self/ns/net", "rb") as home:
        if libc.unshare(new_net):
            pytest.skip(f"no network namespace: {os.strerror(ctypes.get_errno())}")
        try:
            run("ip link set lo up")
            run("ip route add 240.0.0.0/4 dev lo")
            yield
        finally:
            assert libc.setns(home.fileno(), new_net) == 0


def run(command):
    done = subprocess.run(command.split(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"


def redirect(port):
    """As kuma-dp install transparent-proxy has it, for the connections of one address."""
    rule = f"iptables -w -t nat -A OUTPUT -s {WORKLOAD}"
    run(f"{rule} -p udp --dport 53 -j REDIRECT --to-ports {port['dns']}")
    run(f"{rule} -p tcp --dport {port['web']} -j REDIRECT --to-ports {port['redirect_in']}")
    run(f"{rule} -p tcp -j REDIRECT --to-ports {port['redirect_out']}")


def dial(address, port):
    return socket.create_connection((address, port), LIMIT, source_address=(WORKLOAD, 0))


def exchange(address, port, text):
    """What comes back until the other side is silent or closes."""
    with contextlib.suppress(ConnectionError), dial(address, port) as connection:
        connection.sendall(text.encode() + b"\n")
        return connection.recv(1000).decode().strip()
    return ""


def get(address, path="/"):
    connection = http.client.HTTPConnection(address, 80, timeout=LIMIT, source_address=(WORKLOAD, 0))
    with contextlib.closing(connection):
        connection.request("GET", path)
        return connection.getresponse().read().decode()


# ---- tests ----
def test_names_of_the_mesh():
    with World() as world:
        s = Setting(world)
        assert lookup(s.port["dns"], "api.mesh") == [(s.address("api.mesh"), 30)]
        assert {s.address(f"{name}.mesh") for name in ("api", "db_main", "web")} == {"240.0.0.0", "240.0.0.1", "240.0.0.2"}
        assert s.address("db_main.mesh") == s.address("db.main.mesh")
        assert lookup(s.port["dns"], "api.mesh", AAAA) == [], "no IPv6: the proxy redirects none"
        assert s.address("only-blue.mesh") is None, "another mesh's name"
        assert lookup(s.port["dns"], "elsewhere.example")[0][0] == ELSEWHERE
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", s.port["web"]), LIMIT)

        s.plane.apply(dataplane("red", "later", 9901, [inbound(80, 80, "later", "http")]))
        vip = until("the new name", lambda: s.address("later.mesh"))
        assert vip == "240.0.0.3"
        s.plane.remove({"type": "Dataplane", "mesh": "red", "name": "later"})
        until("the name to be gone", lambda: s.address("later.mesh") is None)
        s.plane.apply(dataplane("red", "again", 9901, [inbound(80, 80, "later", "http"), inbound(81, 81, "another", "http")]))
        assert until("the name again", lambda: s.address("later.mesh")) == vip, "it kept its address"
        assert "only-blue" not in s.web.config_dump()


def test_names_and_addresses_are_settings():
    with World(DNS_SERVER_CIDR="10.99.0.0/16", DNS_SERVER_DOMAIN="corp", DNS_SERVER_SERVICE_VIP_PORT=8000) as world:
        s = Setting(world)
        assert s.address("api.mesh") is None
        assert s.address("api.corp").startswith("10.99.0.")
        assert f'outbound:{s.address("api.corp")}:8000' in s.web.config_dump()


def test_redirected_connections():
    with namespace(), World() as world:
        s = Setting(world)
        redirect(s.port)
        vip = lookup(53, "api.mesh", source=WORKLOAD)[0][0]
        until("TLS between the proxies", lambda: "spiffe://red/web" in get(vip))
        assert '"app": "api"' in get(vip, "/path")
        assert exchange(s.address("db_main.mesh"), 80, "query") == "db: query"
        assert exchange("127.0.0.1", s.port["web"], "hello") == "127.0.0.6", "the workload is called from there"
        assert s.web.stat("cluster.inbound_passthrough_ipv4.upstream_cx_total") == 0

        assert exchange("127.0.0.1", s.port["db"], "query") == "db: query", "a proxy's own address"
        assert s.web.stat("cluster.direct_access.ssl.handshake") == 1

        assert exchange("127.0.0.1", s.port["db_app"], "plain") == "db: plain", "what the mesh does not know is passed on"
        assert s.web.stat("cluster.outbound_passthrough_ipv4.upstream_cx_total") == 1
        modified = s.web.stat("listener_manager.listener_modified")
        closed = {**mesh_document("red", "PERMISSIVE"), "networking": {"outbound": {"passthrough": False}}}
        s.plane.put_document(closed)
        until("the way out to be closed", lambda: exchange("127.0.0.1", s.port["db_app"], "plain") == "")
        assert exchange(s.address("db_main.mesh"), 80, "query") == "db: query", "the mesh's own names are as before"
        assert s.web.stat("listener_manager.listener_modified") == modified
