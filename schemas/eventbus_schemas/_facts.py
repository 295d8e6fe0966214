"""Which facts may be told of something, and what is said of others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eventbus import Event
from eventbus._check import FieldCheck
from eventbus._nearest import unknown


def known_facts(kind: type, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of *facts*, of which a typed dictionary, *kind*, has the names.

    Raises:
        TypeError: There is one that it does not have.
    """
    # Any: fields of events, whose own types hold.
    for name in facts:
        if name not in kind.__annotations__:
            raise TypeError(unknown("fact", name, kind.__annotations__))
    return {**facts}


def check_fields(event: Event) -> None:
    """Refuse *event* when a field of it has another type.

    Raises:
        TypeError: What is wrong, and where.
    """
    error = FieldCheck(type(event)).full_error(event)
    if error is not None:
        raise TypeError(f"a fact of another type: {error}")


def text(name: str, value: str) -> str:
    """Return *value*.

    Raises:
        TypeError: It is no text.
    """
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"{name} must be text, got {type(value).__name__}")
    return value
