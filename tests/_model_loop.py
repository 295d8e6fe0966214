"""An event loop that runs pass by pass, by a clock of the test's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

from eventbus.testing import ManualClock

T = TypeVar("T")

MAX_PASSES: Final = 10_000


class DrivenLoop(asyncio.SelectorEventLoop):
    """Stands still but for :meth:`one_pass`; its timers go by *clock* as well."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        super().__init__()
        self.errors: list[dict[str, Any]] = []
        self.set_exception_handler(lambda _, context: self.errors.append(context))

    def time(self) -> float:
        return self._clock.monotonic()

    def one_pass(self) -> None:
        """Run what is ready now, and nothing of what that makes ready."""
        self.call_soon(self.stop)
        self.run_forever()

    @property
    def is_quiet(self) -> bool:
        """Whether everything waits for time, or for somebody outside."""
        ready: Any = self._ready  # type: ignore[attr-defined]
        timers: Any = self._scheduled  # type: ignore[attr-defined]
        due = (t for t in timers if not t.cancelled() and t.when() <= self.time())
        return not ready and not any(due)

    def settle(self) -> None:
        """Run passes until all is quiet."""
        for _ in range(MAX_PASSES):
            if self.is_quiet:
                return
            self.one_pass()
        raise AssertionError(f"the loop is still busy after {MAX_PASSES} passes")

    def call(self, action: Callable[[], T]) -> T:
        """Return what *action* returns, called by the loop at the end of one pass."""
        results: list[T] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                results.append(action())
            except BaseException as error:
                errors.append(error)

        self.call_soon(run)
        self.one_pass()
        if errors:
            raise errors[0]
        return results[0]
