"""Keys and tokens are told to nobody but who asks for a secret by its name: not by logs, not by any other route, not by a core file (reliability.md, C6)."""
import base64
import ctypes
import json
import os
import re
import resource
import signal

import pytest

import ursa

from access_test import ELSEWHERE, issue_user, routes, types
from ads_test import PROTOCOLS, Plane, dataplane, mesh
from follower import Follower
from seal_test import hits, provided_pair

NOBODY = 65534
PTRACE_ATTACH = 16
READ, ATTACHED = 1, 2


def lines_of(pem):
    """The lines of a key that no other key has."""
    return [line for line in pem.splitlines()[2:] if len(line) >= 32 and not line.startswith("-")]


def coded(data):
    """A secret's value as the API shows it, in pieces: somebody may break lines. Its ends may be those of another one."""
    return [data[i:i + 40] for i in range(80, len(data) - 80, 40)] or [data]


@pytest.fixture(name="world", scope="module")
def _world():
    """Authorities of both kinds, tokens of each kind, a proxy that is connected; and the words that must be nowhere."""
    plane = Plane("sqlite", LOG_LEVEL="debug").start()
    try:
        cert, key = provided_pair()
        words = lines_of(key)
        plane.apply({"type": "Mesh", "name": "own"})
        for name, text in (("cert", cert), ("key", key)):
            plane.apply({"type": "Secret", "mesh": "own", "name": name, "data": base64.b64encode(text.encode()).decode()})
        conf = {"cert": {"secret": "cert"}, "key": {"secret": "key"}}
        plane.apply({"type": "Mesh", "name": "own", "mtls": {"enabledBackend": "ca", "backends": [{"name": "ca", "type": "provided", "conf": conf}]}},
                    dataplane("own", "web", "10.0.0.1", "web"))
        plane.apply(mesh("blue"), dataplane("blue", "web", "10.0.0.2", "web"))
        tokens = [issue_user(plane, "john", ["team"])]
        tokens += [plane.post("/tokens/dataplane", {"mesh": name, "name": "web", "validFor": "1h"}).text for name in ("own", "blue")]
        tokens += [plane.post("/tokens/zone", {"zone": "z", "scope": ["ingress"], "validFor": "1h"}).text]
        for secret in plane.get("/secrets?size=0").json["items"] + plane.get("/global-secrets?size=0").json["items"]:
            pem = base64.b64decode(secret["data"]).decode("ascii", "replace")
            if "PRIVATE KEY" in pem:
                words += coded(secret["data"]) + lines_of(pem)
            elif "BEGIN" not in pem:
                words += [secret["data"], pem]
        words += [part for token in tokens for part in (token, token.split(".")[2])] + [(plane.work_dir / "seal.key").read_text().strip()]
        assert len(words) > 20 and all(len(word) > 20 for word in words), words
        for source in (ELSEWHERE, None):
            for token in [tokens[0], tokens[0] + "x"]:
                plane.get("/meshes", headers={"Authorization": f"Bearer {token}"}, source=source)
        for name, token in zip(("own", "blue"), tokens[1:]):
            body = {"mesh": name, "name": "web", "proxyType": "dataplane", "dataplaneToken": token}
            assert plane.http("POST", "/bootstrap", json.dumps(body), {"Host": "localhost:5678"}, port=plane.dp_port, tls=True).status == 200
        yield plane, tokens, words
    finally:
        plane.stop()


def found_in(text, words):
    return [word for word in words if word in text]


def paths():
    """Every GET of the API and of the diagnostics, filled in with what is there; what tells secrets on purpose is left out."""
    patterns = {pattern for method, pattern in routes() if method == "GET"}
    text = (ursa.ROOT / "src/api/routes.def").read_text("utf-8")
    patterns |= {pattern for port, pattern in re.findall(r'^ROUTE\((\w+),\s*GET,\s*"([^"]+)"', text, re.M) if port == "DIAG"}
    plurals = {scope: [plural for _, plural, of, _ in types() if of == scope] for scope in ("GLOBAL", "MESH")}
    names = {"mesh": ["own", "blue"], "name": ["web", "ca", "key", "default", "allow-all-blue", "Mesh"], "global": plurals["GLOBAL"],
             "scoped": plurals["MESH"], "policy": plurals["MESH"]}
    made = [""]
    for pattern in sorted(patterns):
        made = [pattern]
        while (blank := re.search(r"\{(\w+)\}", made[0])):
            made = [path.replace(blank[0], word, 1) for path in made for word in names[blank[1]]]
        yield from (path for path in made if "secrets" not in path)


@PROTOCOLS
def test_no_answer_and_no_log_tells_a_key(world, protocol):
    plane, tokens, words = world
    asked = {}
    with Follower(plane, "own", "web", protocol, token=tokens[1]).ready(), Follower(plane, "blue", "web", protocol, token=tokens[2]).ready():
        revision = plane.get("/history?size=1").json["items"][0]["revision"]
        for path in [*paths(), "/history?size=0", f"/diff?from=1&to={revision}", "/meshes/own?revision=2", "/config"]:
            if path == "/events":
                continue  # it does not end; what it tells is the changes' names
            for port in (plane.api_port, plane.diag_port):
                answer = plane.get(path, port=port)
                asked[path] = max(asked.get(path, 0), answer.status == 200)
                assert not found_in(answer.text, words), path
    assert sum(asked.values()) > 60, asked
    assert not found_in(plane.log(), words) and " debug " in plane.log()
    ours = [plane.work_dir / "seal.key", plane.work_dir / "ursa-cp.key"]
    assert not [hit for hit in hits(words, plane.work_dir) if hit[0] not in map(str, ours)]


def limits(process):
    with open(f"/proc/{process.pid}/limits", encoding="ascii") as lines:
        return next(line.split()[4:6] for line in lines if line.startswith("Max core file size"))


def peek(process):
    """Tries to read the daemon's memory as its own user, or with a debugger's call; what came of it."""
    library = ctypes.CDLL(None)
    child = os.fork()
    if child == 0:  # pragma: no cover
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        found = 0
        try:
            with open(f"/proc/{process.pid}/environ", "rb") as own:  # the same check as that of its memory, for readers
                found = READ if own.read() else 0
        except PermissionError:
            pass
        os._exit(found | (ATTACHED if library.ptrace(PTRACE_ATTACH, process.pid, 0, 0) == 0 else 0))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(os.geteuid() != 0, reason="it takes root to run as two users")
@pytest.mark.parametrize("allowed", [False, True])
def test_nobody_looks_into_its_memory(allowed):
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    daemon = ursa.Daemon("memory", GENERAL_ALLOW_CORE_DUMPS=allowed)
    os.chown(daemon.work_dir, NOBODY, NOBODY)
    daemon.account = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    try:
        daemon.start()
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
    if allowed:
        assert limits(daemon.process)[1] != "0" or hard == 0
        assert peek(daemon.process) & READ
        daemon.process.kill()
    else:
        assert limits(daemon.process) == ["0", "0"]
        assert peek(daemon.process) == 0
        daemon.process.send_signal(signal.SIGSEGV)
        assert not os.WCOREDUMP(os.waitpid(daemon.process.pid, 0)[1])
