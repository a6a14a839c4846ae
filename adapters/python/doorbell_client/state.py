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


_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:(\.\d*[1-9])0*|\.0+)?(Z|[+-]\d\d:\d\d)", re.IGNORECASE)


def _written(value: Any) -> Any:
    """A time as RFC 3339 has it, in the one way of writing that there is without zeros at the end of its fraction; all else as it is."""
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return value
    day, time, fraction, zone = found.groups()
    return f"{day}T{time}{fraction or ''}{'Z' if zone.upper() in ('Z', '+00:00', '-00:00') else zone}"


def differences(one: Any, other: Any, path: str = "") -> set[str]:
    """In what fields two states differ, such as ``items[].price``; a list with another number of elements is one field."""
    if isinstance(one, dict) and isinstance(other, dict):
        return set().union(*(
            differences(one.get(name, NOTHING), other.get(name, NOTHING), f"{path}.{name}" if path else name) for name in {**one, **other}))
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return set().union(*(differences(each, beside, f"{path}[]") for each, beside in zip(one, other)))
    is_same = _written(one) == _written(other) and isinstance(one, bool) == isinstance(other, bool)  # for Python, True is 1
    return set() if is_same else {path or "body"}


def _replaced(body: Any, path: Sequence[str], rows: list) -> Any:
    return {**body, path[0]: _replaced(body[path[0]], path[1:], rows)} if path else rows


def applied(body: Any, change: dict, rows: Rows) -> Any:
    """``body`` after a row change, as the poll would answer; ``body`` itself when the change is out of sight; ``NOTHING`` when only a poll can
    tell. Changes may repeat."""
    try:
        return _applied(body, change, rows)
    except Exception:  # rows of another kind, or without the columns of the order; or `where` has failed
        return NOTHING


def _applied(body: Any, change: dict, rows: Rows) -> Any:
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
