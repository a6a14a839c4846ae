"""What the cores have in common."""

from __future__ import annotations

import math
from typing import Any


class Core:
    """Decides and does nothing itself: an event goes in with the time at which it happened, a list of actions comes out.

    It has no timers: ``wake`` says when it wants the event ``time`` next. Times are in seconds.
    """

    def __init__(self) -> None:
        self.out: list[tuple] = []
        self.now = 0.0

    @property
    def wake(self) -> float:
        return math.inf

    def on(self, now: float, event: str, *values: Any) -> list[tuple]:
        self.now = now
        getattr(self, event)(*values)
        return self.taken()

    def do(self, *action: Any) -> None:
        self.out.append(action)

    def taken(self) -> list[tuple]:
        out, self.out = self.out, []
        return out
