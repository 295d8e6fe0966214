"""How large an event is at the very least, without a copy and without its text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence, Sized
from typing import Final, cast

from eventbus._event import Event

# The shortest text of an item and what parts it from the next: `0,` and `"":0,`.
_LEAST_BYTES: Final[dict[type, int]] = {
    list: 2,
    tuple: 2,
    set: 2,
    frozenset: 2,
    dict: 5,
}
_TEXT: Final = (str, bytes, bytearray)
_LONG: Final = 16  # bytes an item is taken for before anybody looks closer


def least_size(event: Event, fields: Iterable[str]) -> int:
    """Return a number of bytes that the text of *event* is surely not below.

    It counts text in *fields*, and the items, keys and text in a collection there; it
    looks no deeper.
    """
    return sum(_least(getattr(event, name)) for name in fields)


def may_be_over(
    events: Sequence[Event], field: Callable[[Event], Sized | None], max_bytes: int
) -> bool:
    """Return whether *field* is so long in one of *events* that it may be too large.

    A few nanoseconds for each; whoever is told ``True`` looks closer.
    """
    try:
        longest = max(map(len, filter(None, map(field, events))), default=0)
    except Exception:  # noqa: BLE001 - a value without a length, or of a hostile class
        return True
    return longest * _LONG > max_bytes


def _least(value: object) -> int:
    kind = type(value)
    if kind in _TEXT:
        return len(cast("str", value))
    per_item = _LEAST_BYTES.get(kind)
    if per_item is None:
        return 0
    items = cast("Collection[object]", value)
    least = per_item * len(items)
    if str in set(map(type, items)):
        least += sum(len(item) for item in items if type(item) is str)
    return least
