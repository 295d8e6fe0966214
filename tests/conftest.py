"""What every test may count on."""

from __future__ import annotations

import asyncio
import os
import signal
import warnings

import pytest

LOOP = os.environ.get("EVENTBUS_TEST_LOOP", "")


def pytest_configure(config: pytest.Config) -> None:
    """Let Ctrl-C mean what it means, also where a shell runs the tests unattended.

    Programs started in the background ignore SIGINT, and so would their children.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if LOOP:
        _use_loops_of(LOOP)


def _use_loops_of(kind: str) -> None:
    """Let all tests run on other loops: ``uvloop``, or asyncio's with ``eager`` tasks.

    As ``EVENTBUS_TEST_LOOP=uvloop make test`` does.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # policies, from 3.14 on
        asyncio.set_event_loop_policy(_policy(kind))


def _policy(kind: str) -> asyncio.AbstractEventLoopPolicy:
    if kind == "uvloop":
        import uvloop

        return uvloop.EventLoopPolicy()
    if kind != "eager":
        raise pytest.UsageError(f"EVENTBUS_TEST_LOOP must be uvloop or eager: {kind!r}")

    class Eager(asyncio.DefaultEventLoopPolicy):
        def new_event_loop(self) -> asyncio.AbstractEventLoop:
            loop = super().new_event_loop()
            loop.set_task_factory(asyncio.eager_task_factory)
            return loop

    return Eager()
