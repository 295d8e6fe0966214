"""What a decoded value of JSON is, for readers that take whatever comes."""

from __future__ import annotations

from typing import Any, TypeGuard, cast

# Any in this module: decoded JSON.

Json = dict[str, Any]


def as_object(value: Any) -> Json | None:
    """Return *value* if it is an object."""
    return cast("Json", value) if isinstance(value, dict) else None


def as_list(value: Any) -> list[Any] | None:
    """Return *value* if it is a list."""
    return value if _is_list(value) else None


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def objects_of(value: Any) -> list[Json]:
    """Return what is an object of the list *value*; none if it is no list."""
    found = map(as_object, as_list(value) or ())
    return [one for one in found if one is not None]
