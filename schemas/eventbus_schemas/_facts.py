"""Which facts may be told of something, and what is said of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import (
    Any,
    Final,
    Literal,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from eventbus import Event
from eventbus._check import FieldCheck
from eventbus._nearest import unknown

# Any in this module: fields of events, whose own types hold.

_WORDS: Final[Mapping[type, str]] = {
    str: "text",
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    list: "a list of texts",
}

_PLAIN: Final[Mapping[type, Callable[[Any], Any]]] = {
    bool: bool,
    str: str.__str__,
    int: int.__int__,
    float: float.__float__,
}
"""What makes a plain value of one, whatever a type of its own does."""


def known_facts(kind: type, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of *facts*, of which a typed dictionary, *kind*, has the names.

    Raises:
        TypeError: There is one that it does not have, or one of another type; ``None``
            is not known.
    """
    kinds = kinds_of(kind)
    known = dict[str, Any]()
    for name, fact in facts.items():
        if name not in kinds:
            raise TypeError(unknown("fact", name, kinds))
        known[name] = None if fact is None else fitting(kinds[name], name, fact)
    return known


@cache
def kinds_of(kind: type) -> Mapping[str, type]:
    """Return of what type each fact in *kind*, a class with annotations, is."""
    return {name: _kind_in(hint) for name, hint in get_type_hints(kind).items()}


def _kind_in(hint: Any) -> type:
    if get_origin(hint) in (Union, UnionType):
        return next(_kind_in(one) for one in get_args(hint) if one is not NoneType)
    kind: type = str if get_origin(hint) is Literal else get_origin(hint) or hint
    return kind


def shown(value: object) -> str:
    """Return *value* where it says nothing of anybody, else what it is."""
    if isinstance(value, bool | float) or value is None:
        return repr(value)
    if isinstance(value, int) and value.bit_length() <= 64:
        return repr(value)
    return type(value).__name__


def fitting(
    kind: type, name: str, value: Any, *, show: Callable[[object], str] = shown
) -> Any:
    """Return *value*, given as *name*, without what a type of its own adds to it.

    Args:
        kind: Of what type it has to be, one of those in ``_WORDS``.
        name: Of the argument.
        value: No number is true or false, and a whole one is a number as well.
        show: Says what *value* is.

    Raises:
        TypeError: It is of another type.
    """
    if kind is list and isinstance(value, list | tuple):
        return [text(name, one) for one in cast("list[Any]", value)]
    kinds = (kind, int) if kind is float else (kind,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{name} must be {_WORDS[kind]}, got {show(value)}")
    return _plain(value)


def _plain(value: Any) -> Any:
    return next(plain(value) for one, plain in _PLAIN.items() if isinstance(value, one))


def check_fields(event: Event) -> None:
    """Refuse *event* when a field of it has another type.

    Raises:
        TypeError: What is wrong, and where.
    """
    error = FieldCheck(type(event)).full_error(event)
    if error is not None:
        raise TypeError(f"a fact of another type: {error}")


def text(name: str, value: str) -> str:
    """Return *value*, without what a type of its own adds to it.

    Raises:
        TypeError: It is no text.
    """
    plain: str = value if type(value) is str else fitting(str, name, value)
    return plain


def texts(**given: str | None) -> dict[str, str | None]:
    """Return what is *given*, each a text or ``None``.

    Raises:
        TypeError: One is neither.
    """
    return {
        name: None if one is None else text(name, one) for name, one in given.items()
    }


def named_values(name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of what is *given* as *name*, values by their names.

    Raises:
        TypeError: It is no table, or one of its names is no text.
    """
    if not isinstance(given, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"{name} must be a table by names, got {shown(given)}")
    return {text(f"a name in {name}", key): value for key, value in given.items()}
