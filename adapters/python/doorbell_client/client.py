"""``live`` and ``Client``: carry out what the cores decide, with asyncio, urllib and websockets."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import logging
import math
import random
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from .feed import Feed as FeedCore
from .feed import Options, Status
from .mux import Mux
from .state import NOTHING

log = logging.getLogger("doorbell_client")

# What an answer is made of: its status, what gives a header by its name, its text.
Answer = tuple[int, Callable[[str], "str | None"], str]


class Surroundings:
    """What the client takes from its surroundings; tests have their own."""

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    def random(self) -> float:
        return random.random()

    def call_later(self, delay: float, call: Callable[[], None]) -> Any:
        return asyncio.get_running_loop().call_later(delay, call)

    async def fetch(self, url: str, headers: Mapping[str, str], timeout: float) -> Answer:
        return await _in_thread(_fetch, url, dict(headers), timeout)

    async def connect(self, url: str, protocols: list[str], headers: Mapping[str, str]) -> Any:
        """A connection with ``send``, ``close``, and messages to iterate over; ends with ``websockets.ConnectionClosed``."""
        import websockets
        name = "additional_headers" if int(websockets.__version__.split(".")[0]) >= 14 else "extra_headers"
        # Whether it lives is our own question: pings of ours are answered by messages, and count.
        return await websockets.connect(
            url, subprotocols=protocols, ping_interval=None, close_timeout=1, max_size=64 * 1024 * 1024, **{name: dict(headers)})


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def _fetch(url: str, headers: dict, timeout: float) -> Answer:
    request = urllib.request.Request(url, headers=headers)
    try:
        with _opener.open(request, timeout=timeout) as response:
            return response.status, response.headers.get, response.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get, error.read().decode(errors="replace")


async def _in_thread(call: Callable, *values: Any) -> Any:
    """Calls in a thread of its own, which neither takes the place of others in a pool nor keeps the program from ending."""
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    def settle(set_to: str, value: Any) -> None:
        if not future.done():
            getattr(future, set_to)(value)

    def run() -> None:
        try:
            outcome = ("set_result", call(*values))
        except Exception as error:
            outcome = ("set_exception", error)
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=run, daemon=True, name="doorbell poll").start()
    return await future


class Client:
    """Feeds of one client share one WebSocket, and are one user.

    ``headers`` go with polls and with the handshake, such as ``Cookie``. ``token``: a function, or a coroutine function, that gets a token, anew
    each time one was refused or is about to expire; it goes as ``Authorization: Bearer``.
    """

    def __init__(
        self, *, headers: Mapping[str, str] | None = None, token: Callable[[], str | Awaitable[str]] | None = None,
        socket_url: str | None = None, surroundings: Surroundings | None = None,
    ) -> None:
        self.headers = dict(headers or {})
        self.around = surroundings or Surroundings()
        self._source, self._token = token, None
        self._socket_url = socket_url
        self._mux = Mux(self.around.random, token is not None)
        self._feeds: dict[str, Feed] = {}
        self._timer: Any = None
        self._socket: Any = None
        self._tasks: set[asyncio.Task] = set()
        self._last = 0

    def live(self, url: str, **options: Any) -> Feed:
        """Follows ``url``; see the function ``live``."""
        self._last += 1
        return Feed(self, f"f{self._last}", url, **options)

    async def close(self) -> None:
        """Ends all feeds, and waits until nothing of them is left."""
        for feed in list(self._feeds.values()):
            feed.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.close()

    # --- For feeds

    def spawn(self, work: Any) -> asyncio.Task:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def authorization(self) -> dict[str, str]:
        if self._source is None:
            return {}
        if self._token is None:
            token = self._source()
            self._token = await token if inspect.isawaitable(token) else token
        return {"Authorization": f"Bearer {self._token}"}

    def stale(self) -> None:
        self._token = None

    def on(self, event: str, *values: Any) -> None:
        for action, *rest in self._mux.on(self.around.now(), event, *values):
            getattr(self, f"_{action}")(*rest)
        self._timer = armed(self.around, self._timer, self._mux.wake, lambda: self.on("time"))

    # --- Actions of the mux

    def _tell(self, name: str, event: str, *values: Any) -> None:
        if name in self._feeds:
            self._feeds[name].on(event, *values)

    def _tell_all(self, event: str, *values: Any) -> None:
        for name in list(self._feeds):
            self._tell(name, event, *values)

    def _stale(self) -> None:
        self.stale()

    def _connect(self) -> None:
        first = next(iter(self._feeds.values()))
        self._socket = socket = _Socket(self)
        socket.task = self.spawn(socket.run(self._socket_url or urllib.parse.urljoin(first.url, "/_doorbell/ws")))

    def _send(self, message: dict) -> None:
        if self._socket:  # a feed that was told something may have ended all
            self._socket.send(message)

    def _drop(self) -> None:
        socket, self._socket = self._socket, None
        if socket:
            socket.end()

    def _expires(self, at: float) -> None:
        self.on("expires_in", at / 1000 - self.around.wall())

    def _renew(self) -> None:
        async def renew() -> None:
            self.stale()
            await self.authorization()
            self.on("report", {"type": "refresh", "token": self._token, "id": "token"})
        self.spawn(_quietly(renew()))

    @property
    def socket(self) -> Any:
        return self._socket

    @property
    def token(self) -> str | None:
        return self._token


class _Socket:
    """One connection: what is to be sent waits in a queue, so that messages keep their order."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.queue: asyncio.Queue = asyncio.Queue()
        self.task: asyncio.Task | None = None
        self.is_connected = False

    def send(self, message: dict) -> None:
        self.queue.put_nowait(json.dumps(message))

    def end(self) -> None:
        self.queue.put_nowait(None)
        if self.task and not self.is_connected:  # it may wait for a token that never comes
            self.task.cancel()

    def on(self, event: str, *values: Any) -> None:
        # A connection that was given up may still speak; only the present one is listened to.
        if self.client.socket is self:
            self.client.on(event, *values)

    async def run(self, url: str) -> None:
        code, reason = 1006, ""
        try:
            headers = {**self.client.headers, **await self.client.authorization()}
            connection = await self.client.around.connect("ws" + url.removeprefix("http"), ["doorbell.v1"], headers)
        except Exception as error:  # whatever is in the way: the polls go on
            status = getattr(error, "status_code", None) or getattr(getattr(error, "response", None), "status_code", None)
            return self.on("closed", {401: 4500, 403: 4501}.get(status, 1006), str(error))
        self.is_connected = True
        writer = self.client.spawn(self.write(connection))
        try:
            if self.client.token:
                self.send({"type": "refresh", "token": self.client.token, "id": "token"})  # `refreshed` says until when it is good
            self.on("opened")
            async for text in connection:
                try:
                    message = json.loads(text)
                except ValueError:
                    continue
                self.on("received", message)
            code, reason = getattr(connection, "close_code", None) or 1006, getattr(connection, "close_reason", "") or ""
        except asyncio.CancelledError:
            raise
        except Exception as error:
            code = getattr(connection, "close_code", None) or 1006
            reason = getattr(connection, "close_reason", "") or str(error)
        finally:
            writer.cancel()
            self.on("closed", code, reason)

    async def write(self, connection: Any) -> None:
        try:
            while (text := await self.queue.get()) is not None:
                await connection.send(text)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # the reader sees the same, and says so
            log.debug("not sent: %s", error)
        finally:
            await _quietly(connection.close())


