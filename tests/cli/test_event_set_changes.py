"""What is found where event types come, go or change as a whole."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import pytest

from eventbus import Event
from eventbus.cli._event_changes import Change, changes
from tests.cli._event_types import between, exported, made


class Before(Event, tag="thing"):
    text: str


class After(Event, tag="thing"):
    words: str = msgspec.field(name="text")


@pytest.mark.proves("fault-139")
def test_a_field_with_another_name_in_code_alone_is_the_same() -> None:
    assert between(Before, After) == []


@pytest.mark.proves("fault-139")
def test_events_come_and_go_and_are_renamed() -> None:
    kept = made("kept", name="Kept", a=int)
    old = exported(kept, made("gone", name="Gone", z=int), made("old", b=int, c=str))
    new = exported(kept, made("new", b=int, c=str), made("come", name="Come", q=int))
    assert changes(old, new) == [
        Change("come", None, "event_added"),
        Change("gone", None, "event_removed"),
        Change("old", None, "event_renamed", "it is new now"),
    ]
    same_fields = exported(made("other", name="Other", b=int, c=str))
    (renamed,) = changes(exported(made("old", b=int, c=str)), same_fields)
    assert (renamed.rule, renamed.is_breaking) == ("event_renamed", True)


@pytest.mark.proves("fault-139")
def test_an_event_with_its_class_s_name_or_its_fields_is_the_same() -> None:
    (found,) = between(made("old", a=int), made("new", b=str))
    assert (found.event, found.rule) == ("old", "event_renamed")
    found, other = between(made("old", name="Old"), made("new", name="New"))
    assert (found.event, found.rule) == ("new", "event_added")
    assert (other.event, other.rule) == ("old", "event_removed")
    two = exported(made("one", name="One", a=int), made("two", name="Two", a=int))
    told = changes(two, exported(made("new", name="New", a=int)))
    assert [(one.event, one.rule) for one in told] == [
        ("one", "event_renamed"),
        ("two", "event_removed"),
    ]


@pytest.mark.proves("fault-139")
def test_another_severity_is_told_and_breaks_nothing() -> None:
    class Loud(Event, tag="thing", severity="error"):
        a: int

    (found,) = between(made(a=int), Loud)
    assert (found.rule, found.field, found.is_breaking) == (
        *("severity_changed", None),
        False,
    )
    assert found.detail == "from info to error"


def test_a_version_that_falls_breaks_whatever_else_changed() -> None:
    (found,) = between(made(a=int, version=3), made(a=int, version=2))
    assert (found.rule, found.is_breaking, found.detail) == (
        *("version_lowered", True),
        "from 3 to 2",
    )


def test_a_detail_says_from_what_to_what() -> None:
    narrowed, _ = between(
        made(a=int | str), made(a=Annotated[int, msgspec.Meta(le=5)], version=2)
    )[::-1]
    assert narrowed.detail == "from integer or string to integer, maximum 5"
    removed, _ = between(
        made(a=Literal["x", "y", "z"]), made(a=Literal["y"], version=2)
    )[::-1]
    assert removed.detail == "x, z"
