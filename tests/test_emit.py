"""What happens to an event that is emitted, whatever it is and wherever from."""

from __future__ import annotations

import asyncio
import gc
import threading
from typing import Annotated, Any

import msgspec
import pytest

from eventbus import (
    Bus,
    Event,
    InvalidEventError,
    Record,
    RegistrationError,
    Sensitive,
    Severity,
    bind,
    carry,
    trace_context,
)
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink, settled


class Step(Event, tag="work.step"):
    number: int
    name: str = ""


class Basket(Event, tag="shop.basket"):
    items: list[str]
    prices: dict[str, list[int]] = msgspec.field(default_factory=dict)


class Answer(Event, tag="work.answer"):
    text: Annotated[str, Sensitive]
    severity: Severity | None = None


class StepTwin(Event, tag="work.step"):
    other: int


class Measured(Event, tag="work.measured"):
    seconds: float
    count: int


class Foreign(Event, tag="somebody.elses"):
    value: str


def numbers(sink: RecordingSink) -> list[int]:
    return [event.number for event in sink.events if isinstance(event, Step)]


@pytest.mark.proves("D1")
async def test_events_come_from_coroutines_plain_code_on_the_loop_and_threads() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        assert bus.emit(Step(number=1))
        asyncio.get_running_loop().call_soon(bus.emit, Step(number=2))
        await settled()
        await asyncio.to_thread(bus.emit, Step(number=3))
        await bus.flush()
    assert numbers(sink) == [1, 2, 3]


@pytest.mark.proves("B3")
async def test_a_type_of_ones_own_is_known_at_first_sight() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink, select=["somebody.*"])
        bus.emit(Foreign(value="x"))
        await bus.flush()
        assert Foreign in bus.catalog
    assert sink.records[0].name == "somebody.elses"


@pytest.mark.proves("fault-9")
async def test_every_sink_sees_a_list_as_it_was_when_it_was_emitted() -> None:
    first, second = RecordingSink(), RecordingSink()
    async with Bus() as bus:
        bus.attach(first, name="first")
        bus.attach(second, name="second")
        emit = bus.emitter(Basket)
        items, prices = ["tea"], {"tea": [3]}
        basket = Basket(items=items, prices=prices)
        for hand_over in (bus.emit, emit):
            hand_over(basket)
        bus.relay(Record(basket, id="relayed"))
        await bus.publish(basket)
        items.append("coffee")
        prices["tea"].append(9)
        await bus.flush()
    assert (
        first.events
        == second.events
        == [Basket(items=["tea"], prices={"tea": [3]})] * 4
    )


@pytest.mark.proves("fault-9")
async def test_events_that_cannot_change_are_not_copied() -> None:
    sink = RecordingSink()
    step = Step(number=1)
    async with Bus() as bus:
        bus.attach(sink)
        bus.emit(step)
        await bus.flush()
    assert sink.events[0] is step


@pytest.mark.proves("fault-10")
async def test_what_one_sink_does_to_its_records_no_other_sink_sees() -> None:
    refusals: list[str] = []

    class Vandal(RecordingSink):
        async def write(self, batch: Any) -> None:
            for record in batch:
                for spoil in (
                    lambda r: r.attributes.update(extra=1),
                    lambda r: r.attributes.__setitem__("tenant", "mine"),
                    lambda r: setattr(r, "id", "mine"),
                    lambda r: setattr(r.event, "number", 99),
                    lambda r: r.resource.clear(),
                ):
                    try:
                        spoil(record)
                    except (TypeError, AttributeError) as error:
                        refusals.append(type(error).__name__)
            with pytest.raises(TypeError):
                batch[0] = None

    sink = RecordingSink()
    async with Bus(resource={"service.name": "x"}) as bus:
        bus.attach(Vandal(), name="vandal")
        bus.attach(sink, name="other")
        with bind(tenant="t"):
            bus.emit(Step(number=1))
        bus.relay(Record(Step(number=2), attributes={"tenant": "t"}))
        await bus.flush()
    assert len(refusals) == 10
    assert [dict(record.attributes) for record in sink.records] == [{"tenant": "t"}] * 2
    assert numbers(sink) == [1, 2]


@pytest.mark.proves("fault-11")
async def test_what_is_no_event_is_refused_and_counted() -> None:
    async with Bus() as bus:
        bus.attach(RecordingSink())
        for wrong in ("text", None, 7, object(), {"a": 1}):
            assert bus.emit(wrong) is False  # type: ignore[arg-type]
        assert bus.relay("text") is False  # type: ignore[arg-type]
        assert bus.stats().refused == {"invalid_type": 6}
        assert bus.stats().emitted == 0


