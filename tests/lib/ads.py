"""ads.py -- a scripted client of the aggregated discovery service, in each of its protocols: it sends what a test tells it to and hands over what came
back, byte for byte. follower.py makes one of it that behaves as Envoy does."""
import select
import socket
import ssl
import time

import h2.config
import h2.connection
import h2.events
import h2.settings

import pace
import pb

LIMIT = 20 * min(pace.SANITIZED, 6)  # seconds for an answer
SERVICE = "/envoy.service.discovery.v3.AggregatedDiscoveryService/"
METHODS = {"sotw": "StreamAggregatedResources", "delta": "DeltaAggregatedResources"}
PROTOCOLS = list(METHODS)
TYPES = {
    "cds": "type.googleapis.com/envoy.config.cluster.v3.Cluster",
    "eds": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
    "lds": "type.googleapis.com/envoy.config.listener.v3.Listener",
    "rds": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
    "sds": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
    "ecds": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
}
SHORT = {url: short for short, url in TYPES.items()}
WINDOW = (1 << 31) - 1


def text(value):
    return bytes(value).decode()


class Response:
    """One message: 'resources' is {name: bytes}; 'removed' and 'versions' are delta's."""

    def __init__(self, protocol, message):
        self.type = SHORT[text(pb.first(message, 4))]
        self.nonce = text(pb.first(message, 5))
        self.version = text(pb.first(message, 1))
        self.removed = [text(name) for name in pb.find(message, 6)] if protocol == "delta" else []
        self.resources, self.versions = {}, {}
        for item in pb.find(message, 2):
            wrapped = pb.first(item, 2) if protocol == "delta" else item
            assert SHORT[text(pb.first(wrapped, 1))] == self.type
            value = bytes(pb.first(wrapped, 2))
            name = text(pb.first(value, 1))  # field 1 in each of these types
            assert name not in self.resources, f"{name} twice in one response"
            self.resources[name] = value
            if protocol == "delta":
                assert text(pb.first(item, 3)) == name
                self.versions[name] = text(pb.first(item, 1))

    def __repr__(self):
        return f"{self.type} {self.version} nonce {self.nonce}: {sorted(self.resources)} removed {self.removed}"


