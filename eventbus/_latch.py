"""What happens when code comes in the middle of a lock that its own thread holds."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from functools import partial
from threading import RLock
from typing import Any, Final

from eventbus._context import Bound
from eventbus._current_span import capture

_COUNT: Final = re.compile(r"count=(\d+)")


class Latch:
    """Knows when the holder of a lock comes in again: a signal handler, a finalizer.

    Entered with the lock held: ``with ingress.left, ingress.mutex, ingress.inside as
    outermost``. ``outermost`` is ``False`` in the middle of the same thread's own work;
    what comes then is left to the outer pass, which looks again before it lets go.

    The lock itself is taken and let go of in C, so an exception that a signal handler
    raises at any place cannot leave it held; the latch is then found to be stale.

    Args:
        mutex: The lock.
        present: What has come; always this one list.
        after: Called whenever somebody leaves while anything is *present*, still
            inside the lock but open to newcomers.
    """

    __slots__ = ("_after", "_busy", "_depth", "_mutex", "_present")

    def __init__(
        self, mutex: RLock, present: list[Any], after: Callable[[], object]
    ) -> None:
        """Begin open. Any: what has come is nobody's business here."""
        self._mutex = mutex
        self._present = present
        self._after = after
        self._busy = False
        self._depth = 0

    @property
    def is_mine(self) -> bool:
        """Whether the calling thread is inside."""
        return self._busy and self._mutex._is_owned()  # type: ignore[attr-defined]

    @property
    def is_amid(self) -> bool:
        """Whether the holder of the lock came in again: what it guards may be torn."""
        return _holds(self._mutex) > 1

    def __enter__(self) -> bool:
        if self._busy:
            if _holds(self._mutex) > 1:
                self._depth += 1
                return False
            self._depth = 0
        self._busy = True
        return True

    def __exit__(self, *_: object) -> None:
        if self._depth:
            self._depth -= 1
            return
        self._busy = False
        if self._present:
            self._after()


def _holds(mutex: RLock) -> int:
    """Return how often the holder of *mutex* has taken it."""
    count = _COUNT.search(repr(mutex))
    return int(count[1]) if count else 1


class Left:
    """Does, outside the lock, what was left by code that ran in the middle of it."""

    __slots__ = ("_admit", "_calls", "_inside")

    def __init__(
        self, inside: Latch, admit: Callable[[Any, Bound | None], object]
    ) -> None:
        """Begin with nothing. Any: whatever emit was given."""
        self._inside = inside
        self._admit = admit
        self._calls: deque[Callable[[], object]] = deque()

    def leave(self, item: Any) -> None:
        """Keep *item*, which needs more than the lock allows, until it is free."""
        self._calls.append(partial(self._admit, item, capture()()))

    def replace(self, call: Callable[[], object]) -> None:
        """Do *call* and nothing else of what was left: now, or when the lock is free.

        The lock must not be another thread's.
        """
        self._calls.clear()
        self._calls.append(call)
        self._do_all()

    def __enter__(self) -> None:
        """Nothing is to be done before."""

    def __exit__(self, *_: object) -> None:
        if self._calls:
            self._do_all()

    def _do_all(self) -> None:
        while self._calls and not self._inside.is_mine:
            try:
                call = self._calls.popleft()
            except IndexError:  # another thread was faster
                return
            call()
