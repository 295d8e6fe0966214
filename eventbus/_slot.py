"""Which bus stands behind the emitters that libraries make at module level.

A library emits without knowing whether anybody listens: until an application says
which bus, its emitters do nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from eventbus._emit import Emit
from eventbus._emit_bound import Overlay, emit_over
from eventbus._errors import OwnerError
from eventbus._event import Event
from eventbus._record import AttributeValue

if TYPE_CHECKING:
    from eventbus._bus import Bus

E = TypeVar("E", bound=Event)


def _emit_nowhere(event: Event, /) -> bool:
    return True


class _StandIn(NamedTuple):
    """A bus that is there while no application uses one."""

    bus: Bus
    on_use: Callable[[Bus], None]


class _Slot:
    """The one place where the present bus stands; owned by whoever put it there."""

    __slots__ = ("emit", "owner", "stand_in")

    def __init__(self) -> None:
        self.owner: Bus | None = None
        self.stand_in: _StandIn | None = None
        self.emit: Emit[Event] = _emit_nowhere

    def settle(self, owner: Bus | None, stand_in: _StandIn | None) -> None:
        """Let *owner* take the events, without one the stand-in, else nobody."""
        self.owner, self.stand_in = owner, stand_in
        if owner is not None:
            self.emit = owner.emit
        else:
            self.emit = _emit_nowhere if stand_in is None else stand_in.bus.emit


_slot: Final = _Slot()  # the one piece of module state: an explicit, owned slot


def emitter(
    event_type: type[E], *, attributes: Mapping[str, AttributeValue] | None = None
) -> Emit[E]:
    """Return an ``emit`` for *event_type* that does nothing until a bus is in use.

    For libraries, at module level. With no bus in use it costs a call and answers
    ``True``; with one it is that bus's :attr:`eventbus.Bus.emit`.

    Args:
        event_type: A subclass of :class:`Event`.
        attributes: As in :meth:`eventbus.Bus.emitter`.
    """
    slot = _slot

    def emit(event: E, /) -> bool:
        return slot.emit(event)

    emit.__qualname__ = f"emitter({event_type.__name__})"
    return emit if attributes is None else emit_over(emit, Overlay(attributes))


@contextmanager
def use(bus: Bus) -> Generator[Bus]:
    """Put *bus* behind every module-level emitter while the block runs.

    For applications, once, around everything: the slot belongs to the whole process,
    not to a task.

    Raises:
        OwnerError: Another bus is in use; entering twice with the same bus is refused
            too.
    """
    if _slot.owner is not None:
        raise _owned(_slot.owner)
    if _slot.stand_in is not None:
        _slot.stand_in.on_use(bus)
    _slot.settle(bus, _slot.stand_in)
    try:
        yield bus
    finally:
        _slot.settle(None, _slot.stand_in)


@contextmanager
def stand_in(bus: Bus, on_use: Callable[[Bus], None]) -> Generator[None]:
    """Put *bus* behind every emitter until an application uses its own; for tests.

    Args:
        bus: Steps back for the block of each :func:`use`, and takes over again after.
        on_use: Is given the application's bus before it is in use.

    Raises:
        OwnerError: A bus is in use, or stands in, already.
    """
    if _slot.owner is not None:
        raise _owned(_slot.owner)
    if _slot.stand_in is not None:
        raise _owned(_slot.stand_in.bus)
    _slot.settle(None, _StandIn(bus, on_use))
    try:
        yield
    finally:
        _slot.settle(_slot.owner, None)


def _owned(owner: Bus) -> OwnerError:
    return OwnerError(
        f"{owner!r} is behind eventbus.emitter already; one bus at a time"
    )
