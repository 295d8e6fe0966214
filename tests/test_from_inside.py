"""What a sink or a handler may ask of its own bus, in the middle of a call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest

from eventbus import Record, Report
from eventbus._record import AnyRecord
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from tests._rig import PATIENT, Numbered, Rig, numbers

Ask = Callable[[Rig], Awaitable[object]]


async def detach(rig: Rig) -> object:
    return await rig.bus._life.attachments["sink"].detach()


async def close(rig: Rig) -> object:
    return await rig.bus.aclose()


class Asking(RecordingSink):
    """Asks once, in the middle of a call."""

    def __init__(self, rig: Rig, ask: Ask) -> None:
        super().__init__()
        self.rig = rig
        self.ask: Ask | None = ask
        self.answers: list[object] = []

    async def write(self, batch: Sequence[AnyRecord]) -> None:
        if (ask := self.ask) is not None:
            self.ask = None
            try:
                self.answers.append(await ask(self.rig))
            except RuntimeError as error:
                self.answers.append(str(error))
        await super().write(batch)


SAID = (
    "{} was awaited inside a call of 'sink', whose end it waits for: begin it in a "
    "task of its own, which nobody in there waits for"
)


@pytest.mark.parametrize(
    ("ask", "action"), [(detach, "detach of 'sink'"), (close, "aclose")]
)
async def test_a_sink_that_would_wait_for_itself_is_told_so_at_once(
    ask: Ask, action: str
) -> None:
    async with Rig() as rig:
        await rig.attach(sink := Asking(rig, ask), retry=PATIENT)
        await rig.emit(1)
        assert sink.answers == [SAID.format(action)]
        assert rig.stats().delivered == 1
        await rig.emit(2)
        await rig.after(1.0)
        assert numbers(sink.records) == [1, 2]


async def test_so_is_one_that_keeps_the_dead_letters() -> None:
    async with Rig() as rig:
        letters = Asking(rig, detach)
        await rig.attach(ScriptedSink(steps.reject(0)), dead_letters=letters)
        await rig.emit(1)
        (answer,) = letters.answers
        assert str(answer).startswith(
            "detach of 'sink' was awaited inside a call of 'sink.dead_letters'"
        )


async def test_so_is_one_that_asks_while_the_bus_closes() -> None:
    async with Rig() as rig:
        await rig.attach(other := ScriptedSink(steps.hang()), name="other")
        closing: list[asyncio.Task[Report]] = []

        async def detach_other(rig: Rig) -> object:
            attachment = rig.bus._life.attachments["other"]
            closing.append(asyncio.create_task(rig.bus.aclose()))
            await asyncio.sleep(0)
            return await attachment.detach()

        await rig.attach(sink := Asking(rig, detach_other), retry=PATIENT)
        await rig.emit(1)
        assert sink.answers == [SAID.format("detach of 'other'")]
        other.release()
        assert (await closing[0]).complete


async def test_a_handler_that_closes_its_bus_rejects_the_record_and_says_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Rig() as rig:

        @rig.bus.on(name="on")
        async def handle(record: Record[Numbered]) -> None:
            await rig.bus.aclose()

        await rig.emit(1)
        assert rig.stats("on").rejected == 1
        assert "aclose was awaited inside a call of 'on'" in caplog.text
        assert rig.clock.monotonic() == 0


async def test_a_task_of_its_own_may_do_it() -> None:
    async with Rig() as rig:
        tasks: list[asyncio.Task[Report]] = []

        @rig.bus.on(name="on")
        async def handle(record: Record[Numbered]) -> None:
            tasks.append(asyncio.create_task(rig.bus.aclose()))

        await rig.emit(1)
        (task,) = tasks
        assert (await task).complete


async def test_a_handler_may_detach_another() -> None:
    async with Rig() as rig:
        attachment = await rig.attach(sink := RecordingSink())

        @rig.bus.on(name="on")
        async def handle(record: Record[Numbered]) -> None:
            await attachment.detach()

        await rig.emit(1)
        assert rig.stats("on").delivered == 1
        assert list(rig.bus.stats().attachments) == ["on"]
        assert numbers(sink.records) == [1]


async def test_a_flush_from_inside_waits_for_all_others() -> None:
    async with Rig() as rig:
        await rig.attach(other := ScriptedSink(steps.hang()), name="other")

        async def flush(rig: Rig) -> object:
            return await rig.bus.flush()

        await rig.attach(sink := Asking(rig, flush), retry=PATIENT)
        await rig.emit(1)
        assert sink.answers == []
        other.release()
        await settled()
        (report,) = sink.answers
        assert isinstance(report, Report)
        assert report.attachments["other"].complete
        assert not report.attachments["sink"].complete
        assert rig.clock.monotonic() == 0
