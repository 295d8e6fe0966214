"""What is bound, what records bring, and resources have no secrets, names neither."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
from rich.pretty import pretty_repr

from eventbus import (
    Bus,
    Event,
    KnownSecrets,
    Privacy,
    Record,
    bind,
    trace_context,
)
from eventbus._record import Attributes
from eventbus.testing import RecordingSink

HIDDEN = "[REDACTED]"
LEAK = "sk-0123456789"
TRACE, SPAN = "0" * 31 + "1", "0" * 15 + "1"


class Plain(Event, tag="test.plain"):
    text: str = ""


ATTRIBUTES: list[tuple[Any, Any]] = [
    ({"api_key": "x"}, {"api_key": HIDDEN}),
    ({LEAK: 1}, {HIDDEN: 1}),
    ({f"a.{LEAK}": "x", f"a.{LEAK}9": "y"}, {f"a.{HIDDEN}": "x", f"a.{HIDDEN}2": "y"}),
    ({"a": {"password": "x", "n": 1}}, {"a": {"password": HIDDEN, "n": 1}}),
    ({"a": LEAK.encode()}, {"a": HIDDEN.encode()}),
    ({"a": {LEAK}}, {"a": {HIDDEN}}),
    ({"a": (("b", LEAK),)}, {"a": (("b", HIDDEN),)}),
    ({"token": b"x", "tokens": 3}, {"token": HIDDEN, "tokens": 3}),
    ({1: "x", ("a",): 2, "n": None}, None),
    ({1: LEAK}, {1: HIDDEN}),
]


@contextmanager
def in_trace(state: str) -> Generator[None]:
    headers = {"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": state}
    with trace_context.attach(trace_context.extract(headers)):
        yield


async def test_what_is_bound_is_redacted_without_a_look_at_the_event() -> None:
    known = Privacy(known_secrets=KnownSecrets(["swordfish"]), scan="off")
    for privacy, note in ((None, f"{LEAK} swordfish"), (known, f"{LEAK} swordfish")):
        sink = RecordingSink()
        async with Bus(privacy=privacy) as bus:
            bus.attach(sink)
            with bind({"note": note, "x.token": "a", "tokens": 3, "n": 1}):
                event = Plain(text=LEAK)
                bus.emit(event)
                bus.emit(event)
            with bind(several=("a", note)):
                bus.emit(event)
            bus.emit(event)
            await bus.flush()
        cleaned = f"{LEAK} {HIDDEN}" if privacy else f"{HIDDEN} swordfish"
        first = {"note": cleaned, "x.token": HIDDEN, "tokens": 3, "n": 1}
        assert [dict(r.attributes) for r in sink.records] == [
            first, first, {"several": ("a", cleaned)}, {},
        ]  # fmt: skip
        assert all(found is event for found in sink.events)


async def test_a_scope_without_secrets_stands_beside_one_that_is_remembered() -> None:
    async with Bus() as bus:
        bus.attach(sink := RecordingSink())
        with bind(note=LEAK):
            bus.emit(Plain())
            await bus.flush()
            bus.emit(Plain())
        with bind(note="fine"):
            bus.emit(Plain())
        await bus.flush()
    notes = [record.attributes["note"] for record in sink.records]
    assert notes == [HIDDEN, HIDDEN, "fine"]


@pytest.mark.parametrize("way", ["relay", "publish"])
async def test_a_record_from_elsewhere_is_redacted_with_its_attributes(
    way: str,
) -> None:
    attributes = Attributes({"token": "x", "note": LEAK, "n": 1})
    resource = Attributes({"service.name": "a", "db.password": "x"})
    record = Record(Plain(text=LEAK), attributes=attributes, resource=resource)
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        bus.emit(Plain())
        if way == "relay":
            bus.relay(record)
            bus.relay(Record(Plain(), attributes=dict(attributes)))
        else:
            await bus.publish(record)
            await bus.publish(Record(Plain(), attributes=dict(attributes)))
        await bus.flush()
    _, first, second = sink.records
    cleaned = {"token": HIDDEN, "note": HIDDEN, "n": 1}
    assert first.attributes == second.attributes == cleaned
    assert first.resource == {"service.name": "a", "db.password": HIDDEN}


async def test_what_records_in_a_row_share_is_redacted_in_each() -> None:
    plain, secret = Attributes({"n": 1}), Attributes({"token": "x"})
    pairs = [
        *[(plain, plain)] * 3,
        *[(plain, secret)] * 2,
        *[(secret, plain)] * 2,
        *[(secret, secret)] * 2,
        (plain, plain),
        (plain, None),
    ]
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        for attributes, resource in pairs:
            bus.relay(Record(Plain(), attributes=attributes, resource=resource))
        await bus.flush()
    shown = {id(plain): {"n": 1}, id(secret): {"token": HIDDEN}, id(None): {}}
    assert [(r.attributes, r.resource) for r in sink.records] == [
        (shown[id(attributes)], shown[id(resource)]) for attributes, resource in pairs
    ]


async def test_what_changes_between_two_records_is_looked_at_again() -> None:
    attributes: dict[str, Any] = {"n": 1}
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        for _ in range(2):
            bus.relay(Record(Plain(), attributes=attributes, resource=attributes))
            await bus.flush()
            attributes["token"] = "x"
    first, second = sink.records
    assert second.attributes == second.resource == {"n": 1, "token": HIDDEN}
    assert first.attributes == first.resource == {"n": 1}


def test_a_record_that_no_bus_has_is_looked_at_each_time_it_is_printed() -> None:
    attributes: dict[str, Any] = {"n": 1}
    record = Record(Plain(), attributes=attributes, resource=attributes)
    assert "'n': 1" in repr(record)
    attributes["token"] = "swordfish"
    assert "swordfish" not in repr(record)
    attributes["n"] = 2
    assert "'n': 2" in repr(record)


async def test_the_resource_of_a_bus_has_no_secrets() -> None:
    async with Bus({"service.name": "a", "api_key": "x", "note": LEAK}) as bus:
        bus.attach(sink := RecordingSink())
        bus.emit(Plain())
        await bus.flush()
    cleaned = {"service.name": "a", "api_key": HIDDEN, "note": HIDDEN}
    assert sink.records[0].resource == bus.resource == cleaned


@pytest.mark.proves("fault-131")
@pytest.mark.parametrize("way", ["bind", "relay", "resource"])
@pytest.mark.parametrize(("given", "cleaned"), ATTRIBUTES)
async def test_names_and_values_of_any_type_are_searched(
    way: str, given: Any, cleaned: Any
) -> None:
    """Neither ends the pass in which it is found, however odd it is."""
    async with Bus() as bus:
        bus.attach(sink := RecordingSink(), content="full")
        if way == "bind":
            with bind(given):
                bus.emit(Plain())
        elif way == "relay":
            bus.relay(Record(Plain(), attributes=given))
        else:
            bus.relay(Record(Plain(), resource=given))
        assert (await bus.flush()).complete
    (record,) = sink.records
    found = record.resource if way == "resource" else record.attributes
    assert found == (given if cleaned is None else cleaned)


@pytest.mark.parametrize("way", ["context", "relay"])
async def test_what_vendors_add_to_a_trace_is_searched_too(way: str) -> None:
    async with Bus() as bus:
        bus.attach(sink := RecordingSink())
        for state in ("a=1", f"a=1,b={LEAK}"):
            if way == "context":
                with in_trace(state):
                    bus.emit(Plain())
            else:
                record = Record(Plain(), trace_id=TRACE, span_id=SPAN, tracestate=state)
                bus.relay(record)
        await bus.flush()
    assert [r.tracestate for r in sink.records] == ["a=1", f"a=1,b={HIDDEN}"]
    assert {r.trace_id for r in sink.records} == {TRACE}


async def test_a_bound_value_that_cannot_be_looked_at_is_replaced() -> None:
    class Failing:
        def __repr__(self) -> str:
            raise ZeroDivisionError

        __eq__ = __hash__ = __repr__  # type: ignore[assignment]

    async with Bus() as bus:
        bus.attach(sink := RecordingSink())
        with bind({"a": Failing(), "api_key": Failing(), "b": 1}):  # type: ignore[dict-item]
            bus.emit(Plain())
        await bus.flush()
        assert bus.stats().warned == {"redactor_error": 2}
    assert sink.records[0].attributes == {"a": HIDDEN, "api_key": HIDDEN, "b": 1}


def test_a_record_prints_without_secrets_also_where_it_was_on_no_bus() -> None:
    bound = {"api_key": "key-value", LEAK: LEAK, "user.email": "ada@example.com"}
    record = Record(
        Plain(text=LEAK), attributes=bound, resource=bound, tracestate=f"a={LEAK}"
    )
    said = repr([record]) + str(record) + pretty_repr(record)
    for secret in (LEAK, "key-value", "ada@example.com"):
        assert secret not in said
    assert repr(Record(Plain(), attributes={"n": 1})).count("attributes={'n': 1}") == 1
