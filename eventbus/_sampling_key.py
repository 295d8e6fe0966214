"""Which randomness a record has for a key, and how much of it a ratio keeps.

OpenTelemetry's consistent probability sampling: 56 bits of randomness R, a rejection
threshold T, kept when R >= T. Whoever has the same ids keeps the same ones, and a
larger ratio keeps all that a smaller one keeps.

https://opentelemetry.io/docs/specs/otel/trace/tracestate-probability-sampling/
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache, partial
from typing import Final

from eventbus._bounds import between
from eventbus._catalog import describe
from eventbus._event import Event
from eventbus._record import AnyRecord
from eventbus._records import REDACTED

TRACE_ID: Final = "trace_id"

_VALUES: Final = 1 << 56
_MASK: Final = _VALUES - 1
_MIN_RATIO: Final = 2.0**-56
_HEX: Final = re.compile(r"[0-9a-fA-F]{1,64}")
_EXPLICIT: Final = re.compile(r"rv:([0-9a-f]{14})")
_MAX_CACHED_LENGTH: Final = 256
_MAX_CACHED_TEXTS: Final = 4096
_MAX_CACHED_TYPES: Final = 1024


def checked_ratio(ratio: float, *, name: str = "ratio") -> float:
    """Return *ratio*, refusing what is neither 0 nor between 2**-56 and 1."""
    between(name, ratio, 0, 1)
    if 0 < ratio < _MIN_RATIO:
        raise ValueError(f"{name} must be 0, or between 2**-56 and 1, got {ratio}")
    return ratio


def rejection_threshold(ratio: float) -> int:
    """Return how many of the 2**56 values of randomness *ratio* rejects."""
    return _VALUES - round(ratio * _VALUES)


def text_randomness(text: str) -> int:
    """Return the randomness of *text*, the same in every process."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big") & _MASK


def trace_randomness(trace_id: str, tracestate: str | None) -> int:
    """Return the randomness of a trace: what ``ot=rv:`` says, or the id's low 56 bits.

    A *trace_id* that is not hexadecimal counts as any other text.
    """
    explicit = _explicit_randomness(tracestate) if tracestate else None
    if explicit is not None:
        return explicit
    if _HEX.fullmatch(trace_id) is None:
        return text_randomness(trace_id)
    return int(trace_id[-14:], 16)


def _explicit_randomness(tracestate: str) -> int | None:
    for member in tracestate.split(","):
        name, _, value = member.strip(" \t").partition("=")
        if name == "ot":
            found = map(_EXPLICIT.fullmatch, value.split(";"))
            return next((int(match[1], 16) for match in found if match), None)
    return None


class Key:
    """Reads the randomness of records.

    Args:
        name: ``"trace_id"``, a field of the event by either of its names, or a bound
            attribute. A record without a value for it, or with a redacted one, has the
            randomness of its own id.
    """

    def __init__(self, name: str) -> None:
        """Prepare bounded caches."""
        if type(name) is not str or not name:
            raise ValueError(
                f"key must be 'trace_id', a field or a bound attribute, got {name!r}"
            )
        self._name: Final = name
        self._field_of = lru_cache(_MAX_CACHED_TYPES)(partial(_field_named, name))
        self._cached = lru_cache(_MAX_CACHED_TEXTS)(text_randomness)

    def randomness(self, record: AnyRecord) -> int:
        """Return the 56 bits of *record*.

        A record that was sampled before (its weight is not 1) is decided anew by its
        key and its weight: its randomness is known to be on the kept side already, and
        asking it twice would give weights that are too large.
        """
        sampled_before = record.weight != 1
        if self._name == TRACE_ID and record.trace_id and not sampled_before:
            return trace_randomness(record.trace_id, record.tracestate)
        text = self.text(record) or record.id
        if sampled_before:
            text = f"{record.weight!r} {text}"
        if len(text) > _MAX_CACHED_LENGTH:
            return text_randomness(text)
        return self._cached(text)

    def text(self, record: AnyRecord) -> str:
        """Return the value of *record* as text; empty when it has none to go by."""
        if self._name == TRACE_ID and record.trace_id:
            return record.trace_id
        event: Event = record.event
        field = self._field_of(type(event))
        value = None if field is None else getattr(event, field)
        if value is None:
            value = record.attributes.get(self._name)
        return "" if value is None or value == REDACTED else str(value)


def _field_named(name: str, event_type: type[Event]) -> str | None:
    if name in event_type.__struct_fields__:
        return name
    fields = describe(event_type).fields
    return next((field.name for field in fields if field.attribute == name), None)
