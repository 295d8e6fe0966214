"""What a bus takes and gives, as type checkers see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_type

import eventbus
from eventbus import Attachment, Bus, Event, Outcome, Record, Report, Sink
from eventbus.testing import RecordingSink, ScriptedSink


class Started(Event, tag="work.started"):
    name: str


class Ended(Event, tag="work.ended"):
    seconds: float


class MySink:
    async def start(self) -> None: ...

    async def write(self, batch: Sequence[Record[Any]]) -> Outcome | None:
        for record in batch:
            assert_type(record.id, str)
        return None

    async def aclose(self) -> None: ...


class NoSink:
    async def start(self) -> None: ...


mine: Sink = MySink()
recording: Sink = RecordingSink()
scripted: Sink = ScriptedSink()
wrong: Sink = NoSink()  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


async def use(bus: Bus) -> None:
    assert_type(bus.attach(MySink(), select=["work.*", Started]), Attachment)
    assert_type(bus.emit(Started(name="x")), bool)
    await bus.publish(Started(name="x"), timeout_seconds=1)
    await bus.publish(Record(Started(name="x"), id="1"))
    assert_type(bus.relay(Record(Started(name="x"))), bool)
    assert_type(await bus.flush(timeout_seconds=1.0), Report)
    bus.emit("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    bus.attach(NoSink())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    emit = bus.emitter(Started)
    emit(Started(name="x"))
    emit(Ended(seconds=1.0))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    @bus.on(Started)
    async def on_started(record: Record[Started]) -> None:
        assert_type(record.event.name, str)

    @bus.on("work.*", threaded=True)
    def on_any(record: Record[Event]) -> None:
        assert_type(record.weight, float)

    await on_started(Record(Started(name="x")))
    on_any(Record(Ended(seconds=1.0)))

    async with bus.subscribe("work.*") as records:
        async for record in records:
            assert_type(record.time_unix_nano, int)
        assert_type(records.missed, int)

    with eventbus.bind({"gen_ai.agent.id": "a"}, turn=1), eventbus.use(bus) as used:
        assert_type(used, Bus)


emit_started = eventbus.emitter(Started)
emit_started(Ended(seconds=1.0))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
