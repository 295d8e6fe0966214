"""What ``publish`` returns when nothing is left to wait for."""

from __future__ import annotations

import asyncio
import sys
from abc import ABCMeta
from collections.abc import Callable, Coroutine, Generator
from itertools import repeat
from typing import Any, Final, cast

# Any in this module: what a coroutine is sent is nobody's business here.


class _Ended:
    """A coroutine that has nothing left to do."""

    __slots__ = ()

    def send(self, value: None, /) -> None:
        raise StopIteration

    def throw(self, error: Any, /, *details: Any) -> None:
        if isinstance(error, BaseException):
            raise error
        raise error(*details[:1])

    def close(self) -> None:
        """There is nothing to break off."""


if sys.version_info >= (3, 12):

    def _nothing() -> Generator[Any, None, None]:
        yield from ()

    _ended: Final = _nothing()
    list(_ended)

    class _Done(_Ended):
        """Awaited, it is done at once; to everything else it is a coroutine.

        A generator that has ended is awaited in C, at half of what a coroutine costs.
        """

        __slots__ = ()

        __await__: Callable[[], Generator[Any, None, None]] = repeat(_ended).__next__

else:

    class _NoLoop:
        """Stands for the loop of a future that belongs to none."""

        def get_debug(self) -> bool:
            return False

    class _Done(_Ended, asyncio.Future[None]):
        """Awaited, it is done at once; to everything else it is a coroutine.

        asyncio awaits a finished future of its own in C, at less than half of what a
        coroutine costs; from 3.12 on it costs more. As :func:`asyncio.isfuture` does
        not take it for one, whatever wants a task, a group or a loop to run it makes a
        task of it, as of a coroutine.
        """

        _asyncio_future_blocking = None  # type: ignore[assignment]  # it is no future

        def __init__(self) -> None:
            super().__init__(loop=cast("asyncio.AbstractEventLoop", _NoLoop()))
            self.set_result(None)


cast("ABCMeta", Coroutine).register(_Done)  # type checkers know it as a protocol

DONE: Final = cast("Coroutine[Any, Any, None]", _Done())
"""Done already; it may be awaited any number of times."""
