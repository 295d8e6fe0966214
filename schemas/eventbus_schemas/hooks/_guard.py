"""How a hook is called so that it cannot change what it observes."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable, Mapping
from functools import partial
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

Arguments = tuple[object, ...]


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
        self._log = QuietLog(self._clock, name=HOOKS_LOGGER)
        self._lock = RLock()

    def _of_this_process(self) -> RLock:  # the parent's may be held for ever
        if os.getpid() != self._process:
            self._start_over()
        return self._lock

    def add(self, place: str, what: str) -> None:
        """Count that the hook at *place* did *what*, and tell it."""
        with self._of_this_process():
            if place not in self._counts and len(self._counts) >= _MAX_PLACES:
                place = _OTHER
            self._counts[place] = self._counts.get(place, 0) + 1
        self._log.warning(place, "hook %s %s; the call was not affected", place, what)

    def counts(self) -> Mapping[str, int]:
        """Return how often each hook raised until now, by its name."""
        with self._of_this_process():
            return MappingProxyType(dict(self._counts))


_faults: Final = HookFaults(SystemClock())  # one for the process, as its loggers are


def hook_faults() -> Mapping[str, int]:
    """Return how often each hook of this process raised until now.

    By the qualified name of its method, ``"MyHooks.on_request"``; beyond 1,024 names
    they share ``"other"``. A forked child starts over.
    """
    return _faults.counts()


def hook_of(
    observer: object,
    name: str,
    told: Callable[..., Arguments] | None = None,
    *,
    faults: HookFaults = _faults,
) -> Callable[..., object] | None:
    """Return the method *name* of *observer* so that it never raises.

    Args:
        observer: Any object.
        name: Of the method.
        told: See :func:`guarded`.
        faults: Counts.

    Returns:
        ``None`` when *observer* is ``None``, has no such method, or raises when it is
        asked for it, which is counted.
    """
    place = f"{type(observer).__qualname__}.{name}"
    hook = guarded(_attribute_of, place=place, faults=faults)(observer, name)
    return guarded(hook, told, faults=faults) if callable(hook) else None


def guarded(
    hook: Callable[..., T],
    told: Callable[..., Arguments] | None = None,
    *,
    place: object = None,
    faults: HookFaults = _faults,
) -> Callable[..., T | None]:
    """Return *hook* so that it never raises: that is counted, told, and ``None``.

    So is an answer that should have been awaited. What ends the program passes.

    Args:
        hook: A stranger's function.
        told: Makes its arguments of those that the result is called with; without it
            they are the same.
        place: Where it is counted: a name, or what has one; without it, *hook*.
        faults: Counts.
    """

    def call(*arguments: object) -> T | None:
        try:
            answer = hook(*(arguments if told is None else told(*arguments)))
            if answer is None or not _waits_for_somebody(answer):
                return answer
            what = "is a coroutine function, never awaited"
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # noqa: BLE001 - even a CancelledError is its own
            what = f"raised {describe_error(error)}"
        faults.add(_name_of(hook if place is None else place), what)
        return None

    return call


def _attribute_of(source: object, name: str) -> object:
    return getattr(source, name, None)


def _waits_for_somebody(answer: object) -> bool:
    """Return whether *answer* does nothing until it is awaited; close it then."""
    if not inspect.isawaitable(answer) or isinstance(answer, asyncio.Future):
        return False
    if inspect.iscoroutine(answer):
        answer.close()
    return True


def _name_of(place: object) -> str:
    if isinstance(place, str):
        return place
    if isinstance(place, partial):
        place = place.func
    try:
        return str(getattr(place, "__qualname__", type(place).__qualname__))
    except Exception:  # noqa: BLE001 - an object's own attributes
        return type(place).__qualname__
