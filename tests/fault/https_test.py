"""The API over HTTPS: the same API, and clients with certificates."""
import contextlib
import http.client
import signal
import socket
import ssl
import subprocess
import time

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

import ursa
from pki import Cert

from access_test import ELSEWHERE, issue_user


# ---- certificates ----
def context(pair=None):
    made = ssl._create_unverified_context()
    if pair:
        made.load_cert_chain(*pair)
    return made


def ask(daemon, path="/who-am-i", tls=True, source=ELSEWHERE, **more):
    return daemon.get(path, port=daemon.https_port, tls=tls, source=source, **more)


def who(daemon, tls, **more):
    """The caller's name, or that there was no connection."""
    try:
        return ask(daemon, tls=tls, **more).json["name"]
    except (ssl.SSLError, OSError, http.client.HTTPException):
        return "refused"


# ---- the same API ----
def test_it_is_the_same_api(daemon):
    made = daemon.put("/meshes/tls", {"type": "Mesh", "name": "tls"}, port=daemon.https_port, tls=True)
    assert made.status == 201 and made.headers["Ursa-Revision"]
    for path in ("/", "/meshes/tls", "/policies", "/nothing", "/meshes/tls/timeouts/x"):
        plain, secure = daemon.get(path), ask(daemon, path, source=None)
        assert (plain.status, plain.text, plain.type) == (secure.status, secure.text, secure.type)
    assert daemon.delete("/meshes/tls", port=daemon.https_port, tls=True).status == 200


def test_the_next_page_is_on_the_same_port(daemon):
    page = ask(daemon, "/traffic-routes?size=1", source=None).json
    for name in ("a", "b"):
        daemon.put(f"/meshes/{name}", {"type": "Mesh", "name": name})
    page = ask(daemon, "/traffic-routes?size=1", source=None).json
    assert page["next"] == f"https://127.0.0.1:{daemon.https_port}/traffic-routes?offset=1&size=1"
    assert daemon.get("/traffic-routes?size=1").json["next"].startswith(f"http://127.0.0.1:{daemon.api_port}/")


def test_a_connection_serves_many_requests(daemon):
    with contextlib.closing(http.client.HTTPSConnection("127.0.0.1", daemon.https_port, context=context(), timeout=30)) as connection:
        for i in range(100):
            connection.request("GET", "/meshes/default" if i % 2 else "/nothing")
            answer = connection.getresponse()
            answer.read()
            assert answer.status == (200 if i % 2 else 404)


