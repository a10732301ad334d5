"""Who may do what: every REST route with every kind of credentials, and what makes a caller the local administrator.

The matrix follows routes.def: a route without a row here fails. Callers come from 127.0.0.2, which is not this machine's
administrator; their credentials decide."""
import base64
import hashlib
import hmac
import json
import re

import pytest
from cryptography.hazmat.primitives import serialization

import ursa

ELSEWHERE = "127.0.0.2"


# ---- the API as its tables describe it ----
def routes():
    """(method, pattern) of every REST route, in the order of routes.def."""
    text = (ursa.ROOT / "src/api/routes.def").read_text("utf-8")
    return re.findall(r'^ROUTE\(REST,\s*(\w+),\s*"([^"]+)"', text, re.M)


def types():
    """(name, plural, scope, traits) of every type."""
    text = (ursa.ROOT / "include/ursa/types.def").read_text("utf-8")
    return re.findall(r'^RES_TYPE\(\w+,\s*"(\w+)",\s*"([\w-]+)",.*?(GLOBAL|MESH),\s*([^,]+?),', text, re.M)


MATCH = [{"match": {"kuma.io/service": "*"}}]
NETWORKING = {"address": "127.0.0.1", "inbound": [{"port": 80, "tags": {"kuma.io/service": "a"}}]}
SELECTORS = {"selectors": MATCH}
TO_HTTP = [{"match": {"kuma.io/service": "*", "kuma.io/protocol": "http"}}]
GATEWAY_RULE = {"matches": [{"path": {"match": "PREFIX", "value": "/"}}], "backends": [{"weight": 1, "destination": {"kuma.io/service": "a"}}]}
# The least of each type that is accepted, beside type, mesh and name.
SPECS = {
    "Mesh": {}, "Secret": {"data": "eA=="}, "GlobalSecret": {"data": "eA=="}, "Dataplane": {"networking": NETWORKING}, "Zone": {},
    "ZoneIngress": {"networking": {"address": "127.0.0.1", "port": 80}}, "ZoneEgress": {"networking": {"address": "127.0.0.1", "port": 80}},
    "ExternalService": {"networking": {"address": "example.com:80"}, "tags": {"kuma.io/service": "a"}},
    "MeshGateway": {**SELECTORS, "conf": {"listeners": [{"port": 80, "protocol": "HTTP"}]}},
    "MeshGatewayRoute": {**SELECTORS, "conf": {"http": {"rules": [GATEWAY_RULE]}}},
    "ProxyTemplate": {**SELECTORS, "conf": {"imports": ["default-proxy"]}}, "TrafficTrace": SELECTORS,
    "VirtualOutbound": {**SELECTORS, "conf": {"host": "{{.service}}", "port": "80", "parameters": [{"name": "service", "tagKey": "kuma.io/service"}]}},
}
# The same of the policies with sources and destinations.
POLICIES = {
    "Timeout": {"conf": {"connectTimeout": "1s"}}, "Retry": {"conf": {"tcp": {"maxConnectAttempts": 1}}},
    "CircuitBreaker": {"conf": {"interval": "1s", "detectors": {"totalErrors": {}}}}, "TrafficPermission": {}, "TrafficLog": {},
    "TrafficRoute": {"conf": {"destination": {"kuma.io/service": "*"}}}, "RateLimit": {"conf": {"http": {"requests": 1, "interval": "1s"}}},
    "HealthCheck": {"conf": {"interval": "1s", "timeout": "1s", "unhealthyThreshold": 1, "healthyThreshold": 1}},
    "FaultInjection": {"destinations": TO_HTTP, "conf": {"delay": {"percentage": 1, "value": "1s"}}},
}
ALL, SERVICE = {"targetRef": {"kind": "Mesh"}}, {"targetRef": {"kind": "MeshService", "name": "a"}}
# The same of the policies with a targetRef: what stands beside it.
TARGETED = {
    "MeshAccessLog": {"to": [{**ALL, "default": {"backends": [{"type": "File", "file": {"path": "/tmp/x"}}]}}]},
    "MeshCircuitBreaker": {"to": [{**ALL, "default": {"connectionLimits": {"maxConnections": 1}}}]},
    "MeshFaultInjection": {"from": [{**ALL, "default": {"http": [{"abort": {"httpStatus": 500, "percentage": 1}}]}}]},
    "MeshHealthCheck": {"to": [{**ALL, "default": {"interval": "1s", "timeout": "1s", "unhealthyThreshold": 1, "healthyThreshold": 1, "tcp": {}}}]},
    "MeshHTTPRoute": {"to": [{**SERVICE, "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "default": {}}]}]},
    "MeshLoadBalancingStrategy": {"to": [{**SERVICE, "default": {"loadBalancer": {"type": "Random"}}}]},
    "MeshProxyPatch": {"default": {"appendModifications": [{"cluster": {"operation": "Remove"}}]}},
    "MeshRateLimit": {"from": [{**ALL, "default": {"local": {"tcp": {"connectionRate": {"num": 1, "interval": "1s"}}}}}]},
    "MeshRetry": {"to": [{**ALL, "default": {"tcp": {"maxConnectAttempt": 1}}}]},
    "MeshTCPRoute": {"to": [{**SERVICE, "rules": [{"default": {"backendRefs": [{"kind": "MeshService", "name": "a"}]}}]}]},
    "MeshTimeout": {"to": [{**ALL, "default": {"idleTimeout": "1s"}}]},
    "MeshTrace": {"default": {"backends": [{"type": "Zipkin", "zipkin": {"url": "http://a:1/x"}}]}},
    "MeshTrafficPermission": {"from": [{**ALL, "default": {"action": "Allow"}}]},
}
DATAPLANE_TOKEN = {"mesh": "default", "name": "x", "validFor": "1h"}


def document(name, scope):
    body = {"type": name, "name": "x"}
    if scope == "MESH":
        body["mesh"] = "default"
    if name in POLICIES:
        return {**body, "sources": MATCH, "destinations": MATCH, **POLICIES[name]}
    if name in TARGETED:
        return {**body, "spec": {**ALL, **TARGETED[name]}}
    return {**body, **SPECS[name]}


# What comes back for each kind of caller, in this order; who shows credentials that are none gets 401 everywhere.
CALLERS = ["stranger", "user", "operator of another mesh", "viewer", "operator", "mesh admin", "admin"]
ALL_MAY = (200,) * 7  # everybody; lists over all meshes show each what is theirs (test_lists_...)
OF_MESH = (200, 200, 403, 200, 200, 200, 200)  # whoever may read the mesh "default"
OF_NO_MESH = (200, 200, 403, 403, 403, 403, 200)  # users with roles of meshes may not
OPERATORS = (403, 200, 403, 403, 200, 200, 200)
MESH_ADMINS = (403, 403, 403, 403, 403, 200, 200)
ADMINS_ONLY = (403, 403, 403, 403, 403, 403, 200)


def but(statuses, status):
    """The same callers are refused; the others get this status."""
    return tuple(403 if s == 403 else status for s in statuses)


# (method, pattern): path, body, statuses
ROUTES = {
    ("GET", "/"): ("/", None, ALL_MAY),
    ("GET", "/config"): ("/config", None, OF_NO_MESH),
    ("GET", "/policies"): ("/policies", None, ALL_MAY),
    ("GET", "/openapi.json"): ("/openapi.json", None, ALL_MAY),
    ("GET", "/schemas"): ("/schemas", None, ALL_MAY),
    ("GET", "/schemas/{name}"): ("/schemas/Mesh", None, ALL_MAY),
    ("GET", "/who-am-i"): ("/who-am-i", None, ALL_MAY),
    ("GET", "/global-insights"): ("/global-insights", None, ALL_MAY),
    ("GET", "/events"): ("/events?since=999999999", None, but(ALL_MAY, 400)),  # a stream does not end: see events_test.py
    ("GET", "/status"): ("/status", None, ALL_MAY),
    ("GET", "/doctor"): ("/doctor", None, ALL_MAY),
    ("GET", "/meshes/{mesh}/ca"): ("/meshes/default/ca", None, OF_MESH),
    ("POST", "/meshes/{mesh}/ca/rotate"): ("/meshes/default/ca/rotate", None, but(MESH_ADMINS, 400)),  # mTLS is off
    ("GET", "/status/zones"): ("/status/zones", None, OF_NO_MESH),
    ("POST", "/apply"): ("/apply?dryRun=true", [document("Timeout", "MESH")], OPERATORS),
    ("GET", "/history"): ("/history?mesh=default", None, OF_MESH),
    ("GET", "/diff"): ("/diff?from=1&mesh=default", None, OF_MESH),
    ("POST", "/rollback"): ("/rollback?to=1&mesh=default&dryRun=true", None, MESH_ADMINS),
    ("POST", "/backup"): ("/backup", None, but(ADMINS_ONLY, 409)),  # the daemon here keeps nothing in a file
    ("POST", "/tokens/dataplane"): ("/tokens/dataplane", DATAPLANE_TOKEN, MESH_ADMINS),
    ("POST", "/tokens/user"): ("/tokens/user", {"name": "x", "validFor": "1h"}, ADMINS_ONLY),
    ("POST", "/tokens/zone"): ("/tokens/zone", {"zone": "x", "scope": ["egress"], "validFor": "1h"}, ADMINS_ONLY),
    ("POST", "/tokens/zone-ingress"): ("/tokens/zone-ingress", {"zone": "x", "validFor": "1h"}, ADMINS_ONLY),
    ("GET", "/dataplanes+insights"): ("/dataplanes+insights", None, ALL_MAY),
    ("GET", "/meshes/{mesh}/dataplanes+insights"): ("/meshes/default/dataplanes+insights", None, OF_MESH),
    ("GET", "/meshes/{mesh}/dataplanes+insights/{name}"): ("/meshes/default/dataplanes+insights/x", None, OF_MESH),
    ("GET", "/mesh-insights"): ("/mesh-insights", None, ALL_MAY),
    ("PUT", "/mesh-insights/{mesh}"): ("/mesh-insights/default", {}, but(OF_MESH, 405)),
    ("DELETE", "/mesh-insights/{mesh}"): ("/mesh-insights/default", None, but(OF_MESH, 405)),
    ("GET", "/mesh-insights/{mesh}"): ("/mesh-insights/default", None, OF_MESH),
    ("GET", "/service-insights"): ("/service-insights", None, ALL_MAY),
    ("GET", "/meshes/{mesh}/service-insights"): ("/meshes/default/service-insights", None, OF_MESH),
    ("PUT", "/meshes/{mesh}/service-insights/{name}"): ("/meshes/default/service-insights/x", {}, but(OF_MESH, 405)),
    ("DELETE", "/meshes/{mesh}/service-insights/{name}"): ("/meshes/default/service-insights/x", None, but(OF_MESH, 405)),
    ("GET", "/meshes/{mesh}/service-insights/{name}"): ("/meshes/default/service-insights/x", None, OF_MESH),
    ("GET", "/meshes/{mesh}/dataplanes/{name}/policies"): ("/meshes/default/dataplanes/x/policies", None, OF_MESH),
    ("GET", "/meshes/{mesh}/dataplanes/{name}/rules"): ("/meshes/default/dataplanes/x/rules", None, OF_MESH),
    ("GET", "/meshes/{mesh}/{policy}/{name}/dataplanes"): ("/meshes/default/meshtimeouts/x/dataplanes", None, OF_MESH),
    ("GET", "/meshes/{mesh}/dataplanes/{name}/xds"): ("/meshes/default/dataplanes/x/xds", None, but(OF_MESH, 500)),
    ("GET", "/meshes/{mesh}/dataplanes/{name}/stats"): ("/meshes/default/dataplanes/x/stats", None, but(OF_MESH, 500)),
    ("GET", "/meshes/{mesh}/dataplanes/{name}/clusters"): ("/meshes/default/dataplanes/x/clusters", None, but(OF_MESH, 500)),
    ("GET", "/zoneingresses/{name}/xds"): ("/zoneingresses/x/xds", None, but(OF_NO_MESH, 500)),
    ("GET", "/zoneingresses/{name}/stats"): ("/zoneingresses/x/stats", None, but(OF_NO_MESH, 500)),
    ("GET", "/zoneingresses/{name}/clusters"): ("/zoneingresses/x/clusters", None, but(OF_NO_MESH, 500)),
    ("GET", "/zoneegresses/{name}/xds"): ("/zoneegresses/x/xds", None, but(OF_NO_MESH, 500)),
    ("GET", "/zoneegresses/{name}/stats"): ("/zoneegresses/x/stats", None, but(OF_NO_MESH, 500)),
    ("GET", "/zoneegresses/{name}/clusters"): ("/zoneegresses/x/clusters", None, but(OF_NO_MESH, 500)),
    ("GET", "/zones+insights"): ("/zones+insights", None, OF_NO_MESH),
    ("GET", "/zones+insights/{name}"): ("/zones+insights/x", None, OF_NO_MESH),
    ("GET", "/zoneingresses+insights"): ("/zoneingresses+insights", None, OF_NO_MESH),
    ("GET", "/zoneingresses+insights/{name}"): ("/zoneingresses+insights/x", None, OF_NO_MESH),
    ("GET", "/zoneegressoverviews"): ("/zoneegressoverviews", None, OF_NO_MESH),
    ("GET", "/zoneegressoverviews/{name}"): ("/zoneegressoverviews/x", None, OF_NO_MESH),
    ("GET", "/meshes/{mesh}/meshgateways/{name}/dataplanes"): ("/meshes/default/meshgateways/x/dataplanes", None, OF_MESH),
    ("GET", "/meshes/{mesh}/meshgatewayroutes/{name}/dataplanes"): ("/meshes/default/meshgatewayroutes/x/dataplanes", None, OF_MESH),
}
# The same for the routes that every type has, by what the type is: its kind in a mesh, or of no mesh.
PLAIN, SECRET, READ_ONLY, MESH = "plain", "secret", "read only", "mesh"
TYPE_ROUTES = {
    ("GET", "/{scoped}"): {PLAIN: ALL_MAY, SECRET: MESH_ADMINS, READ_ONLY: ALL_MAY},
    ("GET", "/meshes/{mesh}/{scoped}"): {PLAIN: OF_MESH, SECRET: MESH_ADMINS, READ_ONLY: OF_MESH},
    ("GET", "/meshes/{mesh}/{scoped}/{name}"): {PLAIN: OF_MESH, SECRET: MESH_ADMINS, READ_ONLY: but(OF_MESH, 404)},
    ("PUT", "/meshes/{mesh}/{scoped}/{name}"): {PLAIN: OPERATORS, SECRET: MESH_ADMINS, READ_ONLY: but(OPERATORS, 405)},
    ("DELETE", "/meshes/{mesh}/{scoped}/{name}"): {PLAIN: but(OPERATORS, 404), SECRET: but(MESH_ADMINS, 404), READ_ONLY: but(OPERATORS, 405)},
    ("GET", "/{global}"): {PLAIN: OF_NO_MESH, SECRET: ADMINS_ONLY, READ_ONLY: OF_NO_MESH, MESH: ALL_MAY},
    ("GET", "/{global}/{name}"): {PLAIN: OF_NO_MESH, SECRET: ADMINS_ONLY, READ_ONLY: but(OF_NO_MESH, 404), MESH: OF_MESH},
    ("PUT", "/{global}/{name}"): {
        PLAIN: (403, 200, 403, 403, 403, 403, 200), SECRET: ADMINS_ONLY, READ_ONLY: (403, 405, 403, 403, 403, 403, 405),
        MESH: (403, 200, 403, 403, 403, 200, 200)},
    ("DELETE", "/{global}/{name}"): {
        PLAIN: (403, 404, 403, 403, 403, 403, 404), SECRET: but(ADMINS_ONLY, 404), READ_ONLY: (403, 405, 403, 403, 403, 403, 405),
        MESH: (403, 404, 403, 403, 403, 403, 404)},
}


def type_rows(method, pattern):
    scope = "GLOBAL" if "{global}" in pattern else "MESH"
    for name, plural, of, traits in types():
        if of != scope or "RES_DERIVED" in traits:  # those have rows of their own, above
            continue
        kind = MESH if name == "Mesh" else SECRET if "RES_ADMIN" in traits else READ_ONLY if "RES_READ_ONLY" in traits else PLAIN
        item = "missing" if method == "DELETE" else "default" if kind == MESH else "x"
        path = re.sub(r"\{(global|scoped)\}", plural, pattern).replace("{mesh}", "default").replace("{name}", item)
        body = {} if method == "PUT" else None
        if method == "PUT" and kind != READ_ONLY:
            body = {**document(name, scope), "name": item}
        yield (path, body, TYPE_ROUTES[method, pattern][kind])


def rows():
    for method, pattern in routes():
        if "{global}" in pattern or "{scoped}" in pattern:
            yield from ((method, *row) for row in type_rows(method, pattern))
        elif (method, pattern) in ROUTES:
            yield (method, *ROUTES[method, pattern])


ROWS = list(rows())


def test_every_route_has_a_row():
    assert set(routes()) == set(ROUTES) | set(TYPE_ROUTES), "routes.def and the matrix differ"
    assert len(ROWS) > len(ROUTES) + 4 * 8


# ---- credentials ----
def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def forge(token, algorithm, **header):
    """The token's claims under another header; signed by 'algorithm', a function of the bytes to sign."""
    head, claims, _ = token.split(".")
    signed = encode(json.dumps({**json.loads(decode(head)), **header}).encode()) + "." + claims
    return signed + "." + encode(algorithm(signed.encode()))


def issue_user(daemon, name, groups=(), valid_for="1h"):
    answer = daemon.post("/tokens/user", {"name": name, "groups": list(groups), "validFor": valid_for})
    assert answer.status == 200, answer
    return answer.text


def public_key(daemon):
    """What anybody may know of the key that signs user tokens."""
    pem = base64.b64decode(daemon.get("/global-secrets/user-token-signing-key-1").json["data"])
    key = serialization.load_pem_private_key(pem, None).public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture(scope="module")
def credentials(daemon):
    """Name of a kind of credentials -> its Authorization header, or None."""
    admin = base64.b64decode(daemon.get("/global-secrets/admin-user-token").json["data"]).decode()
    revoked, key = issue_user(daemon, "mesh-system:admin"), public_key(daemon)
    revoked_id = json.loads(decode(revoked.split(".")[1]))["jti"]
    listed = base64.b64encode(f"x,{revoked_id}\n".encode()).decode()
    answer = daemon.put("/global-secrets/user-token-revocations", {"type": "GlobalSecret", "name": "user-token-revocations", "data": listed})
    assert answer.status == 201, answer
    for name, plural, scope, traits in types():
        if name in SPECS or name in POLICIES or name in TARGETED:
            path = f"/{plural}/x" if scope == "GLOBAL" else f"/meshes/default/{plural}/x"
            assert daemon.put(path, document(name, scope)).status == 201, path
    head, claims, signature = admin.split(".")
    other_claims = encode(decode(claims).replace(b"mesh-system:admin", b"mesh-system:admim", 1))
    bearers = {
        "plain user": issue_user(daemon, "john", ["team-a"]),
        "operator of another mesh": issue_user(daemon, "olga", ["mesh:other:operator"]),
        "viewer": issue_user(daemon, "vera", ["mesh:default:viewer"]),
        "operator": issue_user(daemon, "otto", ["team-a", "mesh:default:operator"]),
        "mesh admin": issue_user(daemon, "ada", ["mesh:default:admin"]),
        "admin": admin,
        "user in the admin group": issue_user(daemon, "jane", ["mesh-system:admin"]),
        "dataplane token": daemon.post("/tokens/dataplane", {**DATAPLANE_TOKEN, "name": "mesh-system:admin"}).text,
        "zone token": daemon.post("/tokens/zone", {"zone": "z", "scope": ["ingress"], "validFor": "1h"}).text,
        "expired": issue_user(daemon, "mesh-system:admin", valid_for="-1h"),
        "revoked": revoked,
        "algorithm none": forge(admin, lambda signed: b"", alg="none"),
        "algorithm None": forge(admin, lambda signed: b"", alg="None"),
        "HS256 with the public key": forge(admin, lambda signed: hmac.new(key, signed, hashlib.sha256).digest(), alg="HS256"),
        "HS256 with an empty key": forge(admin, lambda signed: hmac.new(b"", signed, hashlib.sha256).digest(), alg="HS256"),
        "RS256 of an EC key": forge(admin, lambda signed: decode(signature), alg="RS256"),
        "unknown key id": forge(admin, lambda signed: decode(signature), kid="2"),
        "key id is a path": forge(admin, lambda signed: decode(signature), kid="../../secrets/x"),
        "no key id": forge(admin, lambda signed: decode(signature), kid=""),
        "other claims": f"{head}.{other_claims}.{signature}",
        "no signature": f"{head}.{claims}.",
        "a signature of zeros": f"{head}.{claims}.{encode(bytes(64))}",
        "garbage": "garbage",
        "nothing": "",
    }
    return {"none": None, "basic": "Basic am9objpzZWNyZXQ=", "lower case": f"bearer {admin}",
            **{name: f"Bearer {token}" for name, token in bearers.items()}}


KINDS = {  # kind of credentials -> caller
    "none": "stranger", "basic": "stranger", "lower case": "stranger", "plain user": "user", "admin": "admin", "user in the admin group": "admin",
    **{role: role for role in ("operator of another mesh", "viewer", "operator", "mesh admin")},
}
REFUSED = ["dataplane token", "zone token", "expired", "revoked", "algorithm none", "algorithm None", "HS256 with the public key",
           "HS256 with an empty key", "RS256 of an EC key", "unknown key id", "key id is a path", "no key id", "other claims",
           "no signature", "a signature of zeros", "garbage", "nothing"]


@pytest.mark.parametrize("who", [*KINDS, *REFUSED])
def test_matrix(daemon, credentials, who):
    """Every route for one kind of credentials; all that differ are told."""
    wrong = []
    for method, path, body, statuses in ROWS:
        assert len(statuses) == len(CALLERS), path
        want = 401 if who in REFUSED else statuses[CALLERS.index(KINDS[who])]
        headers = {"Authorization": credentials[who]} if credentials[who] is not None else {}
        answer = daemon.http(method, path, body, headers, source=ELSEWHERE)
        if answer.status != want:
            wrong.append(f"{method} {path}: {answer.status}, want {want}: {answer.text[:200]}")
        if answer.status in (401, 403):
            assert "eA==" not in answer.text and "BEGIN" not in answer.text, f"{method} {path} tells a secret"
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("path", ["/nothing", "/meshes/default/nothing", "/meshes/default/secrets/missing"])
def test_a_bad_token_is_refused_before_anything_is_told(daemon, credentials, path):
    for who in REFUSED:
        answer = daemon.get(path, headers={"Authorization": credentials[who]}, source=ELSEWHERE)
        assert (answer.status, answer.json["title"]) == (401, "Invalid authentication data"), f"{who}: {answer}"


def test_documents_to_apply_need_the_rights_of_each(daemon, credentials):
    """A secret among others is a plain user's no more than alone, and then nothing is applied."""
    documents = [document("Mesh", "GLOBAL"), document("Secret", "MESH")]
    for who in ("none", "basic", "lower case", "plain user"):
        headers = {"Authorization": credentials[who]} if credentials[who] else {}
        assert daemon.post("/apply", documents, headers=headers, source=ELSEWHERE).status == 403, who


# ---- the local administrator ----
DIRECT = [  # header fields of callers on this machine itself
    {}, {"Host": "127.0.0.1"}, {"Host": "127.0.0.1:5681"}, {"Host": "localhost"}, {"Host": "localhost:1"}, {"Host": "LOCALHOST:5681"},
    {"Host": "[::1]"}, {"Host": "[::1]:5681"}, {"Origin": "http://localhost"}, {"Origin": "http://127.0.0.1:5681"},
    {"Origin": "https://[::1]:5682"}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"},
    {"Origin": "http://localhost:5681", "Sec-Fetch-Site": "same-origin", "Referer": "http://evil.example/"},
    {"Authorization": "Bearer garbage"}, {"User-Agent": "Mozilla/5.0"}, {"Cookie": "a=b"},
]
INDIRECT = [  # callers that a web page, a rebound name or a proxy may have sent
    {"Host": "evil.example"}, {"Host": "evil.example:5681"}, {"Host": ""}, {"Host": "localhost.evil.example"}, {"Host": "localhost."},
    {"Host": "127.0.0.1.evil.example"}, {"Host": "127.0.0.2"}, {"Host": "127.1"}, {"Host": "2130706433"}, {"Host": "0.0.0.0"},
    {"Host": "::1"}, {"Host": "[::ffff:127.0.0.1]"}, {"Host": "[::]"}, {"Host": "localhost:evil"}, {"Host": "localhost:5681@evil"},
    {"Host": "localhost:99999"}, {"Host": "user@localhost"}, {"Host": "localhost/evil"}, {"Host": "localhost, evil"},
    {"Origin": "http://evil.example"}, {"Origin": "https://evil.example:5681"}, {"Origin": "null"}, {"Origin": ""},
    {"Origin": "http://localhost.evil.example"}, {"Origin": "http://127.0.0.1.evil.example"}, {"Origin": "http://localhost@evil.example"},
    {"Origin": "http://evil.example#localhost"}, {"Origin": "http://localhost/evil"}, {"Origin": "file://"}, {"Origin": "localhost"},
    {"Origin": "ftp://localhost"}, {"Origin": "http://192.168.0.1"}, {"Origin": "http://localhost http://evil.example"},
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": ""}, {"Sec-Fetch-Site": "None"},
    {"X-Forwarded-For": "127.0.0.1"}, {"X-Forwarded-Host": "localhost"}, {"X-Forwarded-Proto": "https"}, {"x-forwarded-anything": ""},
    {"X-Forwarded-Client-Cert": "Subject=admin"}, {"X-Forwarded-User": "mesh-system:admin"}, {"X-Forwarded-Port": "5682"},
    {"X-Real-IP": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}, {"Forwarded": ""}, {"Via": "1.1 proxy"},
    {"Host": "localhost", "Origin": "http://localhost", "X-Forwarded-For": "10.0.0.1"},
    {"Host": "evil.example", "Origin": "http://localhost"}, {"Host": "localhost", "Origin": "http://evil.example"},
]


def caller(daemon, headers, source=None):
    """Who that is for the API: the same over HTTP and HTTPS."""
    answers = [daemon.get("/who-am-i", headers=headers, source=source, port=port, tls=tls)
               for port, tls in ((daemon.api_port, False), (daemon.https_port, True))]
    plain, tls = (answer.json["name"] if answer.status == 200 else answer.status for answer in answers)
    assert plain == tls
    return plain


@pytest.mark.parametrize("headers", DIRECT, ids=str)
def test_direct_local_callers_are_the_administrator(daemon, headers):
    assert caller(daemon, headers) == "mesh-system:admin"


@pytest.mark.parametrize("headers", INDIRECT, ids=str)
def test_indirect_callers_are_not(daemon, headers):
    assert caller(daemon, headers) == "mesh-system:anonymous"


@pytest.mark.parametrize("headers", DIRECT + INDIRECT, ids=str)
def test_callers_from_another_address_are_not(daemon, headers):
    assert caller(daemon, headers, source=ELSEWHERE) in ("mesh-system:anonymous", 401)


def test_there_are_enough_combinations():
    assert len(INDIRECT) >= 40 and len({str(headers) for headers in DIRECT + INDIRECT}) == len(DIRECT + INDIRECT)


def test_an_indirect_caller_may_still_show_a_token(daemon, credentials):
    headers = {"Authorization": credentials["admin"], "X-Forwarded-For": "10.0.0.1", "Host": "mesh.example"}
    assert caller(daemon, headers) == "mesh-system:admin"


def test_a_page_of_another_origin_gets_no_permission_to_read(daemon):
    answer = daemon.get("/meshes", headers={"Origin": "http://evil.example"})
    assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    preflight = daemon.http("OPTIONS", "/meshes/x", headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "PUT"})
    assert preflight.status == 405
