"""TLS sessions are resumed: who comes back spares both sides the costly part of the handshake."""
import contextlib
import signal
import socket
import ssl

import pytest

import ursa
from load import until
from world import World, dataplane, inbound, mesh_document

RESUMED = "net_handshakes_resumed"
VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


class Visitor:
    """Comes again and again, each time with the session of the last."""

    def __init__(self, version):
        self._context = ssl._create_unverified_context()
        self._context.minimum_version = self._context.maximum_version = version
        self._context.set_alpn_protocols(["h2"])
        self._session = None

    def comes(self, port):
        """Was the session resumed?"""
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            with self._context.wrap_socket(plain, session=self._session, server_hostname="localhost") as secured:
                with contextlib.suppress(TimeoutError):
                    secured.settimeout(10)
                    secured.recv(100)  # SETTINGS; the ticket comes before them
                self._session = secured.session
                return secured.session_reused


@pytest.mark.parametrize("version", VERSIONS)
def test_on_every_loop_and_until_the_certificate_is_read_again(version):
    with ursa.running("memory", DP_SERVER_LOOPS="3") as plane:
        visitor = Visitor(version)
        assert not visitor.comes(plane.dp_port)
        assert all(visitor.comes(plane.dp_port) for _ in range(6))
        plane.process.send_signal(signal.SIGHUP)
        until("the new keys", lambda: not visitor.comes(plane.dp_port))
        assert visitor.comes(plane.dp_port)


@pytest.mark.parametrize("version", VERSIONS)
def test_not_at_another_door(version):
    with ursa.running("memory") as plane:
        visitor = Visitor(version)
        visitor.comes(plane.dp_port)
        visitor._context.set_alpn_protocols(["http/1.1"])
        with socket.create_connection(("127.0.0.1", plane.https_port), timeout=10) as plain:
            with visitor._context.wrap_socket(plain, session=visitor._session, server_hostname="localhost") as secured:
                assert not secured.session_reused


def test_envoy_resumes():
    """A real Envoy whose connection breaks; as ursa-dp starts it, with nothing set for that."""
    way, admin, port, app = ursa.free_ports(4)
    with World(BOOTSTRAP_SERVER_PARAMS_XDS_PORT=way) as world:
        plane = world.plane
        forwarder = world.forwarder("way", way, plane.dp_port)
        plane.apply(mesh_document("blue"))
        proxy = world.proxy(dataplane("blue", "web", admin, [inbound(port, app, "web", "http")])).ready()
        assert plane.metrics()[RESUMED] == 0
        forwarder.cut()
        until("it to come back", lambda: forwarder.connections == 2 and proxy.stream() and proxy.online())
        assert plane.metrics()[RESUMED] == 1
