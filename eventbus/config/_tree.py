"""Which values of a configuration are tables, and which are arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from eventbus._place import ROOT, Place

# Any in this module: a configuration holds values of any type.


def as_table(value: object) -> Mapping[str, Any] | None:
    """Return *value* if it is a table."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else None


def as_array(value: object) -> list[Any] | None:
    """Return *value* as a list if it is an array."""
    if isinstance(value, list | tuple):
        return list(cast("list[Any]", value))
    return None


def table_in(tree: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the table at *key*; an empty one when there is none."""
    return as_table(tree.get(key)) or {}


def leaves(tree: Mapping[str, Any], place: Place = ROOT) -> Iterator[tuple[Place, Any]]:
    """Yield what is in *tree* and is no table, each with its place."""
    for key, value in tree.items():
        inner = (*place, key)
        table = as_table(value)
        if table:
            yield from leaves(table, inner)
        else:
            yield inner, value


def put(tree: dict[str, Any], place: Place, value: object) -> None:
    """Set *value* at *place*, making the tables on the way.

    What stands in the way and is no table stays; the check then finds it.
    """
    key, *rest = place
    name = str(key)
    if not rest:
        tree[name] = value
        return
    table = as_table(tree.setdefault(name, {}))
    if table is not None:
        tree[name] = inner = dict(table)
        put(inner, tuple(rest), value)


def value_at(tree: object, place: Place) -> Any:
    """Return what stands at *place*.

    Raises:
        LookupError: Nothing does.
    """
    for step in place:
        table, array = as_table(tree), as_array(tree)
        if table is not None:
            tree = table[str(step)]
        elif array is not None and isinstance(step, int):
            tree = array[step]
        else:
            raise LookupError(step)
    return tree


def present(tree: object, place: Place) -> bool:
    """Return whether something stands at *place*."""
    try:
        value_at(tree, place)
    except LookupError:
        return False
    return True


def overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Return *below* with what *above* says over it, leaf by leaf."""
    both = dict(below)
    for key, value in above.items():
        lower, upper = as_table(both.get(key)), as_table(value)
        is_table = lower is not None and upper is not None
        both[key] = overlaid(lower or {}, upper or {}) if is_table else value
    return both
