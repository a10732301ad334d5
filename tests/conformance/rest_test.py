"""Replays ../shared/fixtures/rest: what kuma-cp 2.4.10 answered to 1,199 requests in a row, one case each.

State carries over from case to case, as the README of the recordings says: run whole folders. An exchange that
deviations.yaml lists under 'rest' must answer what stands there, and no longer what was recorded."""
import base64
import copy
import json
import time

import pytest

import recorded

ROOT = recorded.FIXTURES / "rest"


def play_order():
    found = [p.relative_to(ROOT).with_suffix("") for p in ROOT.glob("*/**/*.json")]
    return [str(p) for p in sorted(found, key=lambda p: (p.parts[0], p.parent.parts, p.name)) if p.parts[0] != "kumactl"]


CASES = play_order()
DEVIATIONS = recorded.LISTED["rest"]
if not CASES:
    pytest.skip(f"no recordings in {ROOT}", allow_module_level=True)


@pytest.fixture(scope="module")
def variables(daemon):
    """What earlier answers were asked to leave behind: tokens, mostly. One set a daemon."""
    return {}


def fill(text, variables):
    for name, value in variables.items():
        text = text.replace("${%s}" % name, value)
    return text


def ask(daemon, exchange, variables):
    request = exchange["request"]
    proxies_port = request.get("server") == "dp"
    headers = {"Host": "127.0.0.1:5678" if proxies_port else "127.0.0.1:5681"}
    headers.update({k: fill(v, variables) for k, v in request["headers"].items()})
    body = request["body"]
    if body is not None:
        body = fill(body if isinstance(body, str) else json.dumps(body), variables)
    return daemon.http(request["method"], fill(request["path"], variables), body, headers, source=exchange.get("source_address"),
                       port=daemon.dp_port if proxies_port else None, tls=proxies_port)


def token_id(jwt):
    claims = jwt.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["jti"]


def capture(how, answer):
    if how == "body":
        return answer.text
    if how == "revocation":
        return base64.b64encode(f"x,{token_id(answer.text)}\n".encode()).decode()
    kind, key = how.split(":")
    return answer.json[key] if kind == "json" else base64.b64decode(answer.json[key]).decode()


def comparable(body, unordered):
    body = recorded.masked(recorded.without_missing(copy.deepcopy(body)))
    if unordered and isinstance(body, dict) and isinstance(body.get("items"), list):
        body["items"].sort(key=lambda item: json.dumps(item, sort_keys=True))
    return body


def compare(exchange, answer):
    want = exchange["response"]
    found = [] if answer.status == want["status"] else [f"status {answer.status}, want {want['status']}"]
    want_type = (want["headers"].get("Content-Type") or "").split(";")[0]
    if answer.type != want_type:
        found.append(f"Content-Type {answer.type!r}, want {want_type!r}")
    if "Allow" in want["headers"]:
        have, wish = (set((h or "").split(", ")) for h in (answer.headers["Allow"], want["headers"]["Allow"]))
        found += [] if have == wish else [f"Allow {have}, want {wish}"]
    if not exchange.get("volatile_body"):
        unordered = exchange.get("unordered")
        found += recorded.differences(comparable(want["body"], unordered), comparable(answer.body, unordered))
    return found


def ask_until_equal(daemon, exchange, variables):
    """Some answers follow the writes at a distance; the recording says how long that may be."""
    end = time.monotonic() + exchange.get("within_s", 0)
    while True:
        answer = ask(daemon, exchange, variables)
        found = compare(exchange, answer)
        if not found or time.monotonic() >= end:
            return answer, found
        time.sleep(0.02)


@pytest.mark.parametrize("case", CASES)
def test_exchange(daemon, variables, case):
    exchange = json.loads((ROOT / f"{case}.json").read_text("utf-8"))
    path, entry = exchange["request"]["path"], DEVIATIONS.get(case)
    for mark in ("needs_proxy", "quirk"):
        if exchange.get(mark) and not (entry and mark == "quirk"):
            pytest.skip(f"the recording says: {mark}")
    answer, found = ask_until_equal(daemon, exchange, variables)
    if entry:
        assert found, "answers as recorded: drop it from deviations.yaml"
        found = recorded.deviation_differences(entry, answer)
    assert not found, "\n".join([f"{exchange['request']['method']} {path}", *found, f"answer: {answer}"])
    for name, how in (exchange.get("capture") or {}).items():
        variables[name] = capture(how, answer)


def test_deviations_are_of_recorded_exchanges():
    assert set(DEVIATIONS) <= set(CASES), "deviations.yaml names exchanges that are not recorded"
