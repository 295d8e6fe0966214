"""What happens between the hand-over and the buffers, whatever runs there."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from eventbus import Attributes, Buffer, Bus, Event, Overflow, Record, sampling
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink, settled
from tests._sealed import Line, Observer, Step, numbers


@pytest.mark.parametrize("error", [ZeroDivisionError("no"), SystemExit(1)])
async def test_an_observer_that_raises_hurts_nobody(error: BaseException) -> None:
    def observe(records: Sequence[AnyRecord]) -> None:
        raise error

    observer, other = Observer(observe), RecordingSink()
    async with Bus() as bus:
        bus.attach(observer, name="observer")
        bus.attach(other, name="other")
        bus.emit(Step(number=1))
        await bus.flush()
        assert bus.stats().attachments["observer"].errors == {type(error).__name__: 1}
    assert numbers(observer) == numbers(other) == [1]


async def test_a_predicate_that_raises_keeps_the_event() -> None:
    def keep(record: AnyRecord) -> bool:
        return bool(1 / record.event.number)

    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink, sampler=sampling.KeepIf(keep))
        for number in (1, 0, 2):
            bus.emit(Step(number=number))
        await bus.flush()
        assert bus.stats().warned == {"sampler_error": 1}
    assert numbers(sink) == [1, 0, 2]


async def test_who_waits_for_room_has_it_when_a_seal_leaves_it_over() -> None:
    """Another thread's event takes the last room, and is then sampled out."""
    sink = RecordingSink()
    async with Bus() as bus:
        attachment = bus.attach(
            sink,
            sampler=sampling.KeepIf(lambda record: record.event.number > 0),
            buffer=Buffer(max_events=1, max_bytes=10_000),
        )
        offer = attachment.offer

        def offer_later(portion: Any) -> bool | None:
            thread = threading.Thread(target=lambda: bus.emit(Step(number=0)))
            thread.start()
            thread.join()
            return offer(portion)

        attachment.offer = offer_later  # type: ignore[method-assign]
        await bus.publish(Step(number=1))
        await bus.flush()
        assert attachment.stats().sampled_out == 1
    assert numbers(sink) == [1]


@pytest.mark.proves("fault-53")
@pytest.mark.parametrize("answer", [10**400, math.inf, math.nan, -1, "2", None])
async def test_an_answer_of_a_sampler_that_is_no_weight_keeps_the_event(
    answer: Any,
) -> None:
    class Confused:
        def sample(self, record: AnyRecord) -> float:
            return answer  # type: ignore[no-any-return]

    odd, plain = RecordingSink(), RecordingSink()
    async with Bus() as bus:
        bus.attach(odd, sampler=Confused())
        bus.attach(plain, name="plain")
        bus.emit(Step(number=1))
        await bus.flush()
        assert bus.stats().warned == {"sampler_error": 1}
    assert [record.weight for record in odd.records] == [1.0]
    assert numbers(plain) == [1]


@pytest.mark.proves("fault-29")
async def test_a_coroutine_in_the_place_of_a_function_is_said_to_be_one() -> None:
    async def later(_: object) -> bool:
        raise AssertionError

    observing, sampled = RecordingSink(), RecordingSink()
    observing.observe = later  # type: ignore[attr-defined]
    async with Bus() as bus:
        bus.attach(observing, name="observing")
        bus.attach(sampled, name="sampled", sampler=sampling.KeepIf(later))
        bus.emit(Step(number=1))
        await settled()
        stats = bus.stats()
        assert stats.warned == {"sampler_error": 1}
        assert stats.attachments["observing"].errors == {"TypeError": 1}
        assert numbers(observing) == numbers(sampled) == [1]


async def test_a_window_nothing_can_be_made_of_costs_one_attachment_that_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    odd, plain = RecordingSink(), RecordingSink()
    async with Bus() as bus:
        bounds = Buffer(max_events=2, max_bytes=10_000)
        attachment = bus.attach(odd, name="odd", buffer=bounds)
        bus.attach(plain, name="plain")
        with monkeypatch.context() as patch:
            patch.setattr(attachment.portions, "_of", lambda *_: 1 / 0)
            for number in range(3):
                bus.emit(Step(number=number))
            await settled()
        bus.emit(Step(number=3))
        report = await bus.flush()
        found = report.attachments["odd"]
        assert found.dropped == {"encode_error": 2, "queue_full": 1}
        assert found.balanced
        assert not report.complete
    assert (numbers(odd), numbers(plain)) == ([3], [0, 1, 2, 3])


