"""Work of the bus's own that is done to its end, though somebody cancels every task."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")


def begun(work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
    """Return a task that does *work* from the loop's next pass on.

    A task factory of the program's may begin at once, in the middle of its maker.
    """
    # Any: what a coroutine yields and is sent is the loop's business.
    return asyncio.Task(work, loop=asyncio.get_running_loop(), name=name)


class Errand(Generic[T]):
    """Does *work* in a task of its own; cancelled before it began, it begins again.

    From then on *work* has to withstand cancellation itself, which only makes it look
    again at its time: see :class:`eventbus._waiting.TimeLimit`.

    Args:
        work: Makes the coroutine.
        name: The task's name.
    """

    def __init__(
        self,
        work: Callable[[], Coroutine[Any, Any, T]],  # Any: the loop's business
        name: str,
    ) -> None:
        """Begin soon, on the running loop."""
        self._work: Final = work
        self._name: Final = name
        self.done: Final[asyncio.Future[T]] = asyncio.get_running_loop().create_future()
        self._task = self._begun()

    def _begun(self) -> asyncio.Task[T]:
        task = begun(self._work(), self._name)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self._task = self._begun()
        elif (error := task.exception()) is not None:
            self.done.set_exception(error)
        else:
            self.done.set_result(task.result())

    @property
    def is_stranded(self) -> bool:
        """Whether it will never be done: its loop is gone."""
        return not self.done.done() and self.done.get_loop().is_closed()

    def look_again(self) -> None:
        """Wake it, so that it looks at its time."""
        self._task.cancel()
