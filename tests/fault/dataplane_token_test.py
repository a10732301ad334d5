"""The life of dataplane and zone tokens: what they say, keys that are rotated in each mesh of its own, revocations; at the bootstrap and on streams that are
open. Users': user_token_test.py; issued elsewhere: offline_token_test.py; their time: token_times_test.py."""
import base64
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from access_test import decode
from ads import Client
from ads_test import Plane, dataplane

UNAUTHENTICATED, DENIED = 16, 7
MESHES = ("blue", "green")
KEY = "dataplane-token-signing-key-{}-{}"


@pytest.fixture(name="plane")
def _plane():
    plane = Plane("memory", GENERAL_BAD_TOKENS_PER_SECOND=0).start()
    try:
        for i, name in enumerate(MESHES):
            plane.apply({"type": "Mesh", "name": name}, dataplane(name, "web", f"10.0.{i}.1", "web"), dataplane(name, "api", f"10.0.{i}.2", "api"))
        yield plane
    finally:
        plane.stop()


def part(token, i):
    return json.loads(decode(token.split(".")[i]))


def issue(plane, mesh="blue", kind="dataplane", **claims):
    answer = plane.post(f"/tokens/{kind}", {**({"mesh": mesh} if kind == "dataplane" else {}), "validFor": "1h", **claims})
    assert answer.status == 200, answer
    return answer.text


def put_secret(plane, mesh, name, data):
    kind, path = ({"type": "Secret", "mesh": mesh}, f"/meshes/{mesh}/secrets/{name}") if mesh else ({"type": "GlobalSecret"}, f"/global-secrets/{name}")
    assert plane.put(path, {**kind, "name": name, "data": base64.b64encode(data).decode()}).status in (200, 201)


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())


def ec_key():
    return pem(ec.generate_private_key(ec.SECP256R1()))


def refusal(plane, token, mesh="blue", name="web"):
    """None, or (code, text) as the stream ends; the bootstrap says the same."""
    answer = plane.post("/bootstrap", {"mesh": mesh, "name": name, "dataplaneToken": token}, headers={"Host": "localhost"}, port=plane.dp_port, tls=True)
    with Client(plane, mesh, name, "delta", token=token) as client:
        client.ask("cds")
        refused = client.refusal()
    assert answer.status == (200 if refused is None else 422), (answer, refused)
    return refused


def test_what_a_token_says_and_whom_it_lets_in(plane):
    """Name and tags bind where they are said; the type of proxy is said and, as in kuma-cp 2.4, binds nobody."""
    said = part(issue(plane, name="web", tags={"kuma.io/service": ["web", "api"]}, type="dataplane"), 1)
    assert (said["Mesh"], said["Name"], said["Tags"], said["Type"]) == ("blue", "web", {"kuma.io/service": ["web", "api"]}, "dataplane")
    assert said["exp"] - said["iat"] == 3600 and said["iat"] - said["nbf"] == 300 and said["jti"]
    for claims, want in (({}, None), ({"name": "web"}, None), ({"tags": {"kuma.io/service": ["api", "web"]}}, None), ({"type": "ingress"}, None),
                         ({"name": "api"}, "name"), ({"tags": {"kuma.io/service": ["api"]}}, "not allowed with this token"),
                         ({"tags": {"version": ["v1"]}}, "has no tag")):
        refused = refusal(plane, issue(plane, **claims))
        assert refused is None if want is None else refused[0] == DENIED and want in refused[1], (claims, refused)


@pytest.mark.parametrize("key", [ec_key, lambda: pem(rsa.generate_private_key(65537, 2048))], ids=["EC", "RSA"])
def test_keys_are_rotated_in_one_mesh_and_not_in_another(plane, key):
    """A new key signs; what the old one signed is good until that goes, which ends open streams at their next request; the other mesh notices nothing."""
    old, other = issue(plane), issue(plane, "green")
    put_secret(plane, "blue", KEY.format("blue", 2), key())
    new = issue(plane)
    assert [part(token, 0)["kid"] for token in (old, new, issue(plane, "green"))] == ["1", "2", "1"]
    assert refusal(plane, old) is None and refusal(plane, new) is None
    streams = [Client(plane, mesh, "web", "delta", token=token) for mesh, token in (("blue", old), ("blue", new), ("green", other))]
    for client in streams:
        client.ask("cds")
        client.answer(client.next())
        client.silence()
    assert plane.delete(f"/meshes/blue/secrets/{KEY.format('blue', 1)}").status == 200
    for client in streams:
        client.ask("lds")
    assert streams[0].end()[0] == UNAUTHENTICATED
    assert streams[1].refusal() is None and streams[2].refusal() is None
    assert refusal(plane, old)[0] == UNAUTHENTICATED and refusal(plane, new) is None and refusal(plane, other, "green") is None
    for client in streams:
        client.close()


