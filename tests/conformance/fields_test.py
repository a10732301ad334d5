"""No known field is missing: every field of the reference's types, to the leaf, and its other spelling, is in the schema that Ursa makes of its own
field tables."""
import functools
import json
import re

import pytest

import ursa

LIST = ursa.SHARED / "spec/resources-fields.json"
DERIVED = {"MeshInsight", "ServiceInsight"}  # computed when read: they have no field table
NAME = re.compile(r"([^\[\]{}]+)((?:\[\]|\{\})*)")


def known():
    if not LIST.is_file():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"{LIST} is not there"))]
    return [pytest.param(one, id=one["type"]) for one in json.loads(LIST.read_text("utf-8"))]


@pytest.fixture(scope="module")
def described():
    with ursa.running("memory") as started:
        yield started


class Schema:
    """A JSON Schema and the way down its properties, items and additionalProperties."""

    def __init__(self, root):
        self.root = root

    def parts(self, node):
        """The node and what it combines, references followed."""
        if not isinstance(node, dict):
            return
        if "$ref" in node:
            yield from self.parts(functools.reduce(lambda at, step: at[step], node["$ref"].removeprefix("#/").split("/"), self.root))
        yield node
        for word in ("allOf", "anyOf", "oneOf"):
            for part in node.get(word, []):
                yield from self.parts(part)

    def below(self, node, key):
        return next((part[key] for part in self.parts(node) if isinstance(part.get(key), dict)), None)

    def member(self, node, name):
        return next((part["properties"][name] for part in self.parts(node) if name in part.get("properties", {})), None)

    def find(self, path):
        """What describes the field at a path like a.b[].c{}.d; None when nothing does."""
        node = self.root
        for step in path.split("."):
            name, marks = NAME.fullmatch(step).groups()
            node = self.member(node, name)
            for mark in re.findall(r"\[\]|\{\}", marks):
                node = self.below(node, "items" if mark == "[]" else "additionalProperties")
        return node


@pytest.mark.parametrize("one", known())
def test_every_field_is_there(described, one):
    if one["type"] in DERIVED:
        pytest.skip("computed when read")
    schema = Schema(json.loads(described.get(f"/schemas/{one['type']}").text))
    paths = [field["path"] for field in one["fields"]]
    for field in one["fields"]:
        parent = field["path"].rpartition(".")[0]
        marks = NAME.fullmatch(field["path"].rpartition(".")[2]).group(2)
        paths += [(f"{parent}." if parent else "") + other + marks for other in field.get("aliases", [])]
    assert [path for path in paths if schema.find(path) is None] == []
