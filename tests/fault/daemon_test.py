"""What keeps ursa-cp from starting, what it says then and how it ends; signals; the service manager's protocol."""
import base64
import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import ursa  # noqa: E402

PORTS = ("API_SERVER_HTTP_PORT", "DP_SERVER_PORT", "DIAGNOSTICS_SERVER_PORT", "API_SERVER_HTTPS_PORT")


class Process:
    """ursa-cp with a service manager that listens. Unlike ursa.Daemon it may fail to start."""

    def __init__(self, folder, *arguments, **settings):
        self.settings = {"STORE_TYPE": "memory", "GENERAL_WORK_DIR": folder, **dict(zip(PORTS, ursa.free_ports(len(PORTS)))), **settings}
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("URSA_", "KUMA_", "NOTIFY_"))}
        self._log = open(folder / f"log-{self.settings[PORTS[0]]}", "w+b")
        self._notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notify.bind(f"\0ursa-test-{os.getpid()}-{self.settings[PORTS[0]]}")
        self._notify.settimeout(ursa.START_LIMIT)
        self._process = subprocess.Popen(
            [ursa.BUILD / "ursa-cp", "run", *arguments], stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
            env={**kept, **{"URSA_" + k: str(v) for k, v in self.settings.items()},
                 "NOTIFY_SOCKET": self._notify.getsockname().replace(b"\0", b"@").decode()})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self._log.close()
        self._notify.close()

    def said(self):
        """What it tells the service manager next."""
        return self._notify.recv(100).decode()

    def signal(self, number):
        self._process.send_signal(number)

    def log(self):
        return pathlib.Path(self._log.name).read_text()

    def end(self):
        """(exit status, log) after its end; a sanitizer's report is a failure."""
        status = self._process.wait(ursa.STOP_LIMIT)
        text = self.log()
        assert "Sanitizer" not in text and "runtime error" not in text, text
        return status, text

    def certificate(self):
        return ssl.get_server_certificate(("127.0.0.1", self.settings["DP_SERVER_PORT"]))

    def bootstrap(self):
        """The bootstrap of a proxy that brings its Dataplane: what Envoy would start with."""
        resource = {"type": "Dataplane", "mesh": "default", "name": "p",
                    "networking": {"address": "127.0.0.1", "inbound": [{"port": 1, "servicePort": 2, "tags": {"kuma.io/service": "p"}}]}}
        connection = http.client.HTTPSConnection("127.0.0.1", self.settings["DP_SERVER_PORT"], timeout=10,
                                                 context=ssl._create_unverified_context())
        connection.request("POST", "/bootstrap", json.dumps({"mesh": "default", "name": "p", "dataplaneResource": json.dumps(resource)}))
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        assert answer.status == 200, text
        return text


def refuses(folder, *words, status=1, arguments=(), **settings):
    """Asserts that a start ends with this status, and with one message that has all the words."""
    with Process(folder, *arguments, **settings) as process:
        got, log = process.end()
    assert got == status and any(all(str(word) in line for word in words) for line in log.splitlines()), f"{got}:\n{log}"


@contextlib.contextmanager
def running(folder, *arguments, **settings):
    """A started daemon; at the end it must stop in order."""
    with Process(folder, *arguments, **settings) as process:
        assert process.said() == "READY=1", process.log()
        yield process
        process.signal(signal.SIGTERM)
        assert process.said() == "STOPPING=1"
        assert process.end()[0] == 0


def make_pair(folder, name):
    """A certificate and its key, made with the daemon's own code: the pair of a work dir."""
    work = folder / name
    work.mkdir()
    with running(work):
        pass
    return work / "ursa-cp.crt", work / "ursa-cp.key"


# ---- what is in the way of a start ----

def test_two_daemons_on_one_store(tmp_path):
    with running(tmp_path, STORE_TYPE="sqlite"):
        refuses(tmp_path, "cannot start", tmp_path / "ursa.db", "another", STORE_TYPE="sqlite")


