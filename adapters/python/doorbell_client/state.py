"""States as values: row changes applied to a poll body, merge patches, and the comparison of two states."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Callable, Sequence
from typing import Any


@dataclasses.dataclass(frozen=True)
class Rows:
    """Where the rows of a poll body are, so that row changes can be applied to it without a fetch.

    ``items``: the path of the list, such as ``data.rows``; empty: the body itself. ``key``: the column or columns that tell rows apart.
    ``order``: a column, with ``-`` before it descending, or what ``sorted`` takes as ``key``; without it new rows come last. ``limit``: at most
    so many rows. ``where``: which rows are in the list.
    """

    items: str = "items"
    key: str | Sequence[str] = "id"
    order: str | Callable[[Any], Any] | None = None
    limit: float = math.inf
    where: Callable[[Any], bool] | None = None


NOTHING = object()  # "only a poll can tell"


def merged(target: Any, patch: Any) -> Any:
    """RFC 7386. Neither argument is changed."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def is_covered(one: str | None, other: str | None) -> bool:
    """Whether what happened at position ``one`` is in a state that has everything up to ``other``. False where that cannot be told."""
    places = [re.fullmatch(r"(\d+)\.(\d+)-(\d+)", position or "") for position in (one, other)]
    if not all(places) or places[0][1] != places[1][1]:
        return False
    return tuple(map(int, places[0].groups())) <= tuple(map(int, places[1].groups()))


def digest(value: Any) -> str:
    """64 bits of a state in hexadecimal."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]


def _replaced(body: Any, path: Sequence[str], rows: list) -> Any:
    return {**body, path[0]: _replaced(body[path[0]], path[1:], rows)} if path else rows


def applied(body: Any, change: dict, rows: Rows) -> Any:
    """``body`` after a row change, as the poll would answer; ``body`` itself when the change is out of sight; ``NOTHING`` when only a poll can
    tell. Changes may repeat."""
    path = rows.items.split(".") if rows.items else []
    found = body
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    if not isinstance(found, list):
        return NOTHING
    if change["op"] == "truncate":
        return _replaced(body, path, [])
    if not change.get("key"):
        return NOTHING
    names = [rows.key] if isinstance(rows.key, str) else list(rows.key)
    row = change.get("data")
    at = next((index for index, each in enumerate(found) if all(each.get(name) == change["key"].get(name) for name in names)), None)
    is_full = len(found) >= rows.limit
    if change["op"] == "delete" or (rows.where and not rows.where(row)):
        if at is None:
            return body
        # Behind a full window there may be a row that moves in.
        return NOTHING if is_full else _replaced(body, path, found[:at] + found[at + 1:])
    place, descends = _sorting(rows.order)
    if at is not None and (place is None or place(found[at]) == place(row)):
        return _replaced(body, path, [*found[:at], row, *found[at + 1:]])
    others = [each for index, each in enumerate(found) if index != at]
    position = len(others)
    if place is not None:
        for index, each in enumerate(others):
            if (place(row) > place(each)) if descends else (place(row) < place(each)):
                position = index
                break
    if is_full and position == len(others):
        return body if at is None else NOTHING
    result = [*others[:position], row, *others[position:]]
    return _replaced(body, path, result if math.isinf(rows.limit) else result[:int(rows.limit)])


def _sorting(order: Any) -> tuple[Callable[[Any], Any] | None, bool]:
    if not isinstance(order, str):
        return order, False
    return (lambda row: row[order.lstrip("-")]), order.startswith("-")
