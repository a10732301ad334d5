"""ads.py -- a scripted client of the aggregated discovery service, in each of its protocols: it sends what a test tells it to and hands over what came
back, byte for byte. follower.py makes one of it that behaves as Envoy does."""
import pb
from grpc_stream import Stream

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


class Client(Stream):
    """A connection with one stream. The node goes with the first request."""

    def __init__(self, plane, mesh, name, protocol="sotw", token=None, metadata=None, dataplane=None, receive_buffer=None):
        self.protocol = protocol
        self.node = pb.field(1, f"{mesh}.{name}") + pb.field(2, "script") + pb.field(3, pb.struct_of({**(metadata or {}), **(
            {"dataplane.resource": dataplane} if dataplane else {})}))
        super().__init__(plane, SERVICE + METHODS[protocol], token, receive_buffer)

    def read(self, message):
        return Response(self.protocol, message)

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

    def _node(self, number, node):
        node, self.node = (self.node if node is None else node), b""
        return pb.field(number, node) if node else b""

    @staticmethod
    def _error(number, error):
        return pb.field(number, pb.field(1, 13) + pb.field(2, error)) if error else b""
