"""Which settings are paths of files, and from where each of them counts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from itertools import zip_longest
from typing import Any, Final, cast

import msgspec
from msgspec import inspect

from eventbus._expected import bare
from eventbus._file_path import PATH_MARK
from eventbus._place import Place
from eventbus.config._tree import as_array, as_table
from eventbus.config._values import fields_of

# Any in this module: settings hold values of any type.

DirectoryOf = Callable[[Place], str | None]
"""The directory from which a path at a place counts; ``None`` is the process's."""

_ARRAYS: Final = (inspect.ListType, inspect.VarTupleType)


def make_paths_absolute(
    settings: msgspec.Struct,
    given: Mapping[str, Any],
    place: Place,
    directory_of: DirectoryOf,
) -> None:
    """Make the paths absolute that a configuration gives *settings*.

    Args:
        settings: They were made for this configuration, and are changed in place.
        given: What was written; a default stays as it is.
        place: Where it stands.
        directory_of: From where a path counts.
    """
    for field in fields_of(type(settings)):
        if field.encode_name in given and _holds_paths(field.type):
            inner = (*place, field.encode_name)
            value: Any = getattr(settings, field.name)
            written = given[field.encode_name]
            absolute = _absolute_in(field.type, value, written, inner, directory_of)
            msgspec.structs.force_setattr(settings, field.name, absolute)


def _absolute_in(
    node: inspect.Type, value: Any, given: Any, place: Place, directory_of: DirectoryOf
) -> Any:
    if isinstance(value, msgspec.Struct):
        make_paths_absolute(value, as_table(given) or {}, place, directory_of)
        return value
    for one in _types(node):
        kind, plain, table = _path_kind(one), bare(one), as_table(value)
        if isinstance(value, str) and kind is not None:
            return _absolute(value, directory_of(place), is_template=kind != "file")
        if isinstance(plain, inspect.DictType) and table is not None:
            inner, below = plain.value_type, as_table(given) or {}
            return {
                key: _absolute_in(
                    inner, item, below.get(key), (*place, key), directory_of
                )
                for key, item in table.items()
            }
        items = as_array(value)
        if isinstance(plain, _ARRAYS) and items is not None:
            pairs = zip_longest(items, (as_array(given) or [])[: len(items)])
            absolute = [
                _absolute_in(plain.item_type, *pair, (*place, index), directory_of)
                for index, pair in enumerate(pairs)
            ]
            return tuple(absolute) if isinstance(value, tuple) else absolute
    return value


def _holds_paths(node: inspect.Type) -> bool:
    plain = bare(node)
    if _path_kind(node) is not None or isinstance(plain, inspect.StructType):
        return True
    if isinstance(plain, inspect.UnionType):
        return any(map(_holds_paths, plain.types))
    if isinstance(plain, inspect.DictType):
        return _holds_paths(plain.value_type)
    return isinstance(plain, _ARRAYS) and _holds_paths(plain.item_type)


def _types(node: inspect.Type) -> tuple[inspect.Type, ...]:
    plain = bare(node)
    return plain.types if isinstance(plain, inspect.UnionType) else (node,)


def _path_kind(node: inspect.Type) -> object:
    while isinstance(node, inspect.Metadata):
        extra: Mapping[str, object] = cast("Any", node).extra or {}
        if PATH_MARK in extra:
            return extra[PATH_MARK]
        node = node.type
    return None


def _absolute(path: str, directory: str | None, *, is_template: bool) -> str:
    """Return *path* seen from *directory*; ``~/`` is the home directory.

    A ``..`` stays: what it means depends on the links before it.
    """
    if os.path.isabs(path):
        return str(path)
    is_home = path == "~" or path.startswith("~/")
    try:
        base = os.path.abspath(os.path.expanduser("~") if is_home else directory or "")
    except OSError:  # the working directory is gone
        return str(path)
    if is_template:
        base = base.replace("{", "{{").replace("}", "}}")
    if is_home:
        path = f".{path[1:]}"
    if path.startswith("./"):
        path = path[2:].lstrip("/") or os.curdir
    return os.path.join(base, path)
