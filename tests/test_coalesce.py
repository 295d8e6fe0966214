"""How many events that are alike become one, and what stays exact."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eventbus import (
    AttachError,
    Attachment,
    Batch,
    Buffer,
    Coalesce,
    Event,
    Label,
    Record,
    Retry,
    Sensitive,
    Severity,
    Summary,
    TooLarge,
    Unavailable,
    Unit,
    bind,
)
from eventbus._bounds import WrongSetting
from eventbus._coalesce import _total
from eventbus._record import AnyRecord
from eventbus.sampling import Sampler
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from tests._rig import PATIENT, CuedSink, Numbered, Rig, Wrong, numbers

SOON = Batch(max_delay_seconds=1.0)


class Chunk(Event, tag="agent.sse.chunk"):
    kind: Annotated[str, Label]
    tokens: Annotated[int, Unit("{token}")]
    seconds: Annotated[float, Unit("s")] = 0.0
    cached: int | None = None
    last: bool = False
    text: Annotated[str, Sensitive] = ""
    parts: Any = None


class Poll(Event, tag="agent.sse.poll"):
    tokens: int


class Doubled:
    def sample(self, record: AnyRecord) -> float:
        return 2.0


async def attach(
    rig: Rig, sink: Any, coalesce: Coalesce | None = None, **wishes: Any
) -> Attachment:
    """Attach *sink*, which is paused, so that what follows is one batch."""
    coalesce = coalesce or Coalesce(select="agent.sse*")
    attachment = await rig.attach(sink, coalesce=coalesce, batch=SOON, **wishes)
    attachment.pause()
    return attachment


async def deliver(rig: Rig, attachment: Attachment, *events: Event) -> None:
    for event in events:
        rig.bus.emit(event)
    await settled()
    attachment.resume()
    await settled()
    rig.check_balance()


def summary(record: AnyRecord) -> Summary:
    assert isinstance(record.event, Summary)
    return record.event


@pytest.mark.proves("D11")
async def test_a_hundred_polls_are_one_summary_with_the_same_totals() -> None:
    async with Rig() as rig:
        attachment = await attach(rig, sink := RecordingSink())
        polls = [
            Chunk(kind="poll", tokens=10**15 + n, seconds=n / 10) for n in range(100)
        ]
        await deliver(rig, attachment, *polls)
        (record,) = sink.records
        assert summary(record) == Summary(
            name="agent.sse.chunk",
            key={"kind": "poll"},
            count=100,
            weight=100.0,
            totals={
                "tokens": sum(poll.tokens for poll in polls),
                "seconds": math.fsum(poll.seconds for poll in polls),
            },
            first_time_unix_nano=record.time_unix_nano,
            last_time_unix_nano=record.time_unix_nano,
        )
        assert type(summary(record).totals["tokens"]) is int
        assert (record.name, record.weight, record.sequence) == (
            "eventbus.summary",
            100.0,
            1,
        )
        stats = rig.stats()
        assert (stats.offered, stats.delivered, stats.sampled_out) == (100, 1, 99)
        assert (stats.dropped, stats.pending) == ({}, 0)


@pytest.mark.proves("D11")
async def test_each_key_has_its_own_in_the_place_of_its_first() -> None:
    async with Rig() as rig:
        attachment = await attach(rig, sink := RecordingSink())
        await deliver(
            rig,
            attachment,
            Chunk(kind="a", tokens=1),
            Numbered(n=1),
            Chunk(kind="b", tokens=2),
            Chunk(kind="a", tokens=3),
            Numbered(n=2),
            Chunk(kind="c", tokens=4),
            Chunk(kind="b", tokens=5),
        )
        assert [record.sequence for record in sink.records] == [1, 2, 3, 5, 6]
        assert [record.name for record in sink.records] == [
            "eventbus.summary",
            "numbered",
            "eventbus.summary",
            "numbered",
            "agent.sse.chunk",
        ]
        assert [
            (summary(r).key, summary(r).totals["tokens"])
            for r in (sink.records[0], sink.records[2])
        ] == [({"kind": "a"}, 4), ({"kind": "b"}, 7)]


@pytest.mark.proves("D11")
async def test_the_key_is_what_was_asked_for() -> None:
    async with Rig() as rig:
        by = Coalesce(by=("last", "nothing"))
        attachment = await attach(rig, sink := RecordingSink(), by)
        await deliver(
            rig,
            attachment,
            Chunk(kind="a", tokens=1, last=True),
            Chunk(kind="b", tokens=2, last=True),
        )
        assert summary(sink.records[0]).key == {"last": True, "nothing": None}


@pytest.mark.proves("D11")
async def test_what_is_alone_or_not_selected_or_no_key_stays_as_it_is() -> None:
    async with Rig() as rig:
        by = Coalesce(select=["agent.*", "!numbered"], by=("parts",))
        attachment = await attach(rig, sink := RecordingSink(), by)
        events = [
            Chunk(kind="a", tokens=1, parts=[1]),
            Chunk(kind="a", tokens=1, parts=[1]),
            Chunk(kind="a", tokens=1, parts=1),
            Chunk(kind="a", tokens=1, parts=True),
            Numbered(n=1),
            Numbered(n=1),
        ]
        await deliver(rig, attachment, *events)
        assert sink.events == events
        assert rig.stats().sampled_out == 0


@pytest.mark.proves("D11")
async def test_what_is_none_or_a_switch_is_no_part_of_a_total() -> None:
    async with Rig() as rig:
        attachment = await attach(rig, sink := RecordingSink())
        chunks = [Chunk(kind="a", tokens=1, last=True, cached=c) for c in (None, 2, 3)]
        await deliver(rig, attachment, *chunks)
        assert summary(sink.records[0]).totals == {
            "tokens": 3,
            "seconds": 0.0,
            "cached": 5,
        }


@pytest.mark.proves("D11")
async def test_weights_are_summed_so_that_counts_can_be_restored() -> None:
    async with Rig() as rig:
        sampler: Sampler = Doubled()
        attachment = await attach(rig, sink := RecordingSink(), sampler=sampler)
        chunks = [Chunk(kind="a", tokens=1) for _ in range(3)]
        await deliver(rig, attachment, *chunks)
        (record,) = sink.records
        assert (record.weight, summary(record).weight, summary(record).count) == (
            6.0,
            6.0,
            3,
        )


@pytest.mark.proves("D11")
async def test_what_all_have_in_common_is_kept_of_context_and_time() -> None:
    async with Rig() as rig:
        attachment = await attach(rig, sink := RecordingSink())
        for step in ("one", "two"):
            with bind({"session": "s", "step": step}):
                rig.bus.emit(Chunk(kind="a", tokens=1))
            rig.clock.advance(2.0)
        await deliver(rig, attachment)
        (record,) = sink.records
        assert record.attributes == {"session": "s"}
        assert summary(record).first_time_unix_nano == record.time_unix_nano
        elapsed = summary(record).last_time_unix_nano - record.time_unix_nano
        assert elapsed == 2_000_000_000


@pytest.mark.proves("D11")
async def test_a_trace_is_kept_if_it_is_one_and_the_worst_severity_counts() -> None:
    def relayed(trace: str, severity: Severity) -> AnyRecord:
        event = Chunk(kind="a", tokens=1)
        return Record(event, trace_id=trace * 32, severity=severity)

    for second, kept in (("a", "a" * 32), ("b", None)):
        async with Rig() as rig:
            attachment = await attach(rig, sink := RecordingSink())
            rig.bus.relay(relayed("a", "info"))
            rig.bus.relay(relayed(second, "error"))
            rig.bus.relay(relayed("a", "warn"))
            await deliver(rig, attachment)
            (record,) = sink.records
            assert (record.trace_id, record.severity) == (kept, "error")


@pytest.mark.proves("D11")
async def test_records_of_several_services_are_not_alike() -> None:
    async with Rig() as rig:
        attachment = await attach(rig, sink := RecordingSink())
        for name in ("a", "b"):
            resource = {"service.name": name}
            event = Chunk(kind="a", tokens=1)
            rig.bus.relay(Record(event, resource=resource))
        await deliver(rig, attachment)
        assert len(sink.records) == 2


@pytest.mark.proves("D11")
async def test_what_observes_sees_all_of_them_and_nobody_a_secret() -> None:
    class Observing(RecordingSink):
        seen = 0

        def observe(self, batch: Sequence[AnyRecord]) -> None:
            self.seen += len(batch)

    async with Rig() as rig:
        by = Coalesce(by=("text",))
        attachment = await attach(rig, sink := Observing(), by)
        chunks = [Chunk(kind="a", tokens=1, text=text) for text in ("psst", "hush")]
        await deliver(rig, attachment, *chunks)
        assert sink.seen == 2
        assert summary(sink.records[0]).key == {"text": "[REDACTED]"}


@pytest.mark.proves("D11")
async def test_retries_splits_and_flushes_go_on_with_the_summaries() -> None:
    async with Rig() as rig:
        attachment = await attach(rig, sink := CuedSink(), retry=PATIENT)
        for kind in "abab":
            rig.bus.emit(Chunk(kind=kind, tokens=1))
        flush = asyncio.create_task(rig.bus.flush())
        await settled()
        attachment.resume()
        await settled()
        assert (rig.stats().pending, rig.stats().sampled_out) == (2, 2)
        await sink.cue(Unavailable())
        await rig.after(1.0)
        await sink.cue(TooLarge())
        await sink.cue()
        rig.check_balance()
        assert not flush.done()
        await sink.cue()
        assert (await flush).complete
        ids = {record.id for batch in sink.attempts for record in batch}
        assert len(ids) == 2
        assert [len(batch) for batch in sink.attempts] == [2, 2, 1, 1]
        assert [summary(r).key["kind"] for r in sink.delivered] == ["a", "b"]


@pytest.mark.proves("D11")
async def test_no_bound_of_bytes_is_passed_though_a_summary_is_longer() -> None:
    async with Rig() as rig:
        hung = ScriptedSink(then=steps.hang())
        by = Coalesce(select="numbered")
        attachment = await attach(
            rig, hung, by, buffer=Buffer(max_bytes=300), retry=PATIENT
        )
        rig.bus.emit(Numbered(n=1))
        rig.bus.emit(Numbered(n=2))
        await settled()
        before = rig.stats().pending_bytes
        attachment.resume()
        await settled()
        assert rig.stats().sampled_out == 1
        assert rig.stats().pending_bytes == before <= 300
        hung.release()
        await settled()
        assert rig.stats().pending_bytes == 0


@pytest.mark.proves("D11")
async def test_many_become_small_and_free_their_room_at_once() -> None:
    async with Rig() as rig:
        hung = ScriptedSink(then=steps.hang())
        buffer = Buffer(max_events=10, wait_timeout_seconds=None)
        attachment = await attach(rig, hung, buffer=buffer, retry=PATIENT)
        for _ in range(10):
            rig.bus.emit(Chunk(kind="a", tokens=1))
        waiting = asyncio.create_task(rig.bus.publish(Chunk(kind="a", tokens=1)))
        await settled()
        assert not waiting.done()
        attachment.resume()
        await settled()
        assert waiting.done()
        assert (rig.stats().pending, rig.stats().sampled_out) == (2, 9)


@pytest.mark.proves("D11")
async def test_an_event_of_a_sinks_own_is_as_deep_in_its_summary() -> None:
    class Echo(RecordingSink):
        async def write(self, batch: Sequence[AnyRecord]) -> None:
            await super().write(batch)
            for _ in range(2):
                rig.bus.emit(Chunk(kind="a", tokens=1))

    async with Rig() as rig:
        attachment = await attach(rig, sink := Echo())
        await deliver(rig, attachment, *[Chunk(kind="a", tokens=1)] * 2)
        for _ in range(9):
            await rig.after(1.0)
        assert len(sink.batches) == 4
        assert rig.bus.stats().refused == {"recursion": 2}


@pytest.mark.proves("D11")
async def test_what_is_in_a_summary_is_as_old_as_its_first() -> None:
    async with Rig() as rig:
        retry = Retry(initial_seconds=3.0, timeout_seconds=None)
        buffer = Buffer(max_age_seconds=5.0)
        attachment = await attach(rig, sink := CuedSink(), buffer=buffer, retry=retry)
        rig.bus.emit(Chunk(kind="a", tokens=1))
        await settled()
        await rig.after(3.0)
        await deliver(rig, attachment, Chunk(kind="a", tokens=1), Numbered(n=1))
        await sink.cue(Unavailable())
        await rig.after(3.0)
        assert numbers(sink.attempts[1]) == [1]
        assert (rig.stats().dropped, rig.stats().sampled_out) == ({"expired": 1}, 1)


async def test_values_that_do_not_compare_leave_the_batch_as_it_is() -> None:
    class Hostile:
        def __hash__(self) -> int:
            raise ValueError("no")

    async with Rig() as rig:
        by = Coalesce(by=("parts",))
        attachment = await attach(rig, sink := RecordingSink(), by)
        hostile = Hostile()
        attachment_state = attachment.health
        for _ in range(2):
            rig.bus.emit(Chunk(kind="a", tokens=1, parts=hostile))
        await settled()
        attachment.resume()
        await settled()
        assert len(sink.records) == 2
        assert attachment_state.state == "ready"


@given(
    st.lists(
        st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False)),
        min_size=1,
    )
)
@example([-13_810_951_565_898_029, 3.0])
def test_totals_are_exact(values: list[int | float]) -> None:
    total = _total(values)
    if all(type(value) is int for value in values):
        assert (type(total), total) == (int, sum(values))
    elif sum(map(abs, map(Fraction, values))) < 10**300:
        assert total == float(sum(map(Fraction, values)))


def test_totals_of_what_has_no_sum_are_told_all_the_same() -> None:
    assert math.isnan(_total([math.inf, -math.inf]))
    assert math.isnan(_total([10**400, 1.0]))
    assert math.isnan(_total([1e308, 1e308]))
    assert _total([math.inf, 10**17 + 1]) == math.inf


def test_what_coalesces_is_named_as_events_are() -> None:
    with pytest.raises(WrongSetting, match="select"):
        Coalesce(select=[])
    with pytest.raises(WrongSetting, match="by must be a list of names of fields"):
        Coalesce(by="kind")  # type: ignore[arg-type]


async def test_what_coalesces_is_a_coalesce() -> None:
    async with Rig() as rig:
        with pytest.raises(AttachError, match=r"coalesce must be an eventbus.Coalesce"):
            rig.bus.attach(RecordingSink(), coalesce="agent.*")  # type: ignore[arg-type]


async def test_without_it_every_event_arrives() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(sink := RecordingSink())
        await deliver(rig, attachment, Wrong(n=1), Wrong(n=1))
        assert numbers(sink.records) == [1, 1]


async def test_what_went_into_a_summary_is_let_go_of_while_that_is_sent() -> None:
    async with Rig() as rig:
        attachment = await attach(rig, sink := CuedSink())
        events = [Poll(tokens=n) for n in range(5)]
        before = [sys.getrefcount(event) for event in events]
        await deliver(rig, attachment, *events)
        assert sink.in_flight == 1
        assert [sys.getrefcount(event) for event in events] == before
        await sink.cue()
