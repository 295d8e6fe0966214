"""What happens between the hand-over and the buffers, whatever runs there."""

from __future__ import annotations

import asyncio
import math
import signal
import threading
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import pytest

from eventbus import (
    Attributes,
    Batch,
    Buffer,
    Bus,
    Event,
    Overflow,
    Record,
    Sensitive,
    Severity,
    sampling,
)
from eventbus._context import Bound, scope
from eventbus._door import Door
from eventbus._record import AnyRecord
from eventbus.testing import ManualClock, RecordingSink, settled

SECRET = "hunter2"


class Step(Event, tag="work.step"):
    number: int = 0


class Login(Event, tag="auth.login"):
    user: str
    password: Annotated[str, Sensitive]
    hint: Annotated[str | None, Sensitive] = None


class Picky(Event, tag="auth.picky"):
    password: Annotated[str, Sensitive]

    def __post_init__(self) -> None:
        if self.password != SECRET:
            raise ValueError("it must be the very password")


class Line(Event, tag="log.line"):
    number: int = 0
    severity: Severity = "debug"


class Observer(RecordingSink):
    """Shows every batch it observes to *look*."""

    def __init__(self, look: Callable[[Sequence[AnyRecord]], object]) -> None:
        super().__init__()
        self.observe = look


class Hostile:
    """A value that answers no question."""

    def __refuse(self, *_: object) -> Any:
        raise ZeroDivisionError("do not look at me")

    __eq__ = __ne__ = __bool__ = __str__ = __repr__ = __len__ = __iter__ = __refuse
    __hash__ = __refuse  # type: ignore[assignment]


def numbers(sink: RecordingSink) -> list[int]:
    return [event.number for event in sink.events]  # type: ignore[attr-defined]


async def test_nobody_sees_what_is_sensitive_before_it_is_redacted() -> None:
    seen: list[str] = []

    def look(records: Sequence[AnyRecord]) -> None:
        seen.extend(f"{record!r} {record.event.password}" for record in records)

    def keep(record: AnyRecord) -> bool:
        look([record])
        return True

    login = Login(user="ada", password=SECRET, hint=f"not {SECRET}")
    full = RecordingSink()
    async with Bus() as bus:
        bus.attach(Observer(look), name="observer", buffer=Buffer(max_bytes=10_000))
        bus.attach(RecordingSink(), name="sampled", sampler=sampling.KeepIf(keep))
        bus.attach(full, name="full", content="full")

        @bus.on(Login)
        async def handle(record: Record[Login]) -> None:
            look([record])

        async with bus.subscribe(Login) as records:
            bus.emit(login)
            look([await anext(records)])
        await bus.flush()
    assert len(seen) == 4
    assert not [text for text in seen if SECRET in text]
    assert SECRET not in repr([login, bus, full.records])
    assert full.events == [login]


async def test_an_empty_or_absent_secret_stays_what_it_is() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        bus.emit(Login(user="ada", password="", hint=None))
        await bus.flush()
    assert sink.events == [Login(user="ada", password="", hint=None)]


async def test_whatever_is_in_a_sensitive_field_is_redacted() -> None:
    """Also what is no text, and what does not even have a truth value."""
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        for password in (Hostile(), [SECRET], 0, b""):
            bus.emit(Login(user="ada", password=password))  # type: ignore[arg-type]
        await bus.flush()
    assert sink.events == [Login(user="ada", password="[REDACTED]")] * 4


async def test_redaction_does_not_run_the_code_of_the_class() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink)
        bus.emit(Picky(password=SECRET))
        await bus.flush()
    assert [repr(event) for event in sink.events] == ["Picky(password='[REDACTED]')"]


@pytest.mark.proves("fault-5", "fault-6")
async def test_values_that_answer_no_question_pass_through() -> None:
    """Also where they stand in fields of other types, a severity among them."""
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink, min_severity="debug", buffer=Buffer(max_bytes=10_000))
        for nonsense in (Hostile(), [], "loud", 7):
            bus.emit(Line(severity=nonsense))  # type: ignore[arg-type]
        bus.emit(Step(number=Hostile()))  # type: ignore[arg-type]
        bus.emit(Step(number=6))
        await bus.flush()
    assert [record.severity for record in sink.records] == ["info"] * 6
    assert sink.events[-1] == Step(number=6)


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


@pytest.mark.parametrize("user_code", ["observe", "sampler"])
def test_a_seal_that_ctrl_c_breaks_off_is_made_again(user_code: str) -> None:
    first, second = RecordingSink(), RecordingSink()
    presses = [True]

    def press(_: object) -> bool:
        if presses and presses.pop():
            signal.raise_signal(signal.SIGINT)
        return True

    bus = Bus()
    bus.attach(first, name="first", buffer=Buffer(max_events=2))
    if user_code == "observe":
        second.observe = press  # type: ignore[attr-defined]
        bus.attach(second, name="second")
    else:
        bus.attach(second, name="second", sampler=sampling.KeepIf(press))
    answers = [bus.emit(Step(number=number)) for number in range(3)]
    with pytest.raises(KeyboardInterrupt):
        bus._engine.work()
    assert answers == [True, True, False]
    for _ in range(2):
        stats = bus.stats()
        assert stats.emitted == 3
        assert {
            name: (a.offered, a.pending) for name, a in stats.attachments.items()
        } == {
            "first": (3, 2),
            "second": (3, 3),
        }
        bus._engine.work()

    async def deliver() -> None:
        async with bus:
            await bus.flush()

    asyncio.run(deliver())
    assert bus.stats().attachments["first"].dropped == {"queue_full": 1}
    assert (numbers(first), numbers(second)) == ([0, 1], [0, 1, 2])


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


