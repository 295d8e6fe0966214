"""Which attributes an event has on a route, and which must not be there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, cast, runtime_checkable

import msgspec

from eventbus._catalog import describe
from eventbus._event import Event
from eventbus._record import AnyRecord, is_record
from eventbus._select import name_test
from eventbus.testing._given import check_names
from eventbus.testing._matching import fits, shown
from eventbus.testing._otlp_values import OtlpLog, OtlpMetric, OtlpPoint, OtlpSpan

# Any in this module: values of attributes.

_MAX_SHOWN: Final = 10
_ABSENT: Final = object()
_FROM_THE_SINK: Final = ("log.record.uid", "eventbus.weight")
"""What the OTLP sink adds to every record, whichever route it takes."""


@runtime_checkable
class HasRecords(Protocol):
    """What keeps records, as :class:`RecordingSink` and :class:`BusEvents` do."""

    @property
    def records(self) -> Sequence[AnyRecord]:
        """Those so far."""
        ...


Routed = AnyRecord | OtlpLog | OtlpSpan | OtlpMetric
"""What came out at the end of a route."""


class _Item(msgspec.Struct, frozen=True):
    name: str
    attributes: Mapping[str, Any]
    whole: Any  # Any: whatever a text could hide in


def assert_route(
    source: HasRecords | Routed | Iterable[Routed],
    select: str | type[Event],
    *,
    has: Mapping[str, object] | Collection[str] = (),
    may_have: Collection[str] | None = None,
    forbidden: Collection[str] = (),
    never: Collection[str] = (),
) -> None:
    """Check what *select* looks like at the end of one route, wherever it came.

    Attributes have the names that they leave under: a field's ``Attribute(name)`` or
    its own name, and those of what was bound; fields that are absent are no attributes.
    A metric is looked at point by point.

    ::

        assert_route(safe.records, "agent.user_prompt",
                     has={"prompt_length": 5}, forbidden=["prompt"], never=["hello"])

    Args:
        source: A record or a list of them, a sink that has ``records``, the fixture
            ``bus_events``, or ``logs``, ``spans`` or ``metrics`` of a collector.
        select: A glob on the names of events, spans or metrics, or an event type.
        has: Attributes that have to be there; in a mapping with their values, where a
            type stands for its instances, a function for the values it returns true
            for.
        may_have: Other attributes that may be; ``None`` is any.
        forbidden: Attributes that must not be there, redacted ones included.
        never: Texts that must be nowhere in it: in no name, value, number, body,
            resource, scope, event or link.

    Raises:
        AssertionError: It is different, or nothing of that name came; the text names
            each attribute. Values it says only of *has*, and texts of *never* not.
        TypeError: One text stands where a list of them is meant, or *source* is
            nothing that records come out of.
        ValueError: *select* is no glob, or a text of *never* is empty.
    """
    __tracebackhide__ = True
    _check_lists(has=has, may_have=may_have or (), forbidden=forbidden, never=never)
    if "" in never:
        raise ValueError("never must have no empty text: that is everywhere")
    items = list(_items(source))
    glob = select if isinstance(select, str) else describe(select).name
    is_selected = name_test(glob, place="select")
    found = [item for item in items if is_selected(item.name)]
    if not found:
        names = ", ".join(dict.fromkeys(item.name for item in items)) or "nothing"
        raise AssertionError(f"no {glob!r} on this route; what came: {names}")
    wrong = [
        f"{item.name}[{index}]: {one}"
        for index, item in enumerate(found)
        for one in _wrong(item, has, may_have, forbidden, never)
    ]
    if wrong:
        more = (
            [f"and {len(wrong) - _MAX_SHOWN} more"] if len(wrong) > _MAX_SHOWN else []
        )
        raise AssertionError("\n  ".join(["wrong route:", *wrong[:_MAX_SHOWN], *more]))


def _check_lists(**lists: object) -> None:
    for place, names in lists.items():
        check_names(place, names)


def _wrong(
    item: _Item,
    has: Mapping[str, object] | Collection[str],
    may_have: Collection[str] | None,
    forbidden: Collection[str],
    never: Collection[str],
) -> Iterator[str]:
    expected = _expected(has)
    allowed = None if may_have is None else {*expected, *may_have, *_FROM_THE_SINK}
    for name, value in expected.items():
        actual = item.attributes.get(name, _ABSENT)
        if actual is _ABSENT:
            yield f"{name} is missing"
        elif not fits(actual, value):
            yield f"{name}: expected {shown(value)}, got {shown(actual)}"
    for name in item.attributes:
        if name in forbidden:
            yield f"{name} must not be there"
        elif allowed is not None and name not in allowed:
            yield f"{name} is not among those that may be there"
    parts = list(_parts(item.whole))
    for position, text in enumerate(never):
        if any(_has_text(part, text) for part in parts):
            yield f"the text never[{position}] is in it"


def _expected(has: Mapping[str, object] | Collection[str]) -> Mapping[str, object]:
    if isinstance(has, Mapping):
        return cast("Mapping[str, object]", has)
    return dict.fromkeys(has, object)


def _items(source: object) -> Iterator[_Item]:
    if is_record(source):
        yield _of_record(source)
    elif isinstance(source, OtlpLog | OtlpSpan):
        yield _Item(source.name, source.attributes, _plain(source))
    elif isinstance(source, OtlpMetric):
        yield from (_of_point(source, point) for point in source.points)
    elif isinstance(source, HasRecords):
        yield from map(_of_record, source.records)
    elif isinstance(source, Iterable) and not isinstance(source, str | bytes):
        for one in cast("Iterable[object]", source):
            yield from _items(one)
    else:
        raise TypeError(
            "a route ends in records, or in logs, spans or metrics of a collector, "
            f"got {source!r}"
        )


def _of_record(record: AnyRecord) -> _Item:
    attributes: dict[str, Any] = dict(record.attributes)
    event: Event = record.event
    for field in describe(type(event)).fields:
        value = getattr(event, field.name)
        if value is not None and value is not msgspec.UNSET:
            attributes[field.attribute or field.encode_name] = value
    whole = [record.name, attributes, record.resource, record.tracestate]
    return _Item(record.name, attributes, whole)


def _of_point(metric: OtlpMetric, point: OtlpPoint) -> _Item:
    whole = _plain(msgspec.structs.replace(metric, points=(point,)))
    return _Item(metric.name, point.attributes, whole)


def _plain(value: msgspec.Struct) -> object:
    return msgspec.to_builtins(value)


def _has_text(part: str | float, text: str) -> bool:
    # A time in nanoseconds has any short number in it.
    return text in part if isinstance(part, str) else text == str(part)


def _parts(value: object) -> Iterator[str | float]:
    """Yield every text and number in *value*, names included."""
    if isinstance(value, str | float) or type(value) is int:
        yield value
    elif isinstance(value, bytes):
        yield value.decode(errors="replace")
    elif isinstance(value, Mapping):
        for key, inner in cast("Mapping[object, object]", value).items():
            yield from _parts(key)
            yield from _parts(inner)
    elif isinstance(value, msgspec.Struct):
        yield from _parts(_plain(value))
    elif isinstance(value, Iterable):
        for inner in cast("Iterable[object]", value):
            yield from _parts(inner)
