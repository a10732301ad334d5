"""plane.py -- the ursa-cp that is measured: started on free ports with a store on disk, on a core of its own when there are two."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build/release"
DAEMON = ROOT / os.environ.get("URSA_BUILD", "build/release") / "ursa-cp"  # another build to compare with, or a sanitized one
DESCRIPTORS = 200000
CORES = sorted(os.sched_getaffinity(0))
PLANE_CORE = CORES[1] if len(CORES) > 1 else None  # the first one is the load generator's and the driver's
LOAD_CORE = CORES[0] if len(CORES) > 1 else None
REQUEST_BYTES = 400000  # the daemon takes 1 MiB and 50,000 values


def on_core(core):
    """For Popen's preexec_fn: keeps a program on that core, if there is a choice."""
    return None if core is None else lambda: os.sched_setaffinity(0, {core})


def allow_descriptors():
    """For this process and all that it starts: more than the limit if this user may."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(hard, DESCRIPTORS),) * 2)
    except (ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def descriptors():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def fail(text):
    sys.exit(f"bench: {text}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Profile:
    """perf looks at a process from now on; report() prints where its time went."""

    def __init__(self, pid, folder):
        if not shutil.which("perf"):
            fail("--profile needs perf")
        self.data = folder / "perf.data"
        self.process = subprocess.Popen(["perf", "record", "-q", "-F", "499", "-p", str(pid), "-o", str(self.data)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def report(self, title):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()
        for what, sort in (("threads and libraries", "comm,dso"), ("functions", "comm,symbol")):
            text = subprocess.run(["perf", "report", "-i", str(self.data), "--stdio", "--no-children", "-g", "none", "--sort", sort, "--percent-limit", "0.7"],
                                  capture_output=True, text=True, check=False).stdout
            rows = [line.rstrip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
            print(f"-- {title}: {what}", *rows[:30], sep="\n", flush=True)


class Plane:
    """with Plane() as plane: ... 'work' keeps a store of an earlier one; 'profile' is what to call a profile of it."""

    def __init__(self, work=None, profile=None):
        self.work = work or pathlib.Path(tempfile.mkdtemp(prefix="ursa-bench-"))
        self.kept = None
        self.api, self.dp, self.diag = free_port(), free_port(), free_port()
        env = {**os.environ, "URSA_GENERAL_WORK_DIR": str(self.work), "URSA_API_SERVER_HTTP_PORT": str(self.api), "URSA_DP_SERVER_PORT": str(self.dp),
               "URSA_DP_SERVER_INTERFACE": "127.0.0.1", "URSA_DIAGNOSTICS_SERVER_PORT": str(self.diag), "URSA_LOG_LEVEL": "warn",
               "URSA_DP_SERVER_AUTHN_DP_PROXY_TYPE": "none", "URSA_API_SERVER_HTTPS_ENABLED": "false"}
        started = time.monotonic()
        self.process = subprocess.Popen([DAEMON, "run"], env=env, stdin=subprocess.DEVNULL, preexec_fn=on_core(PLANE_CORE))
        while not self._ready():
            if self.process.poll() is not None or time.monotonic() > started + 30:
                fail("ursa-cp does not start")
            time.sleep(0.001)
        self.start_ms = (time.monotonic() - started) * 1000
        self.profile_title = profile
        self.profile = Profile(self.process.pid, self.work) if profile else None

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.stop(failed=kind is not None)

    def stop(self, keep=False, failed=False):
        if self.profile and not failed:
            self.profile.report(self.profile_title)
        if self.kept:
            self.kept.close()
        self.process.terminate()
        status = self.process.wait(60)
        if not keep:
            shutil.rmtree(self.work, ignore_errors=True)
        if status != 0 and not failed:
            fail(f"ursa-cp ended with {status}")

    # ---- asking ----
    def _ready(self):
        try:
            return self.request("GET", "/ready", port=self.diag)[0] == 200
        except OSError:
            return False

    def request(self, method, path, body=None, media="application/json", port=None):
        """Status and body; on a connection of its own."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port or self.api, timeout=120)) as connection:
            connection.request(method, path, body=body, headers={"Content-Type": media} if body else {})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def apply(self, documents):
        """In as few transactions as fit; returns when they are answered."""
        batch, size = [], 0
        for text in map(json.dumps, documents):
            if size + len(text) > REQUEST_BYTES:
                self._apply(batch)
                batch, size = [], 0
            batch.append(text)
            size += len(text) + 1
        self._apply(batch)

    def _apply(self, texts):
        status, data = self.request("POST", "/apply", f"[{','.join(texts)}]".encode())
        if status != 200:
            fail(f"/apply answered {status}: {data[:500]}")

    def put(self, path, document):
        """On a connection that is kept."""
        self.kept = self.kept or http.client.HTTPConnection("127.0.0.1", self.api, timeout=120)
        self.kept.request("PUT", path, body=json.dumps(document).encode(), headers={"Content-Type": "application/json"})
        answer = self.kept.getresponse()
        data = answer.read()
        if answer.status not in (200, 201):
            fail(f"PUT {path} answered {answer.status}: {data[:500]}")

    def secret(self, mesh, name):
        """Its data, base64."""
        status, data = self.request("GET", f"/meshes/{mesh}/secrets/{name}")
        if status != 200:
            fail(f"the secret {name} answered {status}")
        return json.loads(data)["data"]

    def debug(self, path):
        status, data = self.request("GET", path, port=self.diag)
        if status != 200:
            fail(f"{path} answered {status}")
        return json.loads(data)

    # ---- what it costs ----
    def rss_mb(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text).group(1)) / 1024

    def cpu_s(self):
        """Processor time so far, to the nanosecond: the kernel's clock of that process (clock_getcpuclockid)."""
        return time.clock_gettime((~self.process.pid << 3) | 2)

    def idle_cpu_s(self, seconds):
        before = self.cpu_s()
        time.sleep(seconds)
        return self.cpu_s() - before
