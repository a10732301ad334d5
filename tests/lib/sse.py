"""sse.py -- a client of server-sent events that shows what came, as it came."""
import json
import select
import socket
import time


class Event:
    def __init__(self, block):
        fields = [line.partition(":")[::2] for line in block.split("\n")]
        self.comment = all(name == "" for name, _ in fields)
        named = {name: value.removeprefix(" ") for name, value in fields if name}
        self.kind, self.id = named.get("event"), named.get("id")
        self.data = json.loads(named["data"]) if "data" in named else None

    def __repr__(self):
        return f"{self.kind} {self.id} {self.data}"


class Stream:
    """One GET /events over a connection of its own. Iterating gives the events (not comments, not bare ids) until the stream ends."""

    def __init__(self, port, query="", headers=None, source=None, timeout=20, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        if source:
            self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))
        lines = [f"GET /events{query} HTTP/1.1", f"Host: localhost:{port}", *(f"{k}: {v}" for k, v in (headers or {}).items()), "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        self._raw, self._text, self.over, self.last_id = b"", "", False, None
        while b"\r\n\r\n" not in self._raw:
            self._receive()
        head, _, self._raw = self._raw.partition(b"\r\n\r\n")
        self.status = int(head.split()[1])
        self.head = head.decode()

    def _receive(self):
        got = self.socket.recv(65536)
        if not got:
            raise EOFError("the connection was closed in the middle")
        self._raw += got

    def _chunk(self):
        """The next chunk's text; "" is the end."""
        while b"\r\n" not in self._raw:
            self._receive()
        size, _, rest = self._raw.partition(b"\r\n")
        n = int(size, 16)
        while len(rest) < n + 2:
            self._receive()
            rest = self._raw.partition(b"\r\n")[2]
        self._raw = rest[n + 2:]
        return rest[:n].decode()

    def next(self):
        """The next event; None at the end. Signs of life are none: they do not make the wait longer."""
        end = time.monotonic() + self.socket.gettimeout()
        while True:
            assert time.monotonic() < end, "no event has come"
            while "\n\n" not in self._text:
                chunk = self._chunk()
                if not chunk:
                    self.over = True
                    return None
                self._text += chunk
            block, _, self._text = self._text.partition("\n\n")
            event = Event(block)
            self.last_id = event.id or self.last_id
            if event.data is not None:
                return event

    def greeted(self):
        """Waits for the first id: from here on nothing is missed."""
        while self.last_id is None:
            while "\n\n" not in self._text:
                self._text += self._chunk()
            block, _, self._text = self._text.partition("\n\n")
            self.last_id = Event(block).id
        return self

    def is_quiet(self, seconds):
        return not self._text and not select.select([self.socket], [], [], seconds)[0]

    def __iter__(self):
        return iter(self.next, None)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
