"""Bodies that are bombs or no documents (reliability.md H7): refused soon, with an answer, and nothing changes.

Each is sent as one resource and as documents to apply; nothing is accepted, nothing grows, nobody is held up. Time is the daemon's
processor time; memory is how far its peak rises."""
import os
import pathlib

import pytest

import pace
import ursa

JSON, YAML = "application/json", "application/yaml"
LIMIT = 1 << 20
IS_RELEASE = ursa.BUILD.name == "release"  # a sanitized build keeps what is freed
SECONDS = 0.05  # of processor time, for one answer
TIMES_BODY = 20  # memory


def filled(start, piece, end=b""):
    """As many pieces as fit into the largest body."""
    return start + piece * ((LIMIT - len(start) - len(end)) // len(piece)) + end


def keys(form, start, end):
    """As many different keys as fit."""
    text, i = bytearray(start), 0
    while len(text) + 20 < LIMIT:
        text += form % i
        i += 1
    return bytes(text) + end


LAUGHS = b"a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (i, i, b", ".join([b"*a%d" % (i - 1)] * 9)) for i in range(1, 30))
MESH = b'{"type":"Mesh","name":"bomb",%s}'
KEYS = b"".join(b'"k%d": 1, ' % i for i in range(9000))  # fewer than one object may have

BOMBS = {
    "json: deep lists": (JSON, filled(b"", b"[")),
    "json: deep lists, closed": (JSON, b"[" * 500000 + b"]" * 500000),
    "json: deep objects": (JSON, filled(b"", b'{"a":')),
    "json: deep in a known field": (JSON, MESH % (b'"mtls":' + b"[" * 100000 + b"]" * 100000)),
    "json: one level too deep": (JSON, MESH % (b'"x":' + b"[" * 64 + b"]" * 64)),
    "json: an endless number": (JSON, MESH % (b'"metrics":' + b"1" * 500000)),
    "json: a number beyond doubles": (JSON, MESH % b'"metrics":1e999999999'),
    "json: a cut text": (JSON, b'{"type":"Mesh","name":"bo'),
    "json: only blanks": (JSON, b" " * LIMIT),
    "json: nothing": (JSON, b""),
    "json: two values": (JSON, MESH % b'"x":1' + b"{}"),
    "json: a comma too many": (JSON, MESH % b'"x":[1,]'),
    "json: a comment": (JSON, b"/* */" + MESH % b'"x":1'),
    "json: single quotes": (JSON, b"{'type':'Mesh','name':'bomb'}"),
    "json: NaN": (JSON, MESH % b'"x":NaN'),
    "json: byte order mark": (JSON, b"\xef\xbb\xbf" + MESH % b'"x":1'),
    "json: UTF-16": (JSON, (MESH % b'"x":1').decode().encode("utf-16")),
    "json: NUL between values": (JSON, b'{"type":"Mesh",\0"name":"bomb"}'),
    "json: raw line feed in a text": (JSON, MESH % b'"x":"a\nb"'),
    "json: invalid UTF-8 in a value": (JSON, MESH % b'"x":"\xff\xfe"'),
    "json: invalid UTF-8 in a key": (JSON, MESH % b'"\xc0\x80":1'),
    "json: overlong UTF-8": (JSON, b'{"type":"Mesh","name":"\xe0\x80\xaf"}'),
    "json: surrogates as UTF-8": (JSON, MESH % b'"x":"\xed\xa0\x80"'),
    "json: a NUL in a name": (JSON, b'{"type":"Mesh","name":"bo\\u0000mb"}'),
    "json: a million faults": (JSON, filled(b'{"type":"Timeout","mesh":"default","name":"bomb","sources":[', b"{},", b"{}]}")),
    "json: many keys of a wrong type": (JSON, keys(b'"k%d":1,', b'{"type":"Mash","name":"bomb",', b'"z":1}')),
    "json: some objects of many keys": (JSON, b'{"type":"Mash","name":"bomb",%s}' % (b'"x": [' + b", ".join([b"{" + KEYS[:-2] + b"}"] * 5) + b"]")),
    "json: many objects": (JSON, filled(b'{"type":"Mash","name":"bomb","x":[', b'{"a":{"b":1}},', b"0]}")),
    "json: many equal keys": (JSON, filled(b'{"type":"Mesh",', b'"name":"x",', b'"name":7}')),
    "json: no object": (JSON, b'"Mesh"'),
    "yaml: deep lists": (YAML, filled(b"", b"[")),
    "yaml: deep objects": (YAML, filled(b"", b"{a: ")),
    "yaml: deep block lists": (YAML, filled(b"", b"- ")),
    "yaml: deep complex keys": (YAML, filled(b"", b"? ")),
    "yaml: deep by indentation": (YAML, b"".join(b" " * i + b"a:\n" for i in range(1400))),
    "yaml: unknown alias": (YAML, b"type: Mesh\nname: *x\n"),
    "yaml: aliases of aliases": (YAML, LAUGHS + b"type: Mesh\nname: bomb\nx: *a29\n"),
    "yaml: an alias of itself": (YAML, b"type: Mesh\nname: bomb\nx: &a [*a]\n"),
    "yaml: many anchors": (YAML, filled(b"", b"- &a x\n")),
    "yaml: merge keys": (YAML, b"a: &a {name: x}\ntype: Mesh\n<<: *a\n"),
    "yaml: equal keys": (YAML, b"type: Mesh\nname: bomb\nname: bomb\n"),
    "yaml: many values": (YAML, filled(b"type: Mesh\nname: bomb\nx: [", b"1,", b"]\n")),
    "yaml: many keys of a wrong type": (YAML, keys(b"k%d: 1\n", b"type: Mash\nname: bomb\n", b"")),
    "yaml: some objects of many keys": (YAML, b"type: Mash\nname: bomb\nx:\n" + (b"- {" + KEYS + b"}\n") * 5),
    "yaml: many objects": (YAML, filled(b"type: Mash\nname: bomb\nx:\n", b"- a: {b: 1}\n")),
    "yaml: an endless number": (YAML, b"type: Mesh\nname: bomb\nmetrics: " + b"1" * 500000 + b"\n"),
    "yaml: an unknown tag": (YAML, b"type: Mesh\nname: !!python/object:os.system bomb\n"),
    "yaml: an own tag": (YAML, b"type: Mesh\nname: !x bomb\n"),
    "yaml: many tag directives": (YAML, filled(b"", b"%TAG ! tag:x,2000:\n")),
    "yaml: a tab as indentation": (YAML, b"type: Mesh\nmtls:\n\tbackends: []\n"),
    "yaml: an unclosed quote": (YAML, b'type: "Mesh\n'),
    "yaml: invalid UTF-8": (YAML, b"type: Mesh\nname: bo\xffmb\n"),
    "yaml: a control byte": (YAML, b"type: Mesh\nname: bo\x01mb\n"),
    "yaml: a NUL": (YAML, b"type: Mesh\nname: bo\0mb\n"),
    "yaml: an escaped NUL": (YAML, b'type: Mesh\nname: "bo\\0mb"\n'),
    "yaml: only comments": (YAML, b"# nothing\n" * 1000),
    "yaml: empty documents": (YAML, b"---\n" * 20000),
    "yaml: nothing": (YAML, b""),
    "yaml: plain text": (YAML, b"hello"),
    "yaml: binary": (YAML, bytes(range(256)) * 100),
}


def used_memory(daemon):
    return daemon.http("GET", "/debug/memory", port=daemon.diag_port).json["usedBytes"]


def processor_seconds(daemon):
    tasks = pathlib.Path(f"/proc/{daemon.process.pid}/task")
    return sum(int((tasks / t / "schedstat").read_text().split()[0]) for t in os.listdir(tasks)) / 1e9


def memory_peak(daemon):
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) << 10


