"""What a test hands to the kit, checked where it is handed over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from inspect import iscoroutinefunction
from typing import Any, Final, TypeGuard

UPDATE_OPTION: Final = "--eventbus-update-golden"
"""Of pytest: that transcripts are written, and not compared with."""


def is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    """Return whether *value* is a sequence of things, and no text or bytes."""
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def check_names(place: str, names: object) -> None:
    """Refuse one text where several are meant: its letters would count as them.

    Raises:
        TypeError: *names* is a text, or nothing to go through.
    """
    if isinstance(names, str | bytes) or not isinstance(names, Iterable):
        # Not the text itself, which may be a secret.
        raise TypeError(f"{place} must be a list of texts, got {type(names).__name__}")


def check_plain_function(
    place: str,
    function: Callable[..., Any] | None,  # Any: whatever a test's own function takes
) -> None:
    """Refuse an ``async def`` where its answer counts at once: a coroutine is true.

    Raises:
        TypeError: *function* is one, or cannot be called.
    """
    if function is None:
        return
    if iscoroutinefunction(function) or not callable(function):
        raise TypeError(f"{place} must be a plain function, got {function!r}")
