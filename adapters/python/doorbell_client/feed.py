"""One polled URL, decided: when to poll, when push may be believed, what the state is. What passes over the wire is in PROTOCOL.md."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable
from typing import Any

from .core import Core
from .state import NOTHING, Rows, applied, digest, is_covered

MAX_WAIT = 1.0  # s that changes may wait for each other before the state is fetched again
SETTLE = 0.15  # s of quiet after which a burst of changes counts as over
SPREAD = 0.05  # s: upper bound of the random delay before a fetch that many clients start for the same change
POLL_TIMEOUT = 30.0  # s
MAX_HELD = 1000  # messages kept for the answer of a fetch that is under way; with more than that it is repeated instead
MAX_SEEN = 4096  # positions by which messages that come again are known
ASK_ANEW = 60.0  # s that a client which was told to poll does not believe a late answer
GRACE = 2.0  # s that messages may lag behind a poll before a difference between the two is drift


@dataclasses.dataclass(frozen=True)
class Options:
    """What ``live`` takes, in seconds where it is a time; see there."""

    interval: float = 3.0
    transport: str = "auto"
    rows: Rows | None = None
    apply: Callable[[Any, dict], Any] | None = None
    has_events: bool = False
    drift: float = 300.0
    proof: float | None = None
    version: int | list[int] | None = None


@dataclasses.dataclass(frozen=True)
class Status:
    """``transport``: what brings the data now, ``poll`` or ``push``; ``live``: whether push does. ``reason``: why, for people."""

    transport: str
    live: bool
    reason: str


class Feed(Core):
    """Modes: ``poll`` (told so), ``join`` (polling until push is proven), ``live`` (pushed to, no polls), ``closed``.

    Actions: ``fetch`` (request, headers, timeout), ``abort`` (request); ``want`` (interval, proof), ``subscribe`` (message), ``leave``, ``report``
    (message): to the connection; ``data`` (body), ``change``, ``message``, ``drift``, ``status``: to the program.
    """

    def __init__(self, target: str, options: Options, now: float, random: Callable[[], float]) -> None:
        super().__init__()
        self.target, self.options, self.random, self.now = target, options, random, now
        self.proof = options.interval if options.proof is None else options.proof
        self.mode, self.reason = "poll", "starting"
        self.feature: str | None = None
        self.poll_at = now
        self.fetch_at = self.drift_at = self.grace_at = math.inf
        self.retry_at = 0.0
        self.asks: list[dict] = []
        self.text: str | None = None  # the last polled body, while nothing else has changed the shown state
        self.etag: str | None = None
        self.body: Any = NOTHING
        self.channels: dict[str, str | None] = {}  # channel -> position of its last message; None: the next one starts the chain
        self.conflated: dict[str, str] = {}  # channel -> position up to which messages were left out: `previous` says nothing
        self.since: str | None = None  # everything up to this position is in the shown state
        self.heard: str | None = None  # a position up to which every message was told to the program
        self.sent: str | None = None
        self.seen: dict[str, None] = {}
        self.held: list[dict] = []  # messages that came during a fetch: its answer may not have them
        self.dirty_at: float | None = None
        self.fetched_at = -math.inf
        self.hole = 0  # not 0: the shown state lacks messages; row changes are not applied until a fetch that began later is answered
        self.holes = 0  # so far
        self.is_shown = False
        self.polled: Any = None
        self.told: Status | None = None
        self.stats = {"requests": 0, "messages": 0, "drifts": 0}

    @property
    def wake(self) -> float:
        return math.inf if self.mode == "closed" else min(self.poll_at, self.fetch_at, self.drift_at, self.grace_at)

    @property
    def is_live(self) -> bool:
        return self.mode == "live"

    @property
    def status(self) -> Status:
        return Status("push" if self.is_live else "poll", self.is_live, self.reason)

    def on(self, now: float, event: str, *values: Any) -> list[tuple]:
        """Everything that an event does to the state is shown once, at its end."""
        if self.mode == "closed":
            return []
        self.now = now
        getattr(self, event)(*values)
        if self.is_shown:
            self.is_shown = False
            self.do("data", self.body)
        if self.status != self.told:
            self.told = self.status
            self.do("status", self.told)
        return self.taken()

    def time(self) -> None:
        if self.now >= self.poll_at:
            self.poll_at = self.now + self.options.interval
            self.ask(is_due=True)
        if self.now >= self.fetch_at:
            self.ask()
        if self.now >= self.grace_at:
            self.drifted()
        if self.now >= self.drift_at:
            self.plan_drift()
            if not self.asks and not self.hole and math.isinf(self.fetch_at):
                self.ask(check=self.stats["messages"])

    def close(self) -> None:
        self.mode = self.reason = "closed"
        self.abort(len(self.asks))
        self.do("leave")

    # --- Polling

    def abort(self, count: int) -> None:
        for each in self.asks[:count]:
            self.do("abort", each)
        del self.asks[:count]

    def ask(self, check: int | None = None, is_due: bool = False) -> None:
        """Fetches the whole state. ``check``: to compare, not to show. ``is_due``: even though a request is under way: it may be stuck; of many
        the oldest is left, for servers that are slow, and the newest."""
        self.fetch_at = math.inf
        if self.asks and not is_due:
            self.dirty_at = self.now if self.dirty_at is None else self.dirty_at
            return
        if len(self.asks) > 2:
            self.do("abort", self.asks.pop(1))
        if self.is_live:
            self.poll_at = self.now + self.options.interval
        self.dirty_at = None
        self.fetched_at = self.now
        asked = {"check": check, "hole": self.hole}
        self.stats["requests"] += 1
        self.asks.append(asked)
        self.do("fetch", asked, {"If-None-Match": self.etag} if self.etag else {}, POLL_TIMEOUT)

    def refresh(self) -> None:
        self.ask()

    def answer(self, asked: dict, status: int, header: Callable[[str], str | None], text: str) -> None:
        self.abort(next(index for index, each in enumerate(self.asks) if each is asked))  # those that were asked before it know less
        self.asks.pop(0)
        is_known = status == 304 or 200 <= status < 300
        if is_known:
            self.feature = header("Doorbell-Feature") or self.feature
            position = header("Doorbell-Position")
            is_shown = True
            if status != 304:
                try:
                    body = json.loads(text) if re.search(r"[/+]json", header("Content-Type") or "application/json") else text
                except ValueError:
                    return self.unanswered("no JSON")
                if asked["check"] is not None and self.is_live:
                    is_shown = False
                    self.compare(asked["check"], body, position)
                else:
                    self.etag = header("ETag")
                    if text != self.text:
                        self.show(body)
                    self.text = text
            if is_shown:
                self.since = position or self.since
            if self.hole == asked["hole"]:
                self.hole = 0
            if self.mode == "poll" and self.now >= self.retry_at and self.reason != "told to poll":
                self.reason = "polling"
        self.steer(header("Doorbell-Transport"))
        if not is_known:
            return self.unanswered(f"HTTP {status}")
        self.settle(True)

    def failed(self, asked: dict, reason: str) -> None:
        self.asks = [each for each in self.asks if each is not asked]
        self.unanswered(reason)

    def make_hole(self) -> None:
        self.holes += 1
        self.hole = self.holes

    def unanswered(self, reason: str) -> None:
        self.reason = f"poll failed: {reason}"
        if self.is_live and not self.hole:  # nobody else will try again, and the shown state may be old
            self.make_hole()
        self.settle(False)

    def settle(self, is_known: bool) -> None:
        held = self.held
        if not self.asks:
            self.held = []
            if self.is_live and is_known:
                self.poll_at = math.inf
        if is_known:
            for message in held:
                self.take(message)
        if self.dirty_at is not None:
            self.refetch()

    def show(self, body: Any) -> None:
        self.body = body
        self.is_shown = True

    def show_pushed(self, body: Any) -> None:
        """Shows a state that did not come from a poll: the next poll is news even when it says what the last one said."""
        self.text = self.etag = None
        self.show(body)

    def refetch(self) -> None:
        """Fetches soon: at once for a first change, then settled, but never later than MAX_WAIT after a change."""
        self.dirty_at = self.now if self.dirty_at is None else self.dirty_at
        if self.asks:
            return
        is_first = self.now - self.fetched_at >= MAX_WAIT
        if is_first and self.fetch_at <= self.now + SPREAD:
            return
        delay = self.random() * SPREAD if is_first else max(0.0, min(SETTLE, self.dirty_at + MAX_WAIT - self.now))
        self.fetch_at = self.now + delay

    # --- Which transport

    def steer(self, use: str | None) -> None:
        """Follows what a poll answer says about the transport."""
        if use == "poll":
            self.retry_at = 0.0  # from now on `push` is news
        if self.options.transport != "auto":
            use = self.options.transport
        if use == "poll":
            self.leave("told to poll")
        if use == "push" and self.mode == "poll" and self.now >= self.retry_at:
            self.mode, self.reason = "join", "connecting"
            self.do("want", self.options.interval, self.proof)

    def transport(self, message: dict) -> None:
        """The server moved clients of a feature."""
        if message.get("feature") != self.feature or self.options.transport != "auto":
            return
        if message.get("use") == "poll":
            self.refused("told to poll", ASK_ANEW)
        elif message.get("use") == "push":
            self.retry_at = 0.0
            self.steer("push")

    def leave(self, reason: str) -> None:
        self.reason = reason
        if self.mode == "poll":
            return
        if self.is_live:
            self.poll(self.random() * self.options.interval)
        self.mode = "poll"
        self.channels.clear()
        self.do("leave")

    def poll(self, delay: float) -> None:
        self.poll_at = self.now + delay
        self.drift_at = self.grace_at = math.inf

    def refused(self, reason: str, cool_down: float) -> None:
        # A poll answer that was on its way may still say `push`; it is not to undo this.
        self.retry_at = self.now + cool_down
        self.leave(reason)

    def lost(self, reason: str, delay: float | None = None) -> None:
        """Push is not proven any more. ``delay``: s until the first poll; by default spread: everybody else has lost the same server."""
        self.reason = reason
        if self.is_live:
            self.mode = "join"
            self.poll(self.random() * self.options.interval if delay is None else delay)

    def quiet(self) -> None:
        """The connection was silent for as long as this feed bears it."""
        self.lost("silence", 0.0)

    def alive(self) -> None:
        if self.mode == "join" and self.channels:
            self.proven()

    def proven(self) -> None:
        if self.mode != "join":
            return
        self.mode, self.reason = "live", "push"
        if not self.asks:
            self.poll_at = math.inf
        self.plan_drift()
        if self.hole and not self.asks and math.isinf(self.fetch_at):
            self.refetch()

    # --- Push

    def open(self) -> None:
        """A connection is there: what to say on it."""
        if self.mode == "poll":
            return
        if self.is_live:
            self.lost("moving", self.options.interval)
        self.channels.clear()
        self.conflated.clear()
        self.sent = self.heard if self.options.has_events and self.heard is not None else self.since
        message = {"type": "subscribe", "poll": self.target}
        if self.sent is not None:
            message["since"] = self.sent
        if self.options.version is not None:
            message["version"] = self.options.version
        self.do("subscribe", {**message, "patch": True})

    def subscribed(self, message: dict) -> None:
        """``attached``: another feed has had this subscription already, so there is nothing that was missed in it."""
        self.channels[message["channel"]] = None
        self.proven()
        position, snapshot = message.get("position"), message.get("snapshot")
        is_whole = bool(message.get("recovered")) and self.sent is not None and not message.get("attached")
        self.conflated.pop(message["channel"], None)
        if is_whole:
            self.heard = self.sent if self.heard is None else self.heard
            return
        self.heard = position
        if not isinstance(snapshot, dict) or snapshot.get("status") != 200:
            return self.resync()
        self.hole = 0
        self.since = position or self.since
        self.show_pushed(snapshot.get("body"))

    def resync(self) -> None:
        """The shown state is not known to be whole: fetch it. What arrives meanwhile is applied on top of the answer."""
        self.make_hole()
        self.refetch()

    def message(self, message: dict) -> None:
        kind, channel, position, op = (message.get(name) for name in ("type", "channel", "position", "op"))
        self.stats["messages"] += 1
        self.grace_at = math.inf
        if kind == "conflated":
            self.conflated[channel] = message.get("through")
            return
        last = self.channels.get(channel)
        self.channels[channel] = None if kind == "reset" else position or last
        is_loose = channel in self.conflated
        if is_loose and (kind == "reset" or self.conflated[channel] == position):
            del self.conflated[channel]
        if position:
            mark = f"{channel} {position}"
            if kind != "reset" and mark in self.seen:
                return
            self.seen[mark] = None
            if len(self.seen) > MAX_SEEN:
                del self.seen[next(iter(self.seen))]
            # With several channels only a poll's position covers all of them.
            if len(self.channels) == 1:
                self.heard = position
        if kind == "reset":
            return self.resync()
        if op is not None:
            self.do("change", message)
        elif kind == "message":
            self.do("message", message)
        if self.asks:
            self.held.append(message)
            if len(self.held) > MAX_HELD:
                self.held = []
                self.resync()
        if not is_loose and last is not None and "previous" in message and message["previous"] != last:
            self.resync()
        else:
            self.take(message)

    def take(self, message: dict) -> None:
        """Brings the state up to ``message``; where only a poll can, the state is believed to lack it until then."""
        kind, op, position = message.get("type"), message.get("op"), message.get("position")
        if is_covered(position, self.since):
            return
        is_change = op is not None or kind in ("answer", "signal")
        if self.hole:
            if is_change and not math.isinf(self.fetch_at):
                self.refetch()
            return
        body = self.body
        if kind == "answer":
            body = message.get("body", NOTHING) if message.get("status", 200) < 300 else body
        elif is_change:
            body = NOTHING if op is None or body is NOTHING else self.changed(body, message)
        if body is NOTHING:
            return self.resync()
        if position and len(self.channels) == 1:
            self.since = position
        if body is not self.body:
            self.show_pushed(body)

    def changed(self, body: Any, message: dict) -> Any:
        if self.options.apply:
            result = self.options.apply(body, message)
            return NOTHING if result is None else result
        return applied(body, message, self.options.rows) if self.options.rows else NOTHING

    # --- Drift

    def plan_drift(self) -> None:
        self.drift_at = self.now + self.options.drift * (0.9 + 0.2 * self.random()) if self.options.drift else math.inf

    def compare(self, messages: int, body: Any, position: str | None) -> None:
        """A poll's answer beside the state that push has made. While messages come, nothing can be said."""
        if messages == self.stats["messages"] and body != self.body:
            self.polled = (body, position)
            # Within `proof` the connection has shown that nothing is stuck in it, or is doubted.
            self.grace_at = self.now + GRACE + self.proof

    def drifted(self) -> None:
        self.grace_at = math.inf
        if not self.is_live:
            return
        channel, position = next(iter(self.channels.items()), (None, None))
        self.stats["drifts"] += 1
        body, polled_at = self.polled
        self.do("drift", self.body, body)
        self.do("report", {
            "type": "drift", "channel": channel, "position": position or self.since, "digest": digest(self.body), "id": "drift"})
        self.since = polled_at or self.since
        self.show_pushed(body)
