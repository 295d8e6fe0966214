"""What is sensitive is redacted as it is sealed, whatever stands there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import pytest

from eventbus import Buffer, Bus, Event, Record, Sensitive, sampling
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink
from tests._sealed import Line, Observer, Step

SECRET = "hunter2"


class Login(Event, tag="auth.login"):
    user: str
    password: Annotated[str, Sensitive]
    hint: Annotated[str | None, Sensitive] = None


class Picky(Event, tag="auth.picky"):
    password: Annotated[str, Sensitive]

    def __post_init__(self) -> None:
        if self.password != SECRET:
            raise ValueError("it must be the very password")


class Hostile:
    """A value that answers no question."""

    def __refuse(self, *_: object) -> Any:
        raise ZeroDivisionError("do not look at me")

    __eq__ = __ne__ = __bool__ = __str__ = __repr__ = __len__ = __iter__ = __refuse
    __hash__ = __refuse  # type: ignore[assignment]


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
