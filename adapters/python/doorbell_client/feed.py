"""One polled URL, decided: when to poll, when push may be believed, what the state is. What passes over the wire is in PROTOCOL.md."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable
from typing import Any

from .core import Core
from .state import NOTHING, Rows, applied, differences, digest, is_covered

MAX_WAIT = 1.0  # s that changes may wait for each other before the state is fetched again
SETTLE = 0.15  # s of quiet after which a burst of changes counts as over
SPREAD = 0.05  # s: upper bound of the random delay before a fetch that many clients start for the same change
POLL_TIMEOUT = 30.0  # s
MAX_HELD = 1000  # messages kept for the answer of a fetch that is under way; with more than that it is repeated instead
MAX_SEEN = 4096  # positions by which messages that come again are known
ASK_ANEW = 60.0  # s that a client which was told to poll does not believe a late answer
GRACE = 2.0  # s that messages may lag behind a poll before a difference between the two is drift
FIRST_CHECK = 30.0  # s after the first row change until the state is compared with a poll for the first time
MAX_DOUBTS = 100  # fields of one feed that are told to have drifted, each once
SHORTEST = 0.05  # s: a loop without a pause would be an attack


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
        self.interval = max(SHORTEST, options.interval)
        self.proof = max(SHORTEST, self.interval if options.proof is None else options.proof)
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
        self.polled: Any = None  # what a check was answered, and what has come since; up to ``polled_at``
        self.polled_at: str | None = None
        self.is_made = False  # row changes have made the shown state
        self.is_doubted = False  # they made it differ from the poll: they are not applied any more
        self.doubts: set[str] = set()  # fields that have drifted
        self.first_check = FIRST_CHECK if options.drift else math.inf
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
        # After what the program is told: what the connection answers at once is newer.
        return sorted(self.taken(), key=lambda action: action[0] in ("want", "subscribe"))

    def time(self) -> None:
        if self.now >= self.poll_at:
            self.poll_at = self.now + self.interval
            self.ask(is_due=True)
        if self.now >= self.fetch_at:
            self.ask()
        if self.now >= self.grace_at:
            self.reconcile()
        if self.now >= self.drift_at:
            self.plan_drift()
            if not self.asks and not self.hole and math.isinf(self.fetch_at):
                self.ask(check=True)

    def close(self) -> None:
        self.mode = self.reason = "closed"
        self.abort(len(self.asks))
        self.do("leave")

    # --- Polling

    def abort(self, count: int) -> None:
        for each in self.asks[:count]:
            self.do("abort", each)
        del self.asks[:count]

    def ask(self, check: bool = False, is_due: bool = False) -> None:
        """Fetches the whole state. ``check``: to compare, not to show. ``is_due``: even though a request is under way: it may be stuck; of many
        the oldest is left, for servers that are slow, and the newest."""
        self.fetch_at = math.inf
        if self.asks and not is_due:
            self.dirty_at = self.now if self.dirty_at is None else self.dirty_at
            return
        if len(self.asks) > 2:
            self.do("abort", self.asks.pop(1))
        if self.is_live:
            self.poll_at = self.now + self.interval
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
                    return self.unanswered(asked, "no JSON")
                if asked["check"] and self.is_live:
                    is_shown = False
                    self.polled, self.polled_at = body, position
                    # Within `proof` the connection has shown that nothing is stuck in it, or is doubted.
                    self.grace_at = self.now + GRACE + self.proof
                else:
                    self.grace_at = math.inf
                    self.is_made = False
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
            return self.unanswered(asked, f"HTTP {status}", is_retired=header("Deprecation") is not None)
        self.settle(True)

    def failed(self, asked: dict, reason: str) -> None:
        self.asks = [each for each in self.asks if each is not asked]
        self.unanswered(asked, reason)

    def make_hole(self) -> None:
        self.holes += 1
        self.hole = self.holes

    def unanswered(self, asked: dict, reason: str, is_retired: bool = False) -> None:
        """``is_retired``: polls are refused; what they would say, a new subscription does."""
        self.reason = f"poll failed: {reason}"
        self.settle(False)
        if not self.is_live:
            return
        if asked["check"]:
            if not self.asks:
                self.poll_at = math.inf
            return
        if not self.hole:  # nobody else will try again, and the shown state may be old
            self.make_hole()
        if is_retired and self.now >= self.retry_at:
            self.retry_at = self.now + self.interval  # as often as the loop polled
            self.since = self.heard = None
            self.open()

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
            self.do("want", self.interval, self.proof)

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
            self.poll(self.random() * self.interval)
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
            self.poll(self.random() * self.interval if delay is None else delay)

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
            self.lost("moving", self.interval)
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
        self.conflated.pop(message["channel"], None)
        position, snapshot = message.get("position"), message.get("snapshot")
        is_whole = bool(message.get("recovered")) and self.sent is not None and not message.get("attached")
        has_state = not is_whole and isinstance(snapshot, dict) and snapshot.get("status") == 200
        if has_state:
            self.hole = 0
        self.proven()
        if is_whole:
            self.heard = self.sent if self.heard is None else self.heard
            return
        self.heard = position
        if not has_state:
            return self.resync()
        self.is_made = False
        self.since = position or self.since
        self.show_pushed(snapshot.get("body"))

    def resync(self) -> None:
        """The shown state is not known to be whole: fetch it. What arrives meanwhile is applied on top of the answer."""
        self.make_hole()
        self.grace_at = math.inf
        self.refetch()

    def message(self, message: dict) -> None:
        kind, channel, position, op = (message.get(name) for name in ("type", "channel", "position", "op"))
        self.stats["messages"] += 1
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
        is_place = bool(position) and len(self.channels) == 1
        # What a poll has answered goes on as the state does, until the two are compared.
        if not math.isinf(self.grace_at) and not is_covered(position, self.polled_at):
            self.polled = self.after(self.polled, message)
            if is_place:
                self.polled_at = position
            if self.polled is NOTHING:
                self.grace_at = math.inf
        if is_covered(position, self.since):
            return
        if self.hole:
            if (op is not None or kind in ("answer", "signal")) and not math.isinf(self.fetch_at):
                self.refetch()
            return
        body = self.after(self.body, message)
        if body is NOTHING:
            return self.resync()
        if is_place:
            self.since = position
        if body is self.body:
            return
        self.is_made = op is not None
        if self.is_made:
            self.drift_at = min(self.drift_at, self.about(self.first_check))
            self.first_check = math.inf
        self.show_pushed(body)

    def after(self, body: Any, message: dict) -> Any:
        """A state after a message; ``NOTHING`` where only a poll can tell."""
        kind = message.get("type")
        if kind == "answer":
            return message.get("body", NOTHING) if message.get("status", 200) < 300 else body
        if message.get("op") is None:
            return NOTHING if kind == "signal" else body
        if self.is_doubted or body is NOTHING:
            return NOTHING
        if self.options.apply:
            result = self.options.apply(body, message)
            return NOTHING if result is None else result
        return applied(body, message, self.options.rows) if self.options.rows else NOTHING

    # --- Drift

    def about(self, delay: float) -> float:
        return self.now + delay * (0.9 + 0.2 * self.random())

    def plan_drift(self) -> None:
        self.drift_at = self.about(self.options.drift or math.inf)

    def reconcile(self) -> None:
        """Repairs the state where it differs from what a poll has answered and what has come since; tells the program and the service."""
        self.grace_at = math.inf
        was, now = self.body, self.polled
        fields = sorted(differences(was, now))
        if not fields:
            return
        self.stats["drifts"] += 1
        # What differs each time, such as the time of the answer, is told once.
        if len(self.doubts) < MAX_DOUBTS and not self.doubts.issuperset(fields):
            self.doubts.update(fields)
            channel, position = next(iter(self.channels.items()), (None, None))
            self.do("drift", was, now, fields)
            self.do("report", {
                "type": "drift", "channel": channel, "position": position or self.since, "digest": digest(was), "id": "drift"})
        # Row changes do not make of it what the poll answers: from now on it is fetched.
        self.is_doubted = self.is_doubted or self.is_made
        self.is_made = False
        self.since = self.polled_at or self.since
        self.show_pushed(now)
