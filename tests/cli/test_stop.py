from __future__ import annotations

import asyncio
import os
import signal

import pytest

from eventbus.cli._stop import Stop

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_first_signal_asks_for_the_end(number: signal.Signals) -> None:
    stop = Stop()
    called = asyncio.Event()
    stop.call(called.set)
    with stop.on_signals():
        os.kill(os.getpid(), number)
        await called.wait()
        assert signal.getsignal(number) is signal.SIG_DFL
    assert stop.by == number.name
    assert stop.asked.is_set()


async def test_afterwards_signals_are_handled_as_before() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Stop().on_signals():
        pass
    after = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    assert after == before
