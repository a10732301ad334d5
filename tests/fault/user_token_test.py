"""The life of user tokens over the API: issued, expired, revoked; keys that are rotated, replaced and lost."""
import base64
import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

import ursa

from access_test import ELSEWHERE, decode, issue_user

KEY = "user-token-signing-key-"


@pytest.fixture
def fresh():
    with ursa.running("memory") as daemon:
        yield daemon


def who(daemon, token):
    answer = daemon.get("/who-am-i", headers={"Authorization": f"Bearer {token}"}, source=ELSEWHERE)
    return answer.json["name"] if answer.status == 200 else answer.status


def part(token, i):
    return json.loads(decode(token.split(".")[i]))


def put_secret(daemon, name, data):
    answer = daemon.put(f"/global-secrets/{name}", {"type": "GlobalSecret", "name": name, "data": base64.b64encode(data).decode()})
    assert answer.status in (200, 201), answer


def pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())


def ec_key():
    return pem(ec.generate_private_key(ec.SECP256R1()))


def test_a_new_key_signs_and_the_old_one_verifies_until_it_goes(fresh):
    old = issue_user(fresh, "john")
    put_secret(fresh, KEY + "2", ec_key())
    new = issue_user(fresh, "jane")
    assert [part(token, 0) for token in (old, new)] == [{"alg": "ES256", "kid": kid, "typ": "JWT"} for kid in ("1", "2")]
    assert (who(fresh, old), who(fresh, new)) == ("john", "jane")
    assert fresh.delete(f"/global-secrets/{KEY}1").status == 200
    assert (who(fresh, old), who(fresh, new)) == (401, "jane")
    admin = base64.b64decode(fresh.get("/global-secrets/admin-user-token").json["data"]).decode()
    assert who(fresh, admin) == 401  # signed by the key that is gone; the local administrator issues another
    assert who(fresh, issue_user(fresh, "mesh-system:admin", ["mesh-system:admin"])) == "mesh-system:admin"


def test_the_highest_serial_signs(fresh):
    for serial in ("10", "9", "x", "007"):
        put_secret(fresh, KEY + serial, ec_key())
    assert part(issue_user(fresh, "john"), 0)["kid"] == "10"


def test_a_key_of_rsa_is_taken_as_well(fresh):
    put_secret(fresh, KEY + "2", pem(rsa.generate_private_key(65537, 2048)))
    token = issue_user(fresh, "john")
    assert part(token, 0)["alg"] == "RS256" and who(fresh, token) == "john"


def test_a_key_that_is_replaced_verifies_nothing_of_the_former(fresh):
    token = issue_user(fresh, "john")
    assert who(fresh, token) == "john"  # and the key is remembered now
    put_secret(fresh, KEY + "1", ec_key())
    assert who(fresh, token) == 401 and who(fresh, issue_user(fresh, "john")) == "john"


def test_without_any_key_nothing_is_issued_and_all_are_refused(fresh):
    token = issue_user(fresh, "john")
    assert fresh.delete(f"/global-secrets/{KEY}1").status == 200
    answer = fresh.post("/tokens/user", {"name": "john", "validFor": "1h"})
    assert (answer.status, answer.json["title"]) == (404, "Signing Key not found") and who(fresh, token) == 401


def test_a_token_ends_in_time(fresh):
    """The unit tests move the clock across the moment itself."""
    for life, want in (("1h", "john"), ("87600h", "john"), ("-1s", 401), ("-1h", 401)):
        token = issue_user(fresh, "john", valid_for=life)
        claims = part(token, 1)
        assert who(fresh, token) == want and claims["nbf"] == claims["iat"] - 300


def test_a_revocation_bites_at_once_and_can_be_taken_back(fresh):
    john, jane = issue_user(fresh, "john"), issue_user(fresh, "jane")
    for listed, want in ((f"{part(john, 1)['jti']}", (401, "jane")), (f"x,{part(jane, 1)['jti']},{part(john, 1)['jti']}\n", (401, 401)), ("x", ("john", "jane"))):
        put_secret(fresh, "user-token-revocations", listed.encode())
        assert (who(fresh, john), who(fresh, jane)) == want
    put_secret(fresh, "user-token-revocations", part(john, 1)["jti"].encode())
    assert who(fresh, john) == 401
    assert fresh.delete("/global-secrets/user-token-revocations").status == 200
    assert who(fresh, john) == "john"


def test_what_a_mesh_or_a_zone_revokes_is_no_users(fresh):
    john = issue_user(fresh, "john")
    put_secret(fresh, "zone-token-revocations", part(john, 1)["jti"].encode())
    name = "dataplane-token-revocations-default"
    answer = fresh.put(f"/meshes/default/secrets/{name}", {"type": "Secret", "mesh": "default", "name": name,
                                                           "data": base64.b64encode(part(john, 1)["jti"].encode()).decode()})
    assert answer.status == 201 and who(fresh, john) == "john"


def test_keys_and_revocations_outlive_a_restart(tmp_path):
    with ursa.running("sqlite", GENERAL_WORK_DIR=tmp_path) as daemon:
        john, jane = issue_user(daemon, "john"), issue_user(daemon, "jane")
        put_secret(daemon, "user-token-revocations", part(john, 1)["jti"].encode())
        put_secret(daemon, KEY + "2", ec_key())
    with ursa.running("sqlite", GENERAL_WORK_DIR=tmp_path) as daemon:
        assert (who(daemon, john), who(daemon, jane)) == (401, "jane") and part(issue_user(daemon, "x"), 0)["kid"] == "2"
