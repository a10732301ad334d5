"""hds.py -- a scripted client of the health discovery service: says who it is, is told what to check, tells what it found."""
import pb
from grpc_stream import Stream

METHOD = "/envoy.service.health.v3.HealthDiscoveryService/StreamHealthCheck"
HEALTHY, UNHEALTHY = 1, 2


class Client(Stream):
    """The messages that come are what is to be checked, as bytes."""

    def __init__(self, plane, mesh, name, token=None):
        self.id = f"{mesh}.{name}"
        super().__init__(plane, METHOD, token)

    def ask(self, node_id=None):
        self.send(pb.field(1, pb.field(1, pb.field(1, node_id or self.id))))

    def report(self, clusters):
        """{name of a cluster: status of its endpoint}."""
        self.send(pb.field(2, b"".join(pb.field(2, pb.field(1, name) + pb.field(2, pb.field(2, pb.field(2, status)))) for name, status in clusters.items())))
