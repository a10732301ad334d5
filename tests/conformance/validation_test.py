"""Replays ../shared/fixtures/validation: inputs that kuma-cp 2.4.10 accepted or refused, and what it said, one case each.

Cases are independent: each makes what it needs, and removes it. Texts of Go's libraries are compared up to the prefix that
the README of the recordings names; deviations.yaml lists what is answered otherwise on purpose."""
import copy
import json

import pytest
import yaml

import recorded

ROOT = recorded.FIXTURES / "validation"
CASES = sorted(str(p.relative_to(ROOT)).removesuffix(".response.json") for p in ROOT.glob("*/*.response.json"))
DEVIATIONS = recorded.LISTED["validation"]
TIMES = {"creationTime", "modificationTime", "creationTimestamp"}
if not CASES:
    pytest.skip(f"no recordings in {ROOT}", allow_module_level=True)


class Loader(yaml.SafeLoader):
    """YAML 1.1, but times stay text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class Case:
    def __init__(self, name):
        self.want = json.loads((ROOT / f"{name}.response.json").read_text("utf-8"))
        self.request = self.want["request"]
        setup = ROOT / f"{name}.setup.yaml"
        self.setup = list(yaml.load_all(setup.read_text("utf-8"), Loader)) if setup.exists() else []
        self.source = ROOT / f"{name}.yaml"

    def missing_type(self):
        """The first type that the case needs and Ursa does not have."""
        paths = [self.request["path"], *self.want.get("setup", [])]
        return next((name for name in map(recorded.missing_type, paths) if name), None)

    def body(self):
        if "rawBody" in self.request:
            return self.request["rawBody"].encode()
        if self.request["method"] not in ("PUT", "POST", "PATCH"):
            return None
        return json.dumps(yaml.load(self.source.read_text("utf-8"), Loader)).encode()

    def headers(self):
        content_type = self.request.get("contentType", "application/json")
        return {"Content-Type": content_type} if content_type and self.body() is not None else {}


def without_times(node):
    if isinstance(node, dict):
        return {k: "<time>" if k in TIMES else without_times(v) for k, v in node.items()}
    return [without_times(v) for v in node] if isinstance(node, list) else node


def wanted(body):
    return body["__text__"] if isinstance(body, dict) and "__text__" in body else body


def comparable(body, unordered=False):
    body = recorded.without_tails(without_times(copy.deepcopy(body)))
    for key in ("invalid_parameters", "causes") if unordered and isinstance(body, dict) else ():
        body.get(key, []).sort(key=lambda entry: json.dumps(entry, sort_keys=True))
    return body


def compare(case, answer):
    want = case.want
    found = [] if answer.status == want["status"] else [f"status {answer.status}, want {want['status']}"]
    if answer.headers["Content-Type"] != want["contentType"]:
        found.append(f"Content-Type {answer.headers['Content-Type']!r}, want {want['contentType']!r}")
    unordered = "unorderedParameters" in want.get("flags", [])
    return found + recorded.differences(comparable(wanted(want["body"]), unordered), comparable(answer.body, unordered))


def compare_what_was_stored(daemon, case):
    """Defaults, normal forms, and what a Mesh brings with it."""
    path, found = case.request["path"], []
    if "get" in case.want:
        answer = daemon.get(path.split("?")[0])
        want = case.want["get"]
        found += [] if answer.status == want["status"] else [f"GET: status {answer.status}, want {want['status']}"]
        found += recorded.differences(comparable(wanted(want["body"])), comparable(answer.body), "GET")
    for collection, names in case.want.get("after", {}).items():
        if collection not in recorded.missing():
            items = daemon.get(f"{path}/{collection}").json["items"]
            found += recorded.differences(names, sorted(item["name"] for item in items), collection)
    return found


@pytest.mark.parametrize("name", CASES)
def test_case(daemon, name):
    case, entry = Case(name), DEVIATIONS.get(name)
    paths = case.want.get("setup", [])
    if case.missing_type() and not entry:
        pytest.skip(f"type {case.missing_type()} does not exist yet")
    try:
        for path, document in zip(paths, case.setup, strict=True):
            made = daemon.put(path, document)
            assert made.status in (200, 201), f"setup {path}: {made}"
        answer = daemon.http(case.request["method"], case.request["path"], case.body(), case.headers())
        found = compare(case, answer) or compare_what_was_stored(daemon, case)
        if entry:
            assert found, "answers as recorded: drop it from deviations.yaml"
            found = recorded.deviation_differences(entry, answer)
        assert not found, "\n".join([f"{case.request['method']} {case.request['path']}", *found, f"answer: {answer}"])
    finally:
        for path in [case.request["path"].split("?")[0], *reversed(paths)]:
            daemon.delete(path)


def test_deviations_are_of_recorded_cases():
    assert set(DEVIATIONS) <= set(CASES), "deviations.yaml names cases that are not recorded"
