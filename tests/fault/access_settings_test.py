"""The settings that open or close the API, each against what it must not open."""
import re

import ursa

from access_test import DATAPLANE_TOKEN, ELSEWHERE, document, issue_user


def statuses(daemon, requests, source=ELSEWHERE):
    return [daemon.http(method, path, body, source=source).status for method, path, body in requests]


WRITES = [
    ("PUT", "/meshes/x", document("Mesh", "GLOBAL")), ("PUT", "/meshes/default/timeouts/x", document("Timeout", "MESH")),
    ("POST", "/apply", [document("Dataplane", "MESH")]), ("DELETE", "/meshes/x", None),
]
SECRETS = [
    ("GET", "/global-secrets/admin-user-token", None), ("GET", "/secrets", None), ("PUT", "/meshes/default/secrets/x", document("Secret", "MESH")),
    ("DELETE", "/global-secrets/user-token-signing-key-1", None), ("POST", "/tokens/dataplane", DATAPLANE_TOKEN),
    ("POST", "/tokens/user", {"name": "mesh-system:admin", "validFor": "1h"}),
    ("POST", "/apply", [document("Mesh", "GLOBAL"), document("Secret", "MESH")]),
]


def test_anonymous_writes_open_everything_but_secrets():
    with ursa.running("memory", API_SERVER_AUTHN_ANONYMOUS_WRITES="true") as daemon:
        assert statuses(daemon, WRITES) == [201, 201, 200, 200]
        assert statuses(daemon, SECRETS) == [403] * len(SECRETS)
        refused = daemon.post("/apply", SECRETS[-1][2], source=ELSEWHERE).json["documents"]
        assert [entry["outcome"] for entry in refused] == ["not applied", "refused"], refused
        assert daemon.get("/meshes/x").status == 404  # all or nothing
        assert daemon.get("/who-am-i", source=ELSEWHERE).json["name"] == "mesh-system:anonymous"


def test_without_the_local_administrator_tokens_decide():
    with ursa.running("memory", API_SERVER_AUTHN_LOCALHOST_IS_ADMIN="false") as daemon:
        assert daemon.get("/who-am-i").json["name"] == "mesh-system:anonymous"
        assert statuses(daemon, WRITES + SECRETS, source=None) == [403] * len(WRITES + SECRETS)
        assert daemon.get("/meshes", headers={"Authorization": "Bearer garbage"}).status == 401


def test_a_read_only_api_refuses_every_write():
    with ursa.running("memory", API_SERVER_READ_ONLY="true") as daemon:
        assert statuses(daemon, WRITES, source=None) == [405] * len(WRITES)
        assert statuses(daemon, [("GET", "/meshes", None), ("GET", "/global-secrets", None)], source=None) == [200, 200]


def test_without_authentication_proxies_need_no_token():
    with ursa.running("memory", DP_SERVER_AUTHN_DP_PROXY_TYPE="none") as daemon:
        assert daemon.put("/meshes/default/dataplanes/x", document("Dataplane", "MESH")).status == 201
        for members in ({}, {"dataplaneToken": "garbage"}):
            answer = daemon.post("/bootstrap", {"mesh": "default", "name": "x", **members}, headers={"Host": "localhost"}, port=daemon.dp_port, tls=True)
            assert answer.status == 200, answer


# What an access list opens: to whom it names, and to nobody else, the administrator included.
LISTED = {
    "ADMIN_RESOURCES": [("GET", "/global-secrets/user-token-signing-key-1", None), ("PUT", "/meshes/default/secrets/x", document("Secret", "MESH")),
                        ("POST", "/apply", [document("Secret", "MESH")])],
    "GENERATE_DP_TOKEN": [("POST", "/tokens/dataplane", DATAPLANE_TOKEN), ("POST", "/tokens/zone-ingress", {"zone": "x", "validFor": "1h"})],
    "GENERATE_USER_TOKEN": [("POST", "/tokens/user", {"name": "x", "validFor": "1h"})],
    "GENERATE_ZONE_TOKEN": [("POST", "/tokens/zone", {"zone": "x", "scope": ["egress"], "validFor": "1h"})],
}


def test_access_lists_name_who_may():
    lists = {f"ACCESS_STATIC_{name}_{part}": value for name in LISTED for part, value in (("USERS", f"x,{name}-user"), ("GROUPS", f"{name}-group,y"))}
    lists["ACCESS_STATIC_GENERATE_USER_TOKEN_USERS"] += ",mesh-system:admin"  # issues the tokens of this test
    with ursa.running("memory", **lists) as daemon:
        holders = {(name, bearer) for name in LISTED for bearer in (issue_user(daemon, f"{name}-user"), issue_user(daemon, "jane", [f"{name}-group"]))}
        holders |= {("nothing", issue_user(daemon, "x-user", ["x", "y-group"])), ("nothing", issue_user(daemon, "jim", ["mesh-system:admin"]))}
        for held, bearer in holders:
            for needed, requests in LISTED.items():
                for method, path, body in requests:
                    got = daemon.http(method, path, body, {"Authorization": f"Bearer {bearer}"}, source=ELSEWHERE)
                    assert got.status in ((200, 201) if held == needed else (403,)), f"{held}, {method} {path}: {got}"
        statuses_here = {name: set(statuses(daemon, requests, source=None)) for name, requests in LISTED.items()}
        assert statuses_here == {**{name: {403} for name in LISTED}, "GENERATE_USER_TOKEN": {200}}


def test_debug_is_the_administrators_also_on_an_open_port():
    """/metrics may be scraped from elsewhere; what proxies are sent may not, and no page of a browser may change the daemon."""
    text = (ursa.ROOT / "src/api/routes.def").read_text("utf-8")
    rows = re.findall(r'^ROUTE\(DIAG,\s*(\w+),\s*"([^"]+)"', text, re.M)
    assert len(rows) > 8
    with ursa.running("memory", DIAGNOSTICS_INTERFACE="0.0.0.0") as daemon:
        for method, pattern in rows:
            path = pattern.replace("{mesh}", "default").replace("{name}", "x")
            is_debug = path.startswith("/debug/")
            got = daemon.http(method, path, port=daemon.diag_port, source=ELSEWHERE).status
            assert got == (403 if is_debug else 200), f"{method} {path}: {got}"
            got = daemon.http(method, path, port=daemon.diag_port, headers={"Origin": "http://evil.example"}).status
            assert got == (403 if is_debug else 200), f"{method} {path} from a page: {got}"
            assert daemon.http(method, path, port=daemon.diag_port).status != 403, f"{method} {path}"
