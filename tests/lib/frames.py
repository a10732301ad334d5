"""frames.py -- HTTP/2 frames as no library would send them, and connections to the proxies' port to send them on."""
import socket
import ssl

import ads
import grpc_stream
import pb

DATA, HEADERS, RESET, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
END_HEADERS = 4


def frame(kind, flags=0, stream=0, body=b""):
    return len(body).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + body


def literal(name, value):
    assert len(name) < 127 and len(value) < 127
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


# How a connection begins.
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS)
HEADER = b"".join(literal(name.encode(), value.encode()) for name, value in (
    (":method", "POST"), (":scheme", "https"), (":path", ads.SERVICE + ads.METHODS["sotw"]), (":authority", "localhost"), ("te", "trailers"),
    ("content-type", "application/grpc")))


def first_request(name, mesh="default"):
    """A call, and in it the request for all clusters."""
    message = pb.field(2, pb.field(1, f"{mesh}.{name}")) + pb.field(4, ads.TYPES["cds"])
    return frame(HEADERS, END_HEADERS, 1, HEADER) + frame(DATA, 0, 1, b"\0" + len(message).to_bytes(4, "big") + message)


def tls(version=None):
    """A client's context; 'version' is the newest that it speaks."""
    context = ssl._create_unverified_context()
    context.set_alpn_protocols(["h2"])
    if version:
        context.maximum_version = version
    return context


def connect(daemon, context, session=None):
    """A connection that has shaken hands; that of 'session' again, if it may."""
    plain = socket.create_connection(("127.0.0.1", daemon.dp_port), timeout=grpc_stream.LIMIT)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        return context.wrap_socket(plain, server_hostname="localhost", session=session)
    except OSError:
        plain.close()
        raise
