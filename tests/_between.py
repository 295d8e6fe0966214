"""Runs something else at chosen places in the code under test, place by place.

A signal, a finalizer or another thread may come between any two operations. Here they
come at the first one, then, in a new run, at the second, until there are no more.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import eventbus

PATIENCE_SECONDS = 10.0  # only a deadlock lasts as long


def core(*names: str) -> frozenset[str]:
    """Return the files of these modules of the core."""
    folder = Path(eventbus.__file__).parent
    return frozenset(str(folder / f"_{name}.py") for name in names)


BY_OPERATION = core("emit")
BY_LINE = core(
    "latch",
    "ingress",
    "compaction",
    "withheld",
    "on_its_way",
    "door",
    "route",
    "router",
    "uniformity",
    "refusals",
    "safe_item",
    "seal",
    "intake",
    "publish",
)


class Between:
    """Calls *action* in its ``with`` block, in the middle of the code under test.

    Args:
        places: Before which of the operations of an emit, or of the lines of what
            lies behind it, counted from 0.
        action: Runs untraced.
        by_line: Where the lines are that count.
    """

    def __init__(
        self,
        places: Iterable[int],
        action: Callable[[], object],
        by_line: frozenset[str] = BY_LINE,
    ) -> None:
        self._left = sorted(places)
        self._passed = 0
        self._action = action
        self._by_line = by_line
        self._before: Any = None

    @property
    def reached(self) -> bool:
        """Whether every place was."""
        return not self._left

    def __enter__(self) -> Between:
        self._before = sys.gettrace()
        sys.settrace(self._call)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        sys.settrace(self._before)

    def _call(self, frame: FrameType, event: str, argument: object) -> Any:
        file = frame.f_code.co_filename
        if self.reached or (file not in BY_OPERATION and file not in self._by_line):
            return None
        frame.f_trace_opcodes = file in BY_OPERATION
        frame.f_trace_lines = file in self._by_line
        return self._pass

    def _pass(self, frame: FrameType, event: str, argument: object) -> Any:
        if event in ("line", "opcode") and self._left:
            if self._left[0] == self._passed:
                self._left.pop(0)
                self._action()
            self._passed += 1
        return self._pass


def interrupt() -> None:
    """Press Ctrl-C."""
    signal.raise_signal(signal.SIGINT)


def every_place(run: Callable[[int], bool], *, step: int = 1) -> int:
    """Call *run* with each *step*-th place until it says that it was not reached."""
    place = 0
    while run(place):
        place += step
    return place


class Paused:
    """Runs *work* in a thread that stops at each of *places*.

    The ``with`` block begins once it has stopped, or has ended without; :meth:`go_on`
    lets it go on to the next stop, and leaving the block to its end.
    """

    def __init__(self, places: Iterable[int], work: Callable[[], object]) -> None:
        self._stopped = threading.Semaphore(0)
        self._may_go_on = threading.Semaphore(0)
        self._between = Between(places, self._pause)
        self._work = work
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._error: BaseException | None = None

    @property
    def reached(self) -> bool:
        """Whether it stopped at every place."""
        return self._between.reached

    def _pause(self) -> None:
        self._stopped.release()
        assert self._may_go_on.acquire(timeout=PATIENCE_SECONDS)

    def _run(self) -> None:
        try:
            with self._between:
                self._work()
        except BaseException as error:
            self._error = error
        finally:
            self._stopped.release()

    def __enter__(self) -> Paused:
        self._thread.start()
        self._wait()
        return self

    def _wait(self) -> None:
        assert self._stopped.acquire(timeout=PATIENCE_SECONDS), "deadlock"

    def waits_for_others(self) -> None:
        """Say, in the thread, that it will not stop before others did something."""
        self._stopped.release()

    def go_on(self) -> None:
        """Let the thread go on to its next stop, or to its end."""
        if self._thread.is_alive():
            self._may_go_on.release()
            self._wait()

    def end(self) -> None:
        """Let the thread go on to its end; raise what it raised."""
        self._may_go_on.release(100)
        self._thread.join(PATIENCE_SECONDS)
        assert not self._thread.is_alive(), "deadlock"
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()


def in_a_thread(work: Callable[[], object]) -> None:
    """Run *work* in another thread to its end."""
    with Paused((), work):
        pass
