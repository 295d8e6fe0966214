"""What msgspec leaves out of a JSON Schema: the form of times, and of keys.

``date-time-local`` is of https://spec.openapis.org/registry/format/.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import inspect

from eventbus.config._tree import as_table

# Any in this module: JSON Schema is JSON.

Schema = dict[str, Any]

_ZONED: Final = {inspect.DateTimeType: "date-time", inspect.TimeType: "time"}
_LOCAL: Final = {
    inspect.DateTimeType: "date-time-local",
    inspect.TimeType: "partial-time",
}
_KEY_FORMS: Final[Mapping[type[inspect.Type], str]] = {
    inspect.DateType: "date",
    inspect.TimeDeltaType: "duration",
    inspect.UUIDType: "uuid",
    inspect.DecimalType: "decimal",
}
_WHOLE: Final = "^-?[0-9]+$"


def complete(
    node: inspect.Type, schema: Schema, definitions: Mapping[str, Schema]
) -> None:
    """Add to *schema* of *node* what it leaves out, and to all that it refers to.

    Args:
        node: The type.
        schema: As msgspec made it; it is changed in place.
        definitions: What is referred to, by the place of it.
    """
    _Completion(definitions).of(node, schema)


class _Completion:
    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions: Final = definitions
        self._seen: set[str] = set()

    def of(self, node: inspect.Type, schema: Schema) -> None:
        place = schema.get("$ref")
        if place in self._seen:
            return
        if place is not None:
            self._seen.add(place)
            schema = self._definitions[place]
        node = _bare(node)
        if isinstance(node, inspect.DateTimeType | inspect.TimeType):
            _add_form(schema, _forms(node))
        elif isinstance(node, inspect.DictType):
            _name_keys(schema, node.key_type)
        for inner, part in _parts(node, schema):
            self.of(inner, part)


def _bare(node: inspect.Type) -> inspect.Type:
    while isinstance(node, inspect.Metadata):
        node = node.type
    return node


def _parts(node: inspect.Type, schema: Schema) -> Iterator[tuple[inspect.Type, Schema]]:
    """Return the types within *node*, each with its schema."""
    if isinstance(node, inspect.CollectionType) and "items" in schema:
        yield node.item_type, schema["items"]
    elif isinstance(node, inspect.TupleType):
        yield from zip(node.item_types, schema.get("prefixItems", ()), strict=True)
    elif isinstance(node, inspect.DictType) and "additionalProperties" in schema:
        yield node.value_type, schema["additionalProperties"]
    elif isinstance(node, inspect.UnionType):
        yield from zip(_in_order(node), _choices(schema), strict=True)
    elif isinstance(node, _OF_FIELDS):
        yield from _of_fields(node.fields, schema)


_OF_FIELDS: Final = (
    inspect.StructType,
    inspect.TypedDictType,
    inspect.DataclassType,
    inspect.NamedTupleType,
)


def _of_fields(
    fields: tuple[inspect.Field, ...], schema: Schema
) -> Iterator[tuple[inspect.Type, Schema]]:
    properties = as_table(schema.get("properties"))
    if properties is None:  # an array, which a tag may stand before
        items = schema["prefixItems"]
        schemas = items[len(items) - len(fields) :]
    else:
        schemas = [properties[field.encode_name] for field in fields]
    yield from zip((field.type for field in fields), schemas, strict=True)


def _in_order(node: inspect.UnionType) -> list[inspect.Type]:
    """Return the choices in the order that msgspec writes them in."""
    return sorted(node.types, key=_rank)


def _rank(choice: inspect.Type) -> int:
    choice = _bare(choice)
    if isinstance(choice, inspect.StructType) and not choice.array_like:
        return 1
    return 2 if isinstance(choice, inspect.NoneType) else 0


def _choices(schema: Schema) -> Iterator[Schema]:
    for choice in schema["anyOf"]:
        if "discriminator" in choice:
            yield from choice["anyOf"]
        else:
            yield choice


def _forms(node: inspect.DateTimeType | inspect.TimeType) -> list[str]:
    kind = type(node)
    both = {True: _ZONED[kind], False: _LOCAL[kind]}
    return [*both.values()] if node.tz is None else [both[node.tz]]


def _add_form(schema: Schema, forms: list[str]) -> None:
    if len(forms) == 1:
        schema["format"] = forms[0]
        return
    kind = schema.pop("type")
    schema["anyOf"] = [{"type": kind, "format": form} for form in forms]


def _name_keys(schema: Schema, key: inspect.Type) -> None:
    names = _key(key)
    if names is not None:
        schema["propertyNames"] = names


def _key(node: inspect.Type) -> Schema | None:
    """Return the schema of a key, which is text in JSON; ``None``: it is as it was."""
    node = _bare(node)
    if isinstance(node, inspect.LiteralType):
        return {"enum": sorted(map(str, node.values))}
    if isinstance(node, inspect.EnumType):
        return {"enum": sorted(str(member.value) for member in node.cls)}
    if isinstance(node, inspect.IntType):
        return {"type": "string", "pattern": _WHOLE}
    if isinstance(node, inspect.FloatType):
        return {"type": "string", "format": "double"}
    if isinstance(node, inspect.DateTimeType | inspect.TimeType):
        schema: Schema = {"type": "string"}
        _add_form(schema, _forms(node))
        return schema
    if isinstance(node, inspect.UnionType):
        return _key_of_several(node)
    form = _KEY_FORMS.get(type(node))
    return None if form is None else {"type": "string", "format": form}


def _key_of_several(node: inspect.UnionType) -> Schema | None:
    choices = [_key(choice) for choice in node.types]
    return None if None in choices else {"anyOf": choices}
