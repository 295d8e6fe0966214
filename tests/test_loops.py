"""The same session on every loop that programs use."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable
from typing import Any

import pytest

from eventbus import Batch, Buffer, Bus, Overflow, Retry, Unavailable
from eventbus.testing import RecordingSink, ScriptedSink, settled, steps
from tests._rig import Numbered, numbers

EACH = 500


def uvloops() -> asyncio.AbstractEventLoop:
    uvloop = pytest.importorskip("uvloop", reason="uvloop is missing: make installs it")
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop


def eager() -> asyncio.AbstractEventLoop:
    if sys.version_info < (3, 12):
        pytest.skip("eager tasks came with Python 3.12")
    loop = asyncio.new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    return loop


async def session() -> None:
    """Everything at once: waits, retries, a hung sink, threads, a detach, a close."""
    plain, flaky = RecordingSink(), ScriptedSink(steps.fail(Unavailable()))
    small = RecordingSink()
    hung = ScriptedSink(then=steps.hang())
    quick = Retry(initial_seconds=0.001, budget_ratio=1.0)
    handled: list[int] = []
    async with Bus(close_timeout_seconds=0.1) as bus:
        one_by_one = Batch(max_events=1, max_delay_seconds=0.0)
        bus.attach(plain, name="plain")
        bus.attach(flaky, name="flaky", retry=quick)
        bus.attach(small, name="small", buffer=Buffer(max_events=8), batch=one_by_one)
        newest = Buffer(max_events=8, overflow=Overflow.DROP_NEWEST)
        stuck = bus.attach(hung, name="hung", buffer=newest, retry=Retry())

        @bus.on(Numbered, name="handler")
        async def handle(record: Any) -> None:
            await asyncio.sleep(0)
            handled.append(record.event.n)

        async with bus.subscribe(Numbered) as records:
            first = asyncio.ensure_future(anext(records))
            await asyncio.gather(*(bus.publish(Numbered(n=n)) for n in range(EACH)))
            assert (await first).event.n == 0
        await asyncio.to_thread(bus.emit, Numbered(n=EACH))
        report = await bus.flush(0.5)
        assert not report.complete
        gone = await stuck.detach(0)
        assert gone.dropped == {"queue_full": EACH - 7, "sink_detached": 8}
        assert (await bus.flush()).attachments["plain"].pending == 0
        for sink in (plain, flaky):
            assert sorted(_numbers(sink)) == [*range(EACH + 1)]
        assert sorted(numbers(small.records))[:EACH] == [*range(EACH)]
        assert sorted(handled) == [*range(EACH + 1)]
        assert all(one.balanced for one in bus.stats().attachments.values())
    await settled()
    assert asyncio.all_tasks() == {asyncio.current_task()}


def _numbers(sink: RecordingSink | ScriptedSink) -> list[int]:
    arrived = sink.records if isinstance(sink, RecordingSink) else sink.delivered
    return numbers(arrived)


@pytest.mark.proves("fault-128")
@pytest.mark.parametrize("make_loop", [uvloops, eager])
def test_a_whole_session_runs_on_it(
    make_loop: Callable[[], asyncio.AbstractEventLoop],
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop = make_loop()
    with asyncio.Runner(debug=True, loop_factory=lambda: loop) as runner:
        runner.run(session())
    gc.collect()
    said = [r.getMessage() for r in caplog.records if r.name == "asyncio"]
    assert [text for text in said if "took" not in text] == []
