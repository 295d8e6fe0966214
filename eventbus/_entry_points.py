"""Which entry points are installed, and whose they are; imports nothing of them.

``importlib.metadata`` takes longer to import than most commands take to start. Where
all distributions lie in directories, as pip leaves them, what it would find is read
from there; anything else is left to it.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from functools import reduce
from typing import Any, Final

import msgspec

_SUFFIXES: Final = (".dist-info", ".egg-info")
_UNKNOWN: Final = "?"


class Owner(msgspec.Struct, frozen=True):
    """The distribution that declares an entry point.

    Args:
        name: As in ``"eventbus"``; ``"?"`` is unknown.
        version: Its version, or ``"?"``.
        extras: What it can be installed with.
    """

    name: str = _UNKNOWN
    version: str = _UNKNOWN
    extras: tuple[str, ...] = ()


class EntryPoint(msgspec.Struct, frozen=True):
    """A name for an object in some installed module.

    Args:
        group: What it is for.
        name: Its name in there.
        value: Module and object, as in ``"eventbus_local:JsonlSink"``.
        owner: Whose it is.
    """

    group: str
    name: str
    value: str
    owner: Owner

    @property
    def module(self) -> str:
        """The module's name."""
        return self.value.partition("[")[0].partition(":")[0].strip()

    def load(self) -> Any:
        """Import the module and return the object, which may be anything.

        Raises:
            ValueError: The value is no reference to an object.
        """
        reference = self.value.partition("[")[0]  # then come extras
        names = reference.partition(":")[2].strip().split(".")
        if not all(map(str.isidentifier, self.module.split("."))):
            raise ValueError(f"expected module:object, got {self.value!r}")
        module = importlib.import_module(self.module)
        return reduce(getattr, filter(None, names), module)


def entry_points(group: str) -> list[EntryPoint]:
    """Return the entry points of *group*, those of shadowed distributions left out."""
    return list(_read(group) if _lies_in_directories() else _looked_up(group))


def _lies_in_directories() -> bool:
    finders = [f for f in sys.meta_path if hasattr(f, "find_distributions")]
    return [getattr(f, "__name__", None) for f in finders] == ["PathFinder"] and all(
        map(_is_plain, sys.path)
    )


def _is_plain(root: str) -> bool:
    is_egg = root.lower().endswith(".egg")
    return not is_egg and (os.path.isdir(root or ".") or not os.path.exists(root))


def _read(group: str) -> Iterator[EntryPoint]:
    seen: set[str] = set()
    for info in _distributions():
        stem = os.path.basename(info).rpartition(".")[0]
        name = _normalized(stem.partition("-")[0])
        if name not in seen:
            seen.add(name)
            yield from _declared(info, group)


def _normalized(name: str) -> str:
    """Return *name* as it is compared: ``Zope.Event`` is ``zope_event``."""
    words = name.lower().replace("-", "_").replace(".", "_").split("_")
    return "_".join(filter(None, words))


def _distributions() -> Iterator[str]:
    """Yield the directories of metadata on the path, the first of a name first."""
    for root in sys.path:
        try:
            children = os.listdir(root or ".")
        except OSError:
            continue
        for child in children:
            if child.lower().endswith(_SUFFIXES):
                yield os.path.join(root, child)


def _declared(info: str, group: str) -> Iterator[EntryPoint]:
    pairs = list(_pairs(_text(info, "entry_points.txt"), group))
    if pairs:
        owner = _owner(_text(info, "METADATA") or _text(info, "PKG-INFO"))
        for name, value in pairs:
            yield EntryPoint(group, name, value, owner)


def _text(info: str, name: str) -> str:
    try:
        with open(os.path.join(info, name), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _pairs(text: str, group: str) -> Iterator[tuple[str, str]]:
    section = None
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif section == group and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield name.strip(), value.strip()


def _owner(metadata: str) -> Owner:
    fields: dict[str, list[str]] = {}
    for line in metadata.splitlines():
        if not line:
            break
        name, _, value = line.partition(":")
        fields.setdefault(name.lower(), []).append(value.strip())
    return Owner(
        fields.get("name", [_UNKNOWN])[0],
        fields.get("version", [_UNKNOWN])[0],
        tuple(fields.get("provides-extra", ())),
    )


def _looked_up(group: str) -> Iterator[EntryPoint]:
    from importlib import metadata

    for found in metadata.entry_points(group=group):
        owner, dist = Owner(), found.dist
        if dist is not None:
            extras = dist.metadata.get_all("Provides-Extra") or ()
            owner = Owner(dist.name, dist.version, tuple(extras))
        yield EntryPoint(group, found.name, found.value, owner)
