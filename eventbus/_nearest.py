"""Which valid name somebody meant who wrote another one."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(given: str, valid: Iterable[str]) -> str | None:
    """Return the name in *valid* that is most like *given*, or ``None``."""
    import difflib

    by_lower = {name.lower(): name for name in valid}
    found = difflib.get_close_matches(given.lower(), by_lower, n=1)
    return by_lower[found[0]] if found else None


def suggestion(given: str, valid: Iterable[str]) -> str:
    """Return ``". Did you mean 'x'?"``, or nothing when no valid name is near."""
    name = nearest(given, valid)
    return "" if name is None else f". Did you mean {name!r}?"


def listed(names: Iterable[str], *, most: int = 30) -> str:
    """Return *names* in order, at most *most* of them."""
    ordered = sorted(names)
    rest = len(ordered) - most
    return ", ".join(ordered[:most]) + (f" and {rest} more" if rest > 0 else "")
