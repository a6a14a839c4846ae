"""A proxy in front of a service that does what proxies do on bad days. Standard library only; lives in a thread of its own."""

import asyncio
import pathlib
import threading
import time

ADAPTER = pathlib.Path(__file__).resolve().parent.parent
REACT = pathlib.Path("/usr/share/nodejs/react/umd")
BUFFER = 4096  # bytes of an event stream that are kept back until there are so many
LONG = ("socket", "events", "held")  # connections that are meant to stay


class Evil:
    """Set the attributes to what should go wrong; `calm` sets them back. `log` has what was asked: (time, kind, path)."""

    def __init__(self, upstream, pages=None):
        self.upstream = upstream  # (host, port)
        self.pages = pages or {}  # path -> (type, text), beside the adapter's files under /chaos/
        self.log = []
        self.connections = set()
        self.calm()
        started = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(started,), daemon=True)
        self.thread.start()
        started.wait(10)

    def calm(self):
        self.refuses = set()  # of "socket", "events", "held"
        self.buffers_events = False
        self.cut_after = None  # seconds that a long connection lives
        self.bad_gateway = False

    def stall(self):
        """Connections that are open now stay so, and nothing passes on them any more."""
        self.loop.call_soon_threadsafe(lambda: [setattr(each, "stalled", True) for each in self.connections])

    def close(self):
        def end():
            self.server.close()
            for task in asyncio.all_tasks(self.loop):
                task.cancel()
            self.loop.call_later(0.2, self.loop.stop)
        self.loop.call_soon_threadsafe(end)
        self.thread.join(5)

    def asked(self, path, since, kinds=("poll", "held")):
        """How often `path` was asked for after the moment `since`."""
        return sum(at >= since and kind in kinds and each.split("?")[0] == path for at, kind, each in list(self.log))

    def _run(self, started):
        self.loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self.loop)
        self.server = self.loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self.server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        started.set()
        self.loop.run_forever()

    async def _serve(self, reader, writer):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            await _Connection(self, reader, writer, head).run()
        except (OSError, ValueError, asyncio.CancelledError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.close()


class _Connection:
    """One request, and its answer: no connection is used twice, so that each is of one kind."""

    def __init__(self, evil, reader, writer, head):
        self.evil, self.reader, self.writer = evil, reader, writer
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        self.method, self.path, _ = first.split(" ")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines if ": " in line)}
        self.kind = ("page" if self.path.startswith("/chaos/") else "socket" if "upgrade" in headers
                     else "events" if "text/event-stream" in headers.get("accept", "") else "held" if "wait=" in headers.get("prefer", "")
                     else "poll" if self.method == "GET" else "other")
        if self.kind != "socket":
            lines = [line for line in lines if not line.lower().startswith("connection:")] + ["Connection: close"]
        self.head = "\r\n".join([first, *lines, "", ""]).encode("latin-1")
        self.stalled = False

    def abort(self):
        self.writer.transport.abort()

    async def run(self):
        evil = self.evil
        evil.log.append((time.monotonic(), self.kind, self.path))
        if self.kind == "page":
            return await self.page()
        if evil.bad_gateway or self.kind in evil.refuses:
            return await self.answer(502, "text/html", b"<h1>502 Bad Gateway</h1>")
        up_reader, up_writer = await asyncio.open_connection(*evil.upstream)
        evil.connections.add(self)
        cut = evil.loop.call_later(evil.cut_after, self.abort) if evil.cut_after and self.kind in LONG else None
        try:
            up_writer.write(self.head)
            ways = [asyncio.ensure_future(self.pump(self.reader, up_writer)),
                    asyncio.ensure_future(self.pump(up_reader, self.writer, evil.buffers_events and self.kind == "events"))]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
        finally:
            if cut:
                cut.cancel()
            evil.connections.discard(self)
            up_writer.close()

    async def pump(self, reader, writer, buffers=False):
        kept = b""
        while data := await reader.read(65536):
            if self.stalled:
                continue
            kept += data
            if buffers and len(kept) < BUFFER:
                continue
            writer.write(kept)
            kept = b""
            await writer.drain()
        if kept and not self.stalled:
            writer.write(kept)
            await writer.drain()
        while self.stalled and reader is not self.reader:  # the client does not learn that the service is gone
            await asyncio.sleep(0.2)

    async def page(self):
        name = self.path.split("?")[0].removeprefix("/chaos/")
        if name in self.evil.pages:
            return await self.answer(200, *self.evil.pages[name])
        file = (REACT if name.startswith("react") and name.endswith(".development.js") else ADAPTER) / name
        if name.startswith("react-dom."):
            file = REACT.parent.parent / "react-dom/umd" / name
        if ".." not in name and file.suffix == ".js" and file.exists():
            return await self.answer(200, "text/javascript", file.read_bytes())
        await self.answer(404, "text/plain", b"")

    async def answer(self, status, kind, body):
        body = body if isinstance(body, bytes) else body.encode()
        self.writer.write(
            f"HTTP/1.1 {status} Chaos\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {len(body)}\r\nCache-Control: no-store\r\n"
            "Connection: close\r\n\r\n".encode() + body)
        await self.writer.drain()
