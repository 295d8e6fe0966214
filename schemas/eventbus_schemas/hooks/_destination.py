"""Where the events of hooks go: whatever takes one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from eventbus import Event


class _HasEmit(Protocol):
    @property
    def emit(self) -> Callable[[Any], object]: ...


class _HasEmitter(Protocol):
    def emitter(self, event_type: type[Any], /) -> Callable[[Any], object]: ...


# Any: an emitter may take events of one type alone.
Destination: TypeAlias = Callable[[Any], object] | _HasEmit | _HasEmitter


def emit_of(destination: Destination) -> Callable[[Event], object]:
    """Return what takes an event on behalf of *destination*.

    Raises:
        TypeError: It is no function, and has neither ``emit`` nor ``emitter``.
    """
    if callable(destination):
        return destination
    # Any: one of two protocols, told apart by which attribute is there.
    has: Any = destination
    emit = getattr(has, "emit", None)
    if callable(emit):
        return emit  # type: ignore[no-any-return]
    if callable(getattr(has, "emitter", None)):
        return _by_type(has)
    raise TypeError(
        "emit must be a function that takes an event, or have `emit` or `emitter`, "
        f"got {type(destination).__name__}"
    )


def _by_type(source: _HasEmitter) -> Callable[[Event], object]:
    emitters: dict[type[Event], Callable[[Any], object]] = {}

    def emit(event: Event) -> object:
        emitter = emitters.get(type(event))
        if emitter is None:
            emitter = emitters[type(event)] = source.emitter(type(event))
        return emitter(event)

    return emit