@pytest.mark.parametrize("setting", PORTS)
@pytest.mark.parametrize("store", ["memory", "sqlite"])
def test_a_port_in_use(tmp_path, setting, store):
    port = ursa.free_ports(1)[0]  # outside of what the kernel gives to outgoing connections: it stays free afterwards
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        refuses(tmp_path, "cannot start", port, "in use", STORE_TYPE=store, **{setting: port})
    with running(tmp_path, STORE_TYPE=store, **{setting: port}):
        pass  # nothing of the failed start is in the way


@pytest.mark.parametrize("setting", ["API_SERVER_HTTP_INTERFACE", "DP_SERVER_INTERFACE", "DIAGNOSTICS_INTERFACE"])
def test_an_address_that_is_not_of_this_machine(tmp_path, setting):
    refuses(tmp_path, "cannot start", "192.0.2.1", **{setting: "192.0.2.1"})
    refuses(tmp_path, "cannot start", "nowhere", **{setting: "nowhere"})


def test_a_work_dir_that_cannot_be_made(tmp_path):
    missing = tmp_path / "missing" / "work"
    file = tmp_path / "file"
    file.write_text("")
    refuses(tmp_path, f"general.workDir {missing}", "No such file", GENERAL_WORK_DIR=missing)
    refuses(tmp_path, f"general.workDir {file}", "no folder", GENERAL_WORK_DIR=file)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_work_dir_that_cannot_be_written(tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    refuses(tmp_path, f"general.workDir {closed}", "Permission denied", GENERAL_WORK_DIR=closed)


def test_a_store_that_cannot_be_made(tmp_path):
    path = tmp_path / "missing" / "ursa.db"
    refuses(tmp_path, "cannot start", path, "No such file", STORE_TYPE="sqlite", STORE_SQLITE_PATH=path)


# ---- the certificate of the proxies' port ----

def test_the_work_dirs_pair_is_kept(tmp_path):
    with running(tmp_path) as first:
        before = first.certificate()
    assert (tmp_path / "ursa-cp.key").stat().st_mode & 0o777 == 0o600
    with running(tmp_path) as second:
        assert second.certificate() == before


def test_a_certificate_without_its_key(tmp_path):
    cert, key = make_pair(tmp_path, "pair")
    key.unlink()
    refuses(tmp_path, cert, key, "bring the key back", GENERAL_WORK_DIR=cert.parent)


def test_a_key_without_its_certificate_is_an_unfinished_first_start(tmp_path):
    cert, _ = make_pair(tmp_path, "pair")
    before = cert.read_text()
    cert.unlink()
    with running(tmp_path, GENERAL_WORK_DIR=cert.parent):
        assert cert.read_text() != before


def test_configured_files_that_cannot_be_used(tmp_path):
    cert, key = make_pair(tmp_path, "pair")
    _, other = make_pair(tmp_path, "other")
    broken = tmp_path / "broken"
    broken.write_text("-----BEGIN CERTIFICATE-----\n")
    for certificate, private, *words in (
            (cert, other, "does not belong to the certificate"),
            (broken, key, "the certificate cannot be read"),
            (cert, broken, "the private key cannot be read"),
            (cert, tmp_path, tmp_path, "a regular file is expected"),
            (cert, tmp_path / "none", tmp_path / "none"),
            (tmp_path / "none", key, tmp_path / "none", "No such file")):
        refuses(tmp_path, "cannot start", *words, GENERAL_TLS_CERT_FILE=certificate, GENERAL_TLS_KEY_FILE=private)


# ---- signals ----

def reload(process):
    process.signal(signal.SIGHUP)
    assert process.said() == "RELOADING=1"
    assert process.said() == "READY=1"


def test_sighup_takes_new_certificates(tmp_path):
    (tmp_path / "own").mkdir()
    cert, key = make_pair(tmp_path, "new")
    with running(tmp_path / "own", DP_SERVER_AUTHN_DP_PROXY_TYPE="none") as process:
        before = process.certificate()
        (tmp_path / "own/ursa-cp.crt").write_bytes(cert.read_bytes())
        reload(process)
        assert process.certificate() == before and "nothing changed" in process.log()
        (tmp_path / "own/ursa-cp.key").write_bytes(key.read_bytes())
        reload(process)
        assert process.certificate() != before
        # Envoy checks the control plane by what its bootstrap says: that must be the new one too.
        assert base64.b64encode(cert.read_bytes()).decode() in process.bootstrap()


def test_sighup_reads_the_configuration_again(tmp_path):
    file = tmp_path / "ursa.yaml"
    file.write_text("log: {level: error}\n")
    with running(tmp_path, "--config-file", str(file)) as process:
        assert process.log() == ""
        file.write_text("log: {level: info}\nstore: {typ: a}\n")
        reload(process)
        assert "reload failed, nothing changed" in process.log() and f"{file}:2:9: store.typ" in process.log()
        assert " info " not in process.log()
        file.unlink()
        reload(process)
        assert f"{file}: No such file" in process.log()
        file.write_text("log: {level: info}\n")
        reload(process)
        assert " info daemon reloaded" in process.log()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_orderly_stop_ends_with_0(tmp_path, number):
    with Process(tmp_path, STORE_TYPE="sqlite") as process:
        assert process.said() == "READY=1"
        process.signal(number)
        assert process.said() == "STOPPING=1"
        status, log = process.end()
        assert status == 0 and " error " not in log


def test_a_stop_answers_what_waits_and_takes_no_more(tmp_path):
    """A client that has sent a thousand writes at once gets whole answers, and nothing after one that says that it is the last."""
    with running(tmp_path) as process:
        body = b'{"type": "Mesh", "name": "default"}'
        write = b"PUT /meshes/default HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
        with socket.create_connection(("127.0.0.1", process.settings["API_SERVER_HTTP_PORT"]), timeout=10) as client:
            client.sendall(write % (len(body), body) * 1000)
            answers = client.recv(1)
            process.signal(signal.SIGTERM)
            with contextlib.suppress(ConnectionResetError):
                while part := client.recv(65536):
                    answers += part
        status, log = process.end()
        assert status == 0 and "unanswered" not in log, log
        heads = answers.decode().split("\r\n\r\n")
        assert heads.pop() == "" and all(head.startswith("HTTP/1.1 200 OK") for head in heads), heads[-3:]
        assert not any("Connection: close" in head for head in heads[:-1]), heads[-3:]
        assert len(heads) < 1000


# ---- the command line ----

def test_a_configuration_at_fault_ends_with_2_and_names_every_fault(tmp_path):
    file = tmp_path / "ursa.yaml"
    file.write_text("stor: {}\nlog:\n  level: loud\n")
    with Process(tmp_path, "--config-file", str(file), DP_SERVER_PORT="x") as process:
        status, log = process.end()
    assert status == 2
    assert log.splitlines() == [f"ursa-cp: {file}:1:1: stor: unknown setting",
                                f"ursa-cp: {file}:3:3: log.level: must be error, warn, info or debug, not \"loud\"",
                                "ursa-cp: URSA_DP_SERVER_PORT: must be a port in the range [0, 65535], not \"x\""]
    assert sorted(p.name for p in tmp_path.iterdir() if not p.name.startswith("log-")) == ["ursa.yaml"]
    refuses(tmp_path, tmp_path / "none.yaml", "No such file", status=2, arguments=("-c", str(tmp_path / "none.yaml")))
    refuses(tmp_path, "unrecognized option", status=2, arguments=("--confg-file=a",))
    refuses(tmp_path, "unexpected argument ursa.yaml", status=2, arguments=("ursa.yaml",))


@pytest.mark.parametrize("arguments, status, out, err", [
    (["version"], 0, "ursa-cp ", ""),
    (["--help"], 0, "usage: ", ""),
    (["run", "--help"], 0, "usage: ", ""),
    (["settings"], 0, "# Every setting", ""),
    ([], 2, "", "usage: "),
    (["start"], 2, "", "usage: "),
])
def test_commands(arguments, status, out, err):
    done = subprocess.run([ursa.BUILD / "ursa-cp", *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout[:len(out)], done.stderr[:len(err)]) == (status, out, err)
    assert (done.stdout == "") == (out == "") and (done.stderr == "") == (err == "")


def test_settings_that_cannot_be_written():
    with open("/dev/full", "w") as full:
        done = subprocess.run([ursa.BUILD / "ursa-cp", "settings"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1 and "No space left" in done.stderr
