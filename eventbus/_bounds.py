"""How a number out of its range is refused: with its name, the range and the value."""

from __future__ import annotations


def at_least(name: str, value: float | None, minimum: float) -> None:
    """Raise ``ValueError`` unless *value* is ``None`` or >= *minimum*."""
    if value is not None and not value >= minimum:
        raise ValueError(f"{name} must be >= {minimum}, got {value}")


def between(name: str, value: float, low: float, high: float) -> None:
    """Raise ``ValueError`` unless *low* <= *value* <= *high*."""
    if type(value) not in (int, float):
        raise TypeError(
            f"{name} must be a number between {low} and {high}, got {value!r}"
        )
    if not low <= value <= high:
        raise ValueError(f"{name} must be between {low} and {high}, got {value}")
