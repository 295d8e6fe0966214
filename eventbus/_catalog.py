"""Which event types are known, under which names, and what their fields mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import inspect
from msgspec.structs import FieldInfo

from eventbus._errors import MetricError, RegistrationError
from eventbus._event import (
    Attribute,
    Event,
    EventIdentity,
    EventMeta,
    Label,
    Sensitive,
    Span,
    Unit,
    identity_of,
    template_parts,
)
from eventbus._marks import hides_inside, is_marked, marks_of
from eventbus._place import written
from eventbus._severity import SEVERITIES
from eventbus._unit_spelling import fault_in

if TYPE_CHECKING:
    from eventbus._digest import Digest
    from eventbus._naming import Naming
    from eventbus.metrics._declaration import Metrics, ObservableGauge

_IMMUTABLE_NODES: Final = (
    inspect.NoneType,
    inspect.BoolType,
    inspect.IntType,
    inspect.FloatType,
    inspect.StrType,
    inspect.BytesType,
    inspect.DateTimeType,
    inspect.DateType,
    inspect.TimeType,
    inspect.TimeDeltaType,
    inspect.UUIDType,
    inspect.DecimalType,
    inspect.EnumType,
    inspect.LiteralType,
)


class EventField(msgspec.Struct, frozen=True):
    """One field of an event type, with its marks.

    Args:
        name: As in the class.
        encode_name: As in encoded text.
        node: What msgspec says about the field's type.
        required: Whether it has no default.
        label: Whether it is a metric label.
        sensitive: Whether it is redacted.
        unit: Its unit, or ``None``.
        attribute: Its name outside, or ``None``.
        mutable: Whether its value could change after ``emit``.
    """

    name: str
    encode_name: str
    node: inspect.Type
    required: bool
    label: bool
    sensitive: bool
    unit: str | None
    attribute: str | None
    mutable: bool


class EventType(msgspec.Struct, frozen=True):
    """An event type as a catalog knows it.

    Args:
        cls: The class.
        identity: What its class statement says: name, severity, version and so on.
        fields: Its fields, in the class's order.
        has_own_severity: Whether a field ``severity`` overrides the class's.
    """

    cls: type[Event]
    identity: EventIdentity
    fields: tuple[EventField, ...]
    has_own_severity: bool

    @property
    def name(self) -> str:
        """The event's name."""
        return self.identity.name

    @property
    def sensitive_fields(self) -> tuple[str, ...]:
        """Names of the fields that redaction replaces."""
        return tuple(field.name for field in self.fields if field.sensitive)

    @property
    def mutable_fields(self) -> tuple[str, ...]:
        """Names of the fields whose values are copied at ``emit``."""
        return tuple(field.name for field in self.fields if field.mutable)


def qualified(cls: type) -> str:
    """Return *cls* with its module, for messages."""
    return f"{cls.__module__}.{cls.__qualname__}"


def describe(event_type: type[Event]) -> EventType:
    """Work out the fields and marks of *event_type*.

    Raises:
        RegistrationError: It is no event type, its annotations cannot be resolved,
            a mark stands on a field of a type it does not fit, a unit is none, two
            labels have one name, or its metrics do not fit its fields.
    """
    owner = _checked_event_type(event_type)
    try:
        given = msgspec.structs.fields(event_type)
        nodes = inspect.multi_type_info([one.type for one in given])
    except Exception as error:
        raise RegistrationError(
            f"the annotations of event type {owner} do not resolve: {error}"
        ) from error
    fields = tuple(
        _describe_field(owner, one, node)
        for one, node in zip(given, nodes, strict=True)
    )
    identity, has_own = identity_of(event_type), _own_severity(fields)
    _check_labels(owner, fields)
    _check_body(owner, identity.body, fields)
    _check_span(owner, identity.span, fields)
    described = EventType(event_type, identity, fields, has_own)
    if identity.metrics is not None:
        _check_metrics(owner, described)
    return described


def _check_metrics(owner: str, described: EventType) -> None:
    from eventbus.metrics._declaration import Metrics
    from eventbus.metrics._plan import plans_of

    declared: object = described.identity.metrics
    if not isinstance(declared, Metrics):
        raise RegistrationError(
            f"metrics of event type {owner} must be an eventbus.metrics.Metrics, "
            f"got {declared!r}"
        )
    try:
        plans_of(described)
    except MetricError as error:
        place = written(error.place)
        raise RegistrationError(
            f"metrics of event type {owner}: {error} - at `{place}`"
        ) from error


