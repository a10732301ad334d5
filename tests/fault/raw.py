"""raw.py -- bytes to the control plane as no HTTP library would send them."""
import re
import socket
import ssl
import time

LIMIT = 20  # seconds for anything; above every time-out of the daemons here


class Reply:
    """What came back until the daemon closed the connection."""

    def __init__(self, data, seconds):
        self.data = data
        self.seconds = seconds
        self.statuses = [int(s) for s in re.findall(rb"HTTP/1\.[01] (\d{3})", data)]

    def __repr__(self):
        return f"{self.statuses} after {self.seconds:.2f} s: {self.data[:600]}"


def connect(daemon, port=None, tls=False):
    """To the API, or to another port."""
    made = socket.create_connection(("127.0.0.1", port or daemon.api_port), timeout=LIMIT)
    return ssl._create_unverified_context().wrap_socket(made, server_hostname="localhost") if tls else made


def read_to_end(connection):
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
    except (ConnectionResetError, ssl.SSLEOFError, BrokenPipeError):
        pass  # closed with our bytes unread: as good an end
    return data


def talk(daemon, *pieces, port=None, tls=False):
    """Sends the pieces, one segment each, and reads until the daemon closes."""
    started = time.monotonic()
    with connect(daemon, port, tls) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
        except (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError):
            pass  # refused before the end
        return Reply(read_to_end(connection), time.monotonic() - started)
