"""The settings that open or close the API, each against what it must not open."""
import re

import pytest

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


# ---- pages of other origins ----
PREFLIGHT = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization,content-type"}
CORS = "Access-Control-"
ALLOWED_ORIGINS = ["https://gui.example.com", "HTTPS://GUI.EXAMPLE.COM", "http://team-a.example.org:8080", "http://b.example.org:8080"]
OTHER_ORIGINS = ["https://gui.example.com.evil.test", "http://gui.example.com", "https://guiXexample.com", "https://evil.test/?https://gui.example.com", "null", "",
                 "http://x.example.org:80801", "https://gui.example.com, https://evil.test", "https://gui.example.com" + "x" * 1000]


@pytest.fixture(scope="module")
def open_to_pages():
    with ursa.running("memory", API_SERVER_CORS_ALLOWED_DOMAINS=r"https://gui\.example\.com,http://[a-z-]*\.example\.org:8080") as daemon:
        yield daemon


def cors(answer):
    return {name: value for name, value in answer.headers.items() if name.startswith(CORS)}


@pytest.mark.parametrize("origin", ALLOWED_ORIGINS)
def test_pages_of_allowed_origins_may_read(open_to_pages, origin):
    for port, tls in ((open_to_pages.api_port, False), (open_to_pages.https_port, True)):
        for method, path, status in (("GET", "/meshes", 200), ("GET", "/nothing", 404), ("PUT", "/meshes/x", 415)):
            answer = open_to_pages.http(method, path, headers={"Origin": origin}, port=port, tls=tls)
            assert answer.status == status and answer.headers["Vary"] == "Origin"
            assert cors(answer) == {CORS + "Allow-Origin": origin, CORS + "Expose-Headers": "Access-Control-Allow-Origin, ETag, Ursa-Revision"}
        asked = open_to_pages.http("OPTIONS", "/meshes/x", headers={"Origin": origin, **PREFLIGHT}, port=port, tls=tls)
        assert (asked.status, asked.text, asked.headers[CORS + "Allow-Origin"]) == (200, "", origin)
        assert set(asked.headers[CORS + "Allow-Methods"].split(", ")) == {"GET", "PUT", "DELETE"}
        assert {"Authorization", "Content-Type", "If-Match"} <= set(asked.headers[CORS + "Allow-Headers"].split(", "))
        # It gives no rights: not even on this machine is the page's user the administrator.
        assert open_to_pages.get("/who-am-i", headers={"Origin": origin}, port=port, tls=tls).json["name"] == "mesh-system:anonymous"
        assert open_to_pages.get("/global-secrets", headers={"Origin": origin}, port=port, tls=tls).status == 403


@pytest.mark.parametrize("origin", OTHER_ORIGINS)
def test_pages_of_other_origins_may_not(open_to_pages, origin):
    answer = open_to_pages.get("/meshes", headers={"Origin": origin})
    assert answer.status == 200 and answer.headers["Vary"] == "Origin" and not cors(answer)
    asked = open_to_pages.http("OPTIONS", "/meshes/x", headers={"Origin": origin, **PREFLIGHT})
    assert asked.status == 405 and not cors(asked)


def test_questions_about_nothing_are_not_answered(open_to_pages):
    allowed = {"Origin": ALLOWED_ORIGINS[0]}
    assert open_to_pages.http("OPTIONS", "/nothing", headers={**allowed, **PREFLIGHT}).status == 404
    assert open_to_pages.http("OPTIONS", "/meshes", headers=allowed).status == 405  # no question at all
    assert not cors(open_to_pages.get("/ready", headers=allowed, port=open_to_pages.diag_port))
    assert not cors(open_to_pages.get("/meshes"))


def test_by_default_no_page_may_read(daemon):
    for origin in ALLOWED_ORIGINS + OTHER_ORIGINS:
        answer = daemon.get("/meshes", headers={"Origin": origin})
        assert answer.headers["Vary"] == "Origin" and not cors(answer)


def test_an_origin_that_is_no_pattern_keeps_it_from_starting():
    with pytest.raises(AssertionError) as refused:
        ursa.Daemon("memory", API_SERVER_CORS_ALLOWED_DOMAINS="https://a,http://(b").start()
    assert 'URSA_API_SERVER_CORS_ALLOWED_DOMAINS: must be a list of origins' in str(refused.value) and 'not "http://(b"' in str(refused.value)


def test_debug_is_the_administrators_also_on_an_open_port():
    """/metrics may be scraped from elsewhere; what proxies are sent may not, and no page of a browser may change the daemon."""
    text = (ursa.ROOT / "src/api/routes.def").read_text("utf-8")
    rows = re.findall(r'^ROUTE\(DIAG,\s*(\w+),\s*"([^"]+)"', text, re.M)
    assert len(rows) > 8
    with ursa.running("memory", DIAGNOSTICS_INTERFACE="0.0.0.0") as daemon:
        mesh_admin = {"Authorization": f"Bearer {issue_user(daemon, 'ada', ['mesh:default:admin'])}"}
        admin = {"Authorization": f"Bearer {issue_user(daemon, 'jane', ['mesh-system:admin'])}"}
        for method, pattern in rows:
            path = pattern.replace("{mesh}", "default").replace("{name}", "x")
            is_debug = path.startswith("/debug/")
            got = daemon.http(method, path, port=daemon.diag_port, source=ELSEWHERE).status
            assert got == (403 if is_debug else 200), f"{method} {path}: {got}"
            got = daemon.http(method, path, port=daemon.diag_port, source=ELSEWHERE, headers=mesh_admin).status
            assert got == (403 if is_debug else 200), f"{method} {path} as a mesh's admin: {got}"
            assert daemon.http(method, path, port=daemon.diag_port, source=ELSEWHERE, headers=admin).status != 403, f"{method} {path} as admin"
            got = daemon.http(method, path, port=daemon.diag_port, headers={"Origin": "http://evil.example"}).status
            assert got == (403 if is_debug else 200), f"{method} {path} from a page: {got}"
            assert daemon.http(method, path, port=daemon.diag_port).status != 403, f"{method} {path}"