@pytest.mark.parametrize("offered, chosen", [(["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"), ([], None), (["h2"], "refused")], ids=str)
def test_http_1_is_what_it_speaks(daemon, offered, chosen):
    made = context()
    if offered:
        made.set_alpn_protocols(offered)
    try:
        with socket.create_connection(("127.0.0.1", daemon.https_port)) as raw, made.wrap_socket(raw) as wrapped:
            got = wrapped.selected_alpn_protocol()
    except ssl.SSLError:
        got = "refused"
    assert got == chosen


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_versions(daemon, version):
    made = context()
    made.minimum_version = made.maximum_version = version
    assert ask(daemon, tls=made).status == 200


def test_old_tls_is_refused(daemon):
    made = context()
    made.set_ciphers("ALL:@SECLEVEL=0")
    made.minimum_version = ssl.TLSVersion.TLSv1
    made.maximum_version = ssl.TLSVersion.TLSv1_1
    assert who(daemon, made) == "refused"


def test_a_plain_request_on_the_tls_port_gets_nothing(daemon):
    with pytest.raises((OSError, http.client.HTTPException)):
        daemon.get("/", port=daemon.https_port)


def test_by_default_it_uses_the_certificate_of_the_proxies_port(daemon):
    made = ssl.create_default_context(cafile=daemon.work_dir / "ursa-cp.crt")
    made.check_hostname = False
    assert ask(daemon, tls=made).status == 200


def test_each_transport_can_be_switched_off():
    with ursa.running("memory", API_SERVER_HTTP_ENABLED="false") as daemon:
        assert ask(daemon, source=None).json["name"] == "mesh-system:admin"
        with pytest.raises(ConnectionRefusedError):
            daemon.get("/")
    with ursa.running("memory", API_SERVER_HTTPS_ENABLED="false") as daemon:
        assert daemon.get("/").status == 200
        with pytest.raises(ConnectionRefusedError):
            ask(daemon, source=None)


def test_it_has_as_many_connections_as_configured():
    with ursa.running("memory", API_SERVER_MAX_CONNECTIONS="8", LOG_LEVEL="error") as daemon, contextlib.ExitStack() as stack:
        for _ in range(8):
            raw = stack.enter_context(socket.create_connection(("127.0.0.1", daemon.https_port)))
            stack.enter_context(context().wrap_socket(raw))
        assert who(daemon, True) == "refused"


# ---- clients' certificates ----
@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    """name -> files of a certificate and its key; the folder 'good' holds what is trusted."""
    folder = tmp_path_factory.mktemp("pki")
    good = folder / "good"
    good.mkdir()
    ca, other = Cert("ca", ca=True), Cert("other", ca=True)
    own, leaf_ca = Cert("self-signed"), Cert("unknown", ca=True)
    listed = Cert("listed", by=leaf_ca)
    certs = {
        "of the CA": Cert("jane", by=ca), "for clients": Cert("jim", by=ca, usage=ExtendedKeyUsageOID.CLIENT_AUTH),
        "listed, self-signed": own, "listed, of an unknown CA": listed,
        "of another CA": Cert("mallory", by=other), "beside a listed one": Cert("mallory", by=leaf_ca), "self-signed": Cert("self-signed"),
        "expired": Cert("old", by=ca, days=(-3, -1)), "not yet valid": Cert("young", by=ca, days=(1, 3)),
        "for servers": Cert("server", by=ca, usage=ExtendedKeyUsageOID.SERVER_AUTH), "of one that is no CA": Cert("x", by=own),
    }
    (good / "ca.pem").write_bytes(ca.pem)
    (good / "own.crt").write_bytes(own.pem + listed.pem)
    (good / "readme.txt").write_text("no certificate, and nobody reads it")
    pairs = {name: cert.save(folder, name.replace(" ", "-")) for name, cert in certs.items()}
    return good, pairs


GOOD = ["of the CA", "for clients", "listed, self-signed", "listed, of an unknown CA"]
BAD = ["of another CA", "beside a listed one", "self-signed", "expired", "not yet valid", "for servers", "of one that is no CA"]


def test_a_good_certificate_makes_the_administrator(pki):
    folder, pairs = pki
    assert set(pairs) == set(GOOD + BAD)
    with ursa.running("memory", API_SERVER_AUTHN_TYPE="adminClientCerts", API_SERVER_AUTH_CLIENT_CERTS_DIR=folder) as daemon:
        token = {"Authorization": f"Bearer {issue_user(daemon, 'john', ['mesh-system:admin'])}"}
        for name in GOOD:
            assert who(daemon, context(pairs[name])) == "mesh-system:admin", name
            assert ask(daemon, "/global-secrets", tls=context(pairs[name])).status == 200
            # It is the connection's, whatever is forwarded over it.
            assert who(daemon, context(pairs[name]), headers={"X-Forwarded-For": "10.0.0.1", "Host": "mesh.example"}) == "mesh-system:admin"
        for name in BAD:
            assert who(daemon, context(pairs[name])) == "refused", name
        assert who(daemon, context()) == "mesh-system:anonymous"
        for header in ("X-Forwarded-Client-Cert", "X-Client-Cert", "X-SSL-Client-Verify", "Ssl-Client-Cert"):
            assert who(daemon, context(), headers={header: "SUCCESS"}) == "mesh-system:anonymous"
        # Tokens count for nothing here, good or bad, over both transports.
        for headers in (token, {"Authorization": "Bearer garbage"}):
            assert who(daemon, context(), headers=headers) == "mesh-system:anonymous"
            assert daemon.get("/who-am-i", headers=headers, source=ELSEWHERE).json["name"] == "mesh-system:anonymous"
        assert who(daemon, context(), source=None) == "mesh-system:admin"  # this machine, as ever


def test_where_tokens_count_a_certificate_makes_nobody(pki):
    folder, pairs = pki
    with ursa.running("memory", API_SERVER_AUTH_CLIENT_CERTS_DIR=folder) as daemon:
        token = {"Authorization": f"Bearer {issue_user(daemon, 'john')}"}
        assert who(daemon, context(pairs["of the CA"])) == "mesh-system:anonymous"
        assert who(daemon, context(pairs["of the CA"]), headers=token) == "john"
        assert who(daemon, context(pairs["of another CA"])) == "refused"
    with ursa.running("memory") as daemon:  # nobody is asked: whatever a client has is not looked at
        assert who(daemon, context(pairs["of another CA"])) == "mesh-system:anonymous"


def test_a_certificate_can_be_required(pki):
    folder, pairs = pki
    with ursa.running("memory", API_SERVER_AUTH_CLIENT_CERTS_DIR=folder, API_SERVER_HTTPS_REQUIRE_CLIENT_CERT="true") as daemon:
        assert who(daemon, context()) == "refused"
        assert who(daemon, context(), source=None) == "refused"
        token = {"Authorization": f"Bearer {issue_user(daemon, 'john')}"}
        assert who(daemon, context(pairs["of the CA"]), headers=token) == "john"
        assert daemon.post("/bootstrap", {}, port=daemon.dp_port, tls=True).status != 200  # proxies are not asked


def test_a_certificate_that_is_taken_away_is_good_no_more(pki, tmp_path):
    """Its open connection ends, and it does not live on in a session ticket."""
    good, pairs = pki
    folder = tmp_path / "certs"
    folder.mkdir()
    for file in good.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    with ursa.running("memory", API_SERVER_AUTHN_TYPE="adminClientCerts", API_SERVER_AUTH_CLIENT_CERTS_DIR=folder) as daemon:
        made, stays = context(pairs["of the CA"]), context(pairs["listed, self-signed"])
        with contextlib.closing(http.client.HTTPSConnection("127.0.0.1", daemon.https_port, context=made, timeout=30, source_address=(ELSEWHERE, 0))) as c:
            c.request("GET", "/global-secrets")
            answer = c.getresponse()
            assert answer.status == 200 and answer.read()
            (folder / "ca.pem").unlink()
            daemon.reload()
            assert c.sock.recv(1) == b""  # ended
        assert who(daemon, made) == "refused" and who(daemon, stays) == "mesh-system:admin"


def until_shown(port, pem):
    """Each loop takes a new certificate when its turn comes."""
    deadline = time.monotonic() + 30
    while ssl.get_server_certificate(("127.0.0.1", port)).encode() != pem:
        assert time.monotonic() < deadline, "it shows the old certificate"


def test_a_new_certificate_of_the_server_ends_no_connection(pki, tmp_path):
    """Also not those of clients with certificates, while those are as good as before."""
    good, pairs = pki
    cert, key = Cert("first").save(tmp_path, "https")
    with ursa.running("memory", API_SERVER_AUTHN_TYPE="adminClientCerts", API_SERVER_AUTH_CLIENT_CERTS_DIR=good,
                      API_SERVER_HTTPS_TLS_CERT_FILE=cert, API_SERVER_HTTPS_TLS_KEY_FILE=key) as daemon:
        made = context(pairs["of the CA"])
        with contextlib.closing(http.client.HTTPSConnection("127.0.0.1", daemon.https_port, context=made, timeout=30, source_address=(ELSEWHERE, 0))) as c:
            c.connect()
            sock = c.sock
            for name in ("first", "second"):
                c.request("GET", "/global-secrets")
                answer = c.getresponse()
                assert answer.status == 200 and answer.read() and c.sock is sock
                Cert(name).save(tmp_path, "https")
                daemon.reload()
                until_shown(daemon.https_port, cert.read_bytes())


def test_a_reload_brings_another_certificate_and_a_bad_one_changes_nothing(tmp_path):
    first, second = Cert("first"), Cert("second")
    cert, key = first.save(tmp_path, "https")
    with ursa.running("memory", API_SERVER_HTTPS_TLS_CERT_FILE=cert, API_SERVER_HTTPS_TLS_KEY_FILE=key) as daemon:
        def shown():
            return ssl.get_server_certificate(("127.0.0.1", daemon.https_port)).encode()

        assert shown() == first.pem
        assert ssl.get_server_certificate(("127.0.0.1", daemon.dp_port)).encode() != first.pem
        daemon.expected_trouble = "reload failed, nothing changed|certificates have changed on disk and are not used"
        cert.write_bytes(second.pem)  # whose key is another one
        daemon.reload()
        assert shown() == first.pem and "reload failed" in daemon.log()
        second.save(tmp_path, "https")
        daemon.reload()
        until_shown(daemon.https_port, second.pem)


@pytest.mark.parametrize("settings, want", [
    ({"API_SERVER_HTTPS_TLS_CERT_FILE": "x"}, "apiServer.https.tlsKeyFile: must be set too: certificate and key go together"),
    ({"API_SERVER_AUTHN_TYPE": "adminClientCerts"}, "apiServer.auth.clientCertsDir: must be set too: apiServer.authn.type asks for client certificates"),
    ({"API_SERVER_HTTPS_REQUIRE_CLIENT_CERT": "true"},
     "apiServer.auth.clientCertsDir: must be set too: apiServer.https.requireClientCert asks for client certificates"),
    ({"API_SERVER_AUTHN_TYPE": "password"}, 'URSA_API_SERVER_AUTHN_TYPE: must be tokens or adminClientCerts, not "password"'),
    ({"API_SERVER_AUTH_CLIENT_CERTS_DIR": "/nonexistent"}, "apiServer.auth.clientCertsDir /nonexistent: No such file or directory"),
    ({"API_SERVER_HTTPS_INTERFACE": "localhost"}, "localhost"),
])
def test_what_keeps_it_from_starting(settings, want):
    with pytest.raises(AssertionError) as refused:
        ursa.Daemon("memory", **settings).start()
    assert want in str(refused.value)


def test_a_folder_without_certificates_makes_nobody(tmp_path, pki):
    with ursa.running("memory", API_SERVER_AUTHN_TYPE="adminClientCerts", API_SERVER_AUTH_CLIENT_CERTS_DIR=tmp_path) as daemon:
        assert "no client certificate is good" in daemon.log()
        assert who(daemon, context(pki[1]["of the CA"])) == "refused" and who(daemon, context()) == "mesh-system:anonymous"


def test_a_folder_with_garbage_is_refused(tmp_path):
    (tmp_path / "x.pem").write_text("-----BEGIN CERTIFICATE-----\ngarbage\n-----END CERTIFICATE-----\n")
    with pytest.raises(AssertionError) as refused:
        ursa.Daemon("memory", API_SERVER_AUTH_CLIENT_CERTS_DIR=tmp_path).start()
    assert "the certificates of clients cannot be read" in str(refused.value)


def test_stopping_answers_what_was_asked():
    """An idle HTTPS connection does not hold the stop up."""
    with ursa.running("memory") as other:
        with contextlib.closing(http.client.HTTPSConnection("127.0.0.1", other.https_port, context=context(), timeout=30)) as connection:
            connection.request("GET", "/meshes")
            answer = connection.getresponse()
            assert answer.status == 200 and answer.read()
            other.process.send_signal(signal.SIGTERM)
            assert connection.sock.recv(1) == b""


# ---- ursactl ----
def ursactl(*arguments):
    done = subprocess.run([ursa.BUILD / "ursactl", *map(str, arguments)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_ursactl_verifies_and_shows_certificates(pki, tmp_path):
    folder, pairs = pki
    with ursa.running("memory", API_SERVER_AUTH_CLIENT_CERTS_DIR=folder, API_SERVER_HTTPS_REQUIRE_CLIENT_CERT="true") as daemon:
        at, trusting = ("--address", f"https://localhost:{daemon.https_port}"), ("--ca-cert-file", daemon.work_dir / "ursa-cp.crt")
        cert, key = pairs["of the CA"]
        shown = ("--client-cert-file", cert, "--client-key-file", key)
        status, out, err = ursactl("get", "meshes", *at, *trusting, *shown)
        assert status == 0 and "default" in out, err
        for arguments in (trusting, (*trusting, "--client-cert-file", pairs["of another CA"][0], "--client-key-file", pairs["of another CA"][1]),
                          (*shown, "--ca-cert-file", cert)):
            status, out, err = ursactl("get", "meshes", *at, *arguments)
            assert status != 0 and not out and err, arguments
        # As an entry of the configuration, with kumactl's flags.
        config = ("--config-file", tmp_path / "ursactl.yaml")
        status, out, err = ursactl("config", "control-planes", "add", "--name", "tls", *at, *trusting, *shown, *config)
        assert status == 0, err
        status, out, err = ursactl("get", "meshes", *config)
        assert status == 0 and "default" in out, err
