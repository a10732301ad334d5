"""POST /apply: many documents, any order, one transaction; every fault with its place."""
import json
import threading

import pytest
import yaml

YAML, JSON = {"Content-Type": "application/yaml"}, {"Content-Type": "application/json"}
INBOUND = [{"port": 80, "tags": {"kuma.io/service": "web"}}]


class Dumper(yaml.SafeDumper):
    """Lists that are used twice are written twice: aliases are refused."""

    def ignore_aliases(self, data):
        return True


def mesh(name, **more):
    return {"type": "Mesh", "name": name, **more}


def dataplane(mesh_name, name):
    return {"type": "Dataplane", "mesh": mesh_name, "name": name, "networking": {"address": "127.0.0.1", "inbound": INBOUND}}


def timeout(mesh_name, name, value="1s"):
    match = [{"match": {"kuma.io/service": "*"}}]
    return {"type": "Timeout", "mesh": mesh_name, "name": name, "sources": match, "destinations": match, "conf": {"connectTimeout": value}}


def apply(daemon, documents, query="", form="yaml"):
    """As a stream of YAML documents or as one JSON list."""
    if form == "yaml":
        return daemon.post("/apply" + query, yaml.dump_all(documents, Dumper=Dumper), headers=YAML)
    return daemon.post("/apply" + query, json.dumps(documents), headers=JSON)


def outcomes(answer):
    return [entry["outcome"] for entry in answer.json["documents"]]


def revision(daemon):
    return daemon.http("GET", "/debug/feed", port=daemon.diag_port).json["revision"]


def faults(answer):
    """(document, field, line, column, message) of every fault."""
    return [(entry["document"], f["field"], f["line"], f["column"], f["message"])
            for entry in answer.json["documents"] for f in entry.get("faults", [])]


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_order_does_not_matter_and_one_revision_is_made(daemon, form):
    name, before = f"order-{form}", revision(daemon)
    answer = apply(daemon, [dataplane(name, "web-1"), timeout(name, "t"), mesh(name)], form=form)
    assert answer.status == 200, answer
    assert outcomes(answer) == ["created"] * 3
    assert [(e["type"], e["name"]) for e in answer.json["documents"]] == [("Dataplane", "web-1"), ("Timeout", "t"), ("Mesh", name)]
    assert revision(daemon) == before + 1 == answer.json["revision"] == int(answer.headers["Ursa-Revision"])
    # The Mesh's own defaults came with it.
    assert daemon.get(f"/meshes/{name}/traffic-permissions/allow-all-{name}").status == 200


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_is_equal_stays_as_it_is(daemon, form):
    name = f"same-{form}"
    documents = [mesh(name), timeout(name, "t"), dataplane(name, "web-1")]
    assert apply(daemon, documents, form=form).status == 200
    stored, before = daemon.get(f"/meshes/{name}/timeouts/t").json, revision(daemon)
    again = apply(daemon, documents, form=form)
    assert (again.status, outcomes(again)) == (200, ["unchanged"] * 3), again
    assert daemon.get(f"/meshes/{name}/timeouts/t").json == stored
    assert revision(daemon) == before
    documents[1] = timeout(name, "t", "2s")
    assert outcomes(apply(daemon, documents, form=form)) == ["unchanged", "updated", "unchanged"]
    assert daemon.get(f"/meshes/{name}/timeouts/t").json["conf"] == {"connectTimeout": "2s"}
    assert revision(daemon) == before + 1


@pytest.mark.parametrize("bad", [
    {"type": "Timeout", "mesh": "all", "name": "t2", "conf": {"connectTimeout": "x"}},
    {"type": "Timeout", "mesh": "all", "name": "T2", "sources": [], "destinations": []},
    timeout("no-such-mesh", "t2"),
    dataplane("no-such-mesh", "web"),
    {"type": "Nothing", "name": "x"},
    {"type": "MeshInsight", "name": "x"},
    {"name": "x"},
    {"type": "Mesh"},
    ["Mesh"],
    "Mesh",
    mesh("all", mtls={"enabledBackend": "nope", "backends": []}),
], ids=str)
def test_all_or_nothing(daemon, bad):
    before = revision(daemon)
    for documents in ([mesh("good"), bad, timeout("good", "t")], [bad, mesh("good")], [mesh("good"), bad]):
        answer = apply(daemon, documents, form="json")
        assert answer.status == 400, answer
        assert answer.json["title"] == "Could not apply the documents"
        place = documents.index(bad)
        assert [o == "refused" for o in outcomes(answer)] == [i == place for i in range(len(documents))], answer
        assert answer.json["documents"][place]["faults"] and answer.json["causes"], answer
    assert daemon.get("/meshes/good").status == 404
    assert revision(daemon) == before


FAULTY = """\
# Two good ones, then the rest.
type: Mesh
name: places
---
type: Timeout
mesh: places
name: good
sources: [{match: {kuma.io/service: '*'}}]
destinations: [{match: {kuma.io/service: '*'}}]
conf: {connectTimeout: 1s}
---
type: Timeout
mesh: places
name: bad-duration
sources: [{match: {kuma.io/service: '*'}}]
destinations: [{match: {kuma.io/service: '*'}}]
conf:
  http:
    requestTimeout: soon
---

type: Dataplane
mesh: places
name: bad-inbounds
networking:
  address: 127.0.0.1
  inbound:
    - port: 80
      tags: {kuma.io/service: web}
    - port: 70000
      tags:
        kuma.io/service: web
        kuma.io/protocol: smoke
    - port: 81
      tags: {version: '1'}
---
type: Mash
name: unknown
---
type: Timeout
mesh: places
name: Upper
sources: [{match: {kuma.io/service: '*'}}]
destinations: [{match: {kuma.io/service: '*'}}]
conf: {connectTimeout: 1s}
---
type: Mesh
name: places
"""