def _checked_event_type(event_type: object) -> str:
    if not isinstance(event_type, type):
        raise RegistrationError(f"an event type must be a class, got {event_type!r}")
    owner = qualified(event_type)
    if not isinstance(event_type, EventMeta) or event_type is Event:
        raise RegistrationError(
            f"{owner} is not an event type: subclass eventbus.Event, "
            "whose instances are frozen"
        )
    return owner


def _check_labels(owner: str, fields: tuple[EventField, ...]) -> None:
    named: dict[str, str] = {}
    for field in fields:
        name = field.attribute or field.name
        if field.label and (other := named.setdefault(name, field.name)) != field.name:
            raise RegistrationError(
                f"fields {other!r} and {field.name!r} of event type {owner} are two "
                f"labels with the name {name!r}: give one of them another Attribute"
            )


def _check_body(owner: str, body: str | None, fields: tuple[EventField, ...]) -> None:
    if body is not None:
        _field_named(body, f"event type {owner} has body={body!r}", fields)


def _check_span(owner: str, span: Span | None, fields: tuple[EventField, ...]) -> None:
    if span is None:
        return
    place = f"the span of event type {owner} has"
    try:
        parts = template_parts(span.name)
    except ValueError as error:
        raise RegistrationError(f"{place} the name {span.name!r}: {error}") from error
    for _, field in parts:
        if field is not None:
            _field_named(
                field, f"{place} the name {span.name!r} with {field!r}", fields
            )
    for option, named in (("ok", span.ok), ("links", span.links), ("id", span.id)):
        if named is not None:
            _field_named(named, f"{place} {option}={named!r}", fields)
    place = f"{place} duration={span.duration!r}"
    duration = _field_named(span.duration, place, fields)
    if nanoseconds_in(duration.unit) is None:
        raise RegistrationError(
            f"{place}, whose unit is no time: it must have Unit('ms'), say, "
            f"got {duration.unit!r}"
        )


def nanoseconds_in(unit: str | None) -> int | None:
    """Return how many nanoseconds one *unit* is; ``None`` where it is no time."""
    from eventbus.metrics._units import factor_between

    factor = None if unit is None else factor_between(unit, "ns")
    return None if factor is None else int(factor)


def _field_named(name: str, place: str, fields: tuple[EventField, ...]) -> EventField:
    for field in fields:
        if field.name == name:
            return field
    names = ", ".join(field.name for field in fields)
    raise RegistrationError(
        f"{place}, which is none of its fields: {names or 'it has none'}"
    )


def _describe_field(owner: str, given: FieldInfo, node: inspect.Type) -> EventField:
    hint: Any = given.type  # Any: an annotation is an arbitrary type form
    marks = marks_of(hint)
    place = f"field {given.name!r} of event type {owner}"
    unit = _unit(place, marks)
    if unit is not None and not _fits(node, (inspect.IntType, inspect.FloatType)):
        raise RegistrationError(f"{place} has Unit({unit!r}) but is not a number")
    sensitive = is_marked(hint, Sensitive)
    if sensitive and not _fits(node, (inspect.StrType,)):
        raise RegistrationError(f"{place} is Sensitive but is not text")
    if hides_inside(hint):
        raise RegistrationError(
            f"{place} has Sensitive inside, where nothing would redact it: "
            "only a text field of the event itself can be Sensitive"
        )
    return EventField(
        name=given.name,
        encode_name=given.encode_name,
        node=node,
        required=given.required,
        label=is_marked(hint, Label),
        sensitive=sensitive,
        unit=unit,
        attribute=next((m.name for m in marks if isinstance(m, Attribute)), None),
        mutable=_is_mutable(node),
    )


def _unit(place: str, marks: tuple[Any, ...]) -> str | None:
    for mark in marks:
        if isinstance(mark, Unit):
            fault = fault_in(mark.name)
            if fault is not None:
                raise RegistrationError(f"{place} has Unit({mark.name!r}): {fault}")
            return mark.name
    return None


def alternatives(node: inspect.Type) -> tuple[inspect.Type, ...]:
    """Return the types that *node* stands for, one unless it is a union."""
    if isinstance(node, inspect.Metadata):
        return alternatives(node.type)
    return node.types if isinstance(node, inspect.UnionType) else (node,)


