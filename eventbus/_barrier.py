"""Whether everything before a moment has reached its final state."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from eventbus._attachment import Attachment
from eventbus._clock import Clock
from eventbus._waiting import settle, wait_until_done


class Barriers:
    """Those who wait for records to be decided."""

    def __init__(self, clock: Clock) -> None:
        """Start with nobody waiting."""
        self._clock: Final = clock
        self.watchers: Final[set[asyncio.Future[None]]] = set()
        """Done whenever records reached their final state."""

    def decided(self) -> None:
        """Let everybody who waits look again."""
        for watcher in list(self.watchers):
            settle(watcher)

    def rebind(self) -> None:
        """Forget those who waited on a loop that is gone."""
        self.watchers.clear()

    async def wait(
        self,
        attachments: Iterable[Attachment],
        sequence: int,
        timeout_seconds: float | None,
    ) -> None:
        """Wait until nothing before *sequence* is pending, or the time is up.

        Batches leave meanwhile without waiting to fill; backoff is not shortened.
        """
        hurried, flush = list(attachments), object()
        for attachment in hurried:
            attachment.workers.departures.hurry(flush)
        try:
            await self._wait(hurried, sequence, timeout_seconds)
        finally:
            for attachment in hurried:
                attachment.workers.departures.calm(flush)

    async def _wait(
        self,
        attachments: list[Attachment],
        sequence: int,
        timeout_seconds: float | None,
    ) -> None:
        clock, remaining = self._clock, timeout_seconds
        deadline = clock.monotonic() + (timeout_seconds or 0)
        while not all(attachment.is_past(sequence) for attachment in attachments):
            if remaining is not None and remaining <= 0:
                return
            watcher: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.watchers.add(watcher)
            try:
                await wait_until_done(watcher, clock, remaining)
            finally:
                self.watchers.discard(watcher)
            if timeout_seconds is not None:
                remaining = deadline - clock.monotonic()