@pytest.mark.proves("fault-11")
async def test_the_second_of_two_types_of_one_name_is_refused_and_counted() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        assert bus.emit(Step(number=1))
        assert bus.emit(StepTwin(other=2)) is False
        assert bus.emit(StepTwin(other=3)) is False
        await bus.flush()
        assert bus.stats().refused == {"unregistered": 2}
    assert numbers(sink) == [1]


@pytest.mark.proves("fault-11", "fault-12")
async def test_in_strict_mode_wrong_values_raise_and_name_the_place() -> None:
    async with Bus(strict=True) as bus:
        bus.attach(RecordingSink())
        with pytest.raises(
            InvalidEventError, match=r"takes an eventbus.Event, got .*str"
        ):
            bus.emit("text")  # type: ignore[arg-type]
        with pytest.raises(
            InvalidEventError, match=r"Expected `float`, got `bool` - at `\$.seconds`"
        ):
            bus.emit(Measured(seconds=True, count=1))
        with pytest.raises(InvalidEventError, match=r"got `str` - at `\$.count`"):
            await bus.publish(Measured(seconds=1.0, count="1"))  # type: ignore[arg-type]
        bus.emit(Step(number=1))
        with pytest.raises(RegistrationError, match="two event types have the name"):
            bus.emit(StepTwin(other=1))
        assert bus.emit(Measured(seconds=1.0, count=1))


@pytest.mark.proves("fault-12")
async def test_wrong_values_are_counted_when_somebody_looks_and_go_on() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        bus.emit(Measured(seconds=True, count=1))
        bus.emit(Measured(seconds=1.0, count="1"))  # type: ignore[arg-type]
        bus.emit(Measured(seconds=1.0, count=1))
        await bus.flush()
        assert bus.stats().warned == {"invalid_value": 2}
    assert len(sink.records) == 3


@pytest.mark.proves("fault-17", "K3")
async def test_before_the_start_events_wait_and_after_the_close_none_is_taken() -> None:
    sink = RecordingSink()
    bus = Bus()
    bus.attach(sink)
    assert bus.emit(Step(number=1))
    assert bus.stats().attachments["recording"].pending == 1
    async with bus:
        await bus.flush()
    emit = bus.emitter(Step)
    assert bus.emit(Step(number=2)) is False
    assert emit(Step(number=3)) is False
    assert bus.relay(Record(Step(number=4))) is False
    assert bus.stats().refused == {"closed": 3}
    assert numbers(sink) == [1]


@pytest.mark.proves("fault-18")
def test_without_a_loop_events_wait_and_the_bus_moves_to_the_loop_that_starts_it() -> (
    None
):
    sink = RecordingSink()
    bus = Bus()
    bus.attach(sink)

    async def first() -> None:
        await bus.start()
        bus.emit(Step(number=1))
        await bus.flush()

    async def second() -> None:
        async with bus:
            bus.emit(Step(number=3))
            await bus.flush()

    bus.emit(Step(number=0))
    asyncio.run(first())
    assert bus.emit(Step(number=2)) is False
    assert bus.stats().refused == {"no_loop": 1}
    asyncio.run(second())
    assert numbers(sink) == [0, 1, 3]
    assert bus.stats().attachments["recording"].balanced


@pytest.mark.proves("fault-19", "J6")
async def test_a_thousand_tasks_never_mix_up_their_trace_contexts() -> None:
    sink = RecordingSink()

    async def work(number: int) -> None:
        context = trace_context.TraceContext(f"{number + 1:032x}", f"{number + 1:016x}")
        with trace_context.attach(context), bind(task=number):
            for _ in range(3):
                bus.emit(Step(number=number))
                await asyncio.sleep(0)

    async with Bus() as bus:
        bus.attach(sink)
        await asyncio.gather(*map(work, range(1000)))
        await bus.flush()
    assert len(sink.records) == 3000
    for record in sink.records:
        number = record.event.number
        assert record.trace_id == f"{number + 1:032x}"
        assert record.span_id == f"{number + 1:016x}"
        assert record.attributes["task"] == number


@pytest.mark.proves("C2")
async def test_what_is_bound_follows_into_tasks_and_threads_and_nowhere_else() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)

        async def child(number: int) -> None:
            with bind({"child.id": number}):
                bus.emit(Step(number=number))

        with bind(conversation_id="c"):
            with bind(turn=1):
                await asyncio.gather(child(1), child(2))
            await asyncio.to_thread(bus.emit, Step(number=3))
            thread = threading.Thread(target=carry(bus.emit), args=(Step(number=4),))
            stranger = threading.Thread(target=bus.emit, args=(Step(number=5),))
        for one in (thread, stranger):
            one.start()
            await asyncio.to_thread(one.join)
        await bus.flush()
    bound = {r.event.number: dict(r.attributes) for r in sink.records}
    assert bound == {
        1: {"conversation_id": "c", "turn": 1, "child.id": 1},
        2: {"conversation_id": "c", "turn": 1, "child.id": 2},
        3: {"conversation_id": "c"},
        4: {"conversation_id": "c"},
        5: {},
    }


