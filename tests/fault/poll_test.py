"""REST discovery on the proxies' port: what a client that polls may send, and what it is answered (decision 20)."""
import base64
import contextlib
import json
import socket
import ssl
import threading
import time

import pytest

import ursa
from proxies_port_test import release_only, resident

POLL_SECONDS = 1
WAITING = 200  # polls at a time
WAITING_BYTES = 48 << 10  # of resident memory that each may cost, its connection included
TYPES = {"clusters": "envoy.config.cluster.v3.Cluster", "listeners": "envoy.config.listener.v3.Listener",
         "routes": "envoy.config.route.v3.RouteConfiguration", "endpoints": "envoy.config.endpoint.v3.ClusterLoadAssignment",
         "secrets": "envoy.extensions.transport_sockets.tls.v3.Secret", "extension_configs": "envoy.config.core.v3.TypedExtensionConfig",
         "runtime": "envoy.service.runtime.v3.Runtime"}


def dataplane(mesh, service="web", port=80):
    return {"type": "Dataplane", "mesh": mesh, "name": "p", "networking": {
        "address": "127.0.0.1", "inbound": [{"port": port, "tags": {"kuma.io/service": f"{mesh}-{service}"}}],
        "outbound": [{"port": 10001, "tags": {"kuma.io/service": f"{mesh}-{service}"}}]}}


@pytest.fixture(scope="module")
def world():
    with ursa.running("memory", XDS_SERVER_POLL_TIMEOUT=f"{POLL_SECONDS}s") as daemon:
        for mesh in ("one", "two"):
            assert daemon.put(f"/meshes/{mesh}", {"type": "Mesh", "name": mesh}).status == 201
            assert daemon.put(f"/meshes/{mesh}/dataplanes/p", dataplane(mesh)).status == 201
        yield daemon


def token(world, mesh="one", **claims):
    answer = world.post("/tokens/dataplane", {"mesh": mesh, "validFor": "1h", **claims})
    assert answer.status == 200, answer
    return answer.text


def request(mesh="one", name="p", **members):
    return json.dumps({"node": {"id": f"{mesh}.{name}"}, **members})


def ask(world, jwt, kind="clusters", body=None, method="POST", **headers):
    headers = {**({"Authorization": jwt} if jwt else {}), "Host": "rest_cluster", "Content-Type": "application/json", **headers}
    return world.http(method, f"/v3/discovery:{kind}", request() if body is None else body, headers, port=world.dp_port, tls=True)


@pytest.mark.parametrize("kind", ["clusters", "listeners"])
def test_all_there_is_of_a_type(world, kind):
    answer = ask(world, token(world), kind)
    assert (answer.status, answer.type) == (200, "application/json"), answer
    url = "type.googleapis.com/" + TYPES[kind]
    assert answer.json["typeUrl"] == url and answer.json["versionInfo"] and answer.json["resources"]
    assert {r["@type"] for r in answer.json["resources"]} == {url}
    assert '"ads"' not in answer.text, "there is no stream for further configuration"


def test_names_of_a_type(world):
    jwt = token(world)
    answer = ask(world, jwt, "endpoints", request(resource_names=["one-web"]))
    assert [r["clusterName"] for r in answer.json["resources"]] == ["one-web"]
    assert ask(world, jwt, "endpoints", request(resourceNames=["one-web"], versionInfo=answer.json["versionInfo"])).status == 304


@pytest.mark.parametrize("kind", ["routes", "secrets", "extension_configs", "runtime"])
def test_what_is_not_there_is_no_news(world, kind):
    answer = ask(world, token(world), kind, request(resource_names=["nothing"]))
    assert (answer.status, answer.text) == (304, "")


def test_another_mesh_is_never_seen(world):
    jwt = token(world)
    text = "".join(ask(world, jwt, kind).text for kind in ("clusters", "listeners", "endpoints"))
    assert "one-web" in text and "two-web" not in text and "\"two\"" not in text
    assert ask(world, jwt, "endpoints", request(resource_names=["two-web"])).status == 304


def test_a_poll_waits_for_a_change(world):
    jwt = token(world)
    current = ask(world, jwt, "endpoints", request(resource_names=["one-web"])).json["versionInfo"]
    body = request(resource_names=["one-web"], version_info=current)
    assert ask(world, jwt, "endpoints", body).status == 304
    got = []
    with ursa.running("memory", XDS_SERVER_POLL_TIMEOUT="20s") as patient:
        assert patient.put("/meshes/one", {"type": "Mesh", "name": "one"}).status == 201
        assert patient.put("/meshes/one/dataplanes/p", dataplane("one")).status == 201
        jwt = token(patient)
        assert ask(patient, jwt, "endpoints", request(resource_names=["one-web"])).json["versionInfo"] == current
        waiting = threading.Thread(target=lambda: got.append(ask(patient, jwt, "endpoints", body)))
        waiting.start()
        assert patient.put("/meshes/one/dataplanes/p", dataplane("one", port=81)).status == 200
        waiting.join(15)
        assert got[0].status == 200 and got[0].json["versionInfo"] != current
        assert "81" in json.dumps(got[0].json["resources"])


def test_it_is_shown_as_a_proxy_that_is_online(world):
    assert ask(world, token(world)).status == 200
    assert world.get("/meshes/one/dataplanes+insights/p").json["dataplaneInsight"]["subscriptions"][-1].get("disconnectTime") is None
    shown = world.get("/debug/proxy/one/p", port=world.diag_port).json
    assert {s["transport"] for s in shown["streams"]} == {"rest"}