class Client:
    """A connection with one stream. The node goes with the first request."""

    def __init__(self, plane, mesh, name, protocol="sotw", token=None, metadata=None, dataplane=None):
        self.protocol = protocol
        self.node = pb.field(1, f"{mesh}.{name}") + pb.field(2, "script") + pb.field(3, pb.struct_of({**(metadata or {}), **(
            {"dataplane.resource": dataplane} if dataplane else {})}))
        self.received = bytearray()  # all bytes of the stream's messages
        self.status = None  # (code, text) once the stream has ended
        self._parts = bytearray()
        self._messages = []
        self._pongs = 0
        context = ssl._create_unverified_context()
        context.set_alpn_protocols(["h2"])
        made = socket.create_connection(("127.0.0.1", plane.dp_port), timeout=LIMIT)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = context.wrap_socket(made, server_hostname="localhost")
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self._h2.local_settings = h2.settings.Settings(client=True, initial_values={
            h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: WINDOW, h2.settings.SettingCodes.ENABLE_PUSH: 0})
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(WINDOW - (1 << 16))
        headers = [(":method", "POST"), (":scheme", "https"), (":path", SERVICE + METHODS[protocol]), (":authority", "localhost"),
                   ("te", "trailers"), ("content-type", "application/grpc")]
        self._stream = self._h2.get_next_available_stream_id()
        self._h2.send_headers(self._stream, headers + ([("authorization", token)] if token else []))
        self._flush()

    def close(self):
        """As a crash would: without a word."""
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- saying ----
    def request(self, kind, names=(), version="", nonce="", error=None, node=None):
        """State of the world. 'kind' is short or a whole type URL; 'node' replaces the one of the first request."""
        assert self.protocol == "sotw"
        self.send(pb.field(1, version) + self._node(2, node) + b"".join(pb.field(3, n) for n in names) + pb.field(4, TYPES.get(kind, kind)) +
                  pb.field(5, nonce) + self._error(6, error))

    def delta(self, kind, subscribe=(), unsubscribe=(), initial=None, nonce="", error=None, node=None):
        assert self.protocol == "delta"
        self.send(self._node(1, node) + pb.field(2, TYPES.get(kind, kind)) + b"".join(pb.field(3, n) for n in subscribe) +
                  b"".join(pb.field(4, n) for n in unsubscribe) +
                  b"".join(pb.field(5, pb.field(1, name) + pb.field(2, version)) for name, version in (initial or {}).items()) +
                  pb.field(6, nonce) + self._error(7, error))

    def ask(self, kind, names=()):
        """The first request of a type, in either protocol; without names everything there is."""
        if self.protocol == "sotw":
            self.request(kind, names)
        else:
            self.delta(kind, subscribe=names)

    def answer(self, response, names=(), error=None, kept=""):
        """Accepts, or with 'error' refuses and keeps that version. State of the world repeats the subscription's names."""
        if self.protocol == "sotw":
            self.request(response.type, names, kept if error else response.version, response.nonce, error)
        else:
            self.delta(response.type, nonce=response.nonce, error=error)

    def send(self, message):
        """A message of any bytes."""
        rest = b"\0" + len(message).to_bytes(4, "big") + message
        while rest:
            self._wait("leave to send", lambda: self._h2.local_flow_control_window(self._stream))
            size = min(self._h2.local_flow_control_window(self._stream), self._h2.max_outbound_frame_size)
            self._h2.send_data(self._stream, rest[:size])
            self._flush()
            rest = rest[size:]

    def _node(self, number, node):
        node, self.node = (self.node if node is None else node), b""
        return pb.field(number, node) if node else b""

    @staticmethod
    def _error(number, error):
        return pb.field(number, pb.field(1, 13) + pb.field(2, error)) if error else b""

    def _flush(self):
        self._socket.sendall(self._h2.data_to_send())

    # ---- hearing ----
    def fileno(self):
        return self._socket.fileno()

    def feed(self):
        """Reads what is there, at least once: after select, or waiting."""
        data = self._socket.recv(1 << 18)
        while self._socket.pending():
            data += self._socket.recv(1 << 18)
        if not data and self.status is None:
            self.status = ("closed", "")
        for event in self._h2.receive_data(data) if data else ():
            if isinstance(event, h2.events.DataReceived):
                self._parts += event.data
            elif isinstance(event, h2.events.PingAckReceived):
                self._pongs += 1
            elif isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                told = dict(event.headers)
                if "grpc-status" in told:
                    self.status = (int(told["grpc-status"]), told.get("grpc-message", ""))
            elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)) and self.status is None:
                self.status = ("reset", str(event.error_code))
        self._flush()
        while len(self._parts) >= 5 and len(self._parts) >= (size := int.from_bytes(self._parts[1:5], "big") + 5):
            assert self._parts[0] == 0, "compressed"
            self.received += self._parts[5:size]
            self._messages.append(Response(self.protocol, bytes(self._parts[5:size])))
            del self._parts[:size]

    def taken(self):
        """The responses that have come."""
        messages, self._messages = self._messages, []
        return messages

    def _wait(self, what, is_there):
        end = time.monotonic() + LIMIT
        while not (found := is_there()):
            assert time.monotonic() < end and self.status is None, f"waited for {what} in vain; the stream's end: {self.status}"
            if select.select([self._socket], [], [], 1)[0]:
                self.feed()
        return found

    def next(self):
        """The next response."""
        self._wait("a response", lambda: self._messages)
        return self._messages.pop(0)

    def end(self):
        """(code, text) of the stream's end."""
        end = time.monotonic() + LIMIT
        while self.status is None:
            assert time.monotonic() < end, "the stream goes on"
            if select.select([self._socket], [], [], 1)[0]:
                self.feed()
        return self.status

    def silence(self):
        """What has come by the time that the server has read all that was sent and has said all that it had to say: it answers two pings, and what was
        due when the first of them came is on its way before the second is answered."""
        for _ in range(2):
            before = self._pongs
            self._h2.ping(b"ursatest")
            self._flush()
            self._wait("a pong", lambda before=before: self._pongs > before)
        return self.taken()
