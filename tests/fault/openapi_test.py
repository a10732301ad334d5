"""GET /openapi.json: the document is one, it describes every route, and the API answers as it says."""
import re

import jsonschema
import pytest

import access_test
import ursa

METHODS = ("get", "put", "post", "delete")


@pytest.fixture(scope="module")
def document(daemon):
    answer = daemon.get("/openapi.json", source="127.0.0.2")
    assert (answer.status, answer.type) == (200, "application/json")
    return answer.json


def operations(document):
    return [(method, path, item[method]) for path, item in document["paths"].items() for method in METHODS if method in item]


def follow(document, node):
    """What a reference stands for."""
    while "$ref" in node:
        keys = node["$ref"].removeprefix("#/").split("/")
        assert node["$ref"].startswith("#/"), node
        node = document
        for key in keys:
            node = node[key]
    return node


def every(node, key):
    """The values of a key, wherever it stands."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == key:
                yield value
            yield from every(value, key)
    elif isinstance(node, list):
        for item in node:
            yield from every(item, key)


# ---- the document itself: the rules of OpenAPI 3.1 that apply to what is in it ----
def test_the_document_is_openapi(document):
    assert document["openapi"] == "3.1.0"
    assert set(document) <= {"openapi", "info", "paths", "components"}
    assert document["info"]["title"] and document["info"]["version"]
    for path in document["paths"]:
        assert path.startswith("/"), path
    for kind in document["components"].values():
        assert all(re.fullmatch(r"[\w.-]+", name) for name in kind), kind


def test_operations_are_complete(document):
    ids = []
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert set(operation) <= {"operationId", "summary", "description", "tags", "parameters", "requestBody", "responses", "security"}, where
        ids.append(operation["operationId"])
        assert operation["summary"] and operation["description"] and operation["tags"], where
        assert "{" not in operation["summary"] and "$" not in operation["summary"], where
        named = [follow(document, p) for p in operation["parameters"]]
        assert len({(p["in"], p["name"]) for p in named}) == len(named), f"{where}: a parameter twice"
        assert {p["name"] for p in named if p["in"] == "path"} == set(re.findall(r"\{(\w+)\}", path)), where
        assert all(p["required"] is True for p in named if p["in"] == "path"), where
        assert all(p["description"] and p["schema"] for p in named), where
        assert len(operation["responses"]) > 1 and "default" in operation["responses"], where
        for status, answer in operation["responses"].items():
            assert re.fullmatch(r"[2-5]\d\d|default", status), where
            assert follow(document, answer)["description"], where
        if "requestBody" in operation:
            assert method in ("put", "post") and operation["requestBody"]["content"], where
        for alternative in operation["security"]:
            assert set(alternative) <= set(document["components"]["securitySchemes"]), where
    assert len(set(ids)) == len(ids), "an operationId twice"


def test_references_lead_somewhere(document):
    for reference in set(every(document, "$ref")):
        assert follow(document, {"$ref": reference}), reference


def test_schemas_are_schemas(document):
    for schema in [*document["components"]["schemas"].values(), *every(document["paths"], "schema"), *every(document["components"], "schema")]:
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_route_is_described(document):
    """Those of types stand there once a type."""
    described = {(method, path) for method, path, _ in operations(document)}
    for method, pattern in access_test.routes():
        paths = [pattern]
        for word, of in (("{global}", "GLOBAL"), ("{scoped}", "MESH")):
            if word in pattern:
                paths = [pattern.replace(word, plural) for _, plural, scope, traits in access_test.types()
                         if scope == of and "RES_DERIVED" not in traits and (method == "GET" or "RES_READ_ONLY" not in traits)]
        for path in paths:
            assert (method.lower(), path) in described, f"{method} {path}"


# ---- the answers ----
def closed(node):
    """The same schema without room for members that it does not tell of."""
    if isinstance(node, dict):
        node = {key: closed(value) for key, value in node.items()}
        if "properties" in node and node.get("type") in ("object", ["object", "null"]):
            node.setdefault("additionalProperties", False)
        return node
    return [closed(item) for item in node] if isinstance(node, list) else node


def faults(document, operation, answer):
    """What of an answer the document does not tell."""
    responses = operation["responses"]
    if answer.status < 400 and str(answer.status) not in responses:
        return [f"status {answer.status}"]
    described = follow(document, responses.get(str(answer.status), responses["default"]))
    if "content" not in described:
        return [f"a body: {answer.text}"] if answer.text else []
    media = {name.split(";")[0]: content for name, content in described["content"].items()}
    if answer.type not in media:
        return [f"Content-Type {answer.type!r}"]
    schema = {**media[answer.type]["schema"], "components": document["components"]}
    return [f"{e.json_path}: {e.message}" for e in jsonschema.Draft202012Validator(closed(schema)).iter_errors(answer.body)]


def operation_of(document, method, path):
    """The operation that a request is; paths without parameters go first."""
    asked = path.split("?")[0]
    for pattern in sorted(document["paths"], key=lambda p: p.count("{")):
        expression = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(pattern))
        if re.fullmatch(expression, asked):
            return document["paths"][pattern].get(method.lower())
    return None


def test_answers_are_as_described(daemon, document):
    """Every row of the access matrix, asked by an administrator, a stranger, and with things stored."""
    wrong, asked = [], set()
    for name, plural, scope, traits in access_test.types():
        if name in access_test.SPECS or name in access_test.POLICIES or name in access_test.TARGETED:
            path = f"/{plural}/x" if scope == "GLOBAL" else f"/meshes/default/{plural}/x"
            daemon.put(path, access_test.document(name, scope))
    for method, path, body, *_ in access_test.ROWS:
        for source in ("127.0.0.1", "127.0.0.2"):
            operation = operation_of(document, method, path)
            answer = daemon.http(method, path, body, source=source)
            if operation is None:
                assert answer.status in (403, 405), f"{method} {path} is not described: {answer}"
                continue
            asked.add(operation["operationId"])
            found = faults(document, operation, answer)
            if found:
                wrong.append(f"{method} {path}: {answer.status}: " + "; ".join(found[:3]))
            for header in operation["responses"].get(str(answer.status), {}).get("headers", {}):
                if header not in answer.headers and "dryRun" not in path:
                    wrong.append(f"{method} {path}: {answer.status} without {header}")
    assert not wrong, "\n".join(wrong)
    missed = {o["operationId"] for method, path, o in operations(document)} - asked
    assert not missed, f"never asked: {sorted(missed)}"