def test_a_key_of_another_mesh_is_none(plane):
    """The same serial number in both: what green's key signed for blue's name is nothing in blue."""
    shared = ec_key()
    put_secret(plane, "green", KEY.format("green", 2), shared)
    foreign = issue(plane, "green", name="web")
    assert refusal(plane, foreign)[0] == UNAUTHENTICATED
    put_secret(plane, "blue", KEY.format("blue", 2), shared)  # on purpose or by mistake
    assert refusal(plane, foreign)[0] in (UNAUTHENTICATED, DENIED), "the claim names the mesh"


def test_without_a_key_nothing_is_issued_and_all_are_refused(plane):
    token = issue(plane)
    assert plane.delete(f"/meshes/blue/secrets/{KEY.format('blue', 1)}").status == 200
    answer = plane.post("/tokens/dataplane", {"mesh": "blue", "validFor": "1h"})
    assert (answer.status, answer.json["title"]) == (404, "Signing Key not found"), answer
    assert refusal(plane, token)[0] == UNAUTHENTICATED
    assert refusal(plane, issue(plane, "green"), "green") is None


def test_revocations_are_a_meshs_own_bite_at_once_and_can_be_taken_back(plane):
    web, api, other = issue(plane, name="web"), issue(plane, name="api"), issue(plane, "green")
    ids = {token: part(token, 1)["jti"] for token in (web, api, other)}
    name = "dataplane-token-revocations-{}"
    put_secret(plane, "green", name.format("green"), ids[web].encode())
    put_secret(plane, None, "user-token-revocations", ids[web].encode())
    assert refusal(plane, web) is None, "another list"
    with Client(plane, "blue", "web", "delta", token=web) as client:
        client.ask("cds")
        client.next()
        put_secret(plane, "blue", name.format("blue"), f"x,{ids[web]},{ids[other]}\n".encode())
        client.ask("lds")
        assert client.end() == (UNAUTHENTICATED, client.status[1]) and "revoked" in client.status[1]
    assert refusal(plane, web)[0] == UNAUTHENTICATED and refusal(plane, api, name="api") is None and refusal(plane, other, "green") is None
    assert plane.delete(f"/meshes/blue/secrets/{name.format('blue')}").status == 200
    assert refusal(plane, web) is None


def test_zone_tokens_have_keys_of_their_own_and_are_no_proxys(plane):
    first = issue(plane, kind="zone", zone="west", scope=["egress", "ingress"])
    put_secret(plane, None, "zone-token-signing-key-2", ec_key())
    second = issue(plane, kind="zone", zone="west", scope=["egress"])
    assert [part(token, 0)["kid"] for token in (first, second, issue(plane))] == ["1", "2", "1"]
    said = part(first, 1)
    assert (said["Zone"], said["Scope"]) == ("west", ["egress", "ingress"]) and said["exp"] - said["iat"] == 3600
    for token in (first, second):
        assert refusal(plane, token)[0] == UNAUTHENTICATED
    for serial in (1, 2):
        assert plane.delete(f"/global-secrets/zone-token-signing-key-{serial}").status == 200
    answer = plane.post("/tokens/zone", {"zone": "west", "scope": ["egress"], "validFor": "1h"})
    assert (answer.status, answer.json["title"]) == (404, "Signing Key not found"), answer
    assert refusal(plane, issue(plane)) is None


def test_keys_and_revocations_outlive_a_restart(tmp_path):
    plane = Plane("sqlite", GENERAL_WORK_DIR=tmp_path).start()
    plane.apply({"type": "Mesh", "name": "blue"}, dataplane("blue", "web", "10.0.0.1", "web"))
    revoked, good = issue(plane), issue(plane)
    put_secret(plane, "blue", "dataplane-token-revocations-blue", part(revoked, 1)["jti"].encode())
    put_secret(plane, "blue", KEY.format("blue", 2), ec_key())
    plane.stop()
    plane = Plane("sqlite", GENERAL_WORK_DIR=tmp_path).start()
    try:
        assert refusal(plane, revoked)[0] == UNAUTHENTICATED and refusal(plane, good) is None and part(issue(plane), 0)["kid"] == "2"
    finally:
        plane.stop()
