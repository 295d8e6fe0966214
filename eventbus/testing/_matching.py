"""Which records a test asks for, and what is said about those that do not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from eventbus._catalog import EventType, describe
from eventbus._event import Event
from eventbus._record import AnyRecord
from eventbus._records import REDACTED
from eventbus._select import Selection, Selector
from eventbus.privacy._printing import printable
from eventbus.testing._given import check_plain_function

Match = Callable[[Any], object]
"""Any: the event, of whatever type the test asked for."""

_MAX_SHOWN_CHARS: Final = 400
_MAX_SHOWN: Final = 10
_ABSENT: Final = object()


class Wanted:
    """A description of records: by name or type, by a function, by fields.

    Args:
        select: A glob on event names or an event type; ``None`` is any.
        match: Is given the event; true when it fits.
        fields: Values by field, else by bound attribute. A type stands for its
            instances, a function for the values it returns true for.
    """

    def __init__(
        self,
        select: Selector | None,
        match: Match | None,
        fields: Mapping[str, object],
    ) -> None:
        """Check *select* and *match*.

        Raises:
            TypeError: *match* is no plain function.
        """
        check_plain_function("match", match)
        self._select = select
        self._selection = Selection(select)
        self._match = match
        self._fields = fields

    def __str__(self) -> str:
        """Return it as in ``event 'job.done' with ok=True``."""
        select = self._select
        what = select.__name__ if isinstance(select, type) else repr(select)
        text = "event" if select is None else f"event {what}"
        wishes = [f"{name}={shown(value)}" for name, value in self._fields.items()]
        if self._match is not None:
            wishes.append(shown(self._match))
        return f"{text} with {', '.join(wishes)}" if wishes else text

    def is_named(self, record: AnyRecord) -> bool:
        """Return whether *record* has the name or type that is wanted."""
        return self._selection.selects(_type_of(record))

    def accepts(self, record: AnyRecord) -> bool:
        """Return whether *record* is wanted."""
        return self.is_named(record) and not self.mismatches(record)

    def mismatches(self, record: AnyRecord) -> list[str]:
        """Return what speaks against *record*, one sentence each; no secrets."""
        secret = _type_of(record).sensitive_fields
        found: list[str] = []
        for name, expected in self._fields.items():
            actual = _value(record, name)
            if actual is _ABSENT or not fits(actual, expected):
                told = REDACTED if name in secret else shown(actual)
                found.append(f"{name}: expected {shown(expected)}, got {told}")
        if self._match is not None and not self._match(record.event):
            found.append(f"{shown(self._match)} said no")
        return found


def _type_of(record: AnyRecord) -> EventType:
    event: Event = record.event
    return describe(type(event))


def _value(record: AnyRecord, name: str) -> object:
    if name in record.event.__struct_fields__:
        return getattr(record.event, name)
    return record.attributes.get(name, _ABSENT)


def fits(actual: object, expected: Any) -> bool:
    """Return whether *actual* is what is *expected*: true is not 1.

    Args:
        actual: What came.
        expected: A value, a type that it is to be of, or a function that is to return
            true for it.
    """
    # Any: a value, a type, or a function.
    if isinstance(expected, type):
        return isinstance(actual, expected)
    if callable(expected):
        return bool(expected(actual))
    if isinstance(actual, bool) != isinstance(expected, bool):
        return False
    return bool(actual == expected)


def shown(value: object) -> str:
    """Return *value* for a message: functions and types by name, long texts cut."""
    if value is _ABSENT:
        return "no such field"
    if isinstance(value, type):
        return value.__name__
    name = getattr(value, "__name__", None)
    text = f"{name}()" if callable(value) and name else repr(value)
    over = len(text) - _MAX_SHOWN_CHARS
    return f"{text[:_MAX_SHOWN_CHARS]}… ({over} more)" if over > 0 else text


def redacted(record: AnyRecord) -> AnyRecord:
    """Return *record* as it may be printed and written: without its secrets."""
    return msgspec.structs.replace(record, event=printable(record.event))


def explain(wanted: Wanted, records: Sequence[AnyRecord]) -> str:
    """Return why none of *records* is *wanted*: the near ones, else all the names."""
    near = [record for record in records if wanted.is_named(record)]
    if not near:
        return f"no {wanted}; the last of {len(records)} recorded: {names_of(records)}"
    lines = [f"no {wanted}; of {len(near)} near it:"]
    for record in near[-_MAX_SHOWN:]:
        lines.append(f"  {shown(redacted(record).event)}")
        lines += [f"    {mismatch}" for mismatch in wanted.mismatches(record)]
    return "\n".join(lines)


def names_of(records: Sequence[AnyRecord]) -> str:
    """Return the last names, for messages."""
    return ", ".join(record.name for record in records[-_MAX_SHOWN:]) or "none"