class Feed:
    """What ``live`` gives: an asynchronous iterable of states, and something to close."""

    def __init__(
        self, client: Client, name: str, url: str, *, on_data: Callable[[Any], None] | None = None,
        on_change: Callable[[dict], None] | None = None, on_message: Callable[[dict], None] | None = None,
        on_status: Callable[[Status], None] | None = None, on_drift: Callable[[Any, Any, list[str]], None] | None = None,
        headers: Mapping[str, str] | None = None, **options: Any,
    ) -> None:
        self.client, self.name, self.url = client, name, url
        self._headers = dict(headers or {})
        self._calls = {"data": on_data, "change": on_change, "message": on_message, "status": on_status, "drift": on_drift}
        if options.get("apply"):
            options["apply"] = _guarded(options["apply"])
        parts = urllib.parse.urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        around = client.around
        self._core = FeedCore(target, Options(has_events=bool(on_change or on_message), **options), around.now(), around.random)
        self._timer: Any = None
        self._requests: dict[int, asyncio.Task] = {}
        self._rests: list[asyncio.Future] = []
        self._changed = asyncio.Event()
        client._feeds[name] = self
        self.on("time")

    @property
    def status(self) -> Status:
        return self._core.status

    @property
    def stats(self) -> dict[str, int]:
        """``requests``: polls sent; ``messages``: received; ``drifts``: times that the state had to be repaired."""
        return dict(self._core.stats)

    @property
    def state(self) -> Any:
        """What is shown; None before there is anything."""
        return None if self._core.body is NOTHING else self._core.body

    def close(self) -> None:
        """Ends it: no timer, request or subscription is left."""
        self.on("close")
        self.client._feeds.pop(self.name, None)
        self._rest()
        self._changed.set()

    async def refresh(self) -> None:
        """Fetches the whole state now; returns when that has ended, whether or not it worked."""
        if self._core.mode == "closed":
            return
        rest = asyncio.get_running_loop().create_future()
        self._rests.append(rest)
        self.on("refresh")
        await rest

    async def __aenter__(self) -> Feed:
        return self

    async def __aexit__(self, *_: Any) -> None:
        self.close()

    async def __aiter__(self) -> AsyncIterator[Any]:
        """The shown state, and each one that follows; a reader that is slow gets the newest."""
        shown: Any = NOTHING
        while True:
            self._changed.clear()
            if self._core.body is not shown:
                shown = self._core.body
                yield shown
            elif self._core.mode == "closed":
                return
            else:
                await self._changed.wait()

    def on(self, event: str, *values: Any) -> None:
        for action, *rest in self._core.on(self.client.around.now(), event, *values):
            getattr(self, f"_{action}")(*rest)
            if self._core.mode == "closed" and event != "close":  # by what was called
                break
        self._timer = armed(self.client.around, self._timer, self._core.wake, lambda: self.on("time"))

    def _rest(self) -> None:
        rests, self._rests = self._rests, []
        for each in rests:
            if not each.done():
                each.set_result(None)

    # --- Actions of the core

    def _fetch(self, asked: dict, headers: dict, timeout: float) -> None:
        self._requests[id(asked)] = self.client.spawn(self._ask(asked, headers, timeout))

    async def _ask(self, asked: dict, headers: dict, timeout: float) -> None:
        async def send() -> Answer:
            everything = {"Accept": "application/json", **headers, **self.client.headers, **await self.client.authorization(), **self._headers}
            return await self.client.around.fetch(self.url, everything, timeout)
        try:
            answer = await asyncio.wait_for(send(), timeout)
            if answer[0] == 401 and self.client.token:
                self.client.stale()
                answer = await asyncio.wait_for(send(), timeout)
            event = ("answer", asked, *answer)
        except asyncio.CancelledError:
            raise
        except asyncio.TimeoutError:
            event = ("failed", asked, "no answer")
        except Exception as error:  # whatever it was: there is no answer
            event = ("failed", asked, str(error) or type(error).__name__)
        if self._requests.pop(id(asked), None):
            self.on(*event)
            if not self._requests:
                self._rest()

    def _abort(self, asked: dict) -> None:
        task = self._requests.pop(id(asked), None)
        if task:
            task.cancel()

    def _want(self, interval: float, proof: float) -> None:
        self.client.on("want", self.name, interval, proof)

    def _subscribe(self, message: dict) -> None:
        self.client.on("subscribe", self.name, message)

    def _leave(self) -> None:
        self.client.on("leave", self.name)

    def _report(self, message: dict) -> None:
        self.client.on("report", message)

    def _data(self, body: Any) -> None:
        self._changed.set()
        self._call("data", body)

    def _change(self, message: dict) -> None:
        self._call("change", message)

    def _message(self, message: dict) -> None:
        self._call("message", message)

    def _drift(self, was: Any, now: Any, fields: list[str]) -> None:
        if self._calls["drift"]:
            self._call("drift", was, now, fields)
        else:
            log.warning("%s: the poll had something else in %s", self.url, ", ".join(fields))

    def _status(self, status: Status) -> None:
        self._call("status", status)

    def _call(self, name: str, *values: Any) -> None:
        """Calls the program's own code: its mistakes are told and stay its own."""
        if self._calls[name]:
            _guarded(self._calls[name])(*values)


