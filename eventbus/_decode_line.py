"""What is accepted as a record's line of JSON, and what is said about the rest."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from itertools import chain, repeat
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, inspect

from eventbus._catalog import Catalog, EventType
from eventbus._errors import DecodeError
from eventbus._event import Event, is_event_name
from eventbus._expected import alternatives, shown
from eventbus._json_form import FLOAT_WORDS
from eventbus._mismatch import Say, first_mismatch
from eventbus._place import Place, written
from eventbus._record import (
    NO_ATTRIBUTES,
    AnyRecord,
    Attributes,
    AttributeValue,
    Record,
)
from eventbus._records import REDACTED
from eventbus._severity import Severity
from eventbus._visible import visible
from eventbus._wire import read_type

# Any in this module: decoded JSON, and Structs made at run time.

_MAX_REASON_LENGTH: Final = 300
_echoed_value: Final = re.compile(
    r"^(Invalid (?:enum )?value) .*?( - at `.*)?$", re.DOTALL
)

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


_HEADER: Final = inspect.type_info(_Header)


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
    dropped_attributes_count: Annotated[int, Meta(ge=0)] = 0


class _Plan(msgspec.Struct, frozen=True):
    version: int
    line_type: Any
    decode: Callable[[bytes], Any]
    make_event: Callable[[Any], Event]
    node: inspect.Type
    event_node: inspect.Type
    sensitive: frozenset[str]


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
                was found and where. Of an event it repeats no sensitive field, and
                text only where text is expected.
        """
        header = self._header_of(line)
        plan = self._plans.get(header.name) or self._plan(header.name)
        if header.schema_version > plan.version:
            raise DecodeError(
                f"expected schema version <= {plan.version} of event {header.name!r}, "
                f"got {header.schema_version}: a newer release declared it "
                "- at `$.schema_version`"
            )
        try:
            decoded = plan.decode(line)
        except Exception as error:  # noqa: BLE001 - the second look says what is wrong
            decoded = _looked_at_again(partial(_second_look, plan), line, error)
        return _record(plan, decoded)

    def _header_of(self, line: bytes) -> _Header:
        try:
            return self._header(line)
        except Exception as error:  # noqa: BLE001 - the second look says what is wrong
            header: _Header = _looked_at_again(_second_look_at_header, line, error)
            return header

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
        node=inspect.type_info(line_type),
        event_node=inspect.type_info(event_type),
        sensitive=frozenset(f.encode_name for f in described.fields if f.sensitive),
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
        dropped_attributes_count=line.dropped_attributes_count,
    )


def _made(plan: _Plan, line: Any) -> Event:
    try:
        return plan.make_event(line.event)
    except Exception as error:
        raise DecodeError(
            f"event type {line.name!r} refused the values itself "
            f"({type(error).__name__}) - at `$.event`"
        ) from error


def _looked_at_again(
    decode: Callable[[bytes], Any], line: bytes, first: Exception
) -> Any:
    """Return what the slower *decode* makes of *line*, or say what is wrong with it.

    Args:
        decode: Says it best, if it finds it.
        line: The line.
        first: What the faster one said.
    """
    try:
        return decode(line)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        raise DecodeError(_not_utf8(line) or _said_first(first)) from None


def _not_utf8(line: bytes) -> str | None:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return f"expected UTF-8, got byte 0x{line[error.start]:02x} at {error.start}"
    return None


def _said_first(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "the JSON is nested too deeply"
    return _printable(_echoed_value.sub(r"\1\2", str(error)))


def _printable(text: str) -> str:
    """Return *text* on one line, of bounded length, printable."""
    plain = visible(text)
    if len(plain) <= _MAX_REASON_LENGTH:
        return plain
    return f"{plain[:_MAX_REASON_LENGTH]}…"


def _second_look(plan: _Plan, line: bytes) -> Any:
    tree: Any = msgspec.json.decode(line)
    if "event" in tree:
        tree["event"] = _numbered(tree["event"], plan.event_node)
    return _converted(tree, plan.line_type, plan.node, partial(_said, plan.sensitive))


def _second_look_at_header(line: bytes) -> Any:
    tree: Any = msgspec.json.decode(line)
    return _converted(tree, _Header, _HEADER, partial(_said, frozenset()))


def _converted(tree: Any, cls: Any, node: inspect.Type, say: Say) -> Any:
    try:
        return msgspec.convert(tree, cls, str_keys=True)
    except msgspec.ValidationError:
        mismatch = first_mismatch(node, tree, say=say)
        if mismatch is None:
            raise
        message, place = map(_printable, (mismatch.message, written(mismatch.place)))
        raise DecodeError(f"{message} - at `{place}`") from None


def _said(
    sensitive: frozenset[str], value: Any, node: inspect.Type, place: Place
) -> str:
    """Return *value*; of the event's own no sensitive one, and no misplaced text."""
    if place and place[0] != "event":
        return shown(value)
    if len(place) > 1 and place[1] in sensitive:
        return REDACTED
    if isinstance(value, str) and not any(map(_takes_text, alternatives(node))):
        return f"text of {len(value)} character{'' if len(value) == 1 else 's'}"
    return shown(value)


def _takes_text(node: inspect.Type) -> bool:
    return isinstance(node, inspect.StrType | inspect.EnumType | inspect.LiteralType)


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
            of_items = chain(node.item_types, repeat(_ANY))
            return [_numbered(*pair) for pair in zip(value, of_items, strict=False)]
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
