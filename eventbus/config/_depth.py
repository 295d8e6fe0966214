"""How deep a configuration may be nested, so that nothing that walks it can fall."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from eventbus._place import Place
from eventbus.config._problems import Problems
from eventbus.config._tree import as_array, as_table

# Any in this module: a configuration holds values of any type.

MAX_DEPTH: Final = 64
TOO_DEEP: Final = f"Nested too deeply: expected at most {MAX_DEPTH} levels"


def is_too_deep(value: object) -> bool:
    """Return whether tables and arrays in *value* go below 64 levels."""
    waiting = [(value, 1)]
    while waiting:
        outer, depth = waiting.pop()
        inner = list(_inside(outer))
        if inner and depth > MAX_DEPTH:
            return True
        waiting.extend((one, depth + 1) for one in inner)
    return False


def without_too_deep(tree: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    """Return *tree* without its tables that are too deep; each is noted.

    A sink that is too deep is left out alone.
    """
    kept = _kept(tree, (), problems, others=("sinks",))
    sinks = as_table(kept.get("sinks"))
    if sinks is not None:
        kept["sinks"] = _kept(sinks, ("sinks",), problems)
    return kept


def _kept(
    table: Mapping[str, Any],
    place: Place,
    problems: Problems,
    *,
    others: tuple[str, ...] = (),
) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in table.items():
        is_judged_later = name in others and as_table(value) is not None
        if not is_judged_later and is_too_deep(value):
            problems.add(TOO_DEEP, (*place, str(name)))
        else:
            kept[name] = value
    return kept


def _inside(value: object) -> Iterator[object]:
    table = as_table(value)
    yield from (as_array(value) or ()) if table is None else table.values()
