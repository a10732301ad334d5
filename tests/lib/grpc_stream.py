"""grpc_stream.py -- one gRPC call over a connection of its own: sends the messages it is told to, hands over what came back, byte for byte. ads.py and
hds.py make clients of it."""
import select
import socket
import ssl
import time

import h2.config
import h2.connection
import h2.events
import h2.settings

import pace

LIMIT = 20 * min(pace.SANITIZED, 6)  # seconds for an answer
WINDOW = (1 << 31) - 1


class Stream:
    """A connection with one stream. 'receive_buffer': bytes that the kernel takes for a client that does not read."""

    def __init__(self, plane, path, token=None, receive_buffer=None):
        self.received = bytearray()  # all bytes of the stream's messages
        self.status = None  # (code, text) once the stream has ended
        self._parts = bytearray()
        self._messages = []
        self._pongs = 0
        context = ssl._create_unverified_context()
        context.set_alpn_protocols(["h2"])
        made = socket.socket()
        if receive_buffer:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        made.settimeout(LIMIT)
        made.connect(("127.0.0.1", plane.dp_port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = context.wrap_socket(made, server_hostname="localhost")
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self._h2.local_settings = h2.settings.Settings(client=True, initial_values={
            h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: WINDOW, h2.settings.SettingCodes.ENABLE_PUSH: 0})
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(WINDOW - (1 << 16))
        headers = [(":method", "POST"), (":scheme", "https"), (":path", path), (":authority", "localhost"),
                   ("te", "trailers"), ("content-type", "application/grpc")]
        self._stream = self._h2.get_next_available_stream_id()
        self._h2.send_headers(self._stream, headers + ([("authorization", token)] if token else []))
        self._flush()

    def close(self):
        """As a crash would: without a word."""
        self._socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # ---- saying ----
    def send(self, message):
        """A message of any bytes."""
        rest = b"\0" + len(message).to_bytes(4, "big") + message
        while rest:
            self._wait("leave to send", lambda: self._h2.local_flow_control_window(self._stream))
            size = min(self._h2.local_flow_control_window(self._stream), self._h2.max_outbound_frame_size)
            self._h2.send_data(self._stream, rest[:size])
            self._flush()
            rest = rest[size:]

    def _flush(self):
        self._socket.sendall(self._h2.data_to_send())

    # ---- hearing ----
    def fileno(self):
        return self._socket.fileno()

    def feed(self):
        """Reads what is there, at least once: after select, or waiting."""
        data = self._socket.recv(1 << 18)
        while self._socket.pending():
            data += self._socket.recv(1 << 18)
        if not data and self.status is None:
            self.status = ("closed", "")
        for event in self._h2.receive_data(data) if data else ():
            if isinstance(event, h2.events.DataReceived):
                self._parts += event.data
            elif isinstance(event, h2.events.PingAckReceived):
                self._pongs += 1
            elif isinstance(event, (h2.events.ResponseReceived, h2.events.TrailersReceived)):
                told = dict(event.headers)
                if "grpc-status" in told:
                    self.status = (int(told["grpc-status"]), told.get("grpc-message", ""))
            elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)) and self.status is None:
                self.status = ("reset", str(event.error_code))
        self._flush()
        while len(self._parts) >= 5 and len(self._parts) >= (size := int.from_bytes(self._parts[1:5], "big") + 5):
            assert self._parts[0] == 0, "compressed"
            self.received += self._parts[5:size]
            self._messages.append(self.read(bytes(self._parts[5:size])))
            del self._parts[:size]

    def read(self, message):
        """What the messages are for who asks for them; a client makes more of it."""
        return message

    def taken(self):
        """The messages that have come."""
        messages, self._messages = self._messages, []
        return messages

    def _wait(self, what, is_there):
        end = time.monotonic() + LIMIT
        while not (found := is_there()):
            assert time.monotonic() < end and self.status is None, f"waited for {what} in vain; the stream's end: {self.status}"
            if select.select([self._socket], [], [], 1)[0]:
                self.feed()
        return found

    def next(self):
        """The next message."""
        self._wait("a message", lambda: self._messages)
        return self._messages.pop(0)

    def refusal(self):
        """(code, text) when the stream ends before a message comes, else None."""
        end = time.monotonic() + LIMIT
        while self.status is None and not self._messages:
            assert time.monotonic() < end, "nothing came"
            if select.select([self._socket], [], [], 1)[0]:
                self.feed()
        return None if self._messages else self.status

    def end(self):
        """(code, text) of the stream's end."""
        end = time.monotonic() + LIMIT
        while self.status is None:
            assert time.monotonic() < end, "the stream goes on"
            if select.select([self._socket], [], [], 1)[0]:
                self.feed()
        return self.status

    def silence(self):
        """What has come by the time that the server has read all that was sent and has said all that it had to say: it answers two pings, and what was
        due when the first of them came is on its way before the second is answered."""
        for _ in range(2):
            before = self._pongs
            self._h2.ping(b"ursatest")
            self._flush()
            self._wait("a pong", lambda before=before: self._pongs > before)
        return self.taken()
