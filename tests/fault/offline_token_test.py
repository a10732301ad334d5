"""Tokens that are issued elsewhere: the control plane knows public keys only, from its configuration file."""
import base64
import json
import time

import pytest
import yaml
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import ursa

from access_test import ELSEWHERE, issue_user

KEY = rsa.generate_private_key(65537, 2048)
PUBLIC = {
    "kid": "key/of our CI",
    "key": KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1).decode(),
}


def signed(claims, kid=PUBLIC["kid"], key=KEY):
    """As kumactl signs with --signing-key-path and --kid."""
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")
    now = int(time.time())
    claims = {"nbf": now - 300, "iat": now, "exp": now + 3600, "jti": "offline-1", **claims}
    text = b".".join(part(json.dumps(x).encode()) for x in ({"alg": "RS256", "kid": kid, "typ": "JWT"}, claims))
    return (text + b"." + part(key.sign(text, padding.PKCS1v15(), hashes.SHA256()))).decode()


def configuration(use_secrets, issues):
    def tokens(keys):
        return {"enableIssuer": issues, "validator": {"useSecrets": use_secrets, "publicKeys": keys}}
    return yaml.safe_dump({"apiServer": {"authn": {"tokens": tokens([PUBLIC])}},
                           "dpServer": {"authn": {"dpProxy": {"dpToken": tokens([{**PUBLIC, "mesh": "default"}])}}}})


def who(daemon, token):
    answer = daemon.get("/who-am-i", headers={"Authorization": f"Bearer {token}"}, source=ELSEWHERE)
    return answer.json["name"] if answer.status == 200 else answer.status


def bootstrap(daemon, token, mesh="default"):
    dataplane = {"type": "Dataplane", "mesh": mesh, "name": "a-1",
                 "networking": {"address": "127.0.0.1", "inbound": [{"port": 80, "tags": {"kuma.io/service": "a"}}]}}
    body = {"mesh": mesh, "name": "a-1", "dataplaneToken": token, "dataplaneResource": yaml.safe_dump(dataplane)}
    return daemon.http("POST", "/bootstrap", body, port=daemon.dp_port, tls=True).status


@pytest.mark.parametrize("use_secrets", [True, False])
def test_users_of_elsewhere(use_secrets):
    with ursa.running(file=configuration(use_secrets, issues=True)) as daemon:
        ours = issue_user(daemon, "jane")
        assert who(daemon, signed({"Name": "john", "Groups": []})) == "john"
        assert who(daemon, ours) == ("jane" if use_secrets else 401)
        assert who(daemon, signed({"Name": "john"}, kid="1")) == 401
        assert who(daemon, signed({"Name": "john"}, key=rsa.generate_private_key(65537, 2048))) == 401


def test_nothing_is_issued_here_when_it_is_switched_off():
    with ursa.running(file=configuration(use_secrets=False, issues=False)) as daemon:
        for path, body in (("user", {"name": "a", "validFor": "1h"}), ("dataplane", {"mesh": "default", "name": "a"})):
            answer = daemon.post(f"/tokens/{path}", body)
            assert (answer.status, answer.json["detail"]) == (400, "issuing tokens using the control plane is disabled.")
        assert daemon.post("/tokens/zone", {"scope": ["egress"], "validFor": "1h"}).status == 200  # has no such setting


def test_proxies_of_elsewhere():
    with ursa.running(file=configuration(use_secrets=False, issues=True)) as daemon:
        assert daemon.put("/meshes/other", {"type": "Mesh", "name": "other"}).status == 201
        ours = daemon.post("/tokens/dataplane", {"mesh": "default", "name": "a-1"}).body
        theirs = signed({"Name": "a-1", "Mesh": "default", "Tags": {}, "Type": ""})
        assert bootstrap(daemon, theirs) == 200
        assert bootstrap(daemon, ours) == 422
        assert bootstrap(daemon, signed({"Name": "a-1", "Mesh": "other"}), mesh="other") == 422  # the key speaks for one mesh


def test_a_key_that_cannot_be_used_is_named_at_the_start():
    broken = yaml.safe_dump({"apiServer": {"authn": {"tokens": {"validator": {"publicKeys": [PUBLIC, {"kid": "2", "keyFile": "/nowhere"}]}}}}})
    with pytest.raises(AssertionError, match=r"publicKeys\[1\].*/nowhere: No such file"):
        with ursa.running(file=broken):
            pass
