"""How a block of code becomes a completed event, with the time that it took.

An event, and not a measurement of its own: metrics follow from events, so what is
timed is counted, logged and traced by the same declaration, and never twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from time import perf_counter
from types import TracebackType
from typing import Any, Final, NamedTuple, TypeVar

from msgspec import inspect
from msgspec.structs import fields

from eventbus._catalog import EventField, describe
from eventbus._errors import MetricError
from eventbus._event import Event, identity_of
from eventbus._expected import alternatives
from eventbus._nearest import suggestion
from eventbus.metrics._units import factor_between

# Any in this module: the fields of an event are of any type.

T = TypeVar("T")


class _Timed(NamedTuple):
    """Where an event says how long something took, and whether it succeeded."""

    field: str
    per_second: float
    is_whole: bool
    ok: str | None

    def of(self, seconds: float) -> float:
        """Return *seconds* as the field has them."""
        duration = seconds * self.per_second
        return round(duration) if self.is_whole else duration


class Timer:
    """Times a block, and emits one event when it ends, however it ends.

    ::

        with Timer(bus.emit, ToolResult, tool_name="shell") as timer:
            output = run(command)
            timer.tag(output_length=len(output))

    The event's ``Span`` says in which field the duration goes, and in which one whether
    the block succeeded: that is ``False`` when it raised, cancellation included, and
    else ``True``, unless a tag says. Without a ``Span``, the duration goes in the only
    field whose unit is one of time.

    Args:
        emit: ``bus.emit``, an emitter of the type, or anything else that takes events.
        event_type: Of the event.
        monotonic: The clock, in seconds.
        **tags: Fields of the event that are known already.

    Raises:
        MetricError: The type does not say where the duration goes, or has no field of
            that name.
    """

    def __init__(
        self,
        emit: Callable[[Any], object],
        event_type: type[Event],
        /,
        *,
        monotonic: Callable[[], float] = perf_counter,
        **tags: Any,
    ) -> None:
        """Start; ``with`` starts again."""
        self._emit: Final = emit
        self._event_type: Final = event_type
        self._monotonic: Final = monotonic
        self._timed: Final = _timed_of(event_type)
        self._tags: Final[dict[str, Any]] = {}
        self._is_over = False
        self._began = monotonic()
        self.tag(**tags)

    def tag(self, **tags: Any) -> None:
        """Set fields of the event; the later wins.

        Raises:
            MetricError: The type has no field of that name.
        """
        known = self._event_type.__struct_fields__
        for name in tags:
            if name not in known:
                raise MetricError(
                    f"event type {identity_of(self._event_type).name!r} has no field "
                    f"{name!r}{suggestion(name, known)}"
                )
        self._tags.update(tags)

    def record(self, **tags: Any) -> bool:
        """End here and emit the event; whatever ends later is not told.

        Args:
            **tags: Fields of the event; they win over those before.

        Returns:
            Whether this was the end.

        Raises:
            TypeError: Fields without a default are missing; the event is not emitted.
        """
        self.tag(**tags)
        return self._end(True)

    def __enter__(self) -> Timer:
        """Start."""
        self._began = self._monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End, unless :meth:`record` did."""
        if error is None:
            self._end(True)
            return
        try:
            self._end(False)
        except TypeError as missing:
            error.add_note(f"and it was not told: {missing}")

    def _end(self, ok: bool) -> bool:
        if self._is_over:
            return False
        self._is_over = True
        timed = self._timed
        own: dict[str, Any] = {timed.field: timed.of(self._monotonic() - self._began)}
        if timed.ok is not None:
            own[timed.ok] = ok
        self._emit(self._event_type(**{**own, **self._tags}))
        return True


async def timed(
    emit: Callable[[Any], object],
    event_type: type[Event],
    awaitable: Awaitable[T],
    /,
    **tags: Any,
) -> T:
    """Return what *awaitable* returns, and emit one event when it ends.

    It is timed from where it is awaited on. See :class:`Timer`.

    Raises:
        MetricError: As :class:`Timer`, or a field without a default is not in *tags*;
            *awaitable* is not awaited.
    """
    untold = _untold(event_type, tags)
    if untold:
        raise MetricError(
            f"event type {identity_of(event_type).name!r} must be told "
            f"{', '.join(map(repr, untold))}"
        )
    with Timer(emit, event_type, **tags):
        return await awaitable


def _untold(event_type: type[Event], tags: Mapping[str, Any]) -> list[str]:
    """Return the fields of *event_type* that neither its timer nor *tags* tell."""
    timed = _timed_of(event_type)
    told = {timed.field, timed.ok, *tags}
    required = (field.name for field in fields(event_type) if field.required)
    return [name for name in required if name not in told]


@lru_cache(maxsize=1024)
def _timed_of(event_type: type[Event]) -> _Timed:
    described = describe(event_type)
    span = described.identity.span
    if span is not None:
        chosen = [f for f in described.fields if f.name == span.duration]
    else:
        chosen = [field for field in described.fields if _per_second(field)]
    per_second = _per_second(chosen[0]) if len(chosen) == 1 else None
    if per_second is None:
        raise MetricError(
            f"event type {described.name!r} must say where a duration goes: with "
            "Span(…, duration='…'), or with one field whose Unit is one of time"
        )
    (field,) = chosen
    is_whole = all(isinstance(n, inspect.IntType) for n in alternatives(field.node))
    return _Timed(field.name, per_second, is_whole, None if span is None else span.ok)


def _per_second(field: EventField) -> float | None:
    """Return how many of *field*'s unit a second has; ``None``: it is none of time."""
    factor = factor_between("s", field.unit) if field.unit is not None else None
    return None if factor is None else float(factor)
