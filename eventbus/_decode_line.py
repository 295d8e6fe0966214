"""What is accepted as a record's line of JSON, and what is said about the rest."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, inspect

from eventbus._catalog import Catalog, EventType
from eventbus._errors import DecodeError
from eventbus._event import Event, is_event_name
from eventbus._json_form import FLOAT_WORDS
from eventbus._record import (
    NO_ATTRIBUTES,
    AnyRecord,
    Attributes,
    AttributeValue,
    Record,
)
from eventbus._severity import Severity
from eventbus._wire import read_type

# Any in this module: decoded JSON, and Structs made at run time.

_MAX_REASON_LENGTH: Final = 300
_echoed_value: Final = re.compile(
    r"^(Invalid (?:enum )?value) .*?( - at `.*)?$", re.DOTALL
)
_unprintable: Final = re.compile(r"[^\x20-\x7e\xa1-\u1fff]")

_Time = Annotated[int, Meta(ge=0, le=2**63 - 1)]
_TraceId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
_SpanId = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}\Z")]


class UnknownEventError(DecodeError):
    """A record in order whose event type the catalog does not know.

    Attributes:
        name: The event's name.
    """

    def __init__(self, name: str) -> None:
        """Keep the name."""
        self.name = name
        super().__init__(f"no event type {name!r} in the catalog - at `$.name`")


class _Header(msgspec.Struct):
    name: str
    schema_version: Annotated[int, Meta(ge=1)] = 1


class _Line(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """All of a line but its event."""

    id: str = ""
    name: str
    time_unix_nano: _Time = 0
    observed_time_unix_nano: _Time | None = None
    severity: Severity | None = None
    attributes: dict[str, AttributeValue] | None = None
    resource: dict[str, AttributeValue] | None = None
    trace_id: _TraceId | None = None
    span_id: _SpanId | None = None
    parent_span_id: _SpanId | None = None
    trace_flags: Annotated[int, Meta(ge=0, le=255)] = 0
    tracestate: str | None = None
    schema_version: int = 1
    weight: Annotated[float, Meta(gt=0)] = 1.0


class _Plan(msgspec.Struct, frozen=True):
    version: int
    line_type: Any
    decode: Callable[[bytes], Any]
    make_event: Callable[[Any], Event]
    node: inspect.Type


class LineDecoder:
    """Reads what :class:`eventbus._encode_line.LineEncoder` wrote, and nothing else.

    Fields that the event type does not have are refused, as are values of another
    type and schema versions newer than the one that is known. ``"NaN"``,
    ``"Infinity"`` and ``"-Infinity"`` are read as numbers where the event's field is
    a float and cannot be text.

    Args:
        catalog: The event types that can be read; it may grow.
    """

    def __init__(self, catalog: Catalog) -> None:
        """Begin without a plan for any type."""
        self._catalog = catalog
        self._plans: dict[str, _Plan] = {}
        self._header = msgspec.json.Decoder(_Header).decode

    def decode(self, line: bytes) -> AnyRecord:
        """Return the record that *line* says.

        Its sequence is 0, and its resource ``None`` where the line names none.

        Raises:
            UnknownEventError: The line is in order, its event type is not known.
            DecodeError: The line is no record; the text says what was expected, what
                was found and where, and repeats no value.
        """
        header = _checked(self._header, line)
        plan = self._plans.get(header.name) or self._plan(header.name)
        if header.schema_version > plan.version:
            raise DecodeError(
                f"expected schema version <= {plan.version} of event {header.name!r}, "
                f"got {header.schema_version}: a newer release declared it "
                "- at `$.schema_version`"
            )
        try:
            decoded = plan.decode(line)
        except Exception:  # noqa: BLE001 - the second look says what is wrong
            decoded = _checked(lambda text: _with_float_words(plan, text), line)
        return _record(plan, decoded)

    def _plan(self, name: str) -> _Plan:
        described = self._catalog.get(name)
        if described is None:
            raise _unknown(name)
        plan = self._plans[name] = _compiled(described)
        return plan


def _unknown(name: str) -> DecodeError:
    if is_event_name(name):
        return UnknownEventError(name)
    return DecodeError(
        f"expected an event's name, got {len(name)} characters that are none "
        "- at `$.name`"
    )


def _compiled(described: EventType) -> _Plan:
    event_type = read_type(described)
    line_type = msgspec.defstruct(
        "Line",
        [("event", event_type)],
        bases=(_Line,),
        kw_only=True,
        forbid_unknown_fields=True,
    )
    names = [field.name for field in described.fields]

    def make_event(values: msgspec.Struct) -> Event:
        fields = zip(names, msgspec.structs.astuple(values), strict=True)
        return described.cls(**dict(fields))

    return _Plan(
        version=described.identity.version,
        line_type=line_type,
        decode=msgspec.json.Decoder(line_type).decode,
        make_event=make_event,
        node=inspect.type_info(event_type),
    )


def _record(plan: _Plan, line: Any) -> AnyRecord:
    observed = line.observed_time_unix_nano
    return Record(
        event=_made(plan, line),
        id=line.id,
        time_unix_nano=line.time_unix_nano,
        observed_time_unix_nano=line.time_unix_nano if observed is None else observed,
        severity=line.severity,
        attributes=Attributes(line.attributes) if line.attributes else NO_ATTRIBUTES,
        resource=Attributes(line.resource) if line.resource else None,
        trace_id=line.trace_id,
        span_id=line.span_id,
        parent_span_id=line.parent_span_id,
        trace_flags=line.trace_flags,
        tracestate=line.tracestate,
        schema_version=line.schema_version,
        weight=line.weight,
    )


def _made(plan: _Plan, line: Any) -> Event:
    try:
        return plan.make_event(line.event)
    except Exception as error:
        raise DecodeError(
            f"event type {line.name!r} refused the values itself "
            f"({type(error).__name__}) - at `$.event`"
        ) from error


def _checked(decode: Callable[[bytes], Any], line: bytes) -> Any:
    try:
        return decode(line)
    except msgspec.DecodeError as error:
        raise DecodeError(_shown(_echoed_value.sub(r"\1\2", str(error)))) from None
    except UnicodeDecodeError as error:
        raise DecodeError(
            f"expected UTF-8, got another byte at {error.start}"
        ) from None
    except RecursionError:
        raise DecodeError("the JSON is nested too deeply") from None


def _shown(text: str) -> str:
    """Return *text* on one line, of bounded length, printable."""
    plain = _unprintable.sub(lambda found: ascii(found[0])[1:-1], text)
    if len(plain) <= _MAX_REASON_LENGTH:
        return plain
    return f"{plain[:_MAX_REASON_LENGTH]}…"


def _with_float_words(plan: _Plan, line: bytes) -> Any:
    tree: Any = msgspec.json.decode(line)
    if "event" in tree:
        tree["event"] = _numbered(tree["event"], plan.node)
    return msgspec.convert(tree, plan.line_type, str_keys=True)


_ANY: Final = inspect.AnyType()


def _numbered(value: Any, node: inspect.Type) -> Any:
    """Return *value* with the words for floats as floats where *node* has them."""
    kind = _kind(value)
    match node:
        case inspect.Metadata():
            return _numbered(value, node.type)
        case inspect.UnionType():
            return _numbered_member(value, node.types)
        case inspect.FloatType() if kind is str:
            return FLOAT_WORDS.get(value, value)
        case inspect.TupleType() if kind is list:
            return list(map(_numbered, value, node.item_types))
        case inspect.DictType() if kind is dict:
            return {k: _numbered(v, node.value_type) for k, v in value.items()}
        case inspect.StructType() if kind is dict:
            nodes = {field.encode_name: field.type for field in node.fields}
            return {k: _numbered(v, nodes.get(k, _ANY)) for k, v in value.items()}
        case (
            inspect.ListType()
            | inspect.SetType()
            | inspect.FrozenSetType()
            | inspect.VarTupleType()
        ) if kind is list:
            return [_numbered(item, node.item_type) for item in value]
        case _:
            return value


def _kind(value: object) -> type:
    return type(value)


def _numbered_member(value: Any, members: tuple[inspect.Type, ...]) -> Any:
    texts = any(isinstance(member, inspect.StrType) for member in members)
    if texts and _kind(value) is str:
        return value
    for member in members:
        value = _numbered(value, member)
    return value
