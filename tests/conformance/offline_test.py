"""ursa-cp check, held against ../shared/fixtures/validation: offline it finds what kuma-cp found when the document was PUT."""
import json
import subprocess

import recorded
import ursa
import validation_test


def key(document):
    return document.get("type"), document.get("mesh"), document.get("name")


# Documents may name the secrets that a mesh's authority makes; the names have a dot, which no PUT takes.
DOTTED = {"GlobalSecret/012-name-with-dot", "Secret/013-name-with-dot-rejected-in-url"}


def comparable_with(case, setup, document):
    """A PUT of a document that an offline check could know everything about: not of its URL, nor of what it replaces."""
    reasons = [p["reason"] for p in (case.want["body"] or {}).get("invalid_parameters", [])] if isinstance(case.want["body"], dict) else []
    of_url = case.want["status"] == 404 or any("from the URL" in r or r.startswith("type in body") for r in reasons)
    return not of_url and isinstance(document, dict) and key(document) not in map(key, setup)


def check(folder, documents):
    """(exit status, [field, message] of each fault)."""
    file = folder / "documents.json"
    file.write_text(json.dumps(documents))
    done = subprocess.run([ursa.BUILD / "ursa-cp", "check", "-o", "json", file], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done
    return done.returncode, [[f["field"], f["message"]] for f in json.loads(done.stdout)["faults"]]


def cases():
    for name in validation_test.CASES:
        case = validation_test.Case(name)
        if case.request["method"] != "PUT" or "rawBody" in case.request or "contentType" in case.request or name in DOTTED | set(validation_test.DEVIATIONS):
            continue
        document = json.loads(case.body())
        if comparable_with(case, case.setup, document):
            yield name, case, document


def test_the_verdicts_and_causes_are_those_of_a_put(tmp_path):
    wrong, n = [], 0
    for name, case, document in cases():
        status, faults = check(tmp_path, [*case.setup, document])
        body, n = case.want["body"] or {}, n + 1
        if status != (case.want["status"] not in (200, 201)):
            wrong.append(f"{name}: exit status {status}, a PUT is answered {case.want['status']}: {faults}")
        want = sorted([p["field"], p["reason"]] for p in body.get("invalid_parameters", []))
        if want and recorded.without_tails(want) != recorded.without_tails(sorted(faults)):
            wrong.append(f"{name}: {faults}, want {want}")
    assert not wrong, "\n".join(wrong)
    assert n > 1100
