"""Whether one JSON Schema takes all that another takes: those made of event types.

What is compared are types, closed sets, bounds, items and properties; what only
documents a schema makes no difference. Where it cannot be decided, the answer is no.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from eventbus.config._tree import as_array, as_table

# Any in this module: JSON Schema is JSON.

Schema = Mapping[str, Any]

_LEAST: Final = ("minLength", "minItems", "minProperties")
_MOST: Final = ("maxLength", "maxItems", "maxProperties")
_SAME: Final = ("multipleOf", "pattern", "format", "contentEncoding")
_TYPES: Final[Mapping[type, str]] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}


class Types:
    """Compares schemas of two documents.

    Args:
        wide: The document that references of the first schema are places in.
        narrow: That of the second.
    """

    def __init__(self, wide: Schema, narrow: Schema) -> None:
        """Begin without a comparison under way."""
        self._wide: Final = wide
        self._narrow: Final = narrow
        self._under_way: set[tuple[int, int]] = set()

    def takes(self, wide: Schema, narrow: Schema) -> bool:
        """Return whether *wide* takes all that *narrow* takes.

        Raises:
            LookupError: A reference leads nowhere.
        """
        wide, narrow = resolved(self._wide, wide), resolved(self._narrow, narrow)
        pair = (id(wide), id(narrow))
        if pair in self._under_way:  # a cycle: it holds if everything else does
            return True
        self._under_way.add(pair)
        taken = self._takes(wide, narrow)
        self._under_way.discard(pair)
        return taken

    def _takes(self, wide: Schema, narrow: Schema) -> bool:
        parts = as_array(narrow.get("anyOf"))
        if parts is not None:
            return all(self.takes(wide, part) for part in parts)
        words = words_of(narrow)
        if words is not None:
            return all(self._takes_word(wide, word) for word in words)
        others = as_array(wide.get("anyOf"))
        if others is not None:
            return any(self.takes(other, narrow) for other in others)
        return self._takes_type(wide, narrow)

    def _takes_word(self, wide: Schema, word: object) -> bool:
        wide = resolved(self._wide, wide)
        others = as_array(wide.get("anyOf"))
        if others is not None:
            return any(self._takes_word(other, word) for other in others)
        words = words_of(wide)
        if words is not None:
            return word in words
        return self._takes_type(wide, {"type": _TYPES.get(type(word))})

    def _takes_type(self, wide: Schema, narrow: Schema) -> bool:
        wanted, given = wide.get("type"), narrow.get("type")
        if wanted is None and words_of(wide) is None:
            return True
        if wanted != given and (wanted, given) != ("number", "integer"):
            return False
        if words_of(wide) is not None or not within_bounds(wide, narrow):
            return False
        if wanted == "array":
            return self._takes_items(wide, narrow)
        return wanted != "object" or self._takes_properties(wide, narrow)

    def _takes_items(self, wide: Schema, narrow: Schema) -> bool:
        ours, theirs = (
            as_array(wide.get("prefixItems")),
            as_array(narrow.get("prefixItems")),
        )
        if (ours is None) != (theirs is None):
            return False
        if ours is not None and theirs is not None:
            return all(map(self.takes, ours, theirs))  # as many: see the bounds
        return self.takes(_schema(wide, "items"), _schema(narrow, "items"))

    def _takes_properties(self, wide: Schema, narrow: Schema) -> bool:
        ours, theirs = _schema(wide, "properties"), _schema(narrow, "properties")
        if not {*wide.get("required", ())} <= {*narrow.get("required", ())}:
            return False
        if not self.takes(
            _schema(wide, "additionalProperties"),
            _schema(narrow, "additionalProperties"),
        ):
            return False
        if not self.takes(names_of(wide), names_of(narrow)):
            return False
        is_closed = "properties" in wide and not wide.get("additionalProperties")
        return all(
            self.takes(ours[name], schema) if name in ours else not is_closed
            for name, schema in theirs.items()
        )


def resolved(document: Schema, schema: Schema) -> Schema:
    """Return *schema*, or what it refers to in *document*.

    Raises:
        LookupError: There is nothing in that place.
    """
    seen: set[str] = set()
    while isinstance(place := schema.get("$ref"), str):
        found: Any = None if place in seen else document
        seen.add(place)
        for key in place.removeprefix("#/").split("/"):
            found = (as_table(found) or {}).get(key)
        schema = as_table(found) or _missing(place)
    return schema


def _missing(place: str) -> Schema:
    raise LookupError(f"{place} leads to no schema")


def words_of(schema: Schema) -> list[Any] | None:
    """Return the closed set that *schema* is, if it is one."""
    return [schema["const"]] if "const" in schema else as_array(schema.get("enum"))


def names_of(schema: Schema) -> Schema:
    """Return the schema of the keys of an object that *schema* is."""
    return {"type": "string", **_schema(schema, "propertyNames")}


def _schema(schema: Schema, key: str) -> Schema:
    return as_table(schema.get(key)) or {}


def within_bounds(wide: Schema, narrow: Schema) -> bool:
    """Return whether what *narrow* bounds is within the bounds of *wide*."""
    return (
        _lower(wide) <= _lower(narrow)
        and _upper(wide) <= _upper(narrow)
        and all(key not in wide or narrow.get(key, _LOW) >= wide[key] for key in _LEAST)
        and all(key not in wide or narrow.get(key, _HIGH) <= wide[key] for key in _MOST)
        and all(key not in wide or narrow.get(key) == wide[key] for key in _SAME)
    )


def _lower(schema: Schema) -> tuple[float, bool]:
    """Return the least number that *schema* takes, and whether it is just above it."""
    return max(
        (schema.get("minimum", _LOW), False),
        (schema.get("exclusiveMinimum", _LOW), True),
    )


def _upper(schema: Schema) -> tuple[float, bool]:
    """Return the same of the greatest, negated."""
    return max(
        (-schema.get("maximum", _HIGH), False),
        (-schema.get("exclusiveMaximum", _HIGH), True),
    )


_LOW: Final = float("-inf")
_HIGH: Final = float("inf")
