"""Which valid name somebody meant who wrote another one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from eventbus._expected import shown

_MAX_LENGTH: Final = 200  # comparing takes a time that grows with the square


def nearest(given: str, valid: Iterable[str]) -> str | None:
    """Return the name in *valid* that is most like *given*, or ``None``."""
    import difflib

    if len(given) > _MAX_LENGTH:
        return None
    by_lower = {name.lower(): name for name in valid}
    found = difflib.get_close_matches(given.lower(), by_lower, n=1)
    return by_lower[found[0]] if found else None


def suggestion(given: str, valid: Iterable[str]) -> str:
    """Return ``". Did you mean 'x'?"``, or nothing when no valid name is near."""
    name = nearest(given, valid)
    return "" if name is None else f". Did you mean {name!r}?"


def unknown(kind: str, given: str, valid: Iterable[str]) -> str:
    """Return what to say of *given*, a *kind* of name that is none of the *valid*."""
    valid = list(valid)
    near = nearest(given, valid)
    hint = f"Did you mean {near!r}?" if near else f"Expected: {listed(valid)}"
    return f"Unknown {kind} {shown(given)}. {hint}"


def listed(names: Iterable[str], *, most: int = 30) -> str:
    """Return *names* in order, at most *most* of them."""
    ordered = sorted(names)
    rest = len(ordered) - most
    return ", ".join(ordered[:most]) + (f" and {rest} more" if rest > 0 else "")
