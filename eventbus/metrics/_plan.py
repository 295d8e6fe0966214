"""Which metrics an event type has, once its marks and what is declared are read."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Final, Literal, NamedTuple

import msgspec
from msgspec import inspect

from eventbus._catalog import EventField, EventType
from eventbus._errors import MetricError
from eventbus._expected import alternatives
from eventbus._nearest import suggestion
from eventbus.metrics._declaration import (
    Counter,
    Gauge,
    Histogram,
    Instrument,
    Metrics,
)
from eventbus.metrics._units import base_of, default_buckets, factor_between

Kind = Literal["counter", "histogram", "gauge"]
NameOf = Callable[[EventField], str]

_DEFAULT: Final = Metrics()
_ONE: Final = Fraction(1)
_EVENTS: Final = "{event}"


class Source(NamedTuple):
    """A field whose values a metric takes.

    Args:
        field: Its name.
        factor: What a value is multiplied with to be in the metric's unit.
        told_by: The value that the label ``by`` has for it; ``None``: there is none.
    """

    field: str
    factor: Fraction = _ONE
    told_by: str | None = None


class MetricPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of one event type.

    Args:
        name: Its name.
        kind: What it is.
        unit: In UCUM.
        description: For people.
        labels: Its labels that are fields: the label's name, and the field's.
        bound: Its labels that are bound attributes.
        by: The label that tells ``sources`` from one another, or ``None``.
        sources: The fields whose values it takes; none: it counts events.
        bounds: A histogram's.
    """

    name: str
    kind: Kind
    unit: str
    description: str
    labels: tuple[tuple[str, str], ...]
    bound: tuple[str, ...]
    by: str | None = None
    sources: tuple[Source, ...] = ()
    bounds: tuple[float, ...] = ()


def outside_name(field: EventField) -> str:
    """Return the name of *field* outside this program: its ``Attribute``, else its."""
    return field.attribute or field.name


def plans_of(
    event_type: EventType,
    declared: Metrics | None = None,
    *,
    name_of: NameOf = outside_name,
) -> tuple[MetricPlan, ...]:
    """Return the metrics of *event_type*.

    What is declared takes the place of a default metric of its name.

    Args:
        event_type: As a catalog describes it.
        declared: Its metrics; ``None`` is what its class says.
        name_of: What the label of a field is called.

    Raises:
        MetricError: What is declared does not fit the type.
    """
    metrics = declared or event_type.identity.metrics or _DEFAULT
    planner = _Planner(event_type, metrics, name_of)
    found = {plan.name: plan for plan in planner.defaults()} if metrics.defaults else {}
    own: set[str] = set()
    for place, instrument in _instruments(metrics):
        plan = planner.planned(instrument, place)
        if plan.name in own:
            raise MetricError(f"two metrics are called {plan.name!r}", *place)
        own.add(plan.name)
        found[plan.name] = plan
    return tuple(found.values())


def _instruments(metrics: Metrics) -> Iterator[tuple[tuple[str, int], Instrument]]:
    kinds: dict[str, Iterable[Instrument]] = {
        "counters": metrics.counters,
        "histograms": metrics.histograms,
        "gauges": metrics.gauges,
    }
    for kind, instruments in kinds.items():
        for index, instrument in enumerate(instruments):
            yield (kind, index), instrument


