"""What the child of a fork has: every bus as if it had never been started."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

if TYPE_CHECKING:
    from eventbus._lifecycle import Lifecycle

_lives: Final[WeakSet[Lifecycle]] = WeakSet()  # the system knows of one hook a process


def start_over_in_children(life: Lifecycle) -> None:
    """Let *life* start over in each process that is forked while it is in use.

    The hook is set with the first bus and runs in children alone: a parent never
    notices, and a program that is started without Python's fork has no cost.
    """
    _lives.add(life)
    _set_hook()


@cache
def _set_hook() -> None:
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_start_over)


def _start_over() -> None:
    for life in list(_lives):
        life.start_over()
