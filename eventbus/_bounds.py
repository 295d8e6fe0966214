"""How a value out of its range is refused: with its name, the range and the value."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import cast

from eventbus._place import ROOT, Place


class WrongSetting(ValueError):
    """A setting that refuses its value.

    Attributes:
        place: Which one: keys and indices, from the Struct that refuses.
        bounds: Those of a number, as in ``">= 1"``; empty for anything else.
        value: The number.
    """

    def __init__(
        self, message: str, *place: str | int, bounds: str = "", value: float = 0
    ) -> None:
        """Keep the facts beside the message."""
        self.place: Place = place
        self.bounds = bounds
        self.value = value
        super().__init__(message)


def place_of(error: BaseException | None) -> Place:
    """Return which setting *error* concerns, from the Struct that raised it.

    Any ``ValueError`` may have the attribute ``place``, a stranger's too.
    """
    place: object = getattr(error, "place", ROOT)
    if not isinstance(place, tuple):
        return ROOT
    steps = cast("tuple[object, ...]", place)
    return tuple(step for step in steps if isinstance(step, str | int))


@contextmanager
def concerning(*place: str | int) -> Generator[None]:
    """Say of every ``ValueError`` in the block that it concerns the setting there."""
    try:
        yield
    except ValueError as error:
        raise WrongSetting(str(error), *place) from error


def at_least(name: str, value: float | None, minimum: float) -> None:
    """Raise :class:`WrongSetting` unless *value* is ``None`` or >= *minimum*."""
    if value is not None and not value >= minimum:
        raise out_of_range(name, f">= {minimum}", value)


def not_nan(name: str, value: float | None) -> None:
    """Raise :class:`WrongSetting` if *value* is no number at all."""
    if value is not None and math.isnan(value):
        raise WrongSetting(f"{name} must be a number or None, got nan", name)


def above(name: str, value: float | None, limit: float) -> None:
    """Raise :class:`WrongSetting` unless *value* is ``None`` or > *limit*."""
    if value is not None and not value > limit:
        raise out_of_range(name, f"> {limit}", value)


def between(name: str, value: float, low: float, high: float) -> None:
    """Raise :class:`WrongSetting` unless *low* <= *value* <= *high*."""
    if type(value) not in (int, float):
        raise TypeError(
            f"{name} must be a number between {low} and {high}, got {value!r}"
        )
    if not low <= value <= high:
        raise out_of_range(name, f"between {low} and {high}", value)


def out_of_range(name: str, bounds: str, value: float) -> WrongSetting:
    """Return the error that says the setting *name* expects a number in *bounds*."""
    message = f"{name} must be {bounds}, got {value}"
    return WrongSetting(message, name, bounds=bounds, value=value)


def none_or_a(kind: type, **given: object) -> None:
    """Refuse what is *given* under a name and is neither ``None`` nor of *kind*."""
    for name, value in given.items():
        if value is not None and not isinstance(value, kind):
            expected = f"a {kind.__name__} or None"
            raise TypeError(f"{name} must be {expected}, got {type(value).__name__}")


def by_name(place: str, values: object) -> Mapping[str, object]:
    """Return *values*, which stand at *place* and are a mapping from names.

    Raises:
        TypeError: They are none, or one has a name that is no text.
    """
    if not isinstance(values, Mapping):
        raise TypeError(f"{place} must be a mapping, got {type(values).__name__}")
    for name in cast("Mapping[object, object]", values):
        if not isinstance(name, str):
            raise TypeError(f"{place}: a name must be text, got {name!r}")
    return cast("Mapping[str, object]", values)


def none_blank(place: str, names: Iterable[str]) -> None:
    """Refuse *names*, which stand at *place*, where one is blank."""
    for name in names:
        if not name.strip():
            raise ValueError(f"{place}: a name must not be blank, got {name!r}")
