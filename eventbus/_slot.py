"""Which bus stands behind the emitters that libraries make at module level.

A library emits without knowing whether anybody listens: until an application says
which bus, its emitters do nothing.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from eventbus._emit import Emit
from eventbus._errors import OwnerError
from eventbus._event import Event

if TYPE_CHECKING:
    from eventbus._bus import Bus

E = TypeVar("E", bound=Event)


def _emit_nowhere(event: Event, /) -> bool:
    return True


class _Slot:
    """The one place where the present bus stands; owned by whoever put it there."""

    __slots__ = ("emit", "owner")

    def __init__(self) -> None:
        self.owner: Bus | None = None
        self.emit: Emit[Event] = _emit_nowhere


_slot: Final = _Slot()  # the one piece of module state: an explicit, owned slot


def emitter(event_type: type[E]) -> Emit[E]:
    """Return an ``emit`` for *event_type* that does nothing until a bus is in use.

    For libraries, at module level. With no bus in use it costs a call and answers
    ``True``; with one it is that bus's :attr:`eventbus.Bus.emit`.
    """
    slot = _slot

    def emit(event: E, /) -> bool:
        return slot.emit(event)

    emit.__qualname__ = f"emitter({event_type.__name__})"
    return emit


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
        raise OwnerError(
            f"{_slot.owner!r} is behind eventbus.emitter already; one bus at a time"
        )
    _slot.owner, _slot.emit = bus, bus.emit
    try:
        yield bus
    finally:
        _slot.owner, _slot.emit = None, _emit_nowhere
