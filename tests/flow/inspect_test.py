"""Looking into real Envoys through the control plane: behind the admin port's certificates, and on this machine's own address."""
import base64
import contextlib
import datetime
import ipaddress
import json
import socket
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import ursa
from load import until
from world import World, dataplane, inbound, mesh_document

WHAT = ("xds", "stats", "clusters")


@pytest.fixture(scope="module")
def world():
    with World() as started:
        started.plane.apply(mesh_document("blue", "STRICT"), mesh_document("green", "STRICT"))
        yield started


def at(address, mesh, name, admin=None):
    """A Dataplane that is dialled at that address, where its admin port is offered behind certificates unless it is Envoy's own."""
    own_admin, port, app_port = ursa.free_ports(3)
    document = dataplane(mesh, name, admin or own_admin, [inbound(port, app_port, name, "http")])
    document["networking"]["address"] = address
    return document


def ask(plane, proxy, what, **more):
    return plane.get(f"/meshes/{proxy.mesh}/dataplanes/{proxy.name}/{what}", **more)


@pytest.fixture(scope="module")
def proxies(world):
    """Of each mesh one behind certificates (127.0.0.2) and one without (127.0.0.1), and such whose addresses are host names: to the system "127.2" is one."""
    started = [world.proxy(at(*which)) for which in (("127.0.0.2", "blue", "far"), ("127.0.0.1", "blue", "near"), ("127.0.0.2", "green", "far"),
                                                     ("127.2", "green", "far-name"), ("localhost", "green", "near-name"))]
    for proxy in started:
        proxy.ready()
    # The admin port's listener comes with the first configuration, and is warm when its secrets are there.
    until("the admin port behind certificates", lambda: ask(world.plane, started[0], "stats").status == 200)
    until("the other mesh's too", lambda: ask(world.plane, started[2], "stats").status == 200)
    until("that of a host name", lambda: ask(world.plane, started[3], "stats").status == 200)
    return started


@pytest.mark.parametrize("which", range(5), ids=["with certificates", "on this machine", "in another mesh", "of a name with certificates", "of a name on this machine"])
def test_a_proxy_says_what_it_holds(world, proxies, which):
    proxy = proxies[which]
    dump = ask(world.plane, proxy, "xds")
    assert (dump.status, dump.type) == (200, "application/json")
    kinds = [config["@type"].rsplit(".", 1)[1] for config in dump.json["configs"]]
    assert {"BootstrapConfigDump", "ClustersConfigDump", "ListenersConfigDump", "SecretsConfigDump"} <= set(kinds)
    bootstrap = dump.json["configs"][kinds.index("BootstrapConfigDump")]["bootstrap"]
    assert bootstrap["node"]["id"] == f"{proxy.mesh}.{proxy.name}"
    stats = ask(world.plane, proxy, "stats")
    assert (stats.status, stats.type) == (200, "text/plain") and "server.live: 1" in stats.text
    clusters = ask(world.plane, proxy, "clusters")
    assert (clusters.status, clusters.type) == (200, "text/plain") and "ads_cluster::" in clusters.text


def test_no_token_and_no_key_passes(world, proxies):
    """Envoy's own dump has the token; what the control plane hands out has neither that nor a private key."""
    for proxy in proxies:
        token = (proxy.folder / "token").read_text()
        assert token in proxy.config_dump(), "the dump has no token: this test shows nothing"
        text = ask(world.plane, proxy, "xds").text
        secrets = [c for c in json.loads(text)["configs"] if c["@type"].endswith("SecretsConfigDump")][0]
        assert "private_key" in json.dumps(secrets), "the dump has no keys: this test shows nothing"
        assert token not in text and "PRIVATE KEY" not in text and "LS0tLS1CRUdJTiBQUklWQVRF" not in text
        assert '"[redacted]"' in text


def test_an_address_and_a_port_prove_nothing(world, proxies):
    """A Dataplane that names another proxy's admin port, of its own mesh or of another one, shows nothing of it."""
    far = proxies[0]
    for mesh, address, port in (("green", "127.0.0.2", far.admin_port), ("blue", "127.0.0.2", far.admin_port), ("green", "127.0.0.1", far.admin_port),
                                ("green", "localhost", far.admin_port),
                                ("green", "127.0.0.1", world.plane.diag_port), ("green", "127.0.0.1", world.plane.api_port)):
        world.plane.apply(at(address, mesh, "liar", port))
        for what in WHAT:
            answer = world.plane.get(f"/meshes/{mesh}/dataplanes/liar/{what}")
            assert answer.status == 500 and answer.json["title"] == "Could not execute admin operation", answer
            assert answer.json["detail"].startswith("what listens at the proxy's admin port is") or "answered with status" in answer.json["detail"], answer
            assert "static_resources" not in answer.text and "server.live" not in answer.text