@pytest.mark.proves("fault-15")
async def test_a_handler_may_emit_and_the_fourth_in_a_chain_is_refused() -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink, name="other")

        @bus.on(Step)
        async def again(record: Record[Step]) -> None:
            bus.emit(Step(number=record.event.number + 1))

        bus.emit(Step(number=0))
        for _ in range(5):
            await bus.flush()
        assert bus.stats().refused == {"recursion": 1}
        assert bus.stats().emitted == 4
    assert numbers(sink) == [0, 1, 2, 3]


@pytest.mark.proves("fault-15")
@pytest.mark.parametrize("where", ["observe", "sampler", "write"])
async def test_a_sink_that_emits_for_each_event_does_not_feed_itself_for_ever(
    where: str,
) -> None:
    bus = Bus()

    def emit_again(records: Sequence[AnyRecord]) -> bool:
        for record in records:
            bus.emit(Step(number=record.event.number + 1))
        return True

    class Sink(RecordingSink):
        async def write(self, batch: Sequence[AnyRecord]) -> None:
            await super().write(batch)
            if where == "write":
                emit_again(batch)

    sink = Observer(emit_again) if where == "observe" else Sink()
    keep = sampling.KeepIf(lambda record: emit_again([record]))
    async with bus:
        bus.attach(sink, sampler=keep if where == "sampler" else None)
        bus.emit(Step(number=0))
        for _ in range(5):
            await bus.flush()
        assert bus.stats().refused == {"recursion": 1}


@pytest.mark.proves("fault-15")
async def test_only_what_was_caused_counts_as_caused() -> None:
    """A handler meets the end of a chain and a fresh event in one batch."""
    sink = RecordingSink()
    async with Bus(clock=ManualClock()) as bus:
        bus.attach(sink, select=Line)

        @bus.on(Step)
        async def handle(record: Record[Step]) -> None:
            bus.emit(Line(number=record.event.number))

        bus.emit(Step(number=1))
        await settled()
        with scope(Bound(depth=3)):
            bus.emit(Step(number=2))
        bus.emit(Step(number=3))
        await bus.flush()
        await bus.flush()
        assert bus.stats().refused == {"recursion": 1}
    assert numbers(sink) == [1, 3]


@pytest.mark.proves("fault-15")
async def test_batches_of_one_seal_are_causes_of_their_own() -> None:
    class Sink(RecordingSink):
        async def write(self, batch: Sequence[AnyRecord]) -> None:
            for record in batch:
                bus.emit(Line(number=record.event.number))

    lines = RecordingSink()
    async with Bus() as bus:
        bus.attach(Sink(), select=Step, batch=Batch(max_events=1))
        bus.attach(lines, select=Line)
        with scope(Bound(depth=3)):
            bus.emit(Step(number=1))
        bus.emit(Step(number=2))
        await bus.flush()
        await bus.flush()
        assert bus.stats().refused == {"recursion": 1}
    assert numbers(lines) == [2]


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


async def test_a_seal_that_is_broken_off_as_it_takes_is_made_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sink = RecordingSink()
    async with Bus() as bus:
        attachment = bus.attach(sink, name="sink")
        for number in range(3):
            bus.emit(Step(number=number))
        with monkeypatch.context() as patch:
            patch.setattr(Door, "begin_seal", interrupted)
            with pytest.raises(KeyboardInterrupt):
                bus._engine.work()
        bus.emit(Step(number=3))
        report = await bus.flush()
        assert report.complete
        assert bus.stats().emitted == attachment.ledger.offered == 4
    assert [event.number for event in sink.events] == [0, 1, 2, 3]


async def test_who_comes_after_one_whose_queueing_is_broken_off_has_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    second = RecordingSink()
    async with Bus() as bus:
        first = bus.attach(RecordingSink(), name="first")
        bus.attach(second, name="second")
        bus.emit(Step(number=0))
        with monkeypatch.context() as patch:
            patch.setattr(first, "intake", Interrupted())
            with pytest.raises(KeyboardInterrupt):
                bus._engine.work()
        bus.emit(Step(number=1))
        await bus.flush()
        assert bus.stats().emitted == 2
    assert [event.number for event in second.events] == [0, 1]


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


class Interrupted:
    """Takes nothing: Ctrl-C comes first."""

    closed_for = None

    accept_sealed = staticmethod(interrupted)
