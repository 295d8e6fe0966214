from __future__ import annotations

import pytest

from eventbus.cli._overrides import parsed
from eventbus.cli._usage import UsageError


@pytest.mark.parametrize(
    ("argument", "place", "value"),
    [
        ("sinks.a.topic=events", ("sinks", "a", "topic"), "events"),
        ('sinks.a.topic="events"', ("sinks", "a", "topic"), "events"),
        ("sinks.a.port = 9092", ("sinks", "a", "port"), 9092),
        ("bus.strict=true", ("bus", "strict"), True),
        ("sinks.a.select=['x', 'y']", ("sinks", "a", "select"), ["x", "y"]),
        ("sinks.a.buffer={max_events=1}", ("sinks", "a", "buffer"), {"max_events": 1}),
        ('bus.resource."service.name"=x', ("bus", "resource", "service.name"), "x"),
        ("a=b=c", ("a",), "b=c"),
        ("a=", ("a",), ""),
        ("a=1\nb=2", ("a",), "1\nb=2"),
    ],
)
def test_a_key_and_a_value_of_toml(
    argument: str, place: tuple[str, ...], value: object
) -> None:
    assert parsed([argument]) == {place: value}


def test_the_last_of_two_wins() -> None:
    assert parsed(["a=1", "a=2"]) == {("a",): 2}


def test_what_has_no_key_is_not_repeated() -> None:
    with pytest.raises(UsageError, match="got a text of 6 characters") as caught:
        parsed(["hunter"])
    assert "hunter" not in str(caught.value)


@pytest.mark.parametrize("argument", ["a", "=1", "a b=1", "a.=1", "[a]=1", "# a=1"])
def test_what_is_no_pair_of_key_and_value_is_wrong_usage(argument: str) -> None:
    with pytest.raises(UsageError, match="--set expects "):
        parsed([argument])


@pytest.mark.parametrize(
    "argument", [f"{'.'.join(['a'] * 5000)}=1", f"a={'[' * 3000}{']' * 3000}"]
)
def test_what_is_nested_too_deeply_is_wrong_usage(argument: str) -> None:
    with pytest.raises(UsageError, match="at most 64"):
        parsed([argument])