def test_a_name_without_an_address(world):
    world.plane.apply(at("no-such-host.invalid", "blue", "nowhere"))
    answer = world.plane.get("/meshes/blue/dataplanes/nowhere/stats")
    assert answer.status == 500 and answer.json["detail"] == "no address was found for the proxy's host name", answer


# ---- who shows which certificate ----
def issued(host, authority=None):
    """A server certificate for an address or a host name (x509.GeneralName), of that authority (PEM of certificate and key) or of its own; PEM with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "somebody")])
    now = datetime.datetime.now(datetime.timezone.utc)
    issuer = x509.load_pem_x509_certificate(authority) if authority else None
    signer = serialization.load_pem_private_key(authority[authority.index(b"-----BEGIN", 1):], None) if authority else key
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(issuer.subject if issuer else name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(hours=1))
            .add_extension(x509.SubjectAlternativeName([host]), False)
            .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), False).sign(signer, hashes.SHA256()))
    return made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


class TlsServer(threading.Thread):
    """Listens at an address with a certificate, and tells what the first one who gets through asked."""

    def __init__(self, folder, address, port, certificate):
        super().__init__()
        (folder / "pem").write_bytes(certificate)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(folder / "pem")
        self.listener = socket.create_server((address, port))
        self.asked = b""
        self.start()

    def run(self):
        with self.listener, contextlib.suppress(OSError):
            made, _ = self.listener.accept()
            with made, self.context.wrap_socket(made, server_side=True) as connection:
                self.asked = connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")


def ip(text):
    return x509.IPAddress(ipaddress.ip_address(text))


REFUSED = "the certificate of the proxy's admin port is not what it must be: "


@pytest.mark.parametrize("address, ours, certificate, reason", [
    ("127.0.0.2", False, ip("127.0.0.2"), REFUSED + "self-signed certificate"),
    ("127.0.0.2", True, ip("127.0.0.9"), REFUSED + "IP address mismatch"),
    ("127.0.0.2", True, ip("127.0.0.2"), "what listens at the proxy's admin port is not this proxy"),
    ("127.2", True, x509.DNSName("127.9"), REFUSED + "hostname mismatch"),
    ("127.2", True, x509.DNSName("*.2"), REFUSED + "hostname mismatch"),
    ("127.2", True, ip("127.0.0.2"), REFUSED + "hostname mismatch"),
    ("127.2", True, x509.DNSName("127.2"), "what listens at the proxy's admin port is not this proxy"),
], ids=["its own", "ours for another address", "ours", "ours for another name", "ours for many names", "ours for an address, not the name", "ours for the name"])
def test_only_our_certificates_count(world, tmp_path, address, ours, certificate, reason):
    """Whoever cannot show that it is this proxy is not even asked."""
    plane, document = world.plane, at(address, "blue", "foreign")
    authority = base64.b64decode(plane.fetch("/global-secrets/envoy-admin-ca")["data"])
    plane.apply(document)
    server = TlsServer(tmp_path, "127.0.0.2", document["networking"]["admin"]["port"], issued(certificate, authority if ours else None))
    answer = plane.get("/meshes/blue/dataplanes/foreign/stats")
    server.join()
    assert answer.status == 500 and answer.json["detail"] == reason, answer
    assert server.asked.startswith(b"GET /server_info ") == (not reason.startswith(REFUSED)) and b"/stats" not in server.asked


def test_many_may_ask_and_others_are_answered_meanwhile(world, proxies):
    """More at once than there are threads: all are answered, and so is everything else."""
    answers = []

    def one():
        answers.append(ask(world.plane, proxies[0], "stats").status)

    threads = [threading.Thread(target=one) for _ in range(16)]
    for thread in threads:
        thread.start()
    assert world.plane.get("/meshes").status == 200
    for thread in threads:
        thread.join()
    assert answers == [200] * 16
