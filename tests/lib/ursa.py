"""ursa.py -- a control plane for tests: started on free ports in a folder of its own, asked over HTTP, stopped and judged.

URSA_BUILD names the build (build/release; build/asan), URSA_SHARED the folder of recordings (beside the repository)."""
import contextlib
import http.client
import itertools
import json
import os
import pathlib
import re
import select
import signal
import socket
import ssl
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("URSA_BUILD", "build/release")
SHARED = pathlib.Path(os.environ.get("URSA_SHARED", ROOT.parent / "shared"))
START_LIMIT = 60  # seconds; a sanitized build on a busy machine
STOP_LIMIT = 60
TROUBLE = re.compile(r"Sanitizer|runtime error:|Assertion .* failed|^\S+ error ", re.M)


class Ports:
    """Ports for one test process: a block of its own, below those that the kernel gives to outgoing connections. The block is claimed by the
    name of a socket, which goes with the process; in it every port is handed out once before any comes again."""

    NAME, FIRST, BLOCK, N_BLOCKS = "ursa-test-ports", 10000, 1000, 22

    def __init__(self):
        self._claim = socket.socket(socket.AF_UNIX)
        for block in range(self.N_BLOCKS):
            with contextlib.suppress(OSError):
                self._claim.bind(f"\0{self.NAME}-{block}")
                first = self.FIRST + block * self.BLOCK
                self._next = itertools.cycle(range(first, first + self.BLOCK))
                return
        raise AssertionError(f"{self.N_BLOCKS} test processes run already")

    def take(self):
        """Connections that were closed a moment ago leave a port in use for a minute to all but who says that he does not mind, as servers do."""
        for port in itertools.islice(self._next, self.BLOCK):
            with contextlib.suppress(OSError), socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
                return port
        raise AssertionError(f"somebody listens on each of {self.BLOCK} ports")


_ports = None


def free_ports(n):
    """Ports that nobody listens on, all different."""
    global _ports
    _ports = _ports or Ports()
    return [_ports.take() for _ in range(n)]


class Answer:
    """What came back: status, headers, the body's text, and its JSON when it is some."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode("utf-8", "replace")
        self.type = (response.getheader("Content-Type") or "").split(";")[0]

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def body(self):
        """The JSON value, the text, or None for an empty body."""
        return json.loads(self.text) if self.text and self.type == "application/json" else self.text or None

    def __repr__(self):
        return f"{self.status} {self.type} {self.text[:2000]}"


class Daemon:
    """ursa-cp in a folder of its own. 'settings' are environment variables without URSA_, 'file' is the text of its configuration file."""

    def __init__(self, store="memory", file=None, **settings):
        self._folder = tempfile.TemporaryDirectory(prefix="ursa-test-")
        self.work_dir = pathlib.Path(self._folder.name)
        self.api_port, self.https_port, self.dp_port, self.diag_port = free_ports(4)
        self.environment = {
            "URSA_STORE_TYPE": store,
            "URSA_GENERAL_WORK_DIR": self._folder.name,
            "URSA_API_SERVER_HTTP_PORT": str(self.api_port),
            "URSA_API_SERVER_HTTPS_PORT": str(self.https_port),
            "URSA_API_SERVER_HTTPS_INTERFACE": "127.0.0.1",
            "URSA_DP_SERVER_PORT": str(self.dp_port),
            "URSA_DIAGNOSTICS_SERVER_PORT": str(self.diag_port),
            **{"URSA_" + name: str(value) for name, value in settings.items()},
        }
        self.arguments = ["run"]
        if file is not None:
            (self.work_dir / "ursa.yaml").write_text(file, "utf-8")
            self.arguments += ["--config-file", str(self.work_dir / "ursa.yaml")]
        self.process = None
        self.account = {}  # user=, group=, extra_groups= that it runs as, where the tests' own user is root
        self.expected_trouble = None  # a pattern of log lines that a test provokes on purpose

    # ---- life ----
    def start(self):
        """Returns when the daemon says that it is ready, as it tells a service manager: nothing is polled."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("URSA_", "KUMA_", "NOTIFY_"))}
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, open(self.work_dir / "log", "ab") as log:
            notify = self.work_dir / "notify"
            notify.unlink(missing_ok=True)
            ready.bind(str(notify))
            if self.account:
                os.chown(notify, self.account["user"], -1)
            self.process = subprocess.Popen([BUILD / "ursa-cp", *self.arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log, **self.account,
                                            env={**kept, **self.environment, "NOTIFY_SOCKET": str(notify)})
            ended = os.pidfd_open(self.process.pid)
            try:
                seen = select.select([ready, ended], [], [], START_LIMIT)[0]
            finally:
                os.close(ended)
            if ready not in seen:
                self.process.kill()
                self.process.wait()
                raise AssertionError(f"ursa-cp did not start:\n{self.log()}")
        assert self.http("GET", "/ready", port=self.diag_port).status == 200
        return self

    def reload(self):
        """SIGHUP; returns when the daemon says that it has read its files again."""
        notify = self.work_dir / "notify"
        notify.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as said:
            said.bind(str(notify))
            said.settimeout(START_LIMIT)
            self.process.send_signal(signal.SIGHUP)
            while said.recv(100) != b"READY=1":
                pass

    def log(self):
        return (self.work_dir / "log").read_text("utf-8", "replace")

    def stop(self):
        """SIGTERM; the daemon must end with 0 and must not have logged an error or a sanitizer's report."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = "nothing: it had to be killed"
        text = self.log()
        trouble = [line for line in text.splitlines() if TROUBLE.search(line) and not (
            self.expected_trouble and re.search(self.expected_trouble, line))]
        self._folder.cleanup()
        assert status == 0 and not trouble, f"ursa-cp answered SIGTERM with {status}:\n{text[-20000:]}"

    # ---- asking ----
    def http(self, method, path, body=None, headers=None, port=None, source=None, tls=False, timeout=30):
        """One request on a connection of its own. A body that is no text or bytes is sent as JSON. 'tls' is true, or an SSL context."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        if isinstance(body, str):
            body = body.encode()
        source = (source, 0) if source else None
        if tls:
            made = http.client.HTTPSConnection("127.0.0.1", port or self.dp_port, timeout=timeout, source_address=source,
                                               context=tls if isinstance(tls, ssl.SSLContext) else ssl._create_unverified_context())
        else:
            made = http.client.HTTPConnection("127.0.0.1", port or self.api_port, timeout=timeout, source_address=source)
        with contextlib.closing(made) as connection:
            connection.putrequest(method, path, skip_host="Host" in headers, skip_accept_encoding=True)
            if body is not None or method in ("PUT", "POST"):
                headers.setdefault("Content-Length", str(len(body or b"")))
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            return Answer(connection.getresponse())

    def get(self, path, **more):
        return self.http("GET", path, **more)

    def put(self, path, body, **more):
        return self.http("PUT", path, body, **more)

    def post(self, path, body, **more):
        return self.http("POST", path, body, **more)

    def delete(self, path, **more):
        return self.http("DELETE", path, **more)


@contextlib.contextmanager
def running(store="memory", **settings):
    """A started daemon; at the end it is stopped and judged, also when the test failed."""
    daemon = Daemon(store, **settings).start()
    try:
        yield daemon
    finally:
        daemon.stop()
