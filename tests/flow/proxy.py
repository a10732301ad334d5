"""proxy.py -- a data plane proxy: ursa-dp (or kuma-dp) with a real Envoy, and what Envoy's admin port tells of it."""
import datetime
import http.client
import json
import os
import signal
import subprocess
import urllib.parse

from load import LIMIT, until
from ursa import BUILD, ROOT

ENVOY = os.environ.get("ENVOY", str(ROOT / "build/envoy/envoy"))


class Proxy:
    """Not yet running: start() or run(). 'dataplane' is the Dataplane as a dict; 'brought': the proxy brings it, else it must be stored."""

    def __init__(self, plane, dataplane, token=None, brought=True, program=None, flags=(), environment=None):
        self.plane, self.dataplane = plane, dataplane
        self.environment = environment or {}
        self.mesh, self.name = dataplane["mesh"], dataplane["name"]
        self.admin_port = dataplane["networking"]["admin"]["port"]
        self.folder = plane.work_dir / f"{self.mesh}-{self.name}"
        self.folder.mkdir(exist_ok=True)
        (self.folder / "log").unlink(missing_ok=True)
        self.process = None
        files = {"dataplane": json.dumps(dataplane), "token": token}
        for name, text in files.items():
            if text is not None:
                (self.folder / name).write_text(text)
        self.command = [str(program or BUILD / "ursa-dp"), "run", "--cp-address", f"https://127.0.0.1:{plane.dp_port}",
                        "--ca-cert-file", str(plane.work_dir / "ursa-cp.crt"), "--binary-path", ENVOY, "--concurrency", "1",
                        "--config-dir", str(self.folder / "envoy"), *flags]
        self.command += ["--dataplane-file", str(self.folder / "dataplane")] if brought else ["--mesh", self.mesh, "--name", self.name]
        self.command += ["--dataplane-token-file", str(self.folder / "token")] if token is not None else []

    # ---- life ----
    def start(self):
        """Starts it without waiting."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("URSA_", "KUMA_"))}
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**kept, **self.environment},
                                            cwd=self.folder)
        return self

    def ready(self):
        """Waits until Envoy has all that it asked for and serves."""
        def live():
            assert self.process.poll() is None, f"{self} ended with {self.process.returncode}:\n{self.log()}"
            return self.admin("/ready")[0] == 200

        until(f"{self}", live)
        return self

    def wait(self, limit=LIMIT):
        """The exit status of a proxy that ends by itself."""
        return self.process.wait(limit)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def log(self):
        return (self.folder / "log").read_text("utf-8", "replace")[-8000:]

    def __repr__(self):
        return f"proxy {self.name} of mesh {self.mesh}"

    # ---- what Envoy says ----
    def admin(self, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=LIMIT)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()

    def stats(self, pattern):
        """{name: value} of counters and gauges whose name matches the regular expression."""
        text = self.admin(f"/stats?format=json&filter={urllib.parse.quote(pattern)}")[1]
        return {s["name"]: s["value"] for s in json.loads(text)["stats"] if "value" in s}

    def stat(self, name):
        return self.stats(f"^{name}$".replace(".", "\\.")).get(name, 0)

    def updates(self, kind=""):
        """{name: how many updates it took} of everything Envoy was ever sent; 'kind' begins the names: "sds." """
        return self.stats(rf"^{kind}.*\.update_success$")

    def config_dump(self):
        """Everything Envoy was given, as text; private keys are redacted by Envoy."""
        return self.admin("/config_dump?include_eds")[1]

    def certificates(self):
        """[{serial, uris, ca, begins, ends}] of its own certificates and of the roots that it trusts."""
        found = []
        for group in json.loads(self.admin("/certs")[1])["certificates"]:
            for kind in ("ca_cert", "cert_chain"):
                for cert in group.get(kind, []):
                    found.append({"ca": kind == "ca_cert", "serial": cert["serial_number"],
                                  "uris": sorted(n["uri"] for n in cert["subject_alt_names"] if "uri" in n),
                                  "begins": datetime.datetime.fromisoformat(cert["valid_from"].replace("Z", "+00:00")),
                                  "ends": datetime.datetime.fromisoformat(cert["expiration_time"].replace("Z", "+00:00"))})
        return found

    def envoy_pid(self):
        return int(subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=True).stdout.split()[0])

    # ---- what the control plane says of it ----
    def overview(self):
        return self.plane.get(f"/meshes/{self.mesh}/dataplanes+insights/{self.name}")

    def online(self):
        """Has it a stream that is open?"""
        answer = self.overview()
        if answer.status != 200:
            return False
        last = answer.json.get("dataplaneInsight", {}).get("subscriptions", [])[-1:]
        return bool(last) and "disconnectTime" not in last[0]

    def stream(self):
        """Its newest stream as /debug shows it: {types: {cds: {responsesSent: ...}}, lastRejection}; None when there is none."""
        answer = self.plane.get(f"/debug/proxy/{self.mesh}/{self.name}", port=self.plane.diag_port)
        streams = answer.json.get("streams") if answer.status == 200 else None
        return streams[-1] if streams else None
