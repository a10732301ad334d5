"""ursa-cp check: resources judged without a control plane. What it finds in recorded documents: tests/conformance/offline_test.py."""
import json
import os
import subprocess

import pytest

import ursa

MESH = "type: Mesh\nname: shop\n"
TEAM_ONLY = MESH + "constraints: {dataplaneProxy: {requirements: [{tags: {team: a}}]}}\n"
DATAPLANE = """\
type: Dataplane
mesh: shop
name: web-1
networking:
  address: 127.0.0.1
  inbound:
    - {port: 80, tags: {kuma.io/service: web}}
"""
PROVIDED = MESH + "mtls: {enabledBackend: a, backends: [{name: a, type: provided, conf: {cert: {secret: c}, key: {secret: k}}}]}\n"


def check(*arguments, stdin="", cwd=None):
    environment = {"PATH": "/usr/bin:/bin"}  # no HOME: it needs no folder of its own
    return subprocess.run([ursa.BUILD / "ursa-cp", "check", *map(str, arguments)], input=stdin, capture_output=True, text=True, check=False,
                          cwd=cwd, env=environment)


def faults(*arguments, **more):
    done = check("-o", "json", *arguments, **more)
    assert done.returncode in (0, 1), done
    found = json.loads(done.stdout)["faults"]
    assert done.returncode == (1 if found else 0)
    return found


TEXTS = [
    ("nothing wrong", MESH + "---\n" + DATAPLANE, []),
    ("order does not matter", DATAPLANE + "---\n" + MESH, []),
    ("a field", MESH + "---\n" + DATAPLANE.replace("port: 80", "port: 0"),
     ["<stdin>:10:8: Dataplane web-1: networking.inbound[0].port: port must be in the range [1, 65535]"]),
    ("no such mesh", DATAPLANE, ["<stdin>:2:1: Dataplane web-1: mesh: mesh of name shop is not found"]),
    ("every fault of every document", "type: Timeout\nmesh: default\nname: t\nconf: {}\n---\ntype: Nothing\n", [
        "<stdin>:1:1: Timeout t: sources: must have at least one element", "<stdin>:1:1: Timeout t: destinations: must have at least one element",
        '<stdin>:6:1: type: unknown resource type "Nothing"']),
    ("the name", "type: Mesh\nname: A\n", ["<stdin>:2:1: Mesh A: name: invalid characters. Valid characters are numbers, lowercase latin letters and "
                                           "'-', '_' symbols."]),
    ("an insight", "type: DataplaneInsight\nmesh: default\nname: x\n",
     ["<stdin>:1:1: DataplaneInsight x: type: is written by the control plane only"]),
    ("membership", TEAM_ONLY + "---\n" + DATAPLANE,
     ['<stdin>:11:18: Dataplane web-1: networking.inbound[0].tags: dataplane cannot be a member of mesh "shop" because its tags "kuma.io/service=web" '
      "does not fulfill any requirements defined on the Mesh"]),
    ("twice the same", MESH + "---\n" + MESH, ["<stdin>:5:1: Mesh shop: name: is the same resource as that at <stdin>:1:1"]),
    ("Envoy's own words", "type: ProxyTemplate\nmesh: default\nname: p\nselectors: [{match: {kuma.io/service: '*'}}]\n"
                          "conf: {modifications: [{cluster: {operation: add, value: 'nme: x'}}]}\n",
     ["<stdin>:5:51: ProxyTemplate p: conf.modifications[0].cluster.value: native Envoy resource is not valid:"]),
    ("no YAML", "a: [\n", ["<stdin>:2:1: while parsing a flow node: did not find expected node content"]),
    ("not a resource", "- 1\n", ["<stdin>:1:1: a resource is expected: an object with type and name"]),
    ("a secret that is not there", PROVIDED, [
        '<stdin>:3:71: Mesh shop: mtls.backends[0].conf.cert: could not load data: Resource not found: type="Secret" name="k" mesh="shop"',
        '<stdin>:3:90: Mesh shop: mtls.backends[0].conf.key: could not load data: Resource not found: type="Secret" name="k" mesh="shop"']),
]


@pytest.mark.parametrize("name, text, want", TEXTS, ids=[row[0] for row in TEXTS])
def test_faults_are_told_a_line_each(name, text, want):
    done = check("-", stdin=text)
    lines = done.stdout.splitlines()
    assert len(lines) == len(want) and all(line.startswith(w) for line, w in zip(lines, want)), f"{name}: {done.stdout}"
    assert done.returncode == (1 if want else 0)
    assert done.stderr.startswith(f"{len(want)} fault")


def test_with_existing_meshes_and_secrets_may_be_stored_already():
    assert faults("-", stdin=DATAPLANE + "---\n" + PROVIDED.replace("shop", "other")) != []
    assert faults("--existing", "-", stdin=DATAPLANE + "---\n" + PROVIDED.replace("shop", "other")) == []
    assert [f["field"] for f in faults("--existing", "-", stdin=TEAM_ONLY + "---\n" + DATAPLANE)] == ["networking.inbound[0].tags"]


def test_folders_are_read_to_the_bottom(tmp_path):
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / "mesh.yaml").write_text(MESH)
    (deep / "dataplane.yml").write_text(DATAPLANE)
    (deep / "more.json").write_text('[\n {"type": "Mesh", "name": "x"},\n {"type": "Mesh", "name": "shop"}]')
    (deep / "notes.txt").write_text("type: Nothing")
    (deep / ".hidden.yaml").write_text("type: Nothing")
    (tmp_path / ".git" / "x.yaml").write_text("type: Nothing")
    os.symlink(tmp_path, deep / "loop")
    os.symlink(deep / "notes.txt", deep / "link.yaml")
    found = faults(".", cwd=tmp_path)
    # Files by name, folders' where the folder stands: the first Mesh "shop" is that of the JSON.
    assert [(f["file"], f["line"], f["column"], f.get("type"), f["field"]) for f in found] == [
        ("./a/b/link.yaml", 1, 1, None, "type"), ("./mesh.yaml", 2, 1, "Mesh", "name")]
    assert "./a/b/more.json:3:2" in found[1]["message"]


@pytest.mark.parametrize("arguments, want", [
    ([], "usage:"), (["-o", "xml", "x"], "usage:"), (["--nothing", "x"], ""), (["/nothing/here.yaml"], "No such file"), (["/dev/null"], "no documents"),
])
def test_what_cannot_be_checked_is_no_verdict(arguments, want):
    done = check(*arguments)
    assert done.returncode == 2 and want in done.stderr and not done.stdout, done


def test_limits(tmp_path):
    big = tmp_path / "big.yaml"
    with open(big, "wb") as f:
        f.truncate((64 << 20) + 1)
    done = check(big)
    assert done.returncode == 2 and "more than 64 MiB" in done.stderr
    done = check("-", stdin="type: Mesh\nname: a\n---\n" * 10001)
    assert done.returncode == 1 and "documents" in done.stdout, done.stdout[-300:]
    done = check("-", stdin="[" * 100000)
    assert done.returncode == 1 and len(done.stdout.splitlines()) == 1


def test_a_terminal_gets_no_control_characters():
    done = check("-", stdin='type: Mesh\nname: "a\\e[31m\\nb"\n')
    assert done.returncode == 1 and len(done.stdout.splitlines()) == 1 and "\x1b" not in done.stdout, done
