"""Where a mark counts, and what hides nothing though it says so."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple, Optional, TypedDict, Union

import msgspec
import pytest

from eventbus import Attribute, Event, Label, RegistrationError, Sensitive, Unit
from eventbus._catalog import describe
from eventbus._marks import marks_of


class Nested(msgspec.Struct, frozen=True):
    token: Annotated[str, Sensitive]


@dataclasses.dataclass(frozen=True)
class Outer:
    inner: tuple[Nested, ...]


class Pair(NamedTuple):
    name: str
    token: Annotated[str, Sensitive]


class Table(TypedDict):
    token: Annotated[str, Sensitive]


class Tree(msgspec.Struct, frozen=True):
    children: tuple[Tree, ...] = ()


class Secrets(Event, tag="test.secrets"):
    plain: Annotated[str, Sensitive]
    optional: Annotated[str, Sensitive] | None = None
    within: Annotated[str | None, Sensitive()] = None
    twice: Annotated[Annotated[str, Sensitive], Label] = ""
    old: Optional[Annotated[str, Sensitive]] = None  # noqa: UP045


class Marks(Event, tag="test.marks"):
    took: Annotated[float, Unit("s"), Attribute("took")] | None = None


class Family(Event, tag="test.family"):
    tree: Tree


def test_a_mark_counts_on_the_field_and_on_its_alternatives() -> None:
    assert describe(Secrets).sensitive_fields == Secrets.__struct_fields__
    (took,) = describe(Marks).fields
    assert (took.unit, took.attribute) == ("s", "took")
    assert marks_of(Union[Annotated[int, 1], Annotated[str, 2, 3]]) == (1, 2, 3)  # noqa: UP007


@pytest.mark.parametrize(
    "hint",
    [
        list[Annotated[str, Sensitive]],
        dict[str, Annotated[str, Sensitive]],
        tuple[int, Annotated[str, Sensitive]] | None,
        Mapping[str, list[Annotated[str | None, Sensitive()]]],
        Nested,
        Outer | None,
        Pair,
        Table,
        Annotated[tuple[Nested, ...], Label],
    ],
)
def test_sensitive_where_nothing_would_redact_it_is_refused(hint: Any) -> None:
    namespace = {"__annotations__": {"value": hint}, "__module__": __name__}
    event_type: Any = type(Event)("Leaky", (Event,), namespace)
    with pytest.raises(
        RegistrationError,
        match=r"field 'value' of event type .*Leaky has Sensitive inside, where "
        "nothing would redact it: only a text field of the event itself",
    ):
        describe(event_type)


def test_a_type_that_holds_itself_can_be_registered() -> None:
    assert describe(Family).mutable_fields == ()
