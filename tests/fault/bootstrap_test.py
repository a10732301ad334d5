"""POST /bootstrap on the proxies' port: who may start a proxy, and what the others are told (rest-api.md section 10)."""
import base64
import json

import pytest
import yaml

NETWORKING = {"address": "127.0.0.1", "inbound": [{"port": 80, "tags": {"kuma.io/service": "web", "team": "a"}}]}


def dataplane(mesh, name, **networking):
    return {"type": "Dataplane", "mesh": mesh, "name": name, "networking": {**NETWORKING, **networking}}


@pytest.fixture(scope="module")
def world(daemon):
    for mesh in ("boot", "other"):
        assert daemon.put(f"/meshes/{mesh}", {"type": "Mesh", "name": mesh}).status == 201
        assert daemon.put(f"/meshes/{mesh}/dataplanes/stored", dataplane(mesh, "stored")).status == 201
    return daemon


def token(world, mesh="boot", **claims):
    answer = world.post("/tokens/dataplane", {"mesh": mesh, "validFor": "1h", **claims})
    assert answer.status == 200, answer
    return answer.text


def ask(world, accept="application/json", host="localhost:5678", method="POST", **members):
    body = json.dumps({"mesh": "boot", "name": "stored", "proxyType": "dataplane", **members})
    return world.http(method, "/bootstrap", body, {"Accept": accept, "Host": host}, port=world.dp_port, tls=True)


def bootstrap(answer):
    assert answer.status == 200, answer
    return yaml.safe_load(base64.b64decode(answer.json["bootstrap"]))


def test_a_stored_proxy_is_told_how_to_start(world):
    made = bootstrap(ask(world, dataplaneToken=token(world, name="stored") + "\n"))
    assert made["node"]["id"] == "boot.stored" and made["node"]["cluster"] == "web"


def test_the_token_is_passed_on_but_no_file_of_ours(world):
    jwt = token(world)
    text = base64.b64decode(ask(world, dataplaneToken=jwt).json["bootstrap"]).decode()
    assert jwt in text and "PRIVATE KEY" not in text


@pytest.mark.parametrize("asked, api_type", [(None, "DELTA_GRPC"), ("delta", "DELTA_GRPC"), ("sotw", "GRPC")])
def test_a_proxy_chooses_how_it_is_told(world, asked, api_type):
    members = {"xdsTransport": asked} if asked else {}
    made = bootstrap(ask(world, dataplaneToken=token(world, name="stored"), **members))
    assert made["dynamicResources"]["adsConfig"]["apiType"] == api_type


def test_a_transport_that_is_none(world):
    answer = ask(world, dataplaneToken=token(world, name="stored"), xdsTransport="grpc")
    assert answer.status == 422 and "delta, sotw or rest" in answer.body


def test_other_clients_get_bare_yaml(world):
    answer = ask(world, accept="*/*", dataplaneToken=token(world))
    assert (answer.status, answer.type) == (200, "text/x-yaml") and yaml.safe_load(answer.text)["node"]["id"] == "boot.stored"


@pytest.mark.parametrize("claims", [{}, {"name": "stored"}, {"tags": {"kuma.io/service": ["web", "api"]}}, {"type": "dataplane"}, {"type": "ingress"}], ids=str)
def test_tokens_that_fit(world, claims):
    assert ask(world, dataplaneToken=token(world, **claims)).status == 200


@pytest.mark.parametrize("claims, words", [
    ({"mesh": "other"}, "authentication failed"),
    ({"mesh": "default"}, "authentication failed"),
    ({"name": "another"}, "proxy name from requestor: stored is different than in token: another"),
    ({"tags": {"kuma.io/service": ["api"]}}, 'tag "kuma.io/service" with value "web" which is not allowed'),
    ({"tags": {"absent": ["x"]}}, 'dataplane has no tag "absent" required by the token'),
    ({"tags": {"team": ["b"]}}, 'tag "team" with value "a" which is not allowed'),
    ({"validFor": "-1h"}, "authentication failed"),
], ids=str)
def test_tokens_of_others_are_refused(world, claims, words):
    jwt = token(world, **claims)
    answer = ask(world, dataplaneToken=jwt)
    assert answer.status == 422 and words in answer.text and answer.text.count("authentication failed") == 1, answer
    assert jwt not in answer.text


