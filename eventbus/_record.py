"""What a record is: an event plus what the bus adds to it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, Final, Generic, NoReturn, TypeGuard, TypeVar, overload

import msgspec

from eventbus._event import Event, identity_of
from eventbus._severity import Severity

E_co = TypeVar("E_co", bound=Event, covariant=True)

AttributeValue = str | bool | int | float | tuple[str | bool | int | float, ...]


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError("the attributes of a record cannot be changed")


_refused: Any = _refuse  # Any: one function stands for methods of many signatures


class Attributes(dict[str, AttributeValue]):
    """A mapping that refuses to be changed, so that records can share it."""

    __slots__ = ()

    __setitem__ = __delitem__ = __ior__ = _refused
    clear = pop = popitem = setdefault = update = _refused

    def __deepcopy__(self, _: object) -> Attributes:
        return self

    def __reduce__(self) -> tuple[type[Attributes], tuple[dict[str, AttributeValue]]]:
        return Attributes, (dict(self),)


NO_ATTRIBUTES: Final = Attributes()

MAX_BOUND_ATTRIBUTES: Final = 1024
"""How many attributes travel with an event, before ``Limits.max_attributes``."""


@overload
def frozen(attributes: Mapping[str, AttributeValue]) -> Attributes: ...
@overload
def frozen(attributes: None) -> None: ...
def frozen(attributes: Mapping[str, AttributeValue] | None) -> Attributes | None:
    """Return *attributes* so that nobody can change them."""
    if attributes is None or isinstance(attributes, Attributes):
        return attributes
    return Attributes(attributes)


def limited(
    attributes: Mapping[str, AttributeValue], limit: int
) -> tuple[Attributes, int]:
    """Return the first *limit* of *attributes*, and how many were left out."""
    count = len(attributes)
    if count <= limit:
        return frozen(attributes), 0
    kept = Attributes(islice(attributes.items(), limit))
    return kept, count - len(kept)


class Record(msgspec.Struct, Generic[E_co], frozen=True, gc=False):
    """An event with its time, place in the order, context and weight.

    The bus makes records; a reader makes them too, for :meth:`eventbus.Bus.relay`,
    and leaves out what the bus is to fill in.

    Args:
        event: The event itself.
        id: Opaque and unique; ``""`` lets the bus give one.
        sequence: Place in the order of this bus; a relayed record gets a new one.
        time_unix_nano: When it happened, in nanoseconds since 1970; 0 is unknown.
        observed_time_unix_nano: When a bus first saw it; 0 lets the bus say.
        severity: ``None`` lets the event's type say.
        attributes: What was bound when the event was emitted.
        resource: Attributes of the service it came from; shared. ``None`` lets the
            bus say.
        trace_id: 32 hexadecimal digits, or ``None``.
        span_id: 16 hexadecimal digits, or ``None``.
        parent_span_id: The span above ``span_id``, where the record itself is one.
        trace_flags: W3C trace flags; 1 is sampled.
        tracestate: W3C tracestate, or ``None``.
        schema_version: Version of the event's schema; 0 lets the event's type say.
        weight: How many events this one stands for; over 1 when it was sampled.
        dropped_attributes_count: How many attributes were left out because there
            were too many; see ``Limits.max_attributes``.
    """

    event: E_co
    id: str = ""
    sequence: int = 0
    time_unix_nano: int = 0
    observed_time_unix_nano: int = 0
    severity: Severity | None = None
    attributes: Mapping[str, AttributeValue] = NO_ATTRIBUTES
    resource: Mapping[str, AttributeValue] | None = None
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    trace_flags: int = 0
    tracestate: str | None = None
    schema_version: int = 0
    weight: float = 1.0
    dropped_attributes_count: int = 0

    @property
    def name(self) -> str:
        """The event's name."""
        return identity_of(type(self.event)).name

    def __repr__(self) -> str:
        """Show everything but content and secrets, which are ``[REDACTED]``."""
        return msgspec.Struct.__repr__(_printable(self))

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Show the same to Rich."""
        return msgspec.Struct.__rich_repr__(_printable(self))


AnyRecord = Record[Any]  # Any: a batch holds records of every event type


def _printable(record: AnyRecord) -> AnyRecord:
    from eventbus.privacy._printing import printable_record

    return printable_record(record)


def is_record(value: object) -> TypeGuard[AnyRecord]:
    """Return whether *value* is a record, and of no class derived from it."""
    return type(value) is Record


def is_frozen(record: AnyRecord) -> bool:
    """Return whether nobody can change the attributes and the resource of *record*."""
    return type(record.attributes) is Attributes and (
        record.resource is None or type(record.resource) is Attributes
    )
