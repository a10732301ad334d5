"""worlds.py -- the documents of the measured meshes."""

VICTIM_PORT = 10000  # bench/load/catalog.h


def mesh(name, mtls=True, provided=False):
    """Its CA is builtin, or what ca_secrets() says."""
    backend = {"name": "ca", "type": "builtin"}
    if provided:
        backend = {"name": "ca", "type": "provided", "conf": {"cert": {"secret": "ca-cert"}, "key": {"secret": "ca-key"}}}
    return {"type": "Mesh", "name": name, **({"mtls": {"enabledBackend": "ca", "backends": [backend]}} if mtls else {})}


def ca_secrets(mesh_name, cert, key):
    return [{"type": "Secret", "mesh": mesh_name, "name": f"ca-{part}", "data": data} for part, data in (("cert", cert), ("key", key))]


def address(number):
    return f"127.{1 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}"


def dataplane(mesh_name, number, services, sees=None, protocol="http", port=8080, name=None):
    """Offers svc-(number mod services); calls the services in 'sees', by default all."""
    networking = {"address": address(number),
                  "inbound": [{"port": port, "servicePort": 8081, "tags": {"kuma.io/service": f"svc-{number % services}", "kuma.io/protocol": protocol}}]}
    sees = range(services) if sees is None else sees
    if sees:
        networking["outbound"] = [{"port": 10000 + i, "tags": {"kuma.io/service": f"svc-{s}"}} for i, s in enumerate(sees)]
    return {"type": "Dataplane", "mesh": mesh_name, "name": name or f"dp-{number}", "networking": networking}


def transparent(document):
    """The same proxy, transparently proxied: it sees every service of its mesh without naming one."""
    networking = {k: v for k, v in document["networking"].items() if k != "outbound"}
    networking["transparentProxying"] = {"redirectPortInbound": 15006, "redirectPortOutbound": 15001}
    return {**document, "networking": networking}


def endpoint(mesh_name, number, service, protocol="http", port=8080):
    """A Dataplane that no proxy stands for: one endpoint more of its service."""
    return {"type": "Dataplane", "mesh": mesh_name, "name": f"more-{number}",
            "networking": {"address": f"127.240.{number // 250}.{number % 250 + 1}",
                           "inbound": [{"port": port, "tags": {"kuma.io/service": f"svc-{service}", "kuma.io/protocol": protocol}}]}}


def victim(mesh_name, number, services, protocol="http"):
    """What a churn moves about (bench/load/churn.h), where it stands before."""
    return {"type": "Dataplane", "mesh": mesh_name, "name": f"victim-{number}",
            "networking": {"address": f"127.250.{number >> 8}.{number & 255}",
                           "inbound": [{"port": VICTIM_PORT, "tags": {"kuma.io/service": f"svc-{number % services}", "kuma.io/protocol": protocol}}]}}


def timeout(mesh_name, connect="5s", request="15s"):
    """Every service's; in the place of the one that a new mesh begins with, and otherwise equal to it."""
    return {"type": "Timeout", "mesh": mesh_name, "name": f"timeout-all-{mesh_name}", "sources": [{"match": {"kuma.io/service": "*"}}],
            "destinations": [{"match": {"kuma.io/service": "*"}}],
            "conf": {"connectTimeout": connect, "tcp": {"idleTimeout": "1h"},
                     "http": {"requestTimeout": request, "idleTimeout": "1h", "streamIdleTimeout": "30m"}}}


def permission(mesh_name, source="*", destination="*"):
    """Of every service: replaces the one that a new mesh begins with. Of one: beside it."""
    name = f"allow-all-{mesh_name}" if destination == "*" else f"allow-{destination}"
    return {"type": "TrafficPermission", "mesh": mesh_name, "name": name, "sources": [{"match": {"kuma.io/service": source}}],
            "destinations": [{"match": {"kuma.io/service": destination}}]}
