"""What ``publish`` returns when nothing is left to wait for."""

from __future__ import annotations

import asyncio
from abc import ABCMeta
from collections.abc import Coroutine
from typing import Any, Final, cast

# Any: what a coroutine is sent is nobody's business here.


class _NoLoop:
    """Stands for the loop of a future that belongs to none."""

    def get_debug(self) -> bool:
        return False


class _Done(asyncio.Future[None]):
    """Awaited, it is done at once; to everything else it is a coroutine.

    asyncio awaits a finished future of its own in C, at less than half of what a
    coroutine costs. As :func:`asyncio.isfuture` does not take it for one, whatever
    wants a task, a group or a loop to run it makes a task of it, as of a coroutine.
    """

    _asyncio_future_blocking = None  # type: ignore[assignment]  # says it is no future

    def __init__(self) -> None:
        super().__init__(loop=cast("asyncio.AbstractEventLoop", _NoLoop()))
        self.set_result(None)

    def send(self, value: None, /) -> None:
        raise StopIteration

    def throw(self, error: Any, /, *details: Any) -> None:
        if isinstance(error, BaseException):
            raise error
        raise error(*details[:1])

    def close(self) -> None:
        """There is nothing to break off."""


cast("ABCMeta", Coroutine).register(_Done)  # type checkers know it as a protocol

DONE: Final = cast("Coroutine[Any, Any, None]", _Done())
"""Done already; it may be awaited any number of times."""
