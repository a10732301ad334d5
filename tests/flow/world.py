"""world.py -- what a flow test needs: a control plane, meshes, applications, proxies; ended in reverse order of their start, each by its pid."""
import contextlib
import re
import time

import ursa
from app import Forwarder, HttpApp, Loop, TcpApp
from proxy import Proxy


# ---- documents ----
def mesh_document(name, mode=None, **backend):
    """A Mesh; 'mode' STRICT or PERMISSIVE turns mTLS on, 'backend' are further members of its builtin authority."""
    document = {"type": "Mesh", "name": name}
    if mode:
        document["mtls"] = {"enabledBackend": "ca-1", "backends": [{"name": "ca-1", "type": "builtin", "mode": mode, **backend}]}
    return document


def inbound(port, app_port, service, protocol, **tags):
    return {"port": port, "servicePort": app_port, "tags": {"kuma.io/service": service, "kuma.io/protocol": protocol, **tags}}


def outbound(port, service):
    return {"port": port, "tags": {"kuma.io/service": service}}


def dataplane(mesh, name, admin, inbounds, outbounds=()):
    networking = {"address": "127.0.0.1", "admin": {"port": admin}, "inbound": list(inbounds)}
    if outbounds:
        networking["outbound"] = list(outbounds)
    return {"type": "Dataplane", "mesh": mesh, "name": name, "networking": networking}


def policy(type_, mesh, name, conf, source="*", destination="*"):
    document = {"type": type_, "mesh": mesh, "name": name,
                "sources": [{"match": {"kuma.io/service": source}}], "destinations": [{"match": {"kuma.io/service": destination}}]}
    if conf is not None:
        document["conf"] = conf
    return document


def path_of(document):
    """Where the API keeps it."""
    plural = {"Mesh": "meshes", "Retry": "retries"}.get(document["type"]) or re.sub("(?!^)([A-Z])", r"-\1", document["type"]).lower() + "s"
    return f"/meshes/{document['mesh']}/{plural}/{document['name']}" if "mesh" in document else f"/{plural}/{document['name']}"


# ---- the control plane ----
class Plane(ursa.Daemon):
    """ursa-cp whose store survives a kill."""

    def kill(self):
        self.process.kill()
        self.process.wait()

    def apply(self, *documents):
        """All in one transaction; waits until the proxies' streams have it."""
        answer = self.post("/apply", list(documents))
        assert answer.status == 200, answer
        self.wait()
        return answer.json

    def put_document(self, document, wait=True):
        answer = self.put(path_of(document), document)
        assert answer.status in (200, 201), answer
        if wait:
            self.wait()
        return answer

    def remove(self, document, wait=True):
        answer = self.delete(path_of(document))
        assert answer.status == 200, answer
        if wait:
            self.wait()
        return answer

    def fetch(self, path):
        answer = self.get(path)
        assert answer.status == 200, answer
        return answer.json

    def wait(self):
        """Until everything that was written is compiled and handed to the streams."""
        answer = self.get("/debug/wait", port=self.diag_port)
        assert answer.status == 200, answer

    def metrics(self):
        lines = self.get("/metrics", port=self.diag_port).text.splitlines()
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line and line[0] != "#")}

    def token(self, mesh, name=None, tags=None, valid_for="1h"):
        body = {"mesh": mesh, "name": name, "tags": tags, "validFor": valid_for}
        answer = self.post("/tokens/dataplane", {k: v for k, v in body.items() if v is not None})
        assert answer.status == 200, answer
        return answer.text


class Pair:
    """The proxies web and backend of a mesh. backend offers api (HTTP, versions v1 and v2, an application each) and db (TCP); web calls them."""

    def __init__(self, world, mesh, brought=True):
        self.world, self.mesh = world, mesh
        names = ("backend_admin", "web_admin", "api1", "api2", "db", "api1_app", "api2_app", "db_app", "web", "web_app", "to_api", "to_db", "to_other")
        self.port = dict(zip(names, ursa.free_ports(len(names))))
        port = self.port
        self.apps = {version: world.http_app(f"{mesh}-api-{version}", port[f"api{version[1]}_app"]) for version in ("v1", "v2")}
        self.db_app = world.tcp_app(f"{mesh}-db", port["db_app"])
        self.backend_document = dataplane(mesh, "backend", port["backend_admin"], [
            inbound(port["api1"], port["api1_app"], "api", "http", version="v1"),
            inbound(port["api2"], port["api2_app"], "api", "http", version="v2"),
            inbound(port["db"], port["db_app"], "db", "tcp")])
        self.web_document = dataplane(mesh, "web", port["web_admin"], [inbound(port["web"], port["web_app"], "web", "http")], [
            outbound(port["to_api"], "api"), outbound(port["to_db"], "db"), outbound(port["to_other"], "other-api")])
        if not brought:
            world.plane.apply(self.backend_document, self.web_document)
        self.backend = world.proxy(self.backend_document, brought)
        self.web = world.proxy(self.web_document, brought)

    def ready(self):
        self.backend.ready()
        self.web.ready()
        return self

    @property
    def proxies(self):
        return self.backend, self.web


class World:
    """'environment' and 'proxy_environment' are further variables of the control plane and of the proxies: clocks of their own."""

    def __init__(self, environment=None, proxy_environment=None, token_life="1h", **settings):
        self.proxy_environment, self.token_life = proxy_environment, token_life
        with contextlib.ExitStack() as undo:
            # Envoys tell of probed workloads only: tests set the health of others by hand.
            self.plane = Plane("sqlite", **{"DP_SERVER_INTERFACE": "127.0.0.1", "DP_SERVER_HDS_INTERVAL": "1h", **settings})
            self.plane.environment.update(environment or {})
            self.plane.start()
            undo.callback(self.stop_plane)
            self.loop = Loop()
            undo.callback(self.loop.close)
            self._undo = undo.pop_all()

    def stop_plane(self):
        if self.plane.process.poll() is None:
            started = time.monotonic()
            self.plane.stop()
            self.stop_seconds = time.monotonic() - started

    def http_app(self, name, port):
        return self._entered(HttpApp(self.loop, name, port))

    def tcp_app(self, name, port):
        return self._entered(TcpApp(self.loop, name, port))

    def forwarder(self, name, port, target):
        return self._entered(Forwarder(self.loop, name, port, target))

    def _entered(self, thing):
        self._undo.callback(thing.close)
        return thing

    def proxy(self, document, brought=True, token="own", **more):
        """Starts a proxy, by default with a token of its own; does not wait."""
        if token == "own":
            token = self.plane.token(document["mesh"], document["name"], valid_for=self.token_life)
        proxy = Proxy(self.plane, document, token, brought, **{"environment": self.proxy_environment, **more})
        self._undo.callback(proxy.stop)
        return proxy.start()

    def pairs(self, *meshes, brought=True):
        """A Pair in each of the meshes, all ready."""
        started = [Pair(self, mesh, brought) for mesh in meshes]
        return [pair.ready() for pair in started]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._undo.close()
