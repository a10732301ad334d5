"""ETag, If-Match and If-None-Match: nobody overwrites what he has not seen."""
import threading

import pytest

PATH = "/meshes/default/timeouts/"


def timeout(name, seconds=1):
    match = [{"match": {"kuma.io/service": "*"}}]
    return {"type": "Timeout", "mesh": "default", "name": name, "sources": match, "destinations": match, "conf": {"connectTimeout": f"{seconds}s"}}


def put(daemon, name, seconds=1, **headers):
    return daemon.put(PATH + name, timeout(name, seconds), headers={k.replace("_", "-"): v for k, v in headers.items()})


def tag(daemon, name):
    return daemon.get(PATH + name).headers["ETag"]


def test_a_tag_changes_with_every_write_and_with_nothing_else(daemon):
    revision = put(daemon, "tags").headers["Ursa-Revision"]
    first = tag(daemon, "tags")
    assert first.startswith(f'"{revision}-') and first.endswith('"')
    assert put(daemon, "other").status == 201
    assert tag(daemon, "tags") == first
    assert put(daemon, "tags").status == 200
    assert tag(daemon, "tags") != first


def test_a_get_of_what_the_client_has_answers_304(daemon):
    put(daemon, "cached")
    current = tag(daemon, "cached")
    for text in (current, f"W/{current}", f'"x", {current}', "*"):
        answer = daemon.get(PATH + "cached", headers={"If-None-Match": text})
        assert (answer.status, answer.text, answer.headers["ETag"]) == (304, "", current), text
    put(daemon, "cached", 2)
    answer = daemon.get(PATH + "cached", headers={"If-None-Match": current})
    assert answer.status == 200 and answer.json["conf"] == {"connectTimeout": "2s"}
    assert daemon.get(PATH + "absent", headers={"If-None-Match": "*"}).status == 404


def test_a_write_for_another_version_is_refused(daemon):
    put(daemon, "guarded")
    old = tag(daemon, "guarded")
    assert put(daemon, "guarded", 2, If_Match=old).status == 200
    current = tag(daemon, "guarded")
    for method in (lambda: put(daemon, "guarded", 3, If_Match=old), lambda: daemon.delete(PATH + "guarded", headers={"If-Match": old})):
        answer = method()
        assert answer.status == 412 and current in answer.json["detail"], answer
    assert tag(daemon, "guarded") == current
    assert daemon.delete(PATH + "guarded", headers={"If-Match": current}).status == 200
    for method in (lambda: put(daemon, "guarded", 3, If_Match=current), lambda: daemon.delete(PATH + "guarded", headers={"If-Match": "*"})):
        answer = method()
        assert answer.status == 412 and "nothing is stored" in answer.json["detail"], answer


def test_create_only_and_update_only(daemon):
    assert put(daemon, "only", If_Match="*").status == 412
    assert put(daemon, "only", If_None_Match="*").status == 201
    assert put(daemon, "only", If_None_Match="*").status == 412
    assert put(daemon, "only", If_Match="*").status == 200


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
def test_malformed_conditions_are_told(daemon, header):
    put(daemon, "malformed")
    for text in ("x", '"x', '"a" "b"', '*, "a"', ""):
        for method, body in (("GET", None), ("PUT", timeout("malformed")), ("DELETE", None)):
            answer = daemon.http(method, PATH + "malformed", body, headers={header: text})
            assert answer.status == 400 and answer.json["causes"][0]["field"] == header, (method, text, answer)


def test_of_writers_with_one_tag_one_wins(daemon):
    """Eight clients count up the same resource; every success counts, whoever was late reads again."""
    put(daemon, "counter", 1)

    def count():
        for _ in range(10):
            while True:
                seen = daemon.get(PATH + "counter")
                seconds = int(seen.json["conf"]["connectTimeout"][:-1])
                if put(daemon, "counter", seconds + 1, If_Match=seen.headers["ETag"]).status == 200:
                    break

    clients = [threading.Thread(target=count) for _ in range(8)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert daemon.get(PATH + "counter").json["conf"]["connectTimeout"] == "81s"
