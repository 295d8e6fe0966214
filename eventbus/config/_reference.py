"""What is said about settings: names, types, defaults and words, from their classes."""

from __future__ import annotations

import enum
import inspect as python_inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import inspect

from eventbus._expected import alternatives, expected, may_be_none
from eventbus._place import key
from eventbus._secret import Secret
from eventbus.config._secrets import SecretText
from eventbus.config._tree import as_array, as_table
from eventbus.config._values import NO_LIMIT, fields_of, takes_text

# Any in this module: settings hold values of any type.

UNSET: Final = "unset"
REQUIRED: Final = "required"

_argument: Final = re.compile(r"^    (\w+): (.*(?:\n(?:     .*|\s*$))*)", re.MULTILINE)


class Setting(msgspec.Struct, frozen=True):
    """One setting, in words.

    Args:
        name: As in a file.
        type: What it expects.
        default: As it would stand in a file; ``"required"`` or ``"unset"`` where it
            could not.
        description: What its class says about it, on one line.
    """

    name: str
    type: str
    default: str
    description: str


def settings_of(
    settings: type[msgspec.Struct], defaults: msgspec.Struct | None = None
) -> tuple[Setting, ...]:
    """Return the settings that *settings* has, in its order.

    Args:
        settings: The class.
        defaults: An instance whose values are the defaults, where a sink has its own.
    """
    words = words_of(settings)
    return tuple(
        Setting(
            name=field.encode_name,
            type=type_text(field.type),
            default=_default_text(field, defaults),
            description=words.get(field.encode_name, ""),
        )
        for field in fields_of(settings)
    )


def words_of(settings: type[msgspec.Struct]) -> Mapping[str, str]:
    """Return what is said about each setting, with what a file has for ``None``."""
    words = descriptions(settings)
    return {
        field.encode_name: words[field.name].replace("`None`", _none_text(field))
        for field in fields_of(settings)
        if field.name in words
    }


def _none_text(field: inspect.Field) -> str:
    return f"`{toml(NO_LIMIT)}`" if _is_switched_off(field.type) else UNSET


def descriptions(cls: type) -> Mapping[str, str]:
    """Return what the ``Args:`` of *cls* and its bases say, each on one line."""
    found: dict[str, str] = {}
    for owner in reversed(cls.__mro__):
        if issubclass(owner, msgspec.Struct):
            text = python_inspect.cleandoc(owner.__doc__ or "")
            _, _, arguments = text.partition("Args:\n")
            found.update(_argument.findall(arguments))
    return {name: _one_line(words) for name, words in found.items()}


def _one_line(words: str) -> str:
    return " ".join(words.split()).replace("``", "`")


def first_line(cls: type) -> str:
    """Return the first line of *cls*'s docstring."""
    return (cls.__doc__ or "").strip().partition("\n")[0].replace("``", "`")


def type_text(node: inspect.Type) -> str:
    """Return what *node* expects, ``"none"`` included where it stands for no value."""
    none = (f"'{NO_LIMIT}'",) if _is_switched_off(node) else ()
    return expected(node, *none)


def _is_switched_off(node: inspect.Type) -> bool:
    """Return whether ``"none"`` stands for no value."""
    return may_be_none(node) and not takes_text(alternatives(node))


def _default_text(field: inspect.Field, defaults: msgspec.Struct | None) -> str:
    if defaults is None and field.required:
        return REQUIRED
    value = default_of(field) if defaults is None else getattr(defaults, field.name)
    if value is None and _is_switched_off(field.type):
        return toml(NO_LIMIT)
    return toml(value)


def default_of(field: inspect.Field) -> Any:
    """Return the default of *field*, which has one; that it is unset counts."""
    if field.default_factory is not msgspec.NODEFAULT:
        make: Any = field.default_factory
        return make()
    # msgspec describes a field that may stay unset as one without a default
    return msgspec.UNSET if field.default is msgspec.NODEFAULT else field.default


def toml(value: Any) -> str:
    """Return *value* as it would stand in a file, on one line."""
    if isinstance(value, msgspec.Struct):
        value = _said(value)
    if isinstance(value, enum.Enum):
        value = value.value
    table, array = as_table(value), as_array(value)
    if table is not None:
        pairs = (f"{key(k)} = {toml(v)}" for k, v in table.items())
        return f"{{ {', '.join(pairs)} }}" if table else "{}"
    if array is not None:
        return f"[{', '.join(map(toml, array))}]"
    match value:
        case None | msgspec.UNSET:
            return UNSET
        case bool():
            return str(value).lower()
        case Secret():
            return toml(str(value))
        case str():
            shown = value.shown if isinstance(value, SecretText) else value
            return msgspec.json.encode(str(shown)).decode()
        case _:
            return str(value)


def _said(struct: msgspec.Struct) -> dict[str, Any]:
    """Return what *struct* says that is not its class's default."""
    said: dict[str, Any] = {}
    for field in msgspec.structs.fields(struct):
        value: Any = getattr(struct, field.name)
        if value not in (None, msgspec.UNSET) and value != field.default:
            said[field.encode_name] = value
    return said


def table_of(settings: Iterable[Setting]) -> str:
    """Return *settings* as a table of Markdown."""
    lines = ["| setting | expects | default | |", "|---|---|---|---|"]
    for one in settings:
        default = (
            one.default if one.default in (REQUIRED, UNSET) else f"`{one.default}`"
        )
        words = one.description.replace("|", "\\|")
        lines.append(f"| `{one.name}` | {one.type} | {default} | {words} |")
    return "\n".join(lines)
