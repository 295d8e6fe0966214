"""A record from elsewhere keeps what it brings and is given what it lacks."""

from __future__ import annotations

import pytest

from eventbus import Bus, Event, Record
from eventbus.sampling import KeepIf, Ratio
from eventbus.testing import ManualClock, RecordingSink


class Done(Event, tag="work.done", severity="warn", version=3):
    number: int


async def relayed(record: Record[Done]) -> Record[Done]:
    sink = RecordingSink()
    async with Bus(resource={"service.name": "here"}, clock=ManualClock()) as bus:
        bus.attach(sink)
        assert bus.relay(record)
        await bus.flush()
    return sink.records[0]


async def test_a_relayed_record_keeps_everything_it_brings() -> None:
    record = Record(
        Done(number=1),
        id="theirs",
        time_unix_nano=5,
        observed_time_unix_nano=6,
        severity="fatal",
        attributes={"a": 1},
        resource={"service.name": "there"},
        trace_id="1" * 32,
        span_id="2" * 16,
        parent_span_id="3" * 16,
        trace_flags=1,
        tracestate="a=b",
        schema_version=2,
        weight=10.0,
    )
    found = await relayed(record)
    kept = [name for name in Record.__struct_fields__ if name != "sequence"]
    assert [getattr(found, n) for n in kept] == [getattr(record, n) for n in kept]


async def test_what_a_relayed_record_lacks_the_bus_fills_in() -> None:
    found = await relayed(Record(Done(number=1)))
    assert found.id
    assert found.time_unix_nano == found.observed_time_unix_nano
    assert found.time_unix_nano == 1_700_000_000_000_000_000
    assert found.severity == "warn"
    assert found.resource == {"service.name": "here"}
    assert found.schema_version == 3
    assert found.weight == 1.0


@pytest.mark.parametrize("method", ["relay", "publish"])
async def test_the_least_severity_is_asked_of_the_record_not_of_its_type(
    method: str,
) -> None:
    errors, everything = RecordingSink(), RecordingSink()
    async with Bus() as bus:
        bus.attach(errors, name="errors", min_severity="error")
        bus.attach(everything, name="everything")
        hand_over = getattr(bus, method)
        for number, severity in enumerate((None, "warn", "fatal", "info", "error")):
            answer = hand_over(Record(Done(number=number), severity=severity))
            if method == "publish":
                await answer
        bus.emit(Done(number=5))
        await bus.flush()
        assert bus.stats().attachments["errors"].offered == 2
        assert bus.stats().emitted == 6
    assert [event.number for event in errors.events] == [2, 4]
    assert [event.number for event in everything.events] == list(range(6))


async def test_what_is_below_every_least_severity_is_not_emitted() -> None:
    async with Bus() as bus:
        bus.attach(RecordingSink(), name="warnings", min_severity="warn")
        assert bus.relay(Record(Done(number=1), severity="debug"))
        assert bus.relay(Record(Done(number=2), severity="error"))
        assert bus.stats().emitted == 1
        await bus.flush()
        assert bus.stats().emitted == 1
        assert bus.stats().attachments["warnings"].offered == 1


@pytest.mark.proves("D8")
async def test_a_relayed_weight_multiplies_with_later_sampling() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink, sampler=Ratio(0.5, key="number"))
        for number in range(200):
            bus.relay(Record(Done(number=number), weight=3.0))
        await bus.flush()
    assert {record.weight for record in sink.records} == {6.0}
    assert 40 < len(sink.records) < 160


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
async def test_a_relayed_weight_that_counts_nothing_is_1(weight: float) -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        bus.relay(Record(Done(number=1), weight=weight))
        await bus.flush()
    assert [record.weight for record in sink.records] == [1.0]


@pytest.mark.proves("fault-53")
async def test_a_sampler_that_raises_keeps_the_event_and_is_named_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sink = RecordingSink()

    def broken(_: object) -> bool:
        raise RuntimeError("no idea")

    async with Bus(clock=ManualClock()) as bus:
        bus.attach(sink, name="sampled", sampler=KeepIf(broken))
        for number in range(5):
            bus.emit(Done(number=number))
        await bus.flush()
        assert bus.stats().warned == {"sampler_error": 5}
    assert len(sink.records) == 5
    assert [record.weight for record in sink.records] == [1.0] * 5
    named = [r.message for r in caplog.records if "sampler_error" in r.message]
    assert named == [
        "sampler_error at attachment 'sampled': RuntimeError: no idea",
        "4 more line(s) were left out: sampled: sampler_error (4)",
    ]