class _Planner:
    """Plans the metrics of one event type."""

    def __init__(
        self, event_type: EventType, metrics: Metrics, name_of: NameOf
    ) -> None:
        self._event_name: Final = event_type.name
        self._fields: Final = {field.name: field for field in event_type.fields}
        self._name_of: Final = name_of
        self._short: Final = _short_names(event_type.fields)
        self._bound: Final = metrics.bound
        marked = [field.name for field in event_type.fields if field.label]
        if metrics.labels is None:
            self._labels = self._named(marked, ())
        else:
            self._labels = self._named(metrics.labels, ("labels",))

    def defaults(self) -> Iterator[MetricPlan]:
        """Yield what follows from the marks."""
        yield self.planned(Counter(), ())
        for field in self._fields.values():
            if field.unit is not None:
                yield self.planned(Histogram(field=field.name), ())

    def planned(self, given: Instrument, place: tuple[str | int, ...]) -> MetricPlan:
        """Return what *given*, which stands at *place*, means for the type."""
        sources, unit = self._sources(given, place)
        name = given.name or self._default_name(given)
        labels = self._labels
        if given.labels is not None:
            labels = self._named(given.labels, (*place, "labels"))
        if given.by is not None and given.by in dict(labels):
            raise MetricError(f"two labels are called {given.by!r}", *place, "by")
        bounds: tuple[float, ...] = ()
        if isinstance(given, Histogram):
            chosen = default_buckets(unit) if given.buckets is None else given.buckets
            bounds = tuple(map(float, chosen))
        return MetricPlan(
            name=name,
            kind=_kind(given),
            unit=unit,
            description=given.description or self._words(given, unit),
            labels=labels,
            bound=self._bound if given.bound is None else given.bound,
            by=given.by,
            sources=sources,
            bounds=bounds,
        )

    def _sources(
        self, given: Instrument, place: tuple[str | int, ...]
    ) -> tuple[tuple[Source, ...], str]:
        """Return the fields that *given* takes, and the metric's unit."""
        if given.field is not None:
            told: dict[str, str | None] = {given.field: None}
            places = [(*place, "field")]
        else:
            told = {field: value for value, field in given.fields.items()}
            places = [(*place, "fields", value) for value in given.fields]
        if len(told) < len(places):
            raise MetricError("a field stands twice in 'fields'", *place, "fields")
        units = [self._unit(*pair) for pair in zip(told, places, strict=True)]
        known = [base_of(unit).unit for unit in units if unit is not None]
        default = (known[0] if known else "") if told else _EVENTS
        unit = default if given.unit is None else given.unit
        sources = tuple(
            Source(field, _factor(field, own, unit, where), told[field])
            for field, own, where in zip(told, units, places, strict=True)
        )
        return sources, unit

    def _unit(self, name: str, place: tuple[str | int, ...]) -> str | None:
        field = self._fields.get(name)
        if field is None:
            raise self._unknown(name, place)
        numbers = (inspect.IntType, inspect.FloatType)
        if not all(isinstance(one, numbers) for one in alternatives(field.node)):
            raise MetricError(
                f"field {name!r} of event type {self._event_name!r} is not a number",
                *place,
            )
        return field.unit

    def _named(
        self, names: Iterable[str], place: tuple[str | int, ...]
    ) -> tuple[tuple[str, str], ...]:
        """Return the labels that the fields *names* are."""
        labels: list[tuple[str, str]] = []
        for index, name in enumerate(names):
            field = self._fields.get(name)
            if field is None:
                raise self._unknown(name, (*place, index))
            labels.append((self._name_of(field), name))
        return tuple(labels)

    def _unknown(self, name: str, place: tuple[str | int, ...]) -> MetricError:
        hint = suggestion(name, self._fields)
        return MetricError(
            f"event type {self._event_name!r} has no field {name[:80]!r}{hint}", *place
        )

    def _default_name(self, given: Instrument) -> str:
        if given.field is None:
            return self._event_name
        return f"{self._event_name}.{self._short[given.field]}"

    def _words(self, given: Instrument, unit: str) -> str:
        if given.field is None and not given.fields:
            return f"Number of {self._event_name} events."
        fields = ", ".join(given.fields.values()) or given.field
        return f"{fields} of {self._event_name} events{unit and f', in {unit}'}."


def _kind(given: Instrument) -> Kind:
    if isinstance(given, Histogram):
        return "histogram"
    return "gauge" if isinstance(given, Gauge) else "counter"


def _factor(
    field: str, own: str | None, wanted: str, place: tuple[str | int, ...]
) -> Fraction:
    if own is None:
        return _ONE
    factor = factor_between(own, wanted)
    if factor is None:
        raise MetricError(
            f"field {field!r} is in {own!r}, which cannot be told in {wanted!r}", *place
        )
    return factor


def _short_names(fields: Iterable[EventField]) -> dict[str, str]:
    """Return the name of each field without its unit, where that leaves them apart."""
    short = {field.name: _without_unit(field) for field in fields}
    times = Tally(short.values())
    return {name: s if times[s] == 1 else name for name, s in short.items()}


def _without_unit(field: EventField) -> str:
    for word in base_of(field.unit).words if field.unit is not None else ():
        if field.name.endswith(f"_{word}") and len(field.name) > len(word) + 1:
            return field.name[: -len(word) - 1]
    return field.name
