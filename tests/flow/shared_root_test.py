"""Two meshes whose operator gave both the same CA, an intermediate under one root: what keeps them apart is the name in the certificates."""
import contextlib
import socket
import ssl

import pytest

import ads
import pb
from load import call, tcp_call, until
from pki import Cert
from world import World, dataplane, inbound


def mesh_document(name, mode, issuing, root):
    conf = {"cert": {"inlineString": (issuing.pem + root.pem).decode()}, "key": {"inlineString": issuing.key_pem.decode()}}
    return {"type": "Mesh", "name": name, "mtls": {"enabledBackend": "corp", "backends": [
        {"name": "corp", "type": "provided", "mode": mode, "conf": conf}]}}


@pytest.fixture(scope="module")
def authorities():
    root = Cert("corporate root", ca=True, path_length=1)
    return Cert("meshes", by=root, ca=True, path_length=0), root


@pytest.fixture(scope="module", params=["STRICT", "PERMISSIVE"])
def meshes(request, authorities):
    with World() as world:
        world.plane.apply(*(mesh_document(name, request.param, *authorities) for name in ("blue", "green")))
        yield world.pairs("blue", "green", brought=False)


@pytest.fixture(scope="module")
def leaf(meshes, tmp_path_factory):
    """A certificate of blue with its key, as the control plane sends them to a proxy of blue: paths."""
    plane, name = meshes[0].world.plane, "identity_cert:secret:blue"
    plane.put_document(dataplane("blue", "spy", 9901, [inbound(meshes[0].port["web"], 1, "web", "http")]))
    with ads.Client(plane, "blue", "spy", token=plane.token("blue", "spy")) as client:
        client.ask("sds", [name])
        secret = client.next().resources[name]
    pair = pb.first(secret, 2)
    folder = tmp_path_factory.mktemp("leaf")
    for file, number in (("tls.crt", 1), ("tls.key", 2)):
        (folder / file).write_bytes(bytes(pb.first(pb.first(pair, number), 2)))
    plane.remove(dataplane("blue", "spy", 9901, []))
    return folder / "tls.crt", folder / "tls.key"


def ask_with(leaf, port, request):
    """What an inbound answers to a client that shows this certificate and trusts everybody; "" when it ends the connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["kuma"])
    context.load_cert_chain(*leaf)
    answer = b""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        with context.wrap_socket(plain) as secured:
            secured.sendall(request)
            while b"\n" not in answer:
                more = secured.recv(1000)
                if not more:
                    break
                answer += more
    return answer.decode()


HTTP = b"GET / HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n"


def test_both_work_under_one_root(meshes, authorities):
    issuing, root = authorities
    for pair in meshes:
        assert call(pair.port["to_api"]).app in (f"{pair.mesh}-api-v1", f"{pair.mesh}-api-v2")
        until("TLS between the proxies", lambda pair=pair: f"URI=spiffe://{pair.mesh}/web" in
              call(pair.port["to_api"]).json["headers"].get("x-forwarded-client-cert", ""))
        assert tcp_call(pair.port["to_db"], "query") == f"{pair.mesh}-db: query"
        known = pair.web.certificates()
        assert {int(c["serial"], 16) for c in known if c["ca"]} >= {root.cert.serial_number}, known
        assert issuing.cert.serial_number not in {int(c["serial"], 16) for c in known if c["ca"]}, "the bundle is the root alone"


def test_the_leaf_is_good_in_its_own_mesh(meshes, leaf):
    """Or nothing below would mean anything."""
    blue = meshes[0]
    assert ask_with(leaf, blue.port["api1"], HTTP).startswith("HTTP/1.1 200")
    assert ask_with(leaf, blue.port["db"], b"query\n") == "blue-db: query\n"


@pytest.mark.parametrize("port, request_", [("api1", HTTP), ("api2", HTTP), ("db", b"query\n")])
def test_a_leaf_of_one_mesh_is_refused_by_the_other(meshes, leaf, port, request_):
    green = meshes[1]
    apps = green.apps.values()
    before = [app.requests for app in apps]
    refused = f"listener.127.0.0.1_{green.port[port]}.ssl.fail_verify_san"
    denied = green.backend.stat(refused)
    for n in range(1, 4):
        assert ask_with(leaf, green.port[port], request_) == ""
        until("Envoy's count", lambda n=n: green.backend.stat(refused) == denied + n)
    assert before == [app.requests for app in apps], "an application was reached"


@pytest.mark.parametrize("meshes", ["STRICT"], indirect=True)
def test_a_client_refuses_the_servers_of_the_other_mesh(meshes):
    """Somebody in blue registers the address of green's api as a service of blue. (PERMISSIVE would let clients speak in plain text to it.)"""
    blue, green = meshes
    plane = blue.world.plane
    stolen = dataplane("blue", "stolen", 9901, [inbound(green.port["api1"], 1, "other-api", "http", version="v1")])
    before = [app.requests for app in green.apps.values()]
    plane.put_document(stolen)
    try:
        reply = until("blue to try", lambda: (r := call(blue.port["to_other"])).status and r)
        assert reply.status == 503, reply
        assert blue.web.stat("cluster.other-api.ssl.fail_verify_san") > 0
        assert blue.web.stat("cluster.other-api.ssl.handshake") == 0
        assert before == [app.requests for app in green.apps.values()]
    finally:
        plane.remove(stolen)