def live(
    url: str, *, headers: Mapping[str, str] | None = None, token: Callable[[], str | Awaitable[str]] | None = None, **options: Any,
) -> Feed:
    """Follows ``url``: polls it as a loop would; is pushed to while the server says so and push is proven to work.

    To be called where an event loop runs. Times are in seconds.

    ``interval``: between two polls (3; from 0.05). ``on_data``: gets the whole state, whenever it changes; it is shared, so copy what is to be
    changed. ``rows`` (see ``Rows``), or ``apply(body, change)``: how row changes become a new state; without, it is fetched. ``on_change``,
    ``on_message``: each row change, each direct message, once. ``on_status``; ``on_drift(was, now, fields)``: a state that was repaired, each field
    once. ``transport``: ``auto``, or ``poll`` or ``push`` whatever the server says. ``drift``: how often the state is compared with a poll (300; 0:
    never). ``proof``: silence after which the connection is doubted and polls begin (the interval). ``version``: of messages. ``headers`` and
    ``token``: see ``Client``, which feeds that share a connection have in common.
    """
    return Client(headers=headers, token=token).live(url, **options)


def armed(around: Surroundings, timer: Any, wake: float, call: Callable[[], None]) -> Any:
    """The timer in the place of ``timer`` for a core that wants to be called at ``wake``."""
    if timer is not None:
        timer.cancel()
    return None if math.isinf(wake) else around.call_later(max(0.0, min(wake - around.now(), 1e6)), call)


def _guarded(call: Callable) -> Callable:
    def guarded(*values: Any) -> Any:
        try:
            return call(*values)
        except Exception:
            log.exception("%r has failed", call)
            return None
    return guarded


async def _quietly(work: Awaitable) -> None:
    try:
        await work
    except asyncio.CancelledError:
        raise
    except Exception as error:
        log.debug("%s", error)
