"""A hook that raises is counted and told, and nothing else."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Generator
from functools import partial

import pytest

from eventbus.testing import ManualClock
from eventbus_schemas.hooks import hook_faults
from eventbus_schemas.hooks._guard import HookFaults, guarded, hook_of


class Observer:
    def __init__(self, fault: BaseException | None = None) -> None:
        self.fault = fault
        self.calls: list[object] = []

    def on_request(self, *told: object) -> None:
        self.calls.append(told)
        if self.fault is not None:
            raise self.fault


class Abort(BaseException):
    """No ``Exception``, and no end of the program either."""


def call(hook: Callable[..., object] | None, *told: object) -> None:
    assert hook is not None
    hook(*told)


@pytest.mark.proves("A5")
@pytest.mark.parametrize(
    "fault",
    [
        ValueError("x"),
        asyncio.CancelledError(),
        StopIteration(),
        OSError(),
        Abort(),
        GeneratorExit(),
        BaseExceptionGroup("two", [asyncio.CancelledError(), Abort()]),
    ],
    ids=repr,
)
def test_a_fault_is_counted_under_the_hooks_name_and_told_once(
    fault: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ManualClock()
    faults = HookFaults(clock)
    hook = hook_of(Observer(fault), "on_request", faults=faults)
    for _ in range(3):
        call(hook, 1)
    assert faults.counts() == {"Observer.on_request": 3}
    assert [(r.name, r.levelname) for r in caplog.records] == [
        ("eventbus.hooks", "WARNING")
    ]
    assert type(fault).__name__ in caplog.text
    assert "the call was not affected" in caplog.text
    clock.advance(11)
    call(hook, 1)
    assert "2 more like this since" in caplog.records[-1].getMessage()


@pytest.mark.proves("A5")
@pytest.mark.parametrize(
    "observer",
    [None, object(), type("X", (), {"on_request": 5})],
    ids=["none", "without", "no method"],
)
def test_a_missing_hook_is_none(observer: object) -> None:
    assert hook_of(observer, "on_request") is None


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_is_no_fault(end: type[BaseException]) -> None:
    faults = HookFaults(ManualClock())
    hook = hook_of(Observer(end()), "on_request", faults=faults)
    with pytest.raises(end):
        call(hook)
    assert faults.counts() == {}


class Property:
    @property
    def on_request(self) -> object:
        raise RuntimeError("not yet")


class Proxy:
    def __getattr__(self, name: str) -> object:
        raise RuntimeError("not yet")


@pytest.mark.proves("A5")
@pytest.mark.parametrize("cls", [Property, Proxy])
def test_a_hook_that_cannot_be_looked_up_is_counted_and_is_none(
    cls: type, caplog: pytest.LogCaptureFixture
) -> None:
    faults = HookFaults(ManualClock())
    assert hook_of(cls(), "on_request", faults=faults) is None
    assert faults.counts() == {f"{cls.__name__}.on_request": 1}
    assert "raised RuntimeError: not yet" in caplog.text


class Nameless:
    def __getattr__(self, name: str) -> object:
        raise RuntimeError("no such thing")

    def __call__(self, *told: object) -> None:
        raise ValueError("x")


@pytest.mark.parametrize(
    ("hook", "name"),
    [
        (partial(partial(Observer(OSError()).on_request, 1), 2), "Observer.on_request"),
        (Nameless(), "Nameless"),
    ],
    ids=["partial", "nameless"],
)
def test_a_fault_is_counted_under_the_name_that_there_is(
    hook: Callable[..., object], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "eventbus.hooks")
    faults = HookFaults(ManualClock())
    guarded(hook, faults=faults)(3)
    assert faults.counts() == {name: 1}


def test_what_a_hook_is_told_is_made_where_it_cannot_hurt_either(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, "eventbus.hooks")
    faults, observer = HookFaults(ManualClock()), Observer()

    def told(number: int) -> tuple[object, ...]:
        return 1 // number, "more"

    hook = hook_of(observer, "on_request", told, faults=faults)
    call(hook, 1)
    assert observer.calls == [(1, "more")]
    call(hook, 0)
    assert len(observer.calls) == 1
    assert faults.counts() == {"Observer.on_request": 1}


@pytest.mark.proves("A5")
async def test_a_coroutine_function_is_told_as_a_mistake(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def on_request(*told: object) -> None:
        raise AssertionError

    faults = HookFaults(ManualClock())
    guarded(on_request, faults=faults)(1)
    (count,) = faults.counts().values()
    assert count == 1
    assert "is a coroutine function, never awaited" in caplog.text


class Awaitable:
    def __await__(self) -> Generator[None]:
        yield


@pytest.mark.proves("A5")
async def test_an_answer_that_nobody_awaits_is_a_fault_unless_it_runs_by_itself(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, "eventbus.hooks")
    faults = HookFaults(ManualClock())
    task = asyncio.ensure_future(asyncio.sleep(0))
    assert guarded(lambda: task, faults=faults)() is task
    assert faults.counts() == {}
    await task
    assert guarded(Awaitable, faults=faults)() is None
    assert faults.counts() == {"Awaitable": 1}


def test_the_text_of_a_fault_makes_one_line_of_a_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    guarded(Observer(ValueError("a\nb")).on_request, faults=HookFaults(ManualClock()))()
    assert "\n" not in caplog.records[0].getMessage()


@pytest.mark.proves("A5")
def test_faults_of_the_process_are_readable_and_counted_from_any_thread(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.CRITICAL, "eventbus.hooks")

    class Threaded(Observer):
        def on_request(self, *told: object) -> None:
            raise ValueError

    hook = hook_of(Threaded(), "on_request")
    place = Threaded.on_request.__qualname__
    before = hook_faults().get(place, 0)
    threads = [
        threading.Thread(target=lambda: [call(hook) for _ in range(200)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert hook_faults()[place] == before + 800
    with pytest.raises(TypeError):
        hook_faults()["x"] = 1  # type: ignore[index]


def test_names_of_hooks_are_bounded(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "eventbus.hooks")
    faults = HookFaults(ManualClock())
    for n in range(1_030):
        faults.add(f"hook {n}", "raised")
    before = faults.counts()
    faults.add("hook 5", "raised")
    after = faults.counts()
    assert len(before) == len(after) == 1_025
    assert before["other"] == after["other"] == 6
    assert (before["hook 5"], after["hook 5"]) == (1, 2)


def test_a_forked_child_starts_over(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    faults = HookFaults(ManualClock())
    faults.add("hook", "raised")
    monkeypatch.setattr("os.getpid", lambda: -1)
    assert faults.counts() == {}
    faults.add("hook", "raised")
    assert faults.counts() == {"hook": 1}
    assert len(caplog.records) == 2
