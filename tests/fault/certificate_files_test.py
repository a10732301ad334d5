"""The control plane's own certificates change on disk: whoever connects gets the new ones, whoever is connected goes on."""
import contextlib
import http.client
import os
import ssl
import threading
import time

import pytest

import ursa
from pki import Cert

LIMIT = 30


def until(what, condition):
    """Asks by connecting, which takes a moment each."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, f"waited {LIMIT} s for {what}"


def shown(port):
    return ssl.get_server_certificate(("127.0.0.1", port), timeout=LIMIT).encode()


class Visitors:
    """Threads that connect again and again, and one connection that stays; every request must be answered."""

    def __init__(self, daemon, n=3):
        self.daemon, self.faults, self.visits = daemon, [], 0
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._come, daemon=True) for _ in range(n)] + [threading.Thread(target=self._stay, daemon=True)]

    def _ask(self, connection):
        connection.request("GET", "/meshes")
        answer = connection.getresponse()
        if answer.status != 200 or not answer.read():
            self.faults.append(answer.status)

    def _connection(self):
        return http.client.HTTPSConnection("127.0.0.1", self.daemon.https_port, context=ssl._create_unverified_context(), timeout=LIMIT)

    def _come(self):
        while not self._stop.is_set():
            try:
                with contextlib.closing(self._connection()) as connection:
                    self._ask(connection)
                    self.visits += 1
            except (OSError, http.client.HTTPException) as fault:
                self.faults.append(fault)

    def _stay(self):
        try:
            with contextlib.closing(self._connection()) as connection:
                connection.connect()
                first = connection.sock
                while not self._stop.is_set():
                    self._ask(connection)
                    if connection.sock is not first:
                        self.faults.append("the connection was closed")
                        return
        except (OSError, http.client.HTTPException) as fault:
            self.faults.append(fault)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()


def rewrite(folder, cert):
    cert.save(folder, "tls")


def rename(folder, cert):
    for file in cert.save(folder, "fresh"):
        os.replace(file, folder / f"tls{file.suffix}")


def relink(folder, cert):
    """As ACME clients do: the folder holds links, each replaced."""
    archive = folder / "archive"
    archive.mkdir(exist_ok=True)
    for file in cert.save(archive, cert.cert.serial_number):
        (folder / "link").symlink_to(file.relative_to(folder))
        os.replace(folder / "link", folder / f"tls{file.suffix}")


def swap(folder, cert):
    """As Kubernetes does: tls.crt -> ..data/tls.crt, and ..data is replaced by one rename."""
    data = folder / f"..{cert.cert.serial_number}"
    data.mkdir()
    cert.save(data, "tls")
    (folder / "..link").symlink_to(data.name)
    os.replace(folder / "..link", folder / "..data")
    for name in ("tls.crt", "tls.key"):
        with contextlib.suppress(FileExistsError):
            (folder / name).symlink_to(f"..data/{name}")


@pytest.mark.parametrize("change", [rewrite, rename, relink, swap])
def test_new_connections_get_the_new_certificate_and_nobody_notices(tmp_path, change):
    certs = [Cert(f"number {n}") for n in range(4)]
    change(tmp_path, certs[0])
    pair = tmp_path / "tls.crt", tmp_path / "tls.key"
    with ursa.running("memory", GENERAL_TLS_CERT_FILE=pair[0], GENERAL_TLS_KEY_FILE=pair[1]) as daemon:
        assert shown(daemon.dp_port) == shown(daemon.https_port) == certs[0].pem
        with Visitors(daemon) as visitors:
            for cert in certs[1:]:
                before = visitors.visits
                change(tmp_path, cert)
                for port in (daemon.dp_port, daemon.https_port):
                    until("the new certificate", lambda port=port, cert=cert: shown(port) == cert.pem)
                until("more visitors", lambda before=before: visitors.visits > before + 10)
        assert not visitors.faults
        until("all three lines", lambda: daemon.log().count("certificates have changed on disk: new connections get them") == 3)


def test_a_bad_pair_changes_nothing_until_it_is_good(tmp_path):
    first, second = Cert("first"), Cert("second")
    cert, key = first.save(tmp_path, "tls")
    with ursa.running("memory", API_SERVER_HTTPS_TLS_CERT_FILE=cert, API_SERVER_HTTPS_TLS_KEY_FILE=key) as daemon:
        daemon.expected_trouble = "certificates have changed on disk and are not used"
        cert.write_bytes(second.pem)  # whose key is another one
        until("the complaint", lambda: "the old ones stay error=" in daemon.log())
        assert "the private key" in daemon.log() and shown(daemon.https_port) == first.pem
        key.write_bytes(second.key_pem)
        until("the new certificate", lambda: shown(daemon.https_port) == second.pem)
        cert.unlink()  # nothing to read: nothing happens
        daemon.reload()  # and who insists is told
        assert "reload failed, nothing changed" in daemon.log() and shown(daemon.https_port) == second.pem
        daemon.expected_trouble += "|reload failed"
        rename(tmp_path, first)
        until("the first one again", lambda: shown(daemon.https_port) == first.pem)


def test_a_bad_reload_leaves_those_in_force_followed(tmp_path):
    """SIGHUP reads a configuration that names another pair, which is no good: the one before stays, and is followed as before."""
    first, second = Cert("first"), Cert("second")
    cert, key = first.save(tmp_path, "tls")
    text = "general: {tlsCertFile: %s, tlsKeyFile: %s}\n"
    daemon = ursa.Daemon("memory", file=text % (cert, key)).start()
    try:
        daemon.expected_trouble = "reload failed|are not used"
        (daemon.work_dir / "ursa.yaml").write_text(text % (daemon.work_dir / "nothing.crt", key))
        daemon.reload()
        assert "reload failed, nothing changed" in daemon.log() and shown(daemon.dp_port) == first.pem
        rename(tmp_path, second)
        until("the new certificate", lambda: shown(daemon.dp_port) == second.pem)
    finally:
        daemon.stop()


def test_the_doctor_looks_at_those_in_force(tmp_path):
    first, second = Cert("first", days=(-1, 100)), Cert("second", days=(-1, 5))
    pairs = [cert.save(tmp_path, name) for cert, name in ((first, "first"), (second, "second"))]
    text = "general: {tlsCertFile: %s, tlsKeyFile: %s}\n"

    def found():
        return {f["resource"] for f in daemon.get("/doctor").json["findings"] if f["id"] == "server-certificate-expires"}

    daemon = ursa.Daemon("memory", file=text % pairs[0]).start()
    try:
        daemon.expected_trouble = "finding=server-certificate-expires"
        assert not found()
        (daemon.work_dir / "ursa.yaml").write_text(text % pairs[1])
        daemon.reload()
        assert found() == {str(pairs[1][0])}
        until("the watch to tell of it", lambda: f"certificate={pairs[1][0]}" in daemon.log())
    finally:
        daemon.stop()


def test_what_else_is_written_beside_them_changes_nothing(tmp_path):
    """The store and the log are beside the certificate that the daemon made itself."""
    with ursa.running("sqlite") as daemon:
        for n in range(20):
            assert daemon.put(f"/meshes/m{n}", {"type": "Mesh", "name": f"m{n}"}).status == 201
            (daemon.work_dir / "other").write_text(str(n))
        made = Cert("made by hand")
        for file, text in (("ursa-cp.crt", made.pem), ("ursa-cp.key", made.key_pem)):
            (daemon.work_dir / file).write_bytes(text)
        until("the new certificate", lambda: shown(daemon.dp_port) == made.pem)
        until("the line about it", lambda: "certificates have changed on disk" in daemon.log())  # which comes after it
        assert daemon.log().count("certificates have changed on disk") == 1


def test_clients_certificates_are_followed(tmp_path):
    ca = Cert("clients", ca=True)
    pair = Cert("client", by=ca).save(tmp_path, "client")
    folder = tmp_path / "clients"
    folder.mkdir()
    (folder / "other.pem").write_bytes(Cert("others", ca=True).pem)
    context = ssl._create_unverified_context()
    context.load_cert_chain(*pair)

    def is_good():
        with contextlib.suppress(OSError):
            return daemon.get("/meshes", port=daemon.https_port, tls=context).status == 200

    with ursa.running("memory", API_SERVER_AUTH_CLIENT_CERTS_DIR=folder, API_SERVER_HTTPS_REQUIRE_CLIENT_CERT="true") as daemon:
        assert not is_good()
        (folder / "ca.pem").write_bytes(ca.pem)
        until("it to be good", is_good)
        (folder / "ca.pem").write_bytes(Cert("others", ca=True).pem)
        until("it to be good no more", lambda: not is_good())
