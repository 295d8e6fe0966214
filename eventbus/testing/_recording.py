"""A sink that keeps what it is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from eventbus._event import Event
from eventbus._record import AnyRecord

E = TypeVar("E", bound=Event)


class RecordingSink:
    """Keeps every record it is given, without a bound."""

    def __init__(self) -> None:
        """Begin empty."""
        self.batches: list[list[AnyRecord]] = []

    @property
    def records(self) -> list[AnyRecord]:
        """The records, in the order of their arrival."""
        return [record for batch in self.batches for record in batch]

    @property
    def events(self) -> list[Event]:
        """Their events."""
        return [record.event for record in self.records]

    def of(self, event_type: type[E]) -> list[E]:
        """Return the events of *event_type* and its subclasses."""
        return [event for event in self.events if isinstance(event, event_type)]

    def clear(self) -> None:
        """Forget everything so far."""
        self.batches.clear()

    async def start(self) -> None:
        """See :class:`eventbus.Sink`."""

    async def write(self, batch: Sequence[AnyRecord]) -> None:
        """See :class:`eventbus.Sink`."""
        self.batches.append(list(batch))

    async def aclose(self) -> None:
        """See :class:`eventbus.Sink`; what was kept stays."""
