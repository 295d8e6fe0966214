"""What differs between two runs by nature, and what stands for it in a transcript."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from eventbus.testing._given import check_names
from eventbus.testing._json_value import Json, as_list, as_object

# Any in this module: decoded JSON.

Scrub = Sequence[str | re.Pattern[str]]

_LEFT_OUT: Final = ("time_unix_nano", "observed_time_unix_nano", "resource")
_NUMBERED: Final = ("id", "trace_id", "span_id", "parent_span_id")
_DRAWN: Final = frozenset(
    {
        *("turn_id", "request_id", "span_token"),
        *("duration_ms", "time_to_first_token_ms"),
    }
)
"""Fields of events of agents that a session or hooks fill in, other in each run."""
_DRAWN_IN: Final = "agent."
_SCRUBBED: Final = "<scrubbed>"


class Scrubber:
    """Scrubs the lines of one transcript, in their order.

    Args:
        scrub: See :func:`assert_transcript`.
        numbered: Whether equal values of a field get one number, by first appearance;
            else all values of a field look the same.

    Raises:
        TypeError: *scrub* is no list of texts and patterns.
    """

    def __init__(self, scrub: Scrub, *, numbered: bool = True) -> None:
        """Begin with nothing seen."""
        check_names("scrub", scrub)
        self._deep = frozenset(one for one in scrub if isinstance(one, str))
        self._patterns = [one for one in scrub if isinstance(one, re.Pattern)]
        self._is_numbered = numbered
        self._seen: dict[str, dict[bytes, str]] = {}

    def scrubbed(self, lines: Iterable[Json]) -> list[Json]:
        """Return *lines* without times and resources, and with names for ids."""
        return [self._line(line) for line in lines]

    def _line(self, line: Json) -> Json:
        is_of_agent = str(line.get("name")).startswith(_DRAWN_IN)
        drawn = _DRAWN if is_of_agent else frozenset[str]()
        return {
            key: self._name(key, value)
            if key in _NUMBERED
            else self._inner(value, drawn)
            for key, value in line.items()
            if key not in _LEFT_OUT
        }

    def _inner(self, value: Any, drawn: frozenset[str]) -> Any:
        if (told := as_object(value)) is not None:
            return {
                key: self._name(key, one)
                if key in self._deep or (key in drawn and one is not None)
                else self._inner(one, drawn)
                for key, one in told.items()
            }
        if (listed := as_list(value)) is not None:
            return [self._inner(one, drawn) for one in listed]
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        for pattern in self._patterns:
            text = pattern.sub(_SCRUBBED, text)
        return text

    def _name(self, field: str, value: Any) -> str:
        same = f"<{field}>"
        if not self._is_numbered or isinstance(value, int | float) or value == same:
            return same  # two durations may be equal by chance
        seen = self._seen.setdefault(field, {})
        return seen.setdefault(msgspec.json.encode(value), f"<{field} {len(seen) + 1}>")
