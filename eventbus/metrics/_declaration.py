"""What can be declared beside an event type about its metrics."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Final, Literal

import msgspec

from eventbus._bounds import at_least
from eventbus._errors import LabelError, MetricError

MAX_NAME_LENGTH: Final = 255  # OpenTelemetry's for the names of instruments

_name: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-/]*").fullmatch
_lone_surrogate: Final = re.compile(r"[\ud800-\udfff]").search
_key: Final = re.compile(r"[A-Za-z0-9_.\-/]+").fullmatch


def check_name(name: str, *place: str | int) -> None:
    """Raise :class:`eventbus.MetricError` unless a metric may be called *name*."""
    if not (_name(name) and len(name) <= MAX_NAME_LENGTH):
        raise MetricError(
            f"the name of a metric must be 1 to {MAX_NAME_LENGTH} letters, digits, "
            f"'_', '.', '-' or '/', starting with a letter, got {name[:300]!r}",
            *place,
        )


def check_key(key: str, *place: str | int) -> None:
    """Raise :class:`eventbus.LabelError` unless a label may be called *key*."""
    if not (_key(key) and len(key) <= MAX_NAME_LENGTH):
        raise LabelError(
            f"the name of a label must be 1 to {MAX_NAME_LENGTH} letters, digits, "
            f"'_', '.', '-' or '/', got {key[:300]!r}",
            *place,
        )


def check_value(value: object, max_length: int, *place: str | int) -> None:
    """Raise :class:`eventbus.LabelError` unless a label may have *value* as it is."""
    if isinstance(value, str):
        is_sound = len(value) <= max_length and not _lone_surrogate(value)
    else:
        is_sound = isinstance(value, int | float) and -(2**63) <= value < 2**63
    if not is_sound:
        raise LabelError(
            f"the value of a label must be a text of up to {max_length} characters, a "
            f"truth value or a number of 64 bits, got {value!r:.80}",
            *place,
        )


class _Declared(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
): ...


class Instrument(_Declared, frozen=True, kw_only=True):
    """One metric of an event type.

    Args:
        name: The metric's; without it, as the default metrics are called.
        field: Whose values it takes.
        fields: Instead of ``field``, several of them: each with the value that the
            label ``by`` has for it.
        by: The label that tells ``fields`` from one another.
        unit: In UCUM; without it, the base unit of the field's own. A field in
            another unit of the same kind is converted.
        description: For people.
        labels: Fields that are its labels; without it, those of its event type.
        bound: Bound attributes that are labels as well; without it, those of its
            event type.
    """

    name: str = ""
    field: str | None = None
    fields: Mapping[str, str] = {}
    by: str | None = None
    unit: str | None = None
    description: str = ""
    labels: tuple[str, ...] | None = None
    bound: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse names that no metric can have, and what contradicts itself."""
        if self.name:
            check_name(self.name, "name")
        if self.by is not None:
            check_key(self.by, "by")
        for index, key in enumerate(self.bound or ()):
            check_key(key, "bound", index)
        if self.fields and self.field is not None:
            raise MetricError("give either 'field' or 'fields', not both", "fields")
        if bool(self.fields) != (self.by is not None):
            raise MetricError(
                "'fields' and 'by' belong together: the label 'by' tells which of the "
                "'fields' a value is from",
                "by",
            )
        if self.fields and not self.name:
            raise MetricError("a metric over 'fields' needs a 'name'", "name")


class Counter(Instrument, frozen=True, kw_only=True):
    """A sum that only grows: of events, or of what a field says, 0 or more.

    A value below 0, or that is no finite number, is not added and is counted as
    ``invalid_value``. Without ``field`` or ``fields`` it counts events.
    """