def test_every_fault_has_its_line_and_column(daemon):
    answer = daemon.post("/apply", FAULTY, headers=YAML)
    assert answer.status == 400, answer
    places = {(document, field): (line, column) for document, field, line, column, _ in faults(answer)}
    assert places[3, "conf.http.requestTimeout"] == (19, 5)
    assert places[4, "networking.inbound[1].port"] == (30, 7)
    assert places[4, 'networking.inbound[1].tags["kuma.io/protocol"]'] == (33, 9)
    assert places[4, 'networking.inbound[2].tags["kuma.io/service"]'] == (35, 7)  # missing: where it should be
    assert places[5, "type"] == (37, 1)
    assert places[6, "name"] == (42, 1)
    assert places[7, "name"] == (48, 1)  # the same as document 1
    assert {document for document, _ in places} == {3, 4, 5, 6, 7}
    assert [o == "refused" for o in outcomes(answer)] == [i >= 2 for i in range(7)]
    assert f"{len(faults(answer))} faults in 7 documents" in answer.json["detail"]
    assert daemon.get("/meshes/places").status == 404


def test_json_faults_have_their_place_too(daemon):
    body = '[\n {"type": "Mesh", "name": "j"},\n {"type": "Timeout",\n  "mesh": "j", "name": "t",\n  "conf": {"connectTimeout": 5}}\n]'
    answer = daemon.post("/apply", body, headers=JSON)
    assert [f[:4] for f in faults(answer)][:1] == [(2, "conf.connectTimeout", 5, 12)], answer


@pytest.mark.parametrize("media, body, place", [
    (YAML, "type: Mesh\nname: [x\n", "line 3"), (YAML, "type: Mesh\n  name: x\n", "line 2"),
    (JSON, '{"type": "Mesh",\n "name": }', "line 2, column 10"), (JSON, '[{"type": "Mesh"},\n 7 8]', "line 2"),
])
def test_bodies_that_cannot_be_read_tell_the_place(daemon, media, body, place):
    answer = daemon.post("/apply", body, headers=media)
    assert (answer.status, answer.json["title"]) == (400, "Bad Request"), answer
    assert place in answer.json["detail"], answer


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_one_resource_twice_is_a_slip(daemon, form):
    answer = apply(daemon, [mesh("twice"), mesh("twice", networking={"outbound": {"passthrough": False}}), mesh("once")], form=form)
    assert answer.status == 400, answer
    assert [f[:2] for f in faults(answer)] == [(2, "name")] and "document 1" in faults(answer)[0][4]
    assert daemon.get("/meshes/twice").status == daemon.get("/meshes/once").status == 404


def test_a_dry_run_writes_nothing(daemon):
    before = revision(daemon)
    answer = apply(daemon, [dataplane("dry", "web"), mesh("dry"), mesh("default", networking={"outbound": {"passthrough": False}})], "?dryRun=true")
    assert (answer.status, answer.json["dryRun"], outcomes(answer)) == (200, True, ["created", "created", "updated"]), answer
    assert "Ursa-Revision" not in answer.headers
    assert apply(daemon, [dataplane("dry", "web")], "?dryRun=true").status == 400
    assert apply(daemon, [mesh("dry")], "?dryRun=maybe").status == 400
    assert daemon.get("/meshes/dry").status == 404
    assert revision(daemon) == before
    assert apply(daemon, [mesh("wet")], "?dryRun=false").status == 200
    assert daemon.get("/meshes/wet").status == 200


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_documents_have_a_limit(daemon, form):
    documents = [mesh(f"m{i}") for i in range(10001)]
    for n, status in ((10000, 200), (10001, None)):
        answer = apply(daemon, documents[:n], "?dryRun=true", form)
        assert answer.status == status or (status is None and answer.status in (400, 413)), answer
        assert status or "10000" in answer.json["detail"], answer


def test_one_document_may_stand_alone(daemon):
    for media, body in ((JSON, json.dumps(mesh("alone"))), (YAML, "type: Mesh\nname: alone\n"), (YAML, "---\n---\n{type: Mesh, name: alone}\n...\n")):
        answer = daemon.post("/apply", body, headers=media)
        assert (answer.status, len(outcomes(answer))) == (200, 1), answer


@pytest.mark.parametrize("media", [{}, {"Content-Type": "text/plain"}, {"Content-Type": "application/x-www-form-urlencoded"}])
def test_other_media_are_refused(daemon, media):
    assert daemon.post("/apply", "type: Mesh\nname: media\n", headers=media).status == 415


def test_readers_see_all_or_nothing(daemon):
    """A Mesh and its Dataplanes appear together, however the reads fall."""
    seen, done = [], threading.Event()

    def read():
        while not done.is_set():
            seen.append(len(daemon.get("/dataplanes?size=1000").json["items"]))

    before = len(daemon.get("/dataplanes?size=1000").json["items"])
    reader = threading.Thread(target=read)
    reader.start()
    for round_ in range(5):
        documents = [dataplane(f"whole-{round_}", f"web-{i}") for i in range(100)] + [mesh(f"whole-{round_}")]
        assert apply(daemon, documents).status == 200
    done.set()
    reader.join()
    assert {(n - before) % 100 for n in seen} == {0}, sorted(set(seen))
