"""Which of the installed plugins may be imported: the environment and the program say.

Each may only narrow what the others leave.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Final

import msgspec

ALLOWED: Final = "EVENTBUS_PLUGINS"
DISABLED: Final = "EVENTBUS_DISABLE_PLUGINS"

_EVERY: Final = "*"


class _Choice(msgspec.Struct, frozen=True, eq=False):
    """What one side says of plugins, by their names or those of their distributions."""

    allowed: frozenset[str] | None
    disabled: frozenset[str]
    who: tuple[str, str]

    def refusal(self, names: frozenset[str]) -> str:
        """Return why a plugin that goes by *names* may not be used; empty: it may."""
        if self.disabled & {*names, _EVERY}:
            return f"{self.who[1]} names it"
        if self.allowed is not None and not self.allowed & {*names, _EVERY}:
            return f"{self.who[0]} does not name it"
        return ""


class _Choices:
    __slots__ = ("active",)

    def __init__(self) -> None:
        self.active: tuple[_Choice, ...] = ()


_choices: Final = _Choices()  # for the whole process: buses run in threads of their own


@contextmanager
def restrict_plugins(
    *, allow: Iterable[str] | None = None, disable: Iterable[str] = ()
) -> Generator[None]:
    """Let configurations and commands import only some plugins while the block runs.

    In all threads of the process. A plugin is named by its own name or by that of its
    distribution, ``"eventbus"`` for all that come with it; ``"*"`` is every one. Blocks
    within blocks, and the variables ``EVENTBUS_PLUGINS`` and
    ``EVENTBUS_DISABLE_PLUGINS``, names separated by commas, only narrow further. A
    plugin that is refused is not imported and not listed; asking for it by its name is
    an error that says who refuses it. What a program imports itself is its own affair.

    Args:
        allow: Those that may be imported, and no others; ``None`` is all.
        disable: Those that may not, whatever is allowed.

    Raises:
        TypeError: One of these is a text, instead of several.
    """
    who = ("allow= of restrict_plugins", "disable= of restrict_plugins")
    choice = _Choice(
        None if allow is None else _names("allow", allow),
        _names("disable", disable),
        who,
    )
    _choices.active = (*_choices.active, choice)
    try:
        yield
    finally:
        _choices.active = tuple(one for one in _choices.active if one is not choice)


def refusal_of(name: str, distribution: str) -> str:
    """Return why the plugin *name* may not be imported; empty where it may."""
    names = frozenset((_normal(name), _normal(distribution)))
    said = (one.refusal(names) for one in (_from_environment(), *_choices.active))
    return next(filter(None, said), "")


def _from_environment() -> _Choice:
    allowed, disabled = (
        _listed(os.environ.get(one, "")) for one in (ALLOWED, DISABLED)
    )
    return _Choice(allowed or None, disabled, (ALLOWED, DISABLED))


def _listed(text: str) -> frozenset[str]:
    return frozenset(filter(None, map(_normal, text.split(","))))


def _names(option: str, names: Iterable[str]) -> frozenset[str]:
    if isinstance(names, str):
        raise TypeError(f"{option} must be several names, got the text {names!r}")
    return frozenset(map(_normal, names))


def _normal(name: str) -> str:
    """Return *name* as packaging compares names of distributions."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()
