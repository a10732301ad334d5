"""What the tests themselves stand on: ports that come again, however many daemons a process has started."""
import contextlib
import socket

import pytest

import ursa


class Few(ursa.Ports):
    NAME, FIRST, BLOCK, N_BLOCKS = "ursa-test-few-ports", 9900, 5, 1


def used(port):
    """Somebody listened there, was called, and hung up first: the kernel remembers that for a minute."""
    with socket.create_server(("127.0.0.1", port)) as server, socket.create_connection(server.getsockname()) as client:
        made, _ = server.accept()
        made.close()
        assert client.recv(1) == b""


def test_a_port_comes_again_after_all_others():
    ports = Few()
    first = [ports.take() for _ in range(Few.BLOCK)]
    for port in first:
        used(port)
    assert [ports.take() for _ in range(Few.BLOCK)] == first and len(set(first)) == Few.BLOCK


def test_where_somebody_listens_is_no_free_port():
    ports = Few()
    with contextlib.ExitStack() as undo:
        for i in range(Few.BLOCK):
            assert len({ports.take() for _ in range(Few.BLOCK)}) == Few.BLOCK - i
            undo.enter_context(socket.create_server(("127.0.0.1", ports.take())))
        with pytest.raises(AssertionError, match="somebody listens on each of 5 ports"):
            ports.take()