async def test_what_is_below_the_floor_takes_no_room_from_what_is_above() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(
            sink, name="errors", min_severity="error", buffer=Buffer(max_events=2)
        )
        assert all(bus.emit(Line(number=number)) for number in range(100))
        assert bus.stats().attachments["errors"].offered == 0
        assert bus.emit(Line(number=100, severity="error"))
        assert bus.emit(Line(number=101, severity="fatal"))
        assert not bus.emit(Line(number=102, severity="error"))
        await bus.flush()
        stats = bus.stats().attachments["errors"]
        assert (stats.offered, stats.dropped) == (3, {"queue_full": 1})
    assert numbers(sink) == [100, 101]


async def test_the_floor_is_asked_of_relayed_records_too() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink, min_severity="error")
        bus.relay(Record(Line(number=1, severity="error"), severity="info"))
        bus.relay(Record(Line(number=2), severity="fatal"))
        bus.emit(Step(number=3))
        await bus.flush()
    assert [(r.event.number, r.severity) for r in sink.records] == [(2, "fatal")]


async def test_a_sink_may_be_attached_by_an_observer() -> None:
    late = RecordingSink()

    def attach_late(records: Sequence[AnyRecord]) -> None:
        if not late_attached:
            late_attached.append(bus.attach(late, name="late"))

    late_attached: list[object] = []
    sink = Observer(attach_late)
    async with Bus() as bus:
        bus.attach(sink, name="observer")
        bus.emit(Step(number=1))
        await bus.flush()
        bus.emit(Step(number=2))
        await bus.flush()
    assert numbers(sink) == [1, 2]
    assert numbers(late) == [2]


async def test_an_invalid_value_is_counted_once_where_a_sampler_looks_too() -> None:
    async with Bus() as bus:
        bus.attach(RecordingSink(), sampler=sampling.Ratio(1))
        bus.emit(Step(number="one"))  # type: ignore[arg-type]
        await bus.flush()
        assert bus.stats().warned == {"invalid_value": 1}


@pytest.mark.proves("fault-10")
async def test_lists_are_copied_for_each_sink_also_when_it_samples() -> None:
    class Basket(Event, tag="shop.basket"):
        items: list[str]

    class Greedy(RecordingSink):
        async def write(self, batch: Sequence[AnyRecord]) -> None:
            await super().write(batch)
            for record in batch:
                record.event.items.append("mine")

    greedy = [Greedy() for _ in range(4)]
    samplers = [None, sampling.Ratio(1), sampling.KeepIf(lambda _: True), None]
    async with Bus() as bus:
        for number, (sink, sampler) in enumerate(zip(greedy, samplers, strict=True)):
            bus.attach(sink, name=f"{number}", sampler=sampler)
        bus.emit(Basket(items=["a"]))
        bus.relay(Record(Basket(items=["b"]), weight=2.0))
        await bus.flush()
    for sink in greedy:
        assert sink.events == [Basket(items=["a", "mine"]), Basket(items=["b", "mine"])]
        assert [record.weight for record in sink.records] == [1.0, 2.0]


async def test_a_record_that_was_made_badly_costs_none_but_its_own_values() -> None:
    sink = RecordingSink()
    bad: dict[str, Any] = {"weight": "heavy", "severity": [], "attributes": 3}
    async with Bus() as bus:
        bus.attach(sink, buffer=Buffer(max_events=10, overflow=Overflow.DROP_NEWEST))
        for name, value in bad.items():
            assert bus.relay(Record(Step(number=1), **{name: value}))
        bus.relay(Record(Step(number=2), attributes=Attributes(a=1)))
        await bus.flush()
        assert bus.stats().warned["invalid_value"] >= 2
    assert numbers(sink) == [1, 1, 1, 2]
    assert {record.severity for record in sink.records} == {"info"}
