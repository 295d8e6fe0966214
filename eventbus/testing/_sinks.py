"""Sinks for tests: one that keeps what it gets, one that does as it is told."""

from __future__ import annotations

from collections.abc import Sequence

from eventbus._event import Event
from eventbus._record import AnyRecord


class RecordingSink:
    """Keeps every record it is given."""

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

    async def start(self) -> None:
        """See :class:`eventbus.Sink`."""

    async def write(self, batch: Sequence[AnyRecord]) -> None:
        """See :class:`eventbus.Sink`."""
        self.batches.append(list(batch))

    async def aclose(self) -> None:
        """See :class:`eventbus.Sink`."""
