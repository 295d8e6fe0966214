"""Which Structs stand for an event type in text, one to write and one to read.

The class itself will not do: msgspec leaves out either every default or none, and a
zero must be written where ``None`` is left out; and it accepts fields it does not
know unless the class forbids them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import inspect
from msgspec.structs import FieldInfo

from eventbus._catalog import EventField, EventType

# Any in this module: the fields of a Struct made at run time are of any type.

_NEVER_LEFT_OUT: Final = object()


def to_written(described: EventType) -> Callable[..., Any] | None:
    """Return what makes of an event's values what is encoded in its place, if any."""
    config = described.cls.__struct_config__
    optional = {
        field.name for field, info in _fields(described) if _optional(field, info)
    }
    if not (optional or config.omit_defaults or config.array_like):
        return None
    written: Callable[..., Any] = msgspec.defstruct(
        described.cls.__name__,
        [
            (field.name, Any, None if field.name in optional else _NEVER_LEFT_OUT)
            for field in described.fields
        ],
        omit_defaults=True,
        rename=_encode_names(described),
        tag_field=config.tag_field,
        tag=config.tag,
        gc=False,
    )
    return written


def read_type(described: EventType) -> type[msgspec.Struct]:
    """Return the Struct that the event's object is decoded into: it forbids the rest.

    A field that may be ``None`` is ``None`` when it is absent, whatever its default:
    that is how it was written.
    """
    config = described.cls.__struct_config__
    return msgspec.defstruct(
        described.cls.__name__,
        [_read_field(field, info) for field, info in _fields(described)],
        forbid_unknown_fields=True,
        kw_only=True,
        rename=_encode_names(described),
        tag_field=config.tag_field,
        tag=config.tag,
    )


def contains(described: EventType, *kinds: type[inspect.Type]) -> bool:
    """Return whether a node of one of *kinds* stands anywhere in the type."""
    return any(_contains(field.node, kinds, set()) for field in described.fields)


def _fields(described: EventType) -> list[tuple[EventField, FieldInfo]]:
    infos = msgspec.structs.fields(described.cls)
    return list(zip(described.fields, infos, strict=True))


def _optional(field: EventField, info: FieldInfo) -> bool:
    """Whether ``None`` says that the field is absent.

    It does not where the field can be unset as well: there ``None`` is a value.
    """
    if info.default is msgspec.UNSET:
        return False
    return info.default is None or _admits_none(field.node)


def _admits_none(node: inspect.Type) -> bool:
    if isinstance(node, inspect.Metadata):
        return _admits_none(node.type)
    if isinstance(node, inspect.UnionType):
        return any(map(_admits_none, node.types))
    return isinstance(node, inspect.NoneType)


def _contains(part: object, kinds: tuple[type, ...], seen: set[int]) -> bool:
    """Look through *part*, a node or some of its attributes, but not twice."""
    kind = type(part)
    if issubclass(kind, kinds):
        return True
    if id(part) in seen or not issubclass(kind, (inspect.Type, inspect.Field, tuple)):
        return False
    seen.add(id(part))
    node: Any = part
    parts = node if kind is tuple else msgspec.structs.astuple(node)
    return any(_contains(inner, kinds, seen) for inner in parts)


def _read_field(field: EventField, info: FieldInfo) -> Any:
    if _optional(field, info):
        return field.name, info.type, None
    if info.default_factory is not msgspec.NODEFAULT:
        factory: Any = info.default_factory
        return field.name, info.type, msgspec.field(default_factory=factory)
    if info.default is not msgspec.NODEFAULT:
        return field.name, info.type, info.default
    return field.name, info.type


def _encode_names(described: EventType) -> dict[str, str]:
    return {field.name: field.encode_name for field in described.fields}
