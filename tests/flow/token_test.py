"""Who may be which proxy: tokens at the bootstrap and on the stream. What is refused learns why and gets nothing."""
import base64
import json
import re
import signal
import subprocess

import pytest

import ursa
from load import LIMIT, call, until
from proxy import ENVOY
from world import World, dataplane, inbound, mesh_document, policy


@pytest.fixture(scope="module")
def world():
    with World() as started:
        started.plane.apply(mesh_document("blue", "STRICT"), mesh_document("green", "STRICT"))
        yield started


def document(mesh="blue", name="web", service="web"):
    admin, port, app_port = ursa.free_ports(3)
    return dataplane(mesh, name, admin, [inbound(port, app_port, service, "http")])


def revoked(plane):
    """A token of blue's web that is revoked."""
    token = plane.token("blue", "web")
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    revoke(plane, "blue", claims["jti"])
    return token


def revoke(plane, mesh, *identities):
    name = f"dataplane-token-revocations-{mesh}"
    plane.put_document({"type": "Secret", "mesh": mesh, "name": name, "data": base64.b64encode(",".join(identities).encode()).decode()})


# What a caller that wants to be web of mesh blue presents; what the refusal says.
REFUSED = {
    "no token": (lambda plane: None, "Dataplane Token is required"),
    "of another mesh": (lambda plane: plane.token("green", "web"), "the signature is invalid"),
    "of another name": (lambda plane: plane.token("blue", "api"), "web is different than in token: api"),
    "of another service": (lambda plane: plane.token("blue", tags={"kuma.io/service": ["api"]}), "which is not allowed with this token"),
    "of another tag": (lambda plane: plane.token("blue", tags={"version": ["v1"]}), 'has no tag "version" required by the token'),
    "expired": (lambda plane: plane.token("blue", "web", valid_for="1ms"), "the token is expired"),
    "garbage": (lambda plane: "garbage", "invalid number of segments"),
    "unsigned": (lambda plane: plane.token("blue", "web").rsplit(".", 1)[0] + ".", "the signature is invalid"),
    "revoked": (revoked, "token is revoked"),
}
ACCEPTED = {
    "of its name": lambda plane: plane.token("blue", "web"),
    "of its service": lambda plane: plane.token("blue", tags={"kuma.io/service": ["web", "api"]}),
    "of its mesh": lambda plane: plane.token("blue"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_launcher_is_refused(world, case):
    """ursa-dp says why and ends; nothing is registered."""
    make, text = REFUSED[case]
    proxy = world.proxy(document(), token=make(world.plane))
    assert proxy.wait() == 1
    assert text in proxy.log(), proxy.log()
    assert world.plane.get("/meshes/blue/dataplanes/web").status == 404


def bootstrap(plane, doc, token):
    """An Envoy's configuration, fetched as its launcher would."""
    answer = plane.post("/bootstrap", {"mesh": doc["mesh"], "name": doc["name"], "proxyType": "dataplane", "dataplaneToken": token,
                                       "dataplaneResource": json.dumps(doc), "caCert": (plane.work_dir / "ursa-cp.crt").read_text()},
                        port=plane.dp_port, tls=True)
    assert answer.status == 200, answer
    return answer.text


class BareEnvoy:
    """Envoy without a launcher, so that it may present to the stream what no bootstrap would have let through."""

    def __init__(self, plane, doc, good_token, token):
        self.folder = plane.work_dir
        text = bootstrap(plane, doc, good_token)
        assert text.count(good_token) == 2  # for the configuration, and for health discovery
        (self.folder / "envoy.yaml").write_text(text.replace(good_token, token))
        with open(self.folder / "envoy.log", "wb") as log:
            self.process = subprocess.Popen([ENVOY, "-c", str(self.folder / "envoy.yaml"), "--concurrency", "1", "--disable-hot-restart"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def log(self):
        return (self.folder / "envoy.log").read_text("utf-8", "replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.mark.parametrize("case", [case for case in REFUSED if case != "no token"])
def test_the_stream_is_refused(world, case):
    """An Envoy that got a bootstrap with a good token and presents another one: refused with the reason, and nothing is sent."""
    plane = world.plane
    make, text = REFUSED[case]
    good, bad = plane.token("blue", "web"), make(plane)
    before = plane.metrics()
    with BareEnvoy(plane, document(), good, bad) as envoy:
        until("the refusal", lambda: re.search(rf"closed: (7|16), authentication failed: .*{re.escape(text)}", envoy.log()))
        after = plane.metrics()
    assert after["xds_streams_refused"] > before["xds_streams_refused"]
    assert after["xds_bytes_sent"] == before["xds_bytes_sent"]
    assert plane.get("/meshes/blue/dataplanes/web").status == 404
    assert bad not in plane.log() and good not in plane.log()


def test_a_stored_proxy_is_not_taken_over(world):
    """Somebody with a token for the service web only must not replace the Dataplane of api by one of web with the same name."""
    plane = world.plane
    stored = document(name="shared", service="api")
    plane.apply(stored)
    proxy = world.proxy(document(name="shared", service="web"), token=plane.token("blue", tags={"kuma.io/service": ["web"]}))
    until("the refusal", lambda: "override existing proxy" in proxy.log() or proxy.process.poll() is not None)
    assert plane.fetch("/meshes/blue/dataplanes/shared")["networking"] == stored["networking"]
    proxy.stop()
    plane.remove(stored)


@pytest.mark.parametrize("case", ACCEPTED)
def test_the_right_token_is_accepted(world, case):
    proxy = world.proxy(document(), token=ACCEPTED[case](world.plane)).ready()
    until("it to be online", proxy.online)
    proxy.stop()
    until("it to be offline", lambda: not proxy.online())
    world.plane.remove({"type": "Dataplane", "mesh": "blue", "name": "web"})


def test_a_revoked_token_ends_a_live_stream(world):
    """At its next request; Envoy goes on with what it has, and is told nothing new. The other mesh's proxies notice nothing."""
    plane = world.plane
    doc, other_doc = document(), document("green")
    app = world.http_app("blue-web", doc["networking"]["inbound"][0]["servicePort"])
    plane.put_document(mesh_document("blue", "PERMISSIVE"))
    token = plane.token("blue", "web")
    proxy, other = world.proxy(doc, token=token).ready(), world.proxy(other_doc).ready()
    until("both online", lambda: proxy.online() and other.online())
    stream = other.stream()["subscription"]
    inbound_port = doc["networking"]["inbound"][0]["port"]
    assert call(inbound_port).app == app.name
    revoke(plane, "blue", json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["jti"])
    plane.remove(policy("TrafficPermission", "blue", "allow-all-blue", None))  # its acknowledgement is the next request
    until("the stream to end", lambda: not proxy.online())
    until("Envoy to be told", lambda: "token is revoked" in proxy.log())
    assert call(inbound_port).app == app.name
    assert other.stream()["subscription"] == stream and other.online()
