"""Whether a sink begins, is interrupted and ends as it should."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Final

import anyio.to_thread

from eventbus._sink import optional_method
from eventbus._verdict import describe_error
from eventbus.testing.conformance._rules import Rule, SinkViolation
from eventbus.testing.conformance._subject import Subject

# Any in this module: a method of a sink of unknown quality.

_TIMES: Final = 3
_SUSPENSIONS: Final = range(3)
"""Where calls are cancelled: at their first suspensions."""


async def check_life(subject: Subject) -> None:
    """Check rules 5 and 16 to 22.

    Raises:
        SinkViolation: One is broken.
    """
    await _check_inert(subject)
    await _check_close_twice(subject)
    for place in _SUSPENSIONS:
        await _check_start_again(subject, place)
        await _check_write_again(subject, place)
        await _check_close_again(subject, place)
    await _check_observe(subject)
    await _check_check(subject)


async def _check_inert(subject: Subject) -> None:
    def make() -> list[str]:
        before = set(threading.enumerate())
        subject.make()
        return [thread.name for thread in set(threading.enumerate()) - before]

    try:
        started = await anyio.to_thread.run_sync(make)
    except RuntimeError as error:
        raise SinkViolation(
            Rule.INERT, f"without an event loop it raised {describe_error(error)}"
        ) from error
    if started:
        raise SinkViolation(Rule.INERT, f"making it started thread {started[0]}")


async def _check_close_twice(subject: Subject) -> None:
    sink = await subject.started()
    await subject.close(sink)
    await subject.close(sink)


async def _check_start_again(subject: Subject, place: int) -> None:
    """After a start that was cancelled it can be started, or closed."""
    given_up = subject.make()
    await subject.calls.make(given_up.start, cancel_at=place)
    await subject.close(given_up)
    sink = subject.make()
    ended = await subject.calls.make(sink.start, cancel_at=place)
    if ended.was_cancelled:
        await subject.start(sink)
    await subject.write(sink, subject.records(3), Rule.USABLE)
    await subject.close(sink)


async def _check_write_again(subject: Subject, place: int) -> None:
    """After a write that was cancelled the next one delivers."""
    sink = await subject.started()
    batch = subject.records(3)
    subject.doubt(record.id for record in batch)
    await subject.calls.make(sink.write, batch, cancel_at=place)
    await subject.check_usable(sink)
    await subject.close(sink)


async def _check_close_again(subject: Subject, place: int) -> None:
    """An ``aclose`` that is cancelled ends, and leaves nothing either."""
    sink = await subject.started()
    await subject.write(sink, subject.records(1), Rule.ERRORS)
    await subject.calls.make(sink.aclose, cancel_at=place)
    await subject.close(sink)


async def _check_observe(subject: Subject) -> None:
    sink = await subject.started()
    observe = optional_method(sink, "observe")
    if observe is not None:
        for size in (1, 3, 30):
            subject.calls.observe(observe, subject.records(size))
    await subject.close(sink)


async def _check_check(subject: Subject) -> None:
    sink = await subject.started()
    check = optional_method(sink, "check")
    if check is not None:
        for _ in range(_TIMES):
            ended = await subject.calls.make(check)
            if ended.error is not None:
                raise SinkViolation(
                    Rule.CHECK, f"check {ended.how} though the far side was well"
                ) from ended.error
        await _check_check_down(subject, check)
    await subject.close(sink)


async def _check_check_down(subject: Subject, check: Callable[..., Any]) -> None:
    far_side = subject.far_side
    if far_side is None or "unavailable" not in far_side.failures:
        return
    await far_side.fail_next("unavailable")
    ended = await subject.calls.make(check)
    if ended.error is None:
        raise SinkViolation(
            Rule.CHECK, f"check {ended.how} though the far side was down"
        )
