"""What an event type is: a frozen Struct with a name, a severity and marked fields."""

from __future__ import annotations

import re
from typing import Any, Final, dataclass_transform

import msgspec

from eventbus._severity import SEVERITIES, Severity

_MAX_NAME_LENGTH: Final = 256  # OTLP's event_name recommends no more
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")


class Label:
    """Marks a field as a label of the event's metrics: few distinct values."""


class Sensitive:
    """Marks a text field that leaves as ``[REDACTED]`` unless a sink asks for it."""


class Unit(msgspec.Struct, frozen=True):
    """The unit of a numeric field, as in ``Unit("ms")``; its metric is in base units.

    Args:
        name: UCUM spelling: ``"ms"``, ``"s"``, ``"By"``, ``"{token}"``.
    """

    name: str


class Attribute(msgspec.Struct, frozen=True):
    """The name of a field outside this program, as in ``Attribute("http.route")``.

    Args:
        name: The attribute's name on the wire of sinks that carry attributes.
    """

    name: str


class Span(msgspec.Struct, frozen=True):
    """How a completed event becomes a span.

    Args:
        name: The span's name; ``{field}`` stands for a field's value.
        duration: Field with the duration, in the unit of its ``Unit``.
        ok: Field that says whether the operation succeeded, or ``None``.
    """

    name: str
    duration: str
    ok: str | None = None


class EventIdentity(msgspec.Struct, frozen=True):
    """What a class statement says about its event type.

    Args:
        name: The event's name.
        severity: How severe each event is that does not say otherwise.
        version: The version of the schema, from 1.
        span: How the event becomes a span, or ``None``.
    """

    name: str
    severity: Severity
    version: int
    span: Span | None


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def is_event_name(name: str) -> bool:
    """Return whether an event type may have this *name*."""
    return len(name) <= _MAX_NAME_LENGTH and bool(_NAME.fullmatch(name))


def _checked_identity(
    owner: str, name: str, severity: Severity, version: int, span: Span | None
) -> EventIdentity:
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
    return EventIdentity(name, severity, version, span)


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
        cls.__event_identity__ = _checked_identity(
            class_name, name, severity, version, span
        )
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

    ``tag`` is the event's name; without it, the class name in snake case. A field
    named ``severity`` of type :data:`Severity` overrides ``severity=`` per event. Any
    other msgspec Struct option may be given. Values are not checked at construction;
    ``Bus(strict=True)`` checks them at ``emit``.
    """


def identity_of(event_type: type[Event]) -> EventIdentity:
    """Return what the class statement of *event_type* says about it."""
    return event_type.__event_identity__
