"""What a person sees at the terminal while a long input is read."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

from eventbus.cli._stream import STDIN
from eventbus.cli._tally import Tally
from eventbus.cli._terminal import console, is_terminal, width_of

if TYPE_CHECKING:
    from rich.console import Console

_QUIET_SECONDS: Final = 0.5  # what is over by then needs no progress
_INTERVAL_SECONDS: Final = 0.1
_LEAST_WIDTH: Final = 60  # of a terminal, for a bar beside the words

Draw = Callable[[], object]


def total_bytes(paths: Sequence[str]) -> int | None:
    """Return how much there is to read, or ``None`` where that is not known."""
    if STDIN in paths:
        return None
    try:
        return sum(os.stat(path).st_size for path in paths) or None
    except OSError:
        return None


@asynccontextmanager
async def progress(tally: Tally, total: int | None) -> AsyncGenerator[None]:
    """Show how far *tally* has come while the block runs, if anybody looks."""
    if not is_terminal(sys.stderr):
        yield
        return
    showing = asyncio.create_task(_show(tally, total))
    try:
        yield
    finally:
        showing.cancel()
        await asyncio.wait([showing])


async def _show(tally: Tally, total: int | None) -> None:
    await asyncio.sleep(_QUIET_SECONDS)
    drawn = console(sys.stderr)
    if drawn is None or drawn.width < _LEAST_WIDTH:
        await _repeat(lambda: _draw_plainly(tally, total), at_end=_erase)
    else:
        await _show_richly(drawn, tally, total)


async def _repeat(draw: Draw, *, at_end: Draw) -> None:
    try:
        while True:
            draw()
            await asyncio.sleep(_INTERVAL_SECONDS)
    finally:
        at_end()


async def _show_richly(drawn: Console, tally: Tally, total: int | None) -> None:
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    columns = [SpinnerColumn(), TextColumn("{task.description}")]
    bars = [BarColumn(), TextColumn("{task.percentage:>3.0f}%")] if total else []
    bar = Progress(
        *columns,
        *bars,
        console=drawn,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
    )
    task = bar.add_task("", total=total)
    began = time.monotonic()

    def draw() -> None:
        text = _text(tally, time.monotonic() - began + _QUIET_SECONDS)
        bar.update(task, completed=tally.read_bytes, description=text, refresh=True)

    with bar:
        await _repeat(draw, at_end=lambda: None)


def _text(tally: Tally, seconds: float) -> str:
    from eventbus.cli._tables import number

    rate = number(round(tally.records / seconds))
    broken = f", {number(tally.broken)} broken" if tally.broken else ""
    return f"{number(tally.lines)} lines, {rate} records a second{broken}"


def _draw_plainly(tally: Tally, total: int | None) -> None:
    from eventbus.cli._tables import number

    share = f" {tally.read_bytes * 100 // total}%" if total else ""
    _write(f"{number(tally.lines)} lines{share}\r")  # what comes next overwrites it


def _erase() -> None:
    _write(f"{' ' * min(40, width_of(sys.stderr) or 40)}\r")


def _write(text: str) -> None:
    with suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()
