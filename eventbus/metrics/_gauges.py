"""What gauges say that are asked for whenever metrics are collected."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from eventbus._record import Attributes
from eventbus._verdict import was_pressed
from eventbus.metrics._data import MetricData, NumberPoint
from eventbus.metrics._declaration import (
    Aggregation,
    Labels,
    ObservableGauge,
    Observed,
    check_key,
)
from eventbus.metrics._fold import last_of
from eventbus.metrics._labels import label_of
from eventbus.metrics._rows import Warn


def observed(
    gauge: ObservableGauge, now: int, aggregation: Aggregation, warn: Warn
) -> list[MetricData]:
    """Return what *gauge* says *now*, as one metric; nothing when it says nothing."""
    try:
        most = aggregation.max_series
        pairs = list(islice(_pairs(gauge.callback()), most + 1))
        if len(pairs) > most:
            warn("gauge_failed", 1)  # what is over the bound is not looked at
        points = [
            point
            for value, labels in pairs[:most]
            if (point := _point(value, labels, now, aggregation, warn)) is not None
        ]
    except BaseException as error:  # an exit too: it is the program's own code
        if was_pressed(error):
            raise
        warn("gauge_failed", 1)
        return []
    if not points:
        return []
    return [
        MetricData(
            name=gauge.name,
            kind="gauge",
            unit=gauge.unit,
            description=gauge.description,
            points=points,
        )
    ]


def _pairs(given: Observed) -> Iterator[tuple[float, Labels]]:
    if given is None:
        return
    if isinstance(given, int | float):
        yield given, {}
    else:
        yield from given


def _point(
    value: float, labels: Labels, now: int, aggregation: Aggregation, warn: Warn
) -> NumberPoint | None:
    last = last_of([value])
    if last.invalid:
        warn("invalid_value", 1)
    if not last.count:
        return None
    attributes = dict(aggregation.labels)
    for key, given in labels.items():
        check_key(key)
        label = label_of(given, aggregation.max_label_length)
        if label.warning is not None:
            warn(label.warning, 1)
        if label.value is not None:
            attributes[key] = label.value
    return NumberPoint(
        attributes=Attributes(sorted(attributes.items())),
        start_unix_nano=0,
        time_unix_nano=now,
        value=last.total,
    )
