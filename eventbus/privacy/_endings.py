"""How text is searched for the ends of names: fast where there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

CLOSERS: Final = r"[\"'\\\])\s`*]"
"""What may stand between a name and the sign behind it."""

Search = Callable[[str], re.Match[str] | None]
_LENGTH: Final = 5
_MAX_GUARDED: Final = 3


def endings(names: Sequence[str]) -> list[str]:
    """Return how *names* may end, in ``snake_case`` and in ``camelCase``."""
    spelled = {*names, *(name.replace("_", "") for name in names)}
    return sorted({name[-_LENGTH:] for name in spelled})


def one_of(ends: Sequence[str], behind: str = "") -> str:
    """Return a pattern that looks back for one of *ends* before *behind*."""
    several = [
        f"(?<={_tree([end for end in ends if len(end) == length])}{behind})"
        for length in sorted({*map(len, ends)})
    ]
    return f"(?:{'|'.join(several)})"


def search_for(sign: str, ends: Sequence[str]) -> Search:
    """Return a search for *sign* behind one of *ends*, or behind many closers.

    What can stand in the places before *sign* at all is asked first, of up to three at
    once: looking back is what costs.

    Args:
        sign: A pattern of fixed length that begins with a literal.
        ends: As from :func:`endings`.
    """
    length = min(_MAX_GUARDED, *map(len, ends))
    letters = ["".join({end[i - length] for end in ends}) for i in range(length)]
    near = "".join(
        _either("".join(letters[i:]))[:-1] + CLOSERS[1:] for i in range(length)
    )
    guard = "".join(map(_either, letters))
    pattern = f"(?<={CLOSERS * 3}{sign})"
    for count in (2, 1, 0):
        behind = CLOSERS * count + sign
        name = f"(?<={guard}{behind}){one_of(ends, behind)}"
        pattern = f"{name}|(?<={CLOSERS}{behind})(?:{pattern})"
    return re.compile(f"{sign}(?<={near}{sign})(?:{pattern})").search


def _tree(ends: Sequence[str]) -> str:
    """Return what matches *ends*, which are of one length, a letter at a time."""
    if len(ends) == 1:
        return "".join(map(_either, ends[0]))
    groups: dict[str, list[str]] = {}
    for end in ends:
        groups.setdefault(end[0], []).append(end[1:])
    branches = [_either(first) + _tree(rest) for first, rest in groups.items()]
    return f"(?:{'|'.join(branches)})"


def _either(letters: str) -> str:
    """Return a class of *letters* in both cases, and of what may stand for ``_``."""
    both = "".join(sorted({*letters.lower(), *letters.upper()}))
    marks = r"\W_" if "_" in both else ""
    return f"[{''.join(map(re.escape, both.replace('_', '')))}{marks}]"
