"""Looking into proxies that say nothing: nobody else waits for them, and neither does the end of the daemon."""
import contextlib
import http.client
import json
import socket
import threading

import ursa


def silent(listener):
    """Takes connections and says nothing; tells when one has come."""
    came, kept = threading.Event(), []

    def run():
        with contextlib.suppress(OSError):
            while True:
                kept.append(listener.accept()[0])
                came.set()

    threading.Thread(target=run, daemon=True).start()
    return came, kept


def put_proxy(daemon, name, port):
    networking = {"address": "127.0.0.1", "admin": {"port": port}, "inbound": [{"port": 80, "tags": {"kuma.io/service": "a"}}]}
    answer = daemon.put(f"/meshes/default/dataplanes/{name}", {"type": "Dataplane", "mesh": "default", "name": name, "networking": networking})
    assert answer.status == 201, answer


def test_a_silent_proxy_keeps_nobody_waiting():
    """More questions than threads and places in the queue: the rest is told at once, others are answered, and the end comes at once."""
    daemon = ursa.Daemon().start()
    listener = socket.create_server(("127.0.0.1", 0))
    came, kept = silent(listener)
    answers, answered = [], threading.Semaphore(0)

    def ask():
        with contextlib.suppress(OSError, http.client.HTTPException):  # it may not have been heard before the end
            answers.append(daemon.get("/meshes/default/dataplanes/silent/stats"))
            answered.release()

    try:
        put_proxy(daemon, "silent", listener.getsockname()[1])
        threads = [threading.Thread(target=ask) for _ in range(60)]
        for thread in threads:
            thread.start()
        assert came.wait(20)
        for _ in range(60 - 4 - 32):
            assert answered.acquire(timeout=20)
        assert daemon.get("/meshes").status == 200
    finally:
        daemon.stop()
        listener.close()
    for thread in threads:
        thread.join(20)
    for connection in kept:
        connection.close()
    # Too many (503), away in time (500), or ended with the daemon (503): each is told what it was.
    details = {(a.status, a.json["detail"]) for a in answers}
    assert details <= {(503, "too many proxies are being asked at the moment: try again"), (503, "the control plane is stopping"),
                       (500, "the proxy did not answer in time")}, details
    assert (503, "the control plane is stopping") in details and (503, "too many proxies are being asked at the moment: try again") in details


def test_what_is_not_there_is_not_asked(daemon):
    for path, title in (("/meshes/default/dataplanes/no/xds", "Could not get dataplane resource"), ("/meshes/no/dataplanes/no/stats", "Could not get dataplane resource"),
                        ("/zoneingresses/no/clusters", "Could not get zone ingress resource"), ("/zoneegresses/no/xds", "Could not get zone egress resource")):
        answer = daemon.get(path)
        assert (answer.status, answer.json["title"]) == (404, title), answer


def test_what_an_answer_says_reaches_no_error(daemon):
    """A service that is no Envoy answers something that looks like more: nothing of it comes out."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer_once():
        made, _ = listener.accept()
        with made:
            made.recv(4096)
            body = json.dumps({"node": {"id": "default.other"}, "secret": "hunter2"}).encode()
            made.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)

    server = threading.Thread(target=answer_once)
    server.start()
    put_proxy(daemon, "odd", listener.getsockname()[1])
    answer = daemon.get("/meshes/default/dataplanes/odd/xds")
    server.join()
    listener.close()
    assert answer.status == 500 and answer.json["detail"] == "what listens at the proxy's admin port is not this proxy", answer
    assert "hunter2" not in answer.text and "hunter2" not in daemon.log()
