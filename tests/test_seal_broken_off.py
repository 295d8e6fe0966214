"""A seal that Ctrl-C breaks off loses nothing."""

from __future__ import annotations

import asyncio
import signal

import pytest

from eventbus import Buffer, Bus, sampling
from eventbus._door import Door
from eventbus.testing import RecordingSink
from tests._sealed import Step, numbers


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
