"""What the feeds of a client share, decided: one WebSocket, its subscriptions, its heartbeat and its reconnections."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .core import Core
from .state import is_covered, merged

TIMEOUT = 10.0  # s that a connection attempt may take
BACKOFF = (1.0, 30.0)  # s: full jitter under a limit that doubles from the first to the second
RENEW = 30.0  # s before it expires that a token is replaced, or after half of its time
COOL_DOWN = 60.0  # s that a refused subscription is left alone; the same for errors that pass by themselves
SHORT_COOL_DOWN = 10.0
PASSING = ("not_live", "upstream_unavailable", "unavailable")


def may_reconnect(code: int) -> bool:
    """Whether a connection that closed with ``code`` is opened again by itself."""
    return code not in (1000, 1002, 1003, 1007, 1009) and not 4500 <= code < 5000


class _Subscription:
    def __init__(self, key: Any, message: dict, number: str, name: str) -> None:
        self.key, self.message, self.id = key, message, number
        self.users: dict[str, bool] = {name: False}  # feed -> whether it is new there and misses nothing
        self.channels: set[str] = set()
        self.awaits: str | None = None
        self.last: str | None = message.get("since")  # position of the last message
        self.since_then: str | None = None  # see `again`


class Mux(Core):
    """States: ``idle`` (nobody wants it), ``connecting``, ``open``, ``waiting`` (to reconnect), ``refused``.

    Actions: ``connect``, ``send`` (message), ``drop``, ``renew`` and ``stale``, of the token; ``tell`` (feed, event, …), ``tell_all``: see the events of
    ``Feed``. Feeds go by names.
    """

    def __init__(self, random: Callable[[], float], renews: bool = False) -> None:
        super().__init__()
        self.random, self.renews = random, renews
        self.state = "idle"
        self.feeds: dict[str, dict] = {}  # of those that want messages now
        self.subscriptions: list[_Subscription] = []
        self.answers: dict[str, tuple[str, Any]] = {}  # channel -> the entity tag and the body that patches build on
        self.attempt = 0  # connections in a row that did not live for a heartbeat
        self.heartbeat = 25.0
        self.pause = 0.0
        self.at = self.ping_at = self.renew_at = math.inf
        self.opened_at: float | None = None
        self.heard_at = 0.0
        self.pinged_at: float | None = None
        self.renewed = False
        self.last = 0

    @property
    def wake(self) -> float:
        proof = self.proof
        quiet = [self.quiet_at(feed, proof) for feed in self.feeds.values() if not feed["is_quiet"]]
        return min([self.at, self.ping_at, self.renew_at, *quiet])

    @property
    def proof(self) -> float:
        """s of silence that the most impatient feed bears."""
        return min((feed["proof"] for feed in self.feeds.values()), default=math.inf)

    def quiet_at(self, feed: dict, proof: float) -> float:
        if self.state != "open" or feed["subscription"] is None:
            return math.inf
        pinged_at = self.now if self.pinged_at is None else self.pinged_at
        return max(self.heard_at + feed["proof"], pinged_at + 0.4 * proof)

    def time(self) -> None:
        if self.now >= self.renew_at:
            self.renew_at = math.inf
            self.do("renew")
        if self.now >= self.ping_at:
            self.ping()
        if self.now >= self.at:
            if self.state == "waiting":
                self.state = "idle"
                self.connect()
            else:
                self.closed(4001, "heartbeat missed" if self.state == "open" else "no connection")
        proof = self.proof
        for name, feed in list(self.feeds.items()):
            if not feed["is_quiet"] and self.now >= self.quiet_at(feed, proof):
                feed["is_quiet"] = True
                self.tell(name, "quiet")

    def tell(self, name: str, event: str, *values: Any) -> None:
        self.do("tell", name, event, *values)

    # --- What feeds say

    def want(self, name: str, interval: float, proof: float) -> None:
        self.feeds[name] = {"interval": interval, "proof": proof, "is_quiet": False, "subscription": None}
        if self.state == "open":
            self.plan_ping()
            self.tell(name, "open")
        else:
            self.connect()

    def subscribe(self, name: str, message: dict) -> None:
        """What a feed says when it was told ``open``."""
        feed = self.feeds.get(name)
        if feed is None or self.state != "open":
            return
        self.detach(name)
        key = (message["poll"], str(message.get("version")))
        other = next((each for each in self.subscriptions if each.key == key), None)
        if other is None:
            self.last += 1
            feed["subscription"] = _Subscription(key, message, f"s{self.last}", name)
            self.subscriptions.append(feed["subscription"])
            self.do("send", {**message, "id": feed["subscription"].id})
            return
        feed["subscription"] = other
        since = message.get("since")
        known = other.last if len(other.channels) == 1 else other.since_then or other.message.get("since")
        other.users[name] = since is None
        if is_covered(known, since):  # what comes next is all that it lacks
            for channel in sorted(other.channels):
                self.tell(name, "subscribed", {"channel": channel, "recovered": True, "attached": False})
        elif not other.channels:
            other.since_then = since
        else:  # all go on from where this one is; the others know what comes again. Or all are given the state
            if since is None:
                other.users = dict.fromkeys(other.users, True)
            self.again(other, since)

    def leave(self, name: str) -> None:
        self.detach(name)
        self.feeds.pop(name, None)
        if not self.feeds:
            self.drop()

    def detach(self, name: str) -> None:
        feed = self.feeds.get(name)
        subscription = feed["subscription"] if feed else None
        if subscription is None:
            return
        feed["subscription"] = None
        subscription.users.pop(name, None)
        if subscription.users:
            return
        self.subscriptions.remove(subscription)
        for channel in sorted(subscription.channels):
            self.release(channel, subscription.id)

    def release(self, channel: str, number: Any) -> None:
        """Ends what the server sends on ``channel``, unless somebody listens there."""
        if any(channel in each.channels for each in self.subscriptions):
            return
        self.answers.pop(channel, None)
        if self.state == "open":
            self.do("send", {"type": "unsubscribe", "channel": channel, "id": number})

    def report(self, message: dict) -> None:
        """Something that is said, and that nothing depends on."""
        if self.state == "open":
            self.do("send", message)

    # --- The connection

    def connect(self) -> None:
        if self.state in ("idle", "refused") and self.feeds:
            self.state = "connecting"
            self.opened_at = None
            self.at = self.now + TIMEOUT
            self.do("connect")

    def opened(self) -> None:
        if self.state != "connecting":
            return
        self.state = "open"
        self.opened_at = self.now
        self.hear()
        for name in list(self.feeds):
            self.tell(name, "open")

    def hear(self) -> None:
        self.heard_at = self.now
        self.pinged_at = None
        self.at = self.now + 2 * self.heartbeat
        self.plan_ping()

    def plan_ping(self) -> None:
        self.ping_at = self.now + min(self.heartbeat / 2, 0.6 * self.proof)

    def ping(self) -> None:
        self.plan_ping()
        self.pinged_at = self.now if self.pinged_at is None else self.pinged_at
        self.do("send", {"type": "ping"})

    def closed(self, code: int, reason: str = "") -> None:
        if self.state not in ("connecting", "open"):
            return
        text = f"closed {code}" + (f": {reason}" if reason else "")
        if self.opened_at is not None and self.now - self.opened_at >= self.heartbeat:
            self.attempt, self.renewed = 0, False
        is_stale = code == 4500 and self.renews and not self.renewed
        self.drop()
        if is_stale:
            self.renewed = True
            self.do("stale")
        if not is_stale and not may_reconnect(code):
            self.state = "refused"
            return self.lose("refused", text, math.inf)
        # Full jitter, drawn anew for each attempt, after the pause that the server asked for. 4002: everybody polls first.
        limit = min(BACKOFF[1], BACKOFF[0] * 2 ** self.attempt)
        self.attempt = min(self.attempt + 1, 16)
        interval = max((feed["interval"] for feed in self.feeds.values()), default=0.0)
        self.state = "waiting"
        self.at = self.now + max(self.pause, interval if code == 4002 else 0.0) + self.random() * limit
        self.pause = 0.0
        self.lose("lost", text)

    def lose(self, *event: Any) -> None:
        self.subscriptions.clear()
        self.answers.clear()
        for name, feed in list(self.feeds.items()):
            feed["subscription"], feed["is_quiet"] = None, False
            self.tell(name, *event)

    def drop(self) -> None:
        if self.state in ("connecting", "open"):
            self.do("drop")
        self.state = "idle"
        self.at = self.ping_at = self.renew_at = math.inf

    # --- Messages

    def received(self, message: Any) -> None:
        if self.state != "open":
            return
        self.hear()
        for name, feed in list(self.feeds.items()):
            if feed["is_quiet"]:
                feed["is_quiet"] = False
                self.tell(name, "alive")
        if isinstance(message, dict):
            self.dispatch(message)

    def dispatch(self, message: dict) -> None:
        kind, number, channel, code = (message.get(name) for name in ("type", "id", "channel", "code"))
        named = [each for each in self.subscriptions if (each.id == number if number is not None else channel in each.channels)]
        if kind == "welcome":
            if isinstance(message.get("heartbeat"), (int, float)) and message["heartbeat"] > 0:
                self.heartbeat = message["heartbeat"]
            self.hear()
        elif kind == "refreshed":
            self.renewed = False
            if isinstance(message.get("expires"), (int, float)):
                self.do("expires", message["expires"])
        elif kind == "goodbye":
            after = message.get("reconnectAfter")
            self.pause = max(0.0, after / 1000) if isinstance(after, (int, float)) else 0.0
        elif kind == "batch":
            for each in message.get("messages") or []:
                if isinstance(each, dict):
                    self.dispatch(each)
        elif kind == "transport":
            self.do("tell_all", "transport", message)
        elif kind == "subscribed":
            snapshot = message.get("snapshot") or {}
            if snapshot.get("etag"):
                self.answers[channel] = (snapshot["etag"], snapshot.get("body"))
            for each in named:
                each.channels.add(channel)
                if each.since_then is not None:
                    self.again(each, each.since_then)
                    continue
                for name, attached in each.users.items():
                    self.tell(name, "subscribed", {**message, "attached": attached})
                    each.users[name] = False
            for each in self.subscriptions:
                if each.awaits == channel:
                    self.share(each, [channel])
            if not named:
                self.release(channel, number)
        elif code == "already_subscribed":
            other = next((each for each in self.subscriptions if channel in each.channels), None)
            for each in named:
                if other:
                    self.share(each, sorted(other.channels))
                else:
                    each.awaits = channel
        elif kind in ("error", "unsubscribed"):
            for each in named:
                each.channels.discard(channel)
                reason = message.get("message") or message.get("reason") or kind
                for name in each.users:
                    self.tell(name, "refused", reason, SHORT_COOL_DOWN if code in PASSING else COOL_DOWN)
        elif channel is not None:
            self.deliver(channel, message)

    def deliver(self, channel: str, message: dict) -> None:
        meant = [each for each in self.subscriptions if channel in each.channels]
        whole: dict | None = message
        if message.get("type") == "answer":
            whole = self.answered(message)
        else:
            self.answers.pop(channel, None)
        for each in meant:
            each.last = message.get("position") or each.last
            if whole is None:
                self.again(each)
                continue
            for name in each.users:
                self.tell(name, "message", whole)

    def share(self, subscription: _Subscription, channels: list[str]) -> None:
        subscription.awaits = None
        for channel in channels:
            subscription.channels.add(channel)
            for name in subscription.users:
                self.tell(name, "subscribed", {"channel": channel, "attached": True})

    def answered(self, message: dict) -> dict | None:
        """An answer with its whole body; None when it is a patch to something else than what is here."""
        channel, etag = message["channel"], message.get("etag")
        known = self.answers.get(channel)
        if "body" in message:
            body = message["body"]
        elif known is not None and known[0] == message.get("base"):
            body = merged(known[1], message.get("patch"))
        else:
            return None
        if etag:
            self.answers[channel] = (etag, body)
        else:
            self.answers.pop(channel, None)
        return {**message, "body": body}

    def again(self, subscription: _Subscription, since: str | None = None) -> None:
        """Subscribes anew: from a position, or for a whole answer."""
        channels, number = subscription.channels, subscription.id
        subscription.channels = set()
        for channel in sorted(channels):
            self.release(channel, number)
        self.last += 1
        subscription.id = f"s{self.last}"
        subscription.since_then = None
        message = {name: value for name, value in subscription.message.items() if name != "since"}
        subscription.message = message if since is None else {**message, "since": since}
        self.do("send", {**subscription.message, "id": subscription.id})

    def expires_in(self, seconds: float) -> None:
        """The token is good for so long."""
        self.renew_at = self.now + max(seconds / 2, seconds - RENEW, 1.0)
