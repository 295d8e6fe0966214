"""What events and attributes are called where other names are expected, as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal, TypeVar, get_args

import msgspec

from eventbus._bounds import WrongSetting
from eventbus._expected import joined, shown
from eventbus._record import AttributeValue

if TYPE_CHECKING:
    from eventbus.metrics._declaration import Metrics

Conversion = Literal["text", "whole", "whole_text"]

CONVERSIONS: Final[tuple[Conversion, ...]] = get_args(Conversion)

Names = str | tuple[str, ...]


class AttributeNaming(msgspec.Struct, frozen=True, kw_only=True):
    """Other names and types of attributes. See :class:`Naming`."""

    renamed: Mapping[str, Names] = {}
    values: Mapping[str, Mapping[str, str]] = {}
    converted: Mapping[str, Conversion] = {}
    left_out: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse names of nothing, and conversions that are none."""
        _check_renamed("renamed", self.renamed)
        for name, wish in self.converted.items():
            if wish not in CONVERSIONS:
                raise WrongSetting(
                    f"converted must say {joined([*map(repr, CONVERSIONS)])}, "
                    f"got {shown(wish)} for {name!r}",
                    *("converted", name),
                )


class LabelNaming(AttributeNaming, frozen=True, kw_only=True):
    """Other names and types of the labels of metrics, by their own names.

    Series that come to have the same labels are added up.

    Args:
        renamed: As in :class:`Naming`.
        values: As in :class:`Naming`.
        converted: As in :class:`Naming`.
        left_out: As in :class:`Naming`.
        added: Labels by their names outside, with the value that each series has that
            has no other label of that name.
    """

    added: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        """Refuse names of nothing too."""
        super().__post_init__()
        if "" in self.added:
            raise WrongSetting("added has a name that is empty", "added")


class EventNaming(AttributeNaming, frozen=True, kw_only=True):
    """The form of one event type's records; what it says wins over what is for all.

    Args:
        renamed: As in :class:`Naming`.
        values: As in :class:`Naming`.
        converted: As in :class:`Naming`.
        left_out: As in :class:`Naming`.
        name: The event's other name; ``None``: its own.
        by: The own name of a field, whose value says what the record is called;
            ``None``: the value of none does.
        names: The event's other names, by the text of that value: a word, ``true`` or
            ``false``. With a value that is not there it is called ``name``.
        added: Attributes by their names outside, with the value that each record has
            where no field has another under that name; they win over what is bound.
        timestamp: Name of an attribute with the record's time as text, RFC 3339 in
            UTC with milliseconds: ``2026-11-21T07:44:23.541Z``. ``None``: there is
            none.
        metrics: The event's metrics, each with its name, in place of those that its
            class has; ``None``: its own. What a configuration says of them wins.
        labels: What the labels of these metrics are called.
    """

    name: str | None = None
    by: str | None = None
    names: Mapping[str, str] = {}
    added: Mapping[str, AttributeValue] = {}
    timestamp: str | None = None
    metrics: Metrics | None = None
    labels: LabelNaming = msgspec.field(default_factory=LabelNaming)

    def __post_init__(self) -> None:
        """Refuse names of nothing too."""
        super().__post_init__()
        for place, name in (("name", self.name), ("timestamp", self.timestamp)):
            if name == "":
                raise WrongSetting(f"{place} must not be empty", place)
        if "" in self.added:
            raise WrongSetting("added has a name that is empty", "added")
        if bool(self.names) != (self.by is not None):
            raise WrongSetting(
                "'names' and 'by' belong together: the value of the field 'by' tells "
                "which of the 'names' a record has",
                "by",
            )
        for word, name in self.names.items():
            if not name:
                raise WrongSetting(f"names has a name that is empty for {word!r}")


class Naming(AttributeNaming, frozen=True, kw_only=True):
    """Another form of the same records, for whoever expects other names: data.

    An attribute's own name is that of its field's :class:`Attribute`, else the field's
    name in encoded text; a bound attribute's is its key. Sinks give the record's id,
    its weight and the like names of their own. What is said by no naming keeps its own
    name and type. Where two attributes of a record come to have one name, the first
    has it and the other is left out: what is a field before what is bound.

    What stands here itself holds for all records, and for attributes wherever they
    go; what stands under ``events`` is the form of these events as records, where it
    wins. A catalog offers namings by name: ``Catalog(namings={"acme": Naming(…)})``.

    Args:
        renamed: Other names of attributes, by their own: one, or several that all say
            the same.
        values: Other spellings of the text of attributes, by the attribute's own name
            and by the text, which of a truth value is ``true`` or ``false``; what is
            not there stays as it is.
        converted: Attributes of another type, by their own names. ``"text"`` is the
            value's JSON, text without quotes: ``true``, ``12.5``; ``"whole"`` cuts
            numbers to whole ones: ``12``; ``"whole_text"`` makes text of these.
        left_out: Own names of attributes that are not sent.
        events: The form of event types, by their names.
        resource: Other names of the resource's attributes, by their own, as in
            ``renamed``.

    Raises:
        ValueError: A name is empty, or there is no such conversion.
    """

    events: Mapping[str, EventNaming] = {}
    resource: Mapping[str, Names] = {}

    def __post_init__(self) -> None:
        """Refuse names of nothing too."""
        super().__post_init__()
        _check_renamed("resource", self.resource)

    def of(self, event: str) -> EventNaming:
        """Return the form of the records of *event*, with what holds for all of them.

        Args:
            event: The event's own name.
        """
        return self._with_what_is_for_all(self.events.get(event) or EventNaming())

    @property
    def metrics(self) -> dict[str, Metrics]:
        """The metrics of events that have others than their own, by event."""
        return {
            event: form.metrics
            for event, form in self.events.items()
            if form.metrics is not None
        }

    def labels_of(self, metric: str) -> LabelNaming:
        """Return what the labels of *metric* are called, with what holds for all."""
        forms = (
            self.events[event].labels
            for event, metrics in self.metrics.items()
            if any(metric == one.name for one in metrics.instruments)
        )
        return self._with_what_is_for_all(next(forms, LabelNaming()))

    def _with_what_is_for_all(self, own: _Form) -> _Form:
        return msgspec.structs.replace(
            own,
            renamed={**self.renamed, **own.renamed},
            values={**self.values, **own.values},
            converted={**self.converted, **own.converted},
            left_out=self.left_out | own.left_out,
        )


_Form = TypeVar("_Form", EventNaming, LabelNaming)


def names_of(names: Names) -> tuple[str, ...]:
    """Return *names*, one or several, as several."""
    return (names,) if isinstance(names, str) else names


def _check_renamed(setting: str, renamed: Mapping[str, Names]) -> None:
    for name, others in renamed.items():
        several = names_of(others)
        if not several or "" in several:
            what = "a name that is empty" if several else "no name"
            raise WrongSetting(f"{setting} has {what} for {name!r}", setting, name)
