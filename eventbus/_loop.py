"""Which event loop a bus belongs to, and how it is woken from anywhere."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable

from eventbus._ingress import NoLoopError


class LoopBinding:
    """The loop of one bus, once there is one.

    Args:
        work: What the loop is to do when it is woken.
    """

    def __init__(self, work: Callable[[], None]) -> None:
        """Belong to no loop yet."""
        self._work = work
        self._thread: int | None = None
        self._context = contextvars.Context()
        self.loop: asyncio.AbstractEventLoop | None = None

    def bind(self) -> None:
        """Belong to the running loop."""
        self.loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    @property
    def is_bound(self) -> bool:
        """Whether there is a loop that can still work."""
        return self.loop is not None and not self.loop.is_closed()

    def is_owner(self) -> bool:
        """Return whether the calling thread is the loop's."""
        return self._thread == threading.get_ident()

    def wake(self) -> None:
        """Make the loop work soon; before :meth:`bind`, work waits for the start.

        Raises:
            NoLoopError: The loop is closed.
        """
        if self.loop is None:
            return
        call = self.loop.call_soon
        if not self.is_owner():
            call = self.loop.call_soon_threadsafe
        try:
            call(self._work, context=self._context)
        except RuntimeError as error:
            raise NoLoopError(str(error)) from error
