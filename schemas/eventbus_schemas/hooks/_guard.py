"""How a hook is called so that it cannot change what it observes."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeVar

from eventbus._clock import SystemClock
from eventbus._verdict import describe_error
from eventbus_schemas._faults import Faults

T = TypeVar("T")

Arguments = tuple[object, ...]


class HookFaults(Faults):
    """Counts hooks that raised."""

    logger = "eventbus.hooks"
    words = "hook %s %s; the call was not affected"


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
