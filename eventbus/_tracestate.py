"""What a program adds to every tracestate: members of its own, with named fields.

https://www.w3.org/TR/trace-context/#tracestate-header is the rule for what is valid.
A member's value is ``field:value`` pairs joined by ``;``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from eventbus._bounds import by_name

_KEY: Final = re.compile(
    r"[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13}"
)
_VALUE: Final = re.compile(
    r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
)
_FIELD: Final = re.compile(r"(?:(?![:;,=])[\x21-\x7e])+")
_FIELD_VALUE: Final = re.compile(r"(?:(?![;,=])[\x20-\x7e])*")
_MAX_MEMBERS: Final = 32
_MAX_LENGTH: Final = 16_447  # 32 members of 513 characters, and commas

Fields = Mapping[str, str]


def valid(tracestate: str | None) -> str | None:
    """Return *tracestate* without spaces around its members; ``None`` if it is none."""
    if not tracestate or len(tracestate) > _MAX_LENGTH:
        return None
    members = [m for m in (part.strip(" \t") for part in tracestate.split(",")) if m]
    keys = {member.partition("=")[0] for member in members}
    if not 0 < len(members) <= _MAX_MEMBERS or len(keys) < len(members):
        return None
    return ",".join(members) if all(map(_is_member, members)) else None


def _is_member(text: str) -> bool:
    key, _, value = text.partition("=")
    return bool(_KEY.fullmatch(key) and _VALUE.fullmatch(value))


class Tracestate:
    """Members that go in front of every tracestate which leaves this program.

    Args:
        members: Fields by member: ``{"vendor": {"tenant": "a1"}}`` is
            ``vendor=tenant:a1``. Up to 32 members; keys as W3C has them; a field is
            printable ASCII without space, ``:``, ``;``, ``,`` and ``=``, its value
            without ``;``, ``,`` and ``=``; a member's value has up to 256 characters
            and no space at its end.

    Raises:
        TypeError: A member is no mapping of texts to texts.
        ValueError: One of them cannot stand there; the text names member and field.
    """

    __slots__ = ("members",)

    def __init__(self, members: Mapping[str, Fields]) -> None:
        """Check and keep *members*."""
        _check_types(members)
        for reason in _mistakes(members):
            raise ValueError(reason)
        checked = {key: dict(fields) for key, fields in sorted(members.items())}
        self.members: Final[Mapping[str, Fields]] = MappingProxyType(checked)

    @classmethod
    def of_usable(
        cls, members: Mapping[str, Fields], warn: Callable[[str], object]
    ) -> Tracestate:
        """Return what can be used of *members*; *warn* is told of the rest.

        Each field is looked at alone, then each member, then all of them together: if
        they are too many, none is used.
        """
        usable: dict[str, Fields] = {}
        for key, fields in members.items():
            sound = {
                f: v for f, v in fields.items() if not _tell(_of_field(key, f, v), warn)
            }
            if not _tell(_of_member(key, sound), warn):
                usable[key] = sound
        return cls({} if _tell(_of_all(usable), warn) else usable)

    def __bool__(self) -> bool:
        return bool(self.members)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tracestate) and other.members == self.members

    def __hash__(self) -> int:
        return hash(self.merged(None))

    def __repr__(self) -> str:
        # One that was refused has none; a traceback may show it all the same.
        return f"Tracestate({dict(getattr(self, 'members', {}))!r})"

    def merged(self, incoming: str | None) -> str | None:
        """Return the tracestate that leaves where *incoming* came.

        These members stand in front, in the order of their keys. Of a member that came
        too, fields named here have their values from here, in their places and once
        each; the others stay, and new ones follow. Where the list becomes too long its
        end is left out.
        An *incoming* one that is not valid is left out whole.
        """
        came = dict(_split(valid(incoming)))
        own = {key: _joined(came.pop(key, ""), f) for key, f in self.members.items()}
        members = [f"{key}={value}" for key, value in {**own, **came}.items()]
        return ",".join(members[:_MAX_MEMBERS]) or None


def _split(tracestate: str | None) -> Iterator[tuple[str, str]]:
    for member in (tracestate or "").split(","):
        key, _, value = member.partition("=")
        if key:
            yield key, value


def _joined(came: str, fields: Fields) -> str:
    """Return the value *came* of a member with *fields*; these alone if too long."""
    new, parts = dict(fields), list[str]()
    for part in came.split(";"):
        name = part.partition(":")[0]
        if name in new:
            parts.append(f"{name}:{new.pop(name)}")
        elif name not in fields:
            parts.append(part)
    value = ";".join(filter(None, [*parts, _fields_text(new)]))
    return value if _VALUE.fullmatch(value) else _fields_text(fields)


def _fields_text(fields: Fields) -> str:
    return ";".join(f"{field}:{value}" for field, value in fields.items())


def _check_types(members: object) -> None:
    for key, fields in by_name("tracestate", members).items():
        for field, value in by_name(f"tracestate member {key!r}", fields).items():
            if not isinstance(value, str):
                raise TypeError(
                    f"tracestate field {key}.{field}: a value must be text, "
                    f"got {value!r}"
                )


def _mistakes(members: Mapping[str, Fields]) -> Iterator[str]:
    for key, fields in members.items():
        for field, value in fields.items():
            yield from _of_field(key, field, value)
        yield from _of_member(key, fields)
    yield from _of_all(members)


def _of_field(key: str, field: str, value: str) -> Iterator[str]:
    if not _FIELD.fullmatch(field):
        yield (
            f"tracestate field {key}.{field}: a field is printable ASCII without "
            f"space, ':', ';', ',' and '=', got {field!r}"
        )
    elif not _FIELD_VALUE.fullmatch(value):
        yield (
            f"tracestate field {key}.{field}: a value is printable ASCII without ';', "
            f"',' and '=', got {value!r}"
        )


def _of_member(key: str, fields: Fields) -> Iterator[str]:
    text = _fields_text(fields)
    if not _KEY.fullmatch(key):
        yield f"tracestate member {key!r}: it is no key as W3C Trace Context has them"
    elif not fields:
        yield f"tracestate member {key!r}: it has no field"
    elif not _VALUE.fullmatch(text):
        yield (
            f"tracestate member {key!r}: its value must have 1 to 256 characters and "
            f"not end in a space, got {text[-60:]!r}"
        )


def _of_all(members: Mapping[str, Fields]) -> Iterator[str]:
    if len(members) > _MAX_MEMBERS:
        yield f"tracestate: at most {_MAX_MEMBERS} members, got {len(members)}"


def _tell(reasons: Iterator[str], warn: Callable[[str], object]) -> bool:
    """Tell *warn* each of *reasons*; return whether there was any."""
    found = list(reasons)
    for reason in found:
        warn(reason)
    return bool(found)


NOTHING_ADDED: Final = Tracestate({})
