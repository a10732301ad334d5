"""ursactl watch against a server that misbehaves: what was lost is asked for again, a refusal ends it."""
import subprocess

import pytest

from stub import head, serving
from ursa import BUILD

URSACTL = str(BUILD / "ursactl")


def run(address, *words):
    return subprocess.run([URSACTL, "--no-config", "--address", address, *words], capture_output=True, text=True, timeout=60)


def test_watch_goes_on_where_it_was():
    asked = []

    def answer(handler):
        asked.append((handler.path, handler.headers["Last-Event-ID"]))
        head(handler, Content_Type="text/event-stream", Connection="close")
        n = len(asked)
        for k in (0, 1):
            handler.wfile.write(f'event: resource\nid: {n}-{k}\ndata: {{"revision": {n}, "op": "update", "type": "Mesh", "name": "m{n}{k}"}}\n\n'.encode())
        handler.wfile.write(b'id: 9-9\ndata: {"cut')  # an event that never ends is none
        handler.close_connection = True

    with serving(answer) as address:
        watch = subprocess.Popen([URSACTL, "--no-config", "--address", address, "watch", "--mesh", "a b", "--since", "0"],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        lines = [watch.stdout.readline() for _ in range(4)]
        watch.terminate()
        errors = watch.communicate(timeout=60)[1]
    assert [line.split()[-2:] for line in lines] == [["mesh/m10", "update"], ["mesh/m11", "update"], ["mesh/m20", "update"], ["mesh/m21", "update"]]
    assert asked[0] == ("/events?mesh=a%20b&since=0", None)
    assert asked[1][1] == "1-1"  # of the last event that was whole
    assert "trying again" in errors


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_watch_ends_when_it_is_refused(status):
    def answer(handler):
        body = b'{"title": "No", "detail": "not for you"}'
        head(handler, status, Content_Type="application/json", Content_Length=str(len(body)))
        handler.wfile.write(body)

    with serving(answer) as address:
        done = run(address, "watch")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: No (not for you)\n"
