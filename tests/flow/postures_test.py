"""A mesh changes its CA, and turns mutual TLS on and off, without a request lost: whatever single PUT the operator sends (decision 21)."""
import base64
import contextlib
import datetime
import os
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from load import LIMIT, Load, Shakes, until
from sse import Stream
from ursa import BUILD
from world import World, mesh_document

# URSA_TEST_ROTATIONS=5 URSA_TEST_REQUESTS=10000 for what is promised; each rotation has so many requests.
ROTATIONS, REQUESTS = int(os.environ.get("URSA_TEST_ROTATIONS", 1)), int(os.environ.get("URSA_TEST_REQUESTS", 300))
ARRIVAL = 20  # seconds until a mesh has to have arrived at the new posture


@pytest.fixture(params=["delta", "sotw"])
def world(request):
    with World(BOOTSTRAP_SERVER_PARAMS_XDS_TRANSPORT=request.param) as started:
        started.plane.apply(mesh_document("blue"), mesh_document("green", "STRICT"))
        yield started


def blue(enabled=None, mode="STRICT", backends=("ca-1",)):
    document = {"type": "Mesh", "name": "blue"}
    if enabled:
        document["mtls"] = {"enabledBackend": enabled, "backends": [
            name if isinstance(name, dict) else {"name": name, "type": "builtin", "mode": mode} for name in backends]}
    return document


