"""A program without a network: a clock that only moves when told, polls that are answered from a script, and connections whose other end is
the test."""

import asyncio
import json

from doorbell_client.client import Surroundings


class Timer:
    def __init__(self, due, call):
        self.due, self.call, self.is_cancelled = due, call, False

    def cancel(self):
        self.is_cancelled = True


class Connection:
    def __init__(self):
        self.sent, self.incoming = [], asyncio.Queue()
        self.closed_with = None  # by the client
        self.close_code, self.close_reason = None, ""
        self.stalls = False

    # The client's side.
    async def send(self, text):
        message = json.loads(text)
        self.sent.append(message)
        if message["type"] == "ping" and not self.stalls:
            self.say({"type": "pong"})

    async def close(self):
        if self.close_code is None:
            self.closed_with = self.close_code = 1000
            self.incoming.put_nowait(None)

    def __aiter__(self):
        return self

    async def __anext__(self):
        text = await self.incoming.get()
        if text is None:
            raise StopAsyncIteration
        return text

    # The server's side.
    def say(self, message):
        self.incoming.put_nowait(message if isinstance(message, str) else json.dumps(message))

    def end(self, code, reason=""):
        self.close_code, self.close_reason = code, reason
        self.incoming.put_nowait(None)

    def of(self, kind):
        return [message for message in self.sent if message["type"] == kind]


class World(Surroundings):
    """What the client's surroundings are in a test. Times in ms where they are numbers of the transcript, in s inside."""

    def __init__(self):
        self.time = 0.0
        self.timers, self.requests, self.pending, self.connections, self.dials = [], [], [], [], []
        self.reply = {"body": {"n": 0}}

    def now(self):
        return self.time

    def wall(self):
        return self.time

    def random(self):
        return 0.5

    def call_later(self, delay, call):
        timer = Timer(self.time + delay, call)
        self.timers.append(timer)
        return timer

    async def fetch(self, url, headers, timeout):
        request = {"at": round(self.time * 1000), "url": url, "headers": headers, "isOpen": True}
        self.requests.append(request)
        future = asyncio.get_running_loop().create_future()
        if self.reply is None:
            self.pending.append(future)
            timer = self.call_later(timeout, lambda: future.done() or future.set_exception(TimeoutError("no answer")))
        else:
            timer = None
            reply = self.reply(headers) if callable(self.reply) else self.reply
            future.set_exception(reply) if isinstance(reply, Exception) else future.set_result(reply)
        try:
            return answered(await future)
        except asyncio.CancelledError:
            request["isOpen"] = False
            raise
        finally:
            if timer:
                timer.cancel()

    async def connect(self, url, protocols, headers):
        dial = asyncio.get_running_loop().create_future()
        self.dials.append({"url": url, "protocols": protocols, "headers": headers, "future": dial})
        connection = Connection()
        self.connections.append(connection)
        await dial
        return connection

    def open(self):
        self.dials[-1]["future"].set_result(None)
        self.connections[-1].say({"type": "welcome", "session": "s", "heartbeat": 25, "protocol": 1, "resumed": False})

    def end(self, code, reason=""):
        dial = self.dials[-1]["future"]
        if not dial.done():
            dial.set_exception(OSError("refused"))
        self.connections[-1].end(code, reason)

    async def answer(self, reply):
        while self.pending[0].done():
            self.pending.pop(0)
        self.pending.pop(0).set_result(reply)
        await settle()

    async def pass_(self, milliseconds):
        """Moves the clock, running what falls due in order."""
        end = self.time + milliseconds / 1000
        await settle()
        while True:
            self.timers = [timer for timer in self.timers if not timer.is_cancelled]
            due = min((timer for timer in self.timers if timer.due <= end + 1e-9), key=lambda timer: timer.due, default=None)
            if due is None:
                break
            self.timers.remove(due)
            self.time = max(self.time, due.due)
            due.call()
            await settle()
        self.time = end

    @property
    def connection(self):
        return self.connections[-1]


def answered(reply):
    headers = {"content-type": "application/json", **{name.lower(): value for name, value in reply.get("headers", {}).items()}}
    body = reply.get("body")
    return reply.get("status", 200), lambda name: headers.get(name.lower()), body if isinstance(body, str) else json.dumps(body)


async def settle():
    for _ in range(30):
        await asyncio.sleep(0)