def test_a_revoked_token_is_refused(world):
    jwt = token(world)
    claims = jwt.split(".")[1]
    jti = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["jti"]
    name = "dataplane-token-revocations-boot"
    secret = {"type": "Secret", "mesh": "boot", "name": name, "data": base64.b64encode(jti.encode()).decode()}
    assert ask(world, dataplaneToken=jwt).status == 200
    assert world.put(f"/meshes/boot/secrets/{name}", secret).status == 201
    answer = ask(world, dataplaneToken=jwt)
    assert answer.status == 422 and "revoked" in answer.text, answer


@pytest.mark.parametrize("members", [{}, {"dataplaneToken": ""}, {"dataplaneToken": " \n"}, {"dataplaneToken": None}, {"dataplaneToken": 7}], ids=str)
def test_no_token_ends_the_launcher(world, members):
    answer = ask(world, **members)
    assert answer.status == 422 and answer.text.startswith("Dataplane Token is required."), answer


def user_token(world):
    return world.post("/tokens/user", {"name": "boot", "validFor": "1h"}).text


def test_user_tokens_are_no_dataplane_tokens(world):
    assert ask(world, dataplaneToken=user_token(world)).status == 422


# Who is asked for, and what is said.
OUTCOMES = {
    "unknown name": ({"name": "nobody"}, 404, ""),
    "unknown mesh": ({"mesh": "nowhere"}, 404, ""),
    "name of another mesh's proxy only": ({"mesh": "default"}, 404, ""),
    "no name": ({"name": ""}, 404, ""),
    "unknown proxy type": ({"proxyType": "toaster"}, 422, "proxyType"),
    "brings its own": ({"name": "new", "dataplaneResource": json.dumps(dataplane("boot", "new"))}, 200, None),
    "brings its own as YAML": ({"name": "new", "dataplaneResource": yaml.safe_dump(dataplane("boot", "new"))}, 200, None),
    "brings one of a missing mesh": ({"dataplaneResource": json.dumps(dataplane("nowhere", "stored"))}, 422, 'mesh: mesh "nowhere" does not exist'),
    "brings one that is invalid": ({"dataplaneResource": json.dumps(dataplane("boot", "new", inbound=[{"port": 0}]))}, 422, "networking.inbound[0].port: "),
    "brings one with an odd name": ({"dataplaneResource": json.dumps(dataplane("boot", "New"))}, 422, "name: "),
    "brings something else": ({"dataplaneResource": json.dumps({"type": "Mesh", "name": "boot"})}, 422, "type: "),
    "brings a text": ({"dataplaneResource": "hello"}, 422, "type: "),
    "brings two": ({"dataplaneResource": "type: Dataplane\n---\ntype: Dataplane\n"}, 422, ""),
    "brings a bomb": ({"dataplaneResource": "[" * 500000}, 422, ""),
    "no certificate": ({"caCert": "hello"}, 400, "caCert"),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_outcomes(world, name):
    members, status, words = OUTCOMES[name]
    answer = ask(world, **{"dataplaneToken": token(world), **members})
    assert answer.status == status and (words is None or words in answer.text), answer
    assert (answer.text == "") == (status == 404), answer
    assert world.get("/meshes/boot/dataplanes/new").status == 404  # it comes with the stream, not before


@pytest.mark.parametrize("body", ["", "{", "[]", "7", '"x"', "null", "\0", '{"mesh": 7}', "[" * 100000])
def test_bodies_that_are_no_request(world, body):
    answer = world.http("POST", "/bootstrap", body, {"Host": "localhost"}, port=world.dp_port, tls=True)
    assert answer.status in (400, 422), answer


def test_names_that_are_not_in_the_certificate_cannot_work(world):
    for host in ("evil.example", "evil.example:5678", "localhost.evil.example", ""):
        answer = ask(world, host=host, dataplaneToken=token(world))
        assert answer.status == 400 and "following SANs" in answer.text, answer
    for host in ("LOCALHOST", "127.0.0.1:1", "[::1]:5678"):
        assert ask(world, host=host, dataplaneToken=token(world)).status == 200, host


@pytest.mark.parametrize("path, status", [("/bootstrap", 405), ("/", 404), ("/meshes", 404), ("/bootstrap/x", 404)])
def test_nothing_else_is_on_this_port(world, path, status):
    answer = world.http("PATCH", path, "{}", {"Host": "localhost"}, port=world.dp_port, tls=True)
    assert answer.status == status, answer
