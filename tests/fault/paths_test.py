"""Paths that mean files somewhere else (reliability.md H10): nothing is found, and the daemon opens no file."""
import contextlib
import shutil
import subprocess

import pytest

import raw

UP = ["..", "%2e%2e", "%2E.", ".%2e", "..;", "%252e%252e", "..%00", "%c0%ae%c0%ae", "..\\", "%5c..", "....", "%2e%2e%2f%2e%2e", "..%2f.."]
FILES = ["etc/passwd", "etc%2fpasswd", "etc/passwd%00.html", "proc/self/environ"]
BASES = ["", "/gui", "/gui/", "/gui/assets", "/meshes", "/meshes/default/secrets", "/config", "/schemas", "/openapi.json", "/gui//", "//gui", "/./gui"]
TARGETS = sorted({f"{base}/{'/'.join([up] * 4)}/{file}" for base in BASES for up in UP for file in FILES}
                 | {f"/{file}" for file in FILES} | {f"//{file}" for file in FILES} | {f"/gui/{file}" for file in FILES}
                 | {"/gui/%00", "/gui/..", "/gui/%2e%2e/config", "/..", "/%2e%2e", "//", "///etc/passwd", "/gui/C:%5cwindows", "/gui/file:///etc/passwd"})


@contextlib.contextmanager
def no_file_is_opened(daemon, trace):
    if not shutil.which("strace"):
        pytest.skip("strace is not here")
    tracer = subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=open,openat,openat2,stat,lstat,newfstatat,access,readlink", "-o", trace,
                               "-p", str(daemon.process.pid)], stderr=subprocess.PIPE)
    while not trace.exists() or "/proc/self/statm" not in trace.read_text():  # until it sees what /metrics opens
        assert daemon.http("GET", "/metrics", port=daemon.diag_port).status == 200 and tracer.poll() is None
    yield
    tracer.terminate()
    tracer.wait()
    own = ("statm", "AT_EMPTY_PATH", "/ursa-cp.crt", "/ursa-cp.key")  # metrics; the certificates are looked at by themselves, soon after the start
    calls = [line for line in trace.read_text().splitlines() if "(" in line and not any(word in line for word in own)]
    assert not calls, calls[:5]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_no_path_leads_to_a_file(daemon, tmp_path, method):
    request = (f"{method} %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}").encode()
    with no_file_is_opened(daemon, tmp_path / "trace"):
        for target in TARGETS:
            reply = raw.talk(daemon, request % target.encode("latin-1"))
            allowed = {400, 404, 405} | ({200} if target == "//" and method == "GET" else set())
            assert len(reply.statuses) == 1 and reply.statuses[0] in allowed and b"root:" not in reply.data, f"{target}: {reply}"
