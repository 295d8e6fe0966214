"""What an event type is: a frozen Struct with a name, a severity and marked fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from operator import methodcaller
from string import Formatter
from typing import (
    TYPE_CHECKING,
    Any,
    Final,
    TypeVar,
    dataclass_transform,
)

import msgspec
from msgspec import UNSET
from msgspec.structs import force_setattr

from eventbus._marks import Attribute as Attribute
from eventbus._marks import Label as Label
from eventbus._marks import Sensitive as Sensitive
from eventbus._marks import Unit as Unit
from eventbus._severity import SEVERITIES, Severity

if TYPE_CHECKING:
    from eventbus.metrics._declaration import Metrics

REDACTED: Final = "[REDACTED]"

_MAX_NAME_LENGTH: Final = 256  # OTLP's event_name recommends no more
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")


class Span(msgspec.Struct, frozen=True):
    """How a completed event becomes a span.

    Args:
        name: The span's name; ``{field}`` stands for a field's value.
        duration: Field with the duration, in the unit of its ``Unit``.
        ok: Field that says whether the operation succeeded, or ``None``.
        links: Field with the ``traceparent`` of each span that it has to do with, or
            with their :class:`TraceContext`; ``None``: there is none.
        id: Field with the span's own id, 16 hexadecimal digits, where other spans have
            it as their parent: that of the end of something whose start was told
            before. ``None``, there or here: sinks make one of the record's id.
    """

    name: str
    duration: str
    ok: str | None = None
    links: str | None = None
    id: str | None = None


class EventIdentity(msgspec.Struct, frozen=True):
    """What a class statement says about its event type.

    Args:
        name: The event's name.
        severity: How severe each event is that does not say otherwise.
        version: The version of the schema, from 1.
        span: How the event becomes a span, or ``None``.
        metrics: Its metrics; ``None`` is those that follow from its marks.
        body: Field that log records carry as their body, or ``None``.
        scan: Whether texts are searched for secrets also where no field says so.
    """

    name: str
    severity: Severity
    version: int
    span: Span | None
    metrics: Metrics | None = None
    body: str | None = None
    scan: bool = False


def template_parts(template: str) -> list[tuple[str, str | None]]:
    """Return the parts of a span's name: text, and the field whose value follows it.

    Raises:
        ValueError: A brace is not closed.
    """
    return [(text, field) for text, field, _, _ in Formatter().parse(template)]


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def is_event_name(name: str) -> bool:
    """Return whether an event type may have this *name*."""
    return len(name) <= _MAX_NAME_LENGTH and bool(_NAME.fullmatch(name))


def _checked(owner: str, identity: EventIdentity) -> EventIdentity:
    name, severity, version = identity.name, identity.severity, identity.version
    if not is_event_name(name):
        raise TypeError(
            f"the name of event type {owner} must be 1 to {_MAX_NAME_LENGTH} letters, "
            f"digits, '_', '.' or '-', starting with a letter, got {name!r}"
        )
    if severity not in SEVERITIES:
        raise TypeError(
            f"severity of event type {owner} must be one of "
            f"{', '.join(SEVERITIES)}, got {severity!r}"
        )
    if version < 1:
        raise TypeError(f"version of event type {owner} must be >= 1, got {version}")
    return identity


def _event_types(bases: Iterable[type]) -> Iterator[EventMeta]:
    return (base for base in bases if isinstance(base, EventMeta))


@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,)
)
class EventMeta(msgspec.StructMeta):
    """Makes every subclass of :class:`Event` frozen, keyword-only and named."""

    __event_identity__: EventIdentity

    def __new__(
        mcls,
        class_name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        tag: str | None = None,
        severity: Severity = "info",
        version: int = 1,
        span: Span | None = None,
        metrics: Metrics | None = None,
        body: str | None = None,
        scan: bool | None = None,
        **options: Any,
    ) -> EventMeta:
        """Take the event's own options; pass the rest on to msgspec."""
        for option in ("frozen", "kw_only"):
            if options.pop(option, True) is not True:
                raise TypeError(f"event type {class_name} must stay {option}=True")
        cls = super().__new__(
            mcls, class_name, bases, namespace, frozen=True, kw_only=True, **options
        )
        name = _snake_case(class_name) if tag is None else tag
        if scan is None:
            scan = any(base.__event_identity__.scan for base in _event_types(bases))
        identity = EventIdentity(name, severity, version, span, metrics, body, scan)
        cls.__event_identity__ = _checked(class_name, identity)
        return cls


# Said again here: mypy asks the base classes first and would find msgspec's own.
@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,)
)
class Event(msgspec.Struct, metaclass=EventMeta):
    """Base class of events: immutable values, compared by their fields.

    Subclasses are frozen and keyword-only, and say in the class statement what they
    are::

        class ToolResult(Event, tag="agent.tool_result", severity="info", version=1):
            tool_name: Annotated[str, Label]
            duration_ms: Annotated[float, Unit("ms")]

    ``tag`` is the event's name; without it, the class name in snake case.
    ``metrics=`` takes an :class:`eventbus.metrics.Metrics` where the metrics are not
    those that follow from ``Label`` and ``Unit``; ``body=`` names the field that log
    records carry as their body and not as an attribute, for people to read;
    ``scan=True``, which subclasses inherit, lets texts be searched for secrets where no
    field is ``Sensitive``: see :class:`Privacy`. A field
    named ``severity`` of type :data:`Severity` overrides ``severity=`` per event. Any
    other msgspec Struct option may be given. Values are not checked at construction;
    ``Bus(strict=True)`` checks them at ``emit``. ``repr`` shows neither sensitive
    fields nor secrets.
    """

    def __repr__(self) -> str:
        """Show the fields; what is sensitive or secret as ``[REDACTED]``."""
        return msgspec.Struct.__repr__(_printable(self))

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """Show the same to Rich."""
        return msgspec.Struct.__rich_repr__(_printable(self))


E = TypeVar("E", bound=Event)

_copy_struct: Final = methodcaller("__copy__")


def _printable(event: E) -> E:
    from eventbus.privacy._printing import printable

    return printable(event)


def redacted(event: E, names: Iterable[str]) -> E:
    """Return *event* with whatever is in the fields *names* as ``[REDACTED]``."""
    shown = event
    for name in names:
        value = getattr(event, name)
        if value if type(value) is str else value is not None and value is not UNSET:
            if shown is event:
                shown = _copy_struct(event)
            force_setattr(shown, name, REDACTED)
    return shown


def with_values(event: E, values: Mapping[str, Any]) -> E:
    """Return *event* with *values*; its class's own code does not run.

    ``msgspec.structs.replace`` would call ``__post_init__``, which may raise.
    """
    # Any: fields hold values of every type.
    if not values:
        return event
    copied: E = _copy_struct(event)
    for name, value in values.items():
        force_setattr(copied, name, value)
    return copied


def identity_of(event_type: type[Event]) -> EventIdentity:
    """Return what the class statement of *event_type* says about it."""
    return event_type.__event_identity__