@pytest.mark.parametrize("jwt, body, status, words", [
    (None, None, 401, "exactly one authorization value"),
    ("x.y.z", None, 401, "authentication failed"),
    ("two", None, 401, "authentication failed"),
    ("other", None, 403, "proxy name from requestor"),
    ("one", request(name="nobody"), 404, "not found"),
    ("one", request("two"), 401, "authentication failed"),
    ("one", "{", 400, ""),
    ("one", "[]", 400, "no object"),
    ("one", "{}", 400, "no node"),
    ("one", "[" * 100000, 400, ""),
    ("one", request(type_url="type.googleapis.com/envoy.config.listener.v3.Listener"), 400, "type_url"),
    ("one", request(resource_names=[str(i) for i in range(1001)]), 413, "at most 1000"),
    ("one", request(resource_names=["x" * 5000]), 413, "4096 bytes"),
    ("one", request(padding="x" * (2 << 20)), 413, "larger than"),
], ids=lambda v: str(v)[:30])
def test_refusals(world, jwt, body, status, words):
    known = {"one": lambda: token(world), "two": lambda: token(world, "two"), "other": lambda: token(world, name="other")}
    answer = ask(world, known[jwt]() if jwt in known else jwt, body=body)
    assert answer.status == status and words in answer.text, answer


def test_methods_and_types(world):
    jwt = token(world)
    assert ask(world, jwt, method="GET").status == 405
    assert ask(world, jwt, "nonsense").status == 404


def poll(tls, jwt, body):
    tls.sendall(f"POST /v3/discovery:endpoints HTTP/1.1\r\nHost: x\r\nAuthorization: {jwt}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode())


def test_a_poll_that_waits_costs_little():
    """Envoy has a poll under way for each name of a type, and each brings what Envoy is: 60 kB."""
    context = ssl._create_unverified_context()
    extensions = [{"name": f"envoy.extension_{i}", "category": "envoy.filters.http", "typeUrls": [f"envoy.extensions.extension_{i}.v3.Extension"]} for i in range(500)]
    with ursa.running("memory", XDS_SERVER_POLL_TIMEOUT="60s") as daemon, contextlib.ExitStack() as undo:
        assert daemon.put("/meshes/one", {"type": "Mesh", "name": "one"}).status == 201
        assert daemon.put("/meshes/one/dataplanes/p", dataplane("one")).status == 201
        jwt = token(daemon)
        assert ask(daemon, jwt).status == 200
        before = resident(daemon)
        for i in range(WAITING):
            body = json.dumps({"node": {"id": "one.p", "extensions": extensions}, "resourceNames": [f"nothing-{i}"]})
            tls = undo.enter_context(context.wrap_socket(socket.create_connection(("127.0.0.1", daemon.dp_port), timeout=20)))
            poll(tls, jwt, body)
        assert len(body) > 60000
        assert ask(daemon, jwt).status == 200  # one loop has all polls of a proxy, and the API took them in order
        deadline = time.monotonic() + 20
        while (used := (resident(daemon) - before) / WAITING) > release_only(WAITING_BYTES):  # falls when the crowd has rested
            assert time.monotonic() < deadline, f"a poll that waits costs {used:.0f} bytes"
            assert daemon.http("GET", "/ready", port=daemon.diag_port).status == 200
        print(f"{WAITING} polls that wait cost {used:.0f} bytes each")


@pytest.mark.parametrize("size, status", [(8 << 10, 200), (20 << 10, 431)])
def test_how_large_a_header_may_be(world, size, status):
    assert ask(world, token(world), **{"X-Padding": "x" * size}).status == status


def test_what_names_one_proxy_can_make_us_remember_has_a_bound(world):
    """A question is remembered for a while when it is answered; the same one again is no other."""
    jwt = token(world, "two")
    for kind, first, status in (("routes", "a", 304), ("routes", "b", 413), ("secrets", "a", 413), ("routes", "a", 304)):
        body = request("two", resource_names=[first * 4000 + str(i) for i in range(200)])
        answer = ask(world, jwt, kind, body)
        assert answer.status == status and (status == 304 or "asks for too much at once" in answer.text), answer


def test_two_tokens_are_none(world):
    """Which of them counts is not for a server to choose."""
    context = ssl._create_unverified_context()
    body, line = request(), f"Authorization: {token(world)}\r\n"
    head = f"POST /v3/discovery:clusters HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{line}{line}\r\n"
    with socket.create_connection(("127.0.0.1", world.dp_port), timeout=10) as plain, context.wrap_socket(plain) as tls:
        tls.sendall((head + body).encode())
        assert tls.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_a_token_that_is_revoked_polls_no_more(world):
    jwt = token(world)
    answer = ask(world, jwt)
    assert answer.status == 200
    claims = json.loads(base64.urlsafe_b64decode(jwt.split(".")[1] + "=="))
    name = "dataplane-token-revocations-one"
    data = base64.b64encode(claims["jti"].encode()).decode()
    assert world.put(f"/meshes/one/secrets/{name}", {"type": "Secret", "mesh": "one", "name": name, "data": data}).status == 201
    assert ask(world, jwt, body=request(version_info=answer.json["versionInfo"])).status == 401
    assert world.delete(f"/meshes/one/secrets/{name}").status == 200
