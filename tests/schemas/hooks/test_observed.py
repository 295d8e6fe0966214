"""Any awaitable, measured and told of, and what comes of it unchanged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Generator
from typing import Any

import pytest

from eventbus import Event
from eventbus.testing import ManualClock, settled
from eventbus_schemas import ApiRequest
from eventbus_schemas.hooks import (
    Cancelled,
    Ending,
    EventHooks,
    HttpError,
    Raised,
    Returned,
    hook_faults,
    observed,
    observed_request,
)
from eventbus_schemas.hooks._observed import tells_of_request
from tests.schemas.hooks._seen import Raising, Seen


class Work:
    """Takes a second and a half of the clock, then ends as told."""

    def __init__(self, end: object) -> None:
        self.clock = ManualClock()
        self.end = end

    async def __call__(self) -> Any:
        self.clock.advance(1.5)
        await asyncio.sleep(0)
        if isinstance(self.end, BaseException):
            raise self.end
        return self.end


class Answer:
    status = 207


@pytest.mark.proves("B23")
async def test_what_it_returns_is_returned_and_told() -> None:
    endings: list[Ending[object]] = []
    value = object()
    work = Work(value)
    assert await observed(work(), endings.append, clock=work.clock) is value
    assert endings == [Returned(value, 1.5)]


@pytest.mark.proves("B23")
async def test_what_it_raises_is_raised_and_told() -> None:
    endings: list[Ending[object]] = []
    error = ValueError("no")
    work = Work(error)
    with pytest.raises(ValueError, match="no") as raised:
        await observed(work(), endings.append, clock=work.clock)
    assert raised.value is error
    assert endings == [Raised(error, 1.5)]


@pytest.mark.proves("A7", "B23")
async def test_a_cancellation_is_told_as_itself_and_goes_on() -> None:
    endings: list[Ending[object]] = []
    clock = ManualClock()
    cleaned_up: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            clock.advance(2)
            cleaned_up.append("yes")

    task = asyncio.ensure_future(observed(work(), endings.append, clock=clock))
    await settled()
    task.cancel("enough")
    with pytest.raises(asyncio.CancelledError, match="enough"):
        await task
    assert endings == [Cancelled(2.0)]
    assert cleaned_up == ["yes"]


async def test_what_is_no_exception_passes_without_a_word() -> None:
    endings: list[Ending[object]] = []

    class Stop:
        def __await__(self) -> Generator[None, None, None]:
            yield
            raise GeneratorExit

    with pytest.raises(GeneratorExit):
        await observed(Stop(), endings.append)
    assert endings == []


@pytest.mark.proves("B23")
async def test_any_awaitable_will_do() -> None:
    endings: list[Ending[int]] = []

    async def work() -> int:
        return 5

    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    future.set_result(5)
    for awaitable in (work(), asyncio.ensure_future(work()), future):
        assert await observed(awaitable, endings.append) == 5
    assert [type(ending) for ending in endings] == [Returned] * 3


@pytest.mark.proves("A5", "B23")
@pytest.mark.parametrize("end", [5, ValueError("no")])
async def test_an_observer_that_raises_changes_nothing(
    end: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "eventbus.hooks")

    def observer(ending: Ending[object]) -> None:
        raise RuntimeError("the observer's")

    work = observed(Work(end)(), observer)
    if isinstance(end, Exception):
        with pytest.raises(ValueError, match="no"):
            await work
    else:
        assert await work == end
    assert hook_faults()[observer.__qualname__] >= 1


@pytest.mark.proves("A8", "A2")
@pytest.mark.parametrize(
    ("end", "told"),
    [
        (Answer(), (4, 207, None)),
        ("no response", (4, None, None)),
        (HttpError(503), (4, 503, "HttpError")),
        (ConnectionError("reset"), (4, None, "ConnectionError")),
    ],
    ids=["answer", "no response", "refusal", "no connection"],
)
async def test_a_request_of_any_client_is_told_with_its_attempt(
    end: object, told: tuple[int, int | None, str | None]
) -> None:
    seen = Seen()
    work = Work(end)
    running = observed_request(work(), seen, attempt=4, clock=work.clock)
    if isinstance(end, Exception):
        with pytest.raises(type(end)):
            await running
    else:
        assert await running is end
    assert seen.attempts == [told]
    assert seen.requests[0][-1] == 1.5


@pytest.mark.proves("A5", "A8")
@pytest.mark.parametrize(
    "telemetry", [None, object(), Raising()], ids=["none", "without", "raising"]
)
async def test_a_request_needs_no_hook_and_survives_a_raising_one(
    telemetry: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "eventbus.hooks")
    assert await observed_request(Work(5)(), telemetry) == 5


class Only:
    """Has one hook, and keeps what it is told."""

    def __init__(self, name: str) -> None:
        self.told: list[tuple[object, ...]] = []
        setattr(self, name, lambda *told: self.told.append(told))


@pytest.mark.proves("A5", "A7")
async def test_an_observer_may_have_one_hook_alone() -> None:
    ending, cut_off = Only("on_request"), Only("on_cancelled")
    for observer in (ending, cut_off):
        hooks: Any = observer
        assert await observed_request(Work(5)(), hooks) == 5
        with pytest.raises(asyncio.CancelledError):
            await observed_request(Work(asyncio.CancelledError())(), hooks, attempt=3)
    assert [told[:3] for told in ending.told] == [(0, None, None)]
    assert [(told[0], told[2]) for told in cut_off.told] == [("request", 3)]


@pytest.mark.proves("A2", "A5")
@pytest.mark.parametrize("module", ["tests", None])
async def test_an_error_with_odd_attributes_is_told_and_raised(module: Any) -> None:
    class Headers:
        def items(self) -> None:
            raise RuntimeError("no headers")

    class Odd(Exception):
        status = 503
        headers = Headers()

        def __str__(self) -> str:
            raise RuntimeError("no text")

    class Other(Exception):
        pass

    Odd.__module__ = Other.__module__ = module
    seen: list[Event] = []
    for error in (Odd(), Other()):
        with pytest.raises(type(error)) as raised:
            await observed_request(Work(error)(), EventHooks(seen.append))
        assert raised.value is error
        assert error.__context__ is None
    first, second = seen
    assert isinstance(first, ApiRequest)
    assert isinstance(second, ApiRequest)
    assert (first.status_code, first.error_type) == (503, "http")
    assert (second.status_code, second.error_type) == (None, "other")


@pytest.mark.proves("A5")
@pytest.mark.parametrize("end", [5, ValueError("no")])
async def test_a_response_that_cannot_be_looked_into_changes_nothing(
    end: object, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "eventbus.hooks")

    def refusal(response: object) -> Exception | None:
        raise RuntimeError("of our own")

    tell = tells_of_request(Seen(), 0, refusal=refusal)
    assert tell is not None
    tell(Returned(end, 0.1))
    assert hook_faults()["Seen.on_request"] >= 1