async def test_an_event_s_own_field_wins_over_a_bound_attribute() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        with bind(name="bound", other="kept"):
            bus.emit(Step(number=1, name="own"))
        await bus.flush()
    assert dict(sink.records[0].attributes) == {"other": "kept"}


class Told(Event, tag="test.told"):
    who: str | None = None
    words: Annotated[str | None, Sensitive] = None


@pytest.mark.parametrize("way", ["emit", "relay"])
async def test_a_field_that_is_absent_hides_no_attribute_but_content(way: str) -> None:
    sink = RecordingSink()
    bound = {"who": "bound", "words": "bound", "other": "kept"}
    async with Bus() as bus:
        bus.attach(sink)
        for event in (Told(), Told(who="own"), Told(words="own")):
            if way == "relay":
                bus.relay(Record(event, attributes=bound))
            else:
                with bind(bound):
                    bus.emit(event)
        await bus.flush()
    absent, told = {"who": "bound", "other": "kept"}, {"other": "kept"}
    assert [dict(record.attributes) for record in sink.records] == [
        absent,
        told,
        absent,
    ]


@pytest.mark.proves("C4")
async def test_events_of_one_producer_arrive_in_the_order_of_its_calls() -> None:
    sink, narrow = RecordingSink(), RecordingSink()
    per_producer = 200

    async def produce(producer: int) -> None:
        for number in range(per_producer):
            event = Step(number=producer * per_producer + number)
            if number % 3:
                await bus.publish(event)
            else:
                bus.emit(event)
            if number % 7 == 0:
                await asyncio.sleep(0)

    async with Bus() as bus:
        bus.attach(sink, name="all")
        bus.attach(narrow, name="some", select=["work.*"])
        await asyncio.gather(*map(produce, range(5)))
        await bus.flush()
    for found in (numbers(sink), numbers(narrow)):
        assert len(found) == 5 * per_producer
        for producer in range(5):
            own = [n for n in found if n // per_producer == producer]
            assert own == sorted(own)


@pytest.mark.proves("fault-129")
async def test_a_garbage_collection_after_each_step_changes_nothing() -> None:
    sink = RecordingSink()
    handled: list[int] = []
    async with Bus() as bus:
        bus.attach(sink)

        @bus.on(Step)
        async def handle(record: Record[Step]) -> None:
            await asyncio.sleep(0)
            gc.collect()
            handled.append(record.event.number)

        for number in range(5):
            bus.emit(Step(number=number))
            gc.collect()
            await asyncio.sleep(0)
            gc.collect()
        await bus.flush()
    assert numbers(sink) == handled == [0, 1, 2, 3, 4]


async def test_sensitive_text_leaves_redacted_unless_an_attachment_asks() -> None:
    redacted, full = RecordingSink(), RecordingSink()
    seen: list[AnyRecord] = []
    async with Bus() as bus:
        bus.attach(redacted, name="redacted")
        bus.attach(full, name="full", content="full")
        async with bus.subscribe() as records:
            bus.emit(Answer(text="hunter2"))
            bus.relay(Record(Answer(text="hunter2"), id="relayed"))
            bus.emit(Answer(text=""))
            await bus.flush()
            seen += [await anext(records) for _ in range(3)]
    assert [e.text for e in redacted.events] == ["[REDACTED]", "[REDACTED]", ""]
    assert [e.text for e in full.events] == ["hunter2", "hunter2", ""]
    assert "hunter2" not in repr(seen)


async def test_an_event_may_say_its_own_severity() -> None:
    sink, loud = RecordingSink(), RecordingSink()
    async with Bus() as bus:
        bus.attach(sink, name="all")
        bus.attach(loud, name="loud", min_severity="error")
        bus.emit(Answer(text="a"))
        bus.emit(Answer(text="b", severity="fatal"))
        await bus.flush()
        assert bus.stats().attachments["loud"].offered == 1
    assert [record.severity for record in sink.records] == ["info", "fatal"]
    assert [event.text for event in loud.events] == ["[REDACTED]"]


async def test_ids_are_unique_and_sequences_ascend() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        for number in range(3000):
            bus.emit(Step(number=number))
        await bus.flush()
    assert len({record.id for record in sink.records}) == 3000
    sequences = [record.sequence for record in sink.records]
    assert sequences == sorted(set(sequences))