def provided(name, days=365):
    """A backend with a root of the operator's that lives so long, and that root."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.timezone.utc)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    usage = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
                           "decipher_only"), False)
    root = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier("spiffe://blue")]), critical=False)
            .add_extension(x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True).sign(key, hashes.SHA256()))
    pem = root.public_bytes(serialization.Encoding.PEM)
    key_pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {"name": name, "type": "provided", "conf": {"cert": {"inlineString": pem.decode()}, "key": {"inlineString": key_pem.decode()}}}, pem


@contextlib.contextmanager
def arriving(plane):
    """Ends when the mesh has arrived where the block sends it; the events of the way."""
    steps = []
    with Stream(plane.api_port, "?mesh=blue&event=ca", timeout=ARRIVAL).greeted() as events:
        yield steps
        for event in events:
            steps.append(event.data)
            if event.data["state"] == "arrived":
                return
    raise AssertionError(f"the mesh did not arrive: {steps}")


def go(plane, *documents):
    """One PUT after the other, each when the mesh has arrived at the one before."""
    for document in documents:
        with arriving(plane) as steps:
            plane.put_document(document, wait=False)
    return steps


def builtin(plane, backend):
    """The root of a builtin backend."""
    return base64.b64decode(plane.fetch(f"/meshes/blue/secrets/blue.ca-builtin-cert-{backend}")["data"])


def knows(proxy, root):
    """Whether its Envoy has that root in what it was told, or in use."""
    serial = f"{x509.load_pem_x509_certificate(root).serial_number:x}"
    return base64.b64encode(root).decode() in proxy.config_dump() or any(c["ca"] and c["serial"].lstrip("0") == serial for c in proxy.certificates())


def test_mtls_goes_on_and_off_by_single_puts(world):
    plane, (pair, other) = world.plane, world.pairs("blue", "green")
    with Load(pair.port["to_api"]) as load, Load(other.port["to_api"]) as beside:
        for mode in ("STRICT", "PERMISSIVE", "STRICT"):
            go(plane, blue("ca-1", mode))
            until("TLS", lambda: pair.web.stats(r"^cluster\.api\.ssl\.handshake$").get("cluster.api.ssl.handshake"))
            load.go_on()
        go(plane, blue(), blue("ca-1", "PERMISSIVE"), blue())
        load.go_on()
    load_check(load), beside.check()


def load_check(load):
    """No request failed; that a listener closes a connection, gracefully, is how inbounds change."""
    assert not load.failures, f"{len(load.failures)} of {load.requests} requests failed, the first: {load.failures[0]}"


def test_a_change_of_mind_on_the_way_loses_nothing(world):
    plane, (pair,) = world.plane, world.pairs("blue")
    with Load(pair.port["to_api"]) as load:
        for mode in ("STRICT", None, "STRICT", "PERMISSIVE", None):
            plane.put_document(blue(mode and "ca-1", mode))
            load.go_on(20)
        go(plane, blue("ca-1"))
        load.go_on()
    load_check(load)


def test_a_mesh_changes_its_ca(world):
    plane, (pair,) = world.plane, world.pairs("blue")
    go(plane, blue("ca-1"))
    with Load(pair.port["to_api"]) as load:
        plane.put_document(blue("ca-1", backends=("ca-1", "ca-2")))
        first, second = builtin(plane, "ca-1"), builtin(plane, "ca-2")
        until("both to be trusted", lambda: all(knows(p, first) and knows(p, second) for p in pair.proxies))
        go(plane, blue("ca-2", backends=("ca-1", "ca-2")), blue("ca-2", backends=("ca-2",)))
        assert_only(pair, second, first)
        load.go_on()
        steps = go(plane, blue("ca-3", backends=("ca-3",)))
        assert [step["state"] for step in steps] == ["begun", "step", "arrived"], steps
        assert_only(pair, builtin(plane, "ca-3"), second)
        load.go_on()
    load.check()


def assert_only(pair, new, old):
    for proxy in pair.proxies:
        until(f"{proxy} to have the new root only", lambda p=proxy: knows(p, new) and not knows(p, old), LIMIT)


def test_a_mesh_changes_to_a_ca_of_the_operators_and_to_the_next(world):
    plane, (pair,) = world.plane, world.pairs("blue")
    go(plane, blue("ca-1"))
    (one, first), (two, second) = provided("theirs"), provided("next")
    before = builtin(plane, "ca-1")
    with Load(pair.port["to_api"]) as load:
        go(plane, blue("theirs", backends=(one,)))
        assert_only(pair, first, before)
        load.go_on()
        go(plane, blue("next", backends=(two,)))
        assert_only(pair, second, first)
        load.go_on()
    load.check()


def test_a_new_control_plane_goes_on_where_the_last_one_ended(world):
    plane, (pair,) = world.plane, world.pairs("blue")
    go(plane, blue("ca-1"))
    with Load(pair.port["to_api"]) as load:
        first = builtin(plane, "ca-1")
        plane.put_document(blue("ca-2", backends=("ca-2",)))
        second = builtin(plane, "ca-2")
        plane.kill()
        plane.start()
        until("the new CA only", lambda: all(knows(p, second) and not knows(p, first) for p in pair.proxies), 90)
        load.go_on()
    load.check()


def rotate(plane):
    """As an operator does it; what ursactl tells."""
    done = subprocess.run([str(BUILD / "ursactl"), "--no-config", "--address", f"http://127.0.0.1:{plane.api_port}", "rotate", "ca", "--mesh", "blue"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done
    return done.stdout


def serve_on(load, shakes):
    """Half of the requests before, half after what comes next."""
    end = load.requests + shakes.calls + REQUESTS // 2
    while load.requests + shakes.calls < end:
        load.go_on(20)


def test_rotations_lose_neither_requests_nor_handshakes(world):
    plane, (pair,) = world.plane, world.pairs("blue")
    go(plane, blue("ca-1"))
    for _ in range(ROTATIONS):
        (one, first), (two, second) = provided("theirs"), provided("next")
        ways = [("builtin to builtin", lambda: rotate(plane), lambda: builtin(plane, "ca-1")),
                ("builtin to provided", lambda one=one: go(plane, blue("theirs", backends=(one,))), lambda first=first: first),
                ("provided to provided", lambda two=two: go(plane, blue("next", backends=(two,))), lambda second=second: second)]
        old = builtin(plane, "ca-1")
        for way, change, new in ways:
            with Load(pair.port["to_api"]) as load, Shakes(pair.port["to_db"]) as shakes:
                serve_on(load, shakes)
                change()
                assert_only(pair, new(), old)
                serve_on(load, shakes)
            load.check(), shakes.check()
            old = new()
            print(f"{way}: {load.requests} requests, {shakes.calls} handshakes, none failed")
        go(plane, blue("ca-1"))
