"""GET /schemas: held against the recorded documents of ../shared/fixtures/validation. A schema takes every document that the API takes, and
none that is of the wrong shape."""
import json
import re

import jsonschema
import pytest

import recorded
import ursa
import validation_test

# JSON Schema knows values, not how numbers are spelled: 5.0 and 5e0 are integers to it, and to the API are none.
BEYOND_SCHEMAS = {"_common/077-uint-as-float-integral", "_common/078-uint-exponent"}
class Document:
    """A recorded PUT whose body is JSON of its own type, and what became of it."""

    def __init__(self, name):
        case = validation_test.Case(name)
        self.name, self.body, self.type, answer = name, None, None, case.want
        self.accepted = answer["status"] in (200, 201)
        detail = answer["body"] if isinstance(answer["body"], dict) else {}
        reasons = [p["reason"] for p in detail.get("invalid_parameters", [])]
        # Of the wrong shape: what cannot be decoded, and what the schemas of kuma-cp itself refuse.
        self.misshapen = detail.get("title") == "Bad Request" or any(re.search(r"\bin body (is|must|should) ", r) for r in reasons)
        if case.request["method"] == "PUT" and case.body() is not None:
            self.type = recorded.ours().get(recorded.collection(case.request["path"]))
            try:
                self.body = json.loads(case.body().decode())
            except ValueError:
                self.type = None


DOCUMENTS = [d for d in map(Document, validation_test.CASES) if d.type]


@pytest.fixture(scope="module")
def schemas():
    """Type -> (schema, strict schema), as validators."""
    found = {}
    with ursa.running() as daemon:
        for item in daemon.get("/schemas").json["items"]:
            texts = [daemon.get(item["path"]), daemon.get(item["path"] + "?strict=true")]
            assert all(t.status == 200 for t in texts), texts
            found[item["type"]] = [jsonschema.Draft202012Validator(t.json) for t in texts]
    return found


def test_schemas_are_schemas(schemas):
    for pair in schemas.values():
        for validator in pair:
            validator.check_schema(validator.schema)


def faults(validator, document):
    return [f"{document.name} {e.json_path}: {e.message[:200]}" for e in validator.iter_errors(document.body)]


def test_every_accepted_document_is_valid(schemas):
    accepted = [d for d in DOCUMENTS if d.accepted]
    assert len(accepted) > 300
    wrong = [fault for d in accepted for fault in faults(schemas[d.type][0], d)]
    assert not wrong, "\n".join(wrong)


def test_a_strict_schema_refuses_what_would_be_dropped_and_nothing_else(schemas):
    """Unknown members; members in another case are unknown to it, and then type, mesh or name may seem to miss."""
    refused = 0
    for document in (d for d in DOCUMENTS if d.accepted):
        found = list(schemas[document.type][1].iter_errors(document.body))
        refused += bool(found)
        for error in found:
            assert error.validator in ("additionalProperties", "required"), f"{document.name} {error.json_path}: {error.message}"
    assert 5 < refused < 30


def test_no_misshapen_document_is_valid(schemas):
    misshapen = [d for d in DOCUMENTS if d.misshapen and not d.accepted and d.name not in BEYOND_SCHEMAS]
    assert len(misshapen) > 150
    passed = [d.name for d in misshapen if not faults(schemas[d.type][0], d)]
    assert not passed, "\n".join(passed)
    assert not [d.name for d in misshapen if not faults(schemas[d.type][1], d)]


def test_every_type_that_is_recorded_has_a_schema(schemas):
    assert {d.type for d in DOCUMENTS} <= set(schemas)