def _fits(node: inspect.Type, allowed: tuple[type, ...]) -> bool:
    return all(
        isinstance(alternative, (*allowed, inspect.NoneType))
        for alternative in alternatives(node)
    )


def _is_mutable(node: inspect.Type, seen: tuple[type, ...] = ()) -> bool:
    match node:
        case inspect.StructType() if node.cls in seen:
            return False
        case inspect.StructType():
            return not node.cls.__struct_config__.frozen or any(
                _is_mutable(field.type, (*seen, node.cls)) for field in node.fields
            )
        case inspect.Metadata():
            parts: tuple[inspect.Type, ...] = (node.type,)
        case inspect.UnionType():
            parts = node.types
        case inspect.TupleType():
            parts = node.item_types
        case inspect.VarTupleType() | inspect.FrozenSetType():
            parts = (node.item_type,)
        case _:
            return not isinstance(node, _IMMUTABLE_NODES)
    return any(_is_mutable(part, seen) for part in parts)


def _own_severity(fields: tuple[EventField, ...]) -> bool:
    for field in fields:
        if field.name == "severity":
            values = [v for a in alternatives(field.node) for v in _literal_values(a)]
            return bool(values) and set(values) <= {*SEVERITIES, None}
    return False


def _literal_values(node: inspect.Type) -> tuple[Any, ...]:
    # Any: a Literal holds values of several types.
    if isinstance(node, inspect.NoneType):
        return (None,)
    return node.values if isinstance(node, inspect.LiteralType) else (object(),)


class Catalog:
    """A set of event types, by class and by name.

    Registering a type twice does nothing; two classes with one name are refused.
    Safe to use from any thread.

    Args:
        types: Event types to begin with.
        name: For messages and lists.
        namings: Other forms of their records, by name.
        digests: What sums up a run of them for a person, by name.

    Attributes:
        metrics: Metrics of event types by name, where a configuration says others
            than the class.
        gauges: Values that are asked for whenever metrics are collected.
        namings: The other forms by name, for sinks whose settings choose one.
        digests: What makes a digest of a run, by name.
    """

    def __init__(
        self,
        types: Iterable[type[Event]] = (),
        *,
        name: str = "",
        namings: Mapping[str, Naming] | None = None,
        digests: Mapping[str, Callable[[], Digest]] | None = None,
    ) -> None:
        """Register *types*."""
        self.name = name
        self._by_class: dict[type[Event], EventType] = {}
        self._by_name: dict[str, EventType] = {}
        self.metrics: dict[str, Metrics] = {}
        self.gauges: list[ObservableGauge] = []
        self.namings: dict[str, Naming] = dict(namings or {})
        self.digests: dict[str, Callable[[], Digest]] = dict(digests or {})
        for event_type in types:
            self.register(event_type)

    def register(self, event_type: type[Event]) -> EventType:
        """Add *event_type* and return what is known about it.

        Raises:
            RegistrationError: It is no event type, or another class has its name.
        """
        known = self._by_class.get(event_type)
        return self.adopt(describe(event_type)) if known is None else known

    def adopt(self, described: EventType) -> EventType:
        """Register an event type that is described already, by another catalog say.

        Raises:
            RegistrationError: Another class has its name.
        """
        other = self._by_name.setdefault(described.name, described)  # atomic: no lock
        if other.cls is not described.cls:
            raise RegistrationError(
                f"two event types have the name {described.name!r}: "
                f"{qualified(other.cls)} is registered, "
                f"{qualified(described.cls)} is refused"
            )
        self._by_class[described.cls] = other
        return other

    def get(self, name: str) -> EventType | None:
        """Return the event type with this *name*, or ``None``."""
        return self._by_name.get(name)

    def __iter__(self) -> Iterator[EventType]:
        """Iterate over the event types by name."""
        known = list(self._by_name.values())
        return iter(sorted(known, key=lambda event_type: event_type.name))

    def __len__(self) -> int:
        """Return how many event types are known."""
        return len(self._by_name)

    def __contains__(self, event_type: object) -> bool:
        """Return whether this very class is registered."""
        return isinstance(event_type, type) and event_type in self._by_class

    def __repr__(self) -> str:
        """Show the name and the size."""
        return f"<Catalog {self.name!r} of {len(self)} event types>"
