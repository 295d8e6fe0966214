"""How a hook is called so that it cannot change what it observes."""

from __future__ import annotations

import inspect
import logging
import os
from asyncio import CancelledError
from collections.abc import Callable, Mapping
from threading import RLock
from types import MappingProxyType
from typing import Final, TypeVar

from eventbus import Clock
from eventbus._clock import SystemClock
from eventbus._log import QuietLog
from eventbus._verdict import describe_error

T = TypeVar("T")

HOOKS_LOGGER: Final = "eventbus.hooks"
_MAX_PLACES: Final = 1024
_OTHER: Final = "other"  # the places beyond those share one


class _HookLog(QuietLog):
    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self._logger = logging.getLogger(HOOKS_LOGGER)


class HookFaults:
    """Counts hooks that raised, and tells each of them once in ten seconds.

    From any thread. A forked child starts over.
    """

    def __init__(self, clock: Clock) -> None:
        """Start with none."""
        self._clock: Final = clock
        self._start_over()

    def _start_over(self) -> None:
        self._process = os.getpid()
        self._counts: dict[str, int] = {}
        self._log = _HookLog(self._clock)
        self._lock = RLock()

    def add(self, place: str, what: str) -> None:
        """Count that the hook at *place* did *what*, and tell it."""
        if os.getpid() != self._process:
            self._start_over()
        with self._lock:
            if place not in self._counts and len(self._counts) >= _MAX_PLACES:
                place = _OTHER
            self._counts[place] = self._counts.get(place, 0) + 1
        self._log.warning(place, "hook %s %s; the call was not affected", place, what)

    def counts(self) -> Mapping[str, int]:
        """Return how often each hook raised until now, by its name."""
        with self._lock:
            return MappingProxyType(dict(self._counts))


_faults: Final = HookFaults(SystemClock())  # one for the process, as its loggers are


def hook_faults() -> Mapping[str, int]:
    """Return how often each hook of this process raised until now.

    By the qualified name of its method, ``"MyHooks.on_request"``; beyond 1,024 names
    they share ``"other"``.
    """
    return _faults.counts()


def hook_of(
    observer: object, name: str, *, faults: HookFaults = _faults
) -> Callable[..., None] | None:
    """Return the method *name* of *observer* so that it never raises.

    Returns:
        ``None`` when *observer* is ``None`` or has no such method.
    """
    hook: object = getattr(observer, name, None)
    return guarded(hook, faults=faults) if callable(hook) else None


def guarded(
    hook: Callable[..., object], *, faults: HookFaults = _faults
) -> Callable[..., None]:
    """Return *hook* so that it never raises: it is counted and told instead."""

    def call(*arguments: object) -> None:
        try:
            answer = hook(*arguments)
        except (Exception, CancelledError) as error:  # noqa: BLE001 - a stranger's hook
            faults.add(_place_of(hook), f"raised {describe_error(error)}")
        else:
            if answer is not None and inspect.isawaitable(answer):
                _discard(answer)
                faults.add(_place_of(hook), "is a coroutine function, never awaited")

    return call


def answer_of(
    ask: Callable[..., T], *arguments: object, faults: HookFaults = _faults
) -> T | None:
    """Return what *ask* returns, and ``None`` when it raises, which is counted."""
    try:
        return ask(*arguments)
    except (Exception, CancelledError) as error:  # noqa: BLE001 - as above
        faults.add(_place_of(ask), f"raised {describe_error(error)}")
        return None


def _place_of(hook: object) -> str:
    return str(getattr(hook, "__qualname__", type(hook).__qualname__))


def _discard(answer: object) -> None:
    if inspect.iscoroutine(answer):
        answer.close()
