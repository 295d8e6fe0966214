"""How a coroutine of the program reads records: an iterator that holds nobody up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final

from eventbus._record import AnyRecord
from eventbus._settings import Batch, Buffer, Overflow

if TYPE_CHECKING:
    from eventbus._attachment import Attachment

SUBSCRIPTION_BUFFER: Final = Buffer(max_events=1024, overflow=Overflow.DROP_OLDEST)

ONE_AT_A_TIME: Final = Batch(max_events=1, max_delay_seconds=0.0)


class PulledSink:
    """Stands in the place of a sink where an iterator takes the records itself."""

    async def start(self) -> None:
        """See :class:`eventbus.Sink`."""

    async def write(self, batch: Sequence[AnyRecord]) -> None:
        """See :class:`eventbus.Sink`; no worker ever calls it."""

    async def aclose(self) -> None:
        """See :class:`eventbus.Sink`."""


class Subscription(AsyncIterator[AnyRecord]):
    """Records as an async iterator; :meth:`eventbus.Bus.subscribe` makes it.

    It begins with what is emitted inside ``async with``. When its buffer is full the
    oldest unread record goes, and :attr:`missed` counts it. It ends when the bus
    closes; what is unread then is dropped. Cancelling a wait loses no record.
    """

    def __init__(self, attach: Callable[[], Attachment]) -> None:
        """Attach on entering only."""
        self._attach = attach
        self._attachment: Attachment | None = None

    @property
    def missed(self) -> int:
        """How many records were dropped because they were not read in time."""
        if self._attachment is None:
            return 0
        dropped, door = self._attachment.ledger.dropped, self._attachment.door
        unread = ("queue_full", "bytes_full", "expired")
        return sum(dropped[reason] for reason in unread) + door.lost

    async def __aenter__(self) -> Subscription:
        self._attachment = self._attach()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._attachment is not None:
            await self._attachment.detach(0)

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> AnyRecord:
        if self._attachment is None:
            raise RuntimeError("a subscription is read inside its 'async with'")
        departures = self._attachment.workers.departures
        while (batch := departures.take()) is None:
            if departures.closing:
                raise StopAsyncIteration
            await departures.sleep()
        record = batch[0]
        self._attachment.fate.delivered(batch)
        return record
