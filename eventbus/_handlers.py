"""How a function of the program becomes a sink of its own."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from eventbus._chunk import RecordBatch
from eventbus._context import enter_depth
from eventbus._record import AnyRecord
from eventbus._settings import Retry
from eventbus._side_thread import SideThread
from eventbus._sink import Outcome
from eventbus._verdict import Progress, describe_error

Handler = Callable[[Any], object]  # Any: a record of the event type it was made for


class HandlerSink:
    """Calls a handler for each record; one that raises rejects that record only.

    Args:
        handler: Sync or async; takes a record.
        threaded: Call a sync handler in a thread of its own, where it may block. One
            that never returns is left behind at the close, and the program's end.
    """

    ordered = True
    retry = Retry(timeout_seconds=None)

    def __init__(self, handler: Handler, *, threaded: bool = False) -> None:
        """Remember whom to call."""
        self._handler = handler
        self._thread = SideThread(handler, name_of(handler)) if threaded else None

    def after_fork(self) -> None:
        """Have a thread of its own in the child."""
        if self._thread is not None:
            self._thread.forget()

    async def start(self) -> None:
        """See :class:`eventbus.Sink`."""

    async def write(self, batch: Sequence[AnyRecord]) -> Outcome | None:
        """See :class:`eventbus.Sink`; a cancellation says how many were handled."""
        rejected: dict[int, str] = {}
        depths = batch.depths if isinstance(batch, RecordBatch) and batch.depth else ()
        for index, record in enumerate(batch):
            if depths:
                enter_depth(depths[index] + 1)
            try:
                await self._call(record)
            except BaseException as error:
                if _ends_the_call(error):
                    vars(error)["progress"] = Progress(index, rejected)
                    raise
                rejected[index] = describe_error(error)
        return Outcome(rejected=list(rejected.items())) if rejected else None

    async def _call(self, record: AnyRecord) -> None:
        if self._thread is not None:
            answer = await self._thread.call(record)
        else:
            answer = self._handler(record)
        if inspect.isawaitable(answer):
            await answer
        elif inspect.isasyncgen(answer) or inspect.isgenerator(answer):
            raise TypeError("a handler must not yield: its body has not run")

    async def aclose(self) -> None:
        """See :class:`eventbus.Sink`."""
        if self._thread is not None:
            self._thread.end()


def _ends_the_call(error: BaseException) -> bool:
    """Return whether *error* is more than a failure of the handler at one record."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is None or task.cancelling() > 0
    return not isinstance(error, Exception)


def name_of(handler: Handler) -> str:
    """Return the attachment name of *handler*."""
    return f"on:{getattr(handler, '__qualname__', type(handler).__qualname__)}"
