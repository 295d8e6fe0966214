"""What can be marked on a field of an event, and where a mark counts."""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin, get_type_hints

import msgspec

_TRANSPARENT: Final = (Union, UnionType, Final)

# Any, below: an annotation is an arbitrary type form, and a mark any object.


class Label:
    """Marks a field as a label of the event's metrics: few distinct values."""


class Sensitive:
    """Marks a text field that leaves as ``[REDACTED]`` unless a sink asks for it."""


class Unit(msgspec.Struct, frozen=True):
    """The unit of a numeric field, as in ``Unit("ms")``; its metric is in base units.

    Args:
        name: UCUM spelling, up to 63 characters: ``"ms"``, ``"s"``, ``"By"``,
            ``"{token}"``; another one is refused when the event type is registered.
    """

    name: str


class Attribute(msgspec.Struct, frozen=True):
    """The name of a field outside this program, as in ``Attribute("http.route")``.

    Args:
        name: The attribute's name on the wire of sinks that carry attributes.
    """

    name: str


def marks_of(hint: Any) -> tuple[Any, ...]:
    """Return the marks on a field annotated with *hint*, or on one of its alternatives.

    ``Annotated[str | None, Label]`` and ``Annotated[str, Label] | None`` are the same.
    """
    if get_origin(hint) is Annotated:
        inner, *marks = get_args(hint)
        return (*marks, *marks_of(inner))
    return tuple(mark for part in _alternatives(hint) for mark in marks_of(part))


def is_marked(hint: Any, mark: type) -> bool:
    """Return whether *mark*, or an instance of it, stands on *hint*."""
    return any(given is mark or isinstance(given, mark) for given in marks_of(hint))


def hides_inside(hint: Any) -> bool:
    """Return whether ``Sensitive`` stands inside *hint*, where nothing redacts it."""
    seen: set[type] = set()
    return any(_mentions_sensitive(leaf, seen) for leaf in _leaves(hint))


def _alternatives(hint: Any) -> tuple[Any, ...]:
    if get_origin(hint) in _TRANSPARENT:
        return get_args(hint)
    return (hint.__value__,) if hasattr(hint, "__value__") else ()


def _leaves(hint: Any) -> Iterator[Any]:
    inside = _alternatives(hint)
    if get_origin(hint) is Annotated:
        inside = get_args(hint)[:1]
    if not inside:
        yield hint
    for part in inside:
        yield from _leaves(part)


def _mentions_sensitive(hint: Any, seen: set[type]) -> bool:
    if hint is Sensitive or isinstance(hint, Sensitive):
        return True
    if not isinstance(hint, type):
        parts = _alternatives(hint) or get_args(hint)
    elif hint in seen:
        return False
    else:
        seen.add(hint)
        parts = (*get_args(hint), *_hints_of(hint).values())
    return any(_mentions_sensitive(part, seen) for part in parts)


def _hints_of(cls: type) -> dict[str, Any]:
    try:
        return get_type_hints(cls, include_extras=True)
    except Exception:  # noqa: BLE001 - what does not resolve is refused elsewhere
        return {}
