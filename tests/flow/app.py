"""app.py -- applications behind the proxies: they say who they are and what they were sent. One event loop on a thread serves them all."""
import asyncio
import json
import threading


class Loop:
    """An event loop on a thread of its own."""

    def __init__(self):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="apps", daemon=True)
        self._thread.start()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def close(self):
        self.run(self._end_tasks())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @staticmethod
    async def _end_tasks():
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _App:
    """Listens on 127.0.0.1:port until close(); 'connections' counts those it was ever given."""

    def __init__(self, loop, name, port):
        self.loop, self.name, self.port = loop, name, port
        self.connections = 0
        self._server = loop.run(asyncio.start_server(self._connected, "127.0.0.1", port))

    async def _connected(self, reader, writer):
        self.connections += 1
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the peer went away
        finally:
            writer.close()

    def close(self):
        async def end():
            self._server.close()
            await self._server.wait_closed()

        self.loop.run(end())


class HttpApp(_App):
    """Answers JSON: its name, the path, the request's headers. /delay/MS answers late, /once/STATUS/ANYTHING with that status the first time."""

    def __init__(self, loop, name, port):
        self.requests = 0
        self._seen = set()
        super().__init__(loop, name, port)

    async def _serve(self, reader, writer):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            path = head[0].split(" ")[1]
            headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head[1:] if line)}
            await reader.readexactly(int(headers.get("content-length", 0)))
            self.requests += 1
            if path.startswith("/delay/"):
                await asyncio.sleep(int(path[7:]) / 1000)
            status = 200
            if path.startswith("/once/") and path not in self._seen:
                self._seen.add(path)
                status = int(path.split("/")[2])
            body = json.dumps({"app": self.name, "path": path, "headers": headers}).encode()
            writer.write(b"HTTP/1.1 %d Answer\r\ncontent-length: %d\r\ncontent-type: application/json\r\n\r\n" % (status, len(body)) + body)
            await writer.drain()


class TcpApp(_App):
    """Answers every line with its name and that line."""

    async def _serve(self, reader, writer):
        while line := await reader.readline():
            writer.write(self.name.encode() + b": " + line)
            await writer.drain()


class Forwarder(_App):
    """Another way to a port, as an address translation would be; 'connections' tells whether it is used."""

    def __init__(self, loop, name, port, target):
        self._target = target
        self._open = set()
        super().__init__(loop, name, port)

    async def _serve(self, reader, writer):
        onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._open |= {writer, onward_writer}

        async def copy(source, target):
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
            target.write_eof()

        try:
            await asyncio.gather(copy(reader, onward_writer), copy(onward_reader, writer))
        finally:
            self._open -= {writer, onward_writer}
            onward_writer.close()

    def cut(self):
        """The connections that are open break."""
        async def end():
            for writer in self._open:
                writer.transport.abort()

        self.loop.run(end())