@pytest.mark.parametrize("door", ["put", "apply"])
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_soon(daemon, name, door):
    media, body = BOMBS[name]
    assert len(body) <= LIMIT, "too large to be looked at"
    before = daemon.get("/meshes").json["total"]
    seconds = []
    for _ in range(3):  # the fastest counts
        pathlib.Path(f"/proc/{daemon.process.pid}/clear_refs").write_text("5")  # the peak is what there is now
        memory, started = memory_peak(daemon), processor_seconds(daemon)
        if door == "put":
            answer = daemon.put("/meshes/bomb", body, headers={"Content-Type": media})
        else:
            answer = daemon.post("/apply", body, headers={"Content-Type": media})
        seconds.append(processor_seconds(daemon) - started)
        if seconds[-1] < SECONDS:
            break
    assert answer.status in (400, 413), answer
    assert answer.json["title"] and answer.json["detail"], answer
    assert pace.processor_within(min(seconds), SECONDS), f"{min(seconds):.3f} s"
    grown = memory_peak(daemon) - memory
    assert not IS_RELEASE or grown < TIMES_BODY * max(len(body), 64 << 10), f"{grown} bytes for {len(body)}"
    assert len(answer.text) < 4 * LIMIT, "the answer is a bomb itself"
    assert daemon.get("/meshes").json["total"] == before


def test_bombs_leave_no_memory_behind(daemon):
    """Twice the same: the second time nothing more may stay allocated."""
    def drop_all():
        for media, body in BOMBS.values():
            daemon.put("/meshes/bomb", body, headers={"Content-Type": media})
        return used_memory(daemon)

    first, second = drop_all(), drop_all()
    assert second - first < 256 << 10, f"{first} bytes, then {second}"


def test_a_large_sound_document_is_taken(daemon):
    """The limits are far from what anybody needs: 2,000 outbounds in one Dataplane."""
    outbounds = [{"port": 10000 + i, "tags": {"kuma.io/service": f"service-{i}"}} for i in range(2000)]
    document = {"type": "Dataplane", "mesh": "default", "name": "large", "networking": {
        "address": "127.0.0.1", "inbound": [{"port": 80, "tags": {"kuma.io/service": "large"}}], "outbound": outbounds}}
    assert daemon.put("/meshes/default/dataplanes/large", document).status == 201
    assert len(daemon.get("/meshes/default/dataplanes/large").json["networking"]["outbound"]) == 2000