class Histogram(Instrument, frozen=True, kw_only=True):
    """How the values of a field are distributed over buckets.

    A value below 0, or that is no finite number, is not observed and is counted as
    ``invalid_value``. See :class:`Instrument` for the other arguments.

    Args:
        buckets: Their upper bounds, ascending, in the metric's unit; without it, those
            that suit the unit. What is over the last bound has a bucket of its own.
    """

    buckets: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse bounds that do not ascend."""
        super().__post_init__()
        _check_field(self, "histogram")
        bounds = self.buckets
        if bounds is None:
            return
        if not all(map(math.isfinite, bounds)) or any(
            a >= b for a, b in pairwise(bounds)
        ):
            raise MetricError(
                f"buckets must be finite and ascend, got {list(bounds)}", "buckets"
            )


class Gauge(Instrument, frozen=True, kw_only=True):
    """The last value of a field.

    A value that is no finite number is not taken and is counted as
    ``invalid_value``. See :class:`Instrument` for the arguments.
    """

    def __post_init__(self) -> None:
        """Refuse a gauge of nothing."""
        super().__post_init__()
        _check_field(self, "gauge")


def _check_field(instrument: Instrument, kind: str) -> None:
    if instrument.field is None and not instrument.fields:
        raise MetricError(f"a {kind} needs a 'field', or 'fields' and 'by'", "field")


class Metrics(_Declared, frozen=True, kw_only=True):
    """The metrics of one event type, where they are not those that follow by default.

    In a class statement, ``class Turn(Event, metrics=Metrics(…))``, or as a table
    ``[metrics."agent.turn"]`` of a configuration, which replaces the class's.

    Args:
        defaults: Whether it has the metrics that follow from ``Label`` and ``Unit``:
            a counter of its events, and a histogram for each field with a unit. With
            ``false`` and nothing else it has none.
        labels: Fields that are the labels; without it, those marked ``Label``.
        bound: Bound attributes that are labels as well.
        counters: More counters.
        histograms: More histograms.
        gauges: Gauges.
    """

    defaults: bool = True
    labels: tuple[str, ...] | None = None
    bound: tuple[str, ...] = ()
    counters: tuple[Counter, ...] = ()
    histograms: tuple[Histogram, ...] = ()
    gauges: tuple[Gauge, ...] = ()

    def __post_init__(self) -> None:
        """Refuse names that no label can have."""
        for index, key in enumerate(self.bound):
            check_key(key, "bound", index)

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """What is declared, one after another."""
        return (*self.counters, *self.histograms, *self.gauges)


LabelValue = str | bool | int | float
Labels = Mapping[str, LabelValue]
ExemplarFilter = Literal["trace_based", "always_on", "always_off"]
Observed = float | Iterable[tuple[float, Labels]] | None


class ObservableGauge(msgspec.Struct, frozen=True):
    """A value that is asked for whenever metrics are collected.

    Args:
        name: The metric's.
        callback: Returns the value; or several, each with its labels; or ``None`` for
            nothing at the moment. It is called in the thread that collects, and must
            be quick; a sink for metrics calls it in a daemon thread, and leaves it out
            for as long as it does not answer. What it raises, an exit too, is counted
            as ``gauge_failed``, and harms no other metric.
        unit: In UCUM.
        description: For people.
    """

    name: str
    callback: Callable[[], Observed]
    unit: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        """Refuse a name that no metric can have."""
        check_name(self.name, "name")


class Aggregation(_Declared, frozen=True, kw_only=True):
    """How events become series, for all event types of one sink.

    Args:
        max_series: Most series of one metric, the one included that takes all others
            once there are so many; its only label is ``otel.metric.overflow``, which
            is true. Sums over all series stay exact.
        max_label_length: Most characters of a label's value; longer ones are cut, and
            counted as ``truncated``.
        max_resources: Most services whose relayed records are told apart.
        labels: Labels of every series, unless a bound attribute or a field of the
            event has that name.
        bound: Bound attributes that are labels of every event type.
        exemplars: Which events may be shown as examples of what was counted, with
            their trace: those of sampled traces, all, or none. The latest of each
            bucket is kept.
    """

    max_series: int = 2000  # OpenTelemetry's default cardinality limit
    max_label_length: int = 256
    max_resources: int = 100
    labels: Labels = {}
    bound: tuple[str, ...] = ()
    exemplars: ExemplarFilter = "trace_based"

    def __post_init__(self) -> None:
        """Refuse bounds out of range, and what no label can be called or say."""
        at_least("max_series", self.max_series, 2)
        at_least("max_label_length", self.max_label_length, 1)
        at_least("max_resources", self.max_resources, 1)
        for key, value in self.labels.items():
            check_key(key, "labels", key)
            check_value(value, self.max_label_length, "labels", key)
        for index, key in enumerate(self.bound):
            check_key(key, "bound", index)
