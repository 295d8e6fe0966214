"""How an event looks to a person: one line, and its exceptions in full below it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from eventbus import Gap, Severity
from eventbus._record import AnyRecord
from eventbus._visible import visible
from eventbus_local._event_line import ShownFields, shown_value
from eventbus_local._settings import ConsoleSettings

_MAX_WHOLE_CHARS: Final = 65_536  # in full, but not without bound
_NAME_WIDTH: Final = 26
_SEVERITY_WIDTH: Final = 5
_UNKNOWN_TIME: Final = "--:--:--.---"
_GUTTER: Final = "    | "
_ERRORS: Final = ("error", "fatal")

# https://en.wikipedia.org/wiki/ANSI_escape_code#SGR
_BOLD: Final = "1"
_DIM: Final = "2"
_CYAN: Final = "36"
_SEVERITY_COLORS: Final[dict[str, str]] = {
    "trace": "2",
    "debug": "34",
    "info": "32",
    "warn": "33",
    "error": "31",
    "fatal": "1;97;41",
}


_Paint = Callable[[str, str], str]


class _Parts(msgspec.Struct):
    """What one event says: pairs on its line, and blocks below it."""

    pairs: list[str]
    blocks: list[tuple[str, str]]


class ConsoleText:
    """Makes text of records, with or without colour.

    Args:
        settings: The console's.
    """

    def __init__(self, settings: ConsoleSettings) -> None:
        """Begin without a plan for any type."""
        self._fields = ShownFields()
        self._max_chars = settings.max_value_chars
        self._split = time.localtime if settings.time_zone == "local" else time.gmtime

    def lines(self, records: Sequence[AnyRecord], *, color: bool) -> str:
        """Return the text of *records*, each line with its line feed."""
        paint = _painted if color else _plain
        return "".join(line for r in records for line in self._lines(r, paint))

    def gap_lines(self, gaps: Iterable[Gap], *, color: bool) -> str:
        """Return a line for each of *gaps*, with its line feed."""
        paint = _painted if color else _plain
        warn = paint(_SEVERITY_COLORS["warn"], "GAP".ljust(_SEVERITY_WIDTH))
        head = f"{paint(_DIM, _UNKNOWN_TIME)} {warn}"
        return "".join(
            f"{head} {gap.count} event(s) dropped, {gap.reason}: "
            f"sequences {gap.first_sequence} to {gap.last_sequence}\n"
            for gap in gaps
        )

    def _lines(self, record: AnyRecord, paint: _Paint) -> Iterator[str]:
        severity: Severity = record.severity or "info"
        parts = self._parts(record, severity in _ERRORS, paint)
        columns = (
            paint(_DIM, self._clock_time(record.time_unix_nano)),
            paint(_SEVERITY_COLORS[severity], severity.upper().ljust(_SEVERITY_WIDTH)),
            paint(_BOLD, record.name.ljust(_NAME_WIDTH)),
            *parts.pairs,
        )
        yield f"{' '.join(columns).rstrip()}\n"
        for name, text in parts.blocks:
            yield f"    {paint(_CYAN, name)}:\n"
            for line in text[:_MAX_WHOLE_CHARS].splitlines():
                yield f"{_GUTTER}{visible(line)}\n"
            if len(text) > _MAX_WHOLE_CHARS:
                yield f"{_GUTTER}…(+{len(text) - _MAX_WHOLE_CHARS})\n"

    def _parts(self, record: AnyRecord, in_full: bool, paint: _Paint) -> _Parts:
        parts = _Parts([], [])
        names: set[str] = set()
        for field, value in self._fields.of(record):
            names.add(field.name)
            whole = in_full or field.in_full
            if whole and isinstance(value, str) and "\n" in value:
                parts.blocks.append((field.name, value))
            else:
                limit = _MAX_WHOLE_CHARS if whole else self._max_chars
                shown = _shown(value, limit)
                parts.pairs.append(f"{paint(_CYAN, field.name)}={shown}")
        for name, value in record.attributes.items():
            if name not in names:
                pair = f"{visible(name)}={_shown(value, self._max_chars)}"
                parts.pairs.append(paint(_DIM, pair))
        if record.weight != 1:
            parts.pairs.append(paint(_DIM, f"x{record.weight:g}"))
        return parts

    def _clock_time(self, time_unix_nano: int) -> str:
        if not time_unix_nano:
            return _UNKNOWN_TIME
        seconds, nanoseconds = divmod(time_unix_nano, 1_000_000_000)
        whole = time.strftime("%H:%M:%S", self._split(seconds))
        return f"{whole}.{nanoseconds // 1_000_000:03d}"


def _shown(value: Any, max_chars: int) -> str:
    """Return *value* on one line, of its text or its JSON *max_chars* at most."""
    if isinstance(value, str):
        shown = shown_value(value[:max_chars], bare_words=True)
        left = len(value) - max_chars
    else:
        whole = shown_value(value)
        shown, left = whole[:max_chars], len(whole) - max_chars
    return f"{shown}…(+{left})" if left > 0 else shown


def _painted(code: str, text: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"


def _plain(_: str, text: str) -> str:
    return text
