"""Which files a configuration is made of, whom each is trusted as, and which wins."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Final, Literal, cast

import msgspec

# Any in this module: a configuration holds values of any type.

Content = str | PathLike[str] | Mapping[str, Any]

Rank = Literal["managed", "argument", "user", "project"]

RANKS: Final[tuple[Rank, ...]] = ("managed", "argument", "user", "project")
"""Who says something, from the one that wins on."""

NOT_MANAGED: Final = RANKS[1:]


class _Sourced(msgspec.Struct, frozen=True):
    source: Content


class Layer(_Sourced, frozen=True, kw_only=True):
    """One file of a configuration, or what is in one.

    Of several layers the managed ones win over the others, and trusted ones over those
    that are not; among equals the later one wins.

    Args:
        source: The path of a TOML file, or a mapping of the same shape.
        trusted: ``False`` for a file that came with what is worked on, as a
            repository's own: it cannot say where anything goes, or what of it.
        managed: An administrator's requirements: they win over every other layer and
            over arguments, and a mistake in them is an error.

    Raises:
        TypeError: *source* is neither a path nor a mapping, or *trusted* or *managed*
            is no ``bool``.
        ValueError: It is *managed* and not *trusted*.
    """

    trusted: bool = True
    managed: bool = False

    def __post_init__(self) -> None:
        """Refuse requirements of somebody who is not trusted, and what is no file."""
        if not isinstance(cast("object", self.source), str | PathLike | Mapping):
            raise TypeError(
                f"Expected a path or a mapping, got {type(self.source).__name__}"
            )
        for name, flag in (("trusted", self.trusted), ("managed", self.managed)):
            if not isinstance(cast("object", flag), bool):
                raise TypeError(f"{name} must be True or False, got {flag!r}")
        if self.managed and not self.trusted:
            raise ValueError("A layer is either managed or not trusted, not both")

    def __repr__(self) -> str:
        """Name the file; what is in a mapping may be secret."""
        name = "a mapping" if isinstance(self.source, Mapping) else repr(self.source)
        return f"<Layer {name}, {self.rank}>"

    @property
    def rank(self) -> Rank:
        """Who says what stands in it."""
        if self.managed:
            return "managed"
        return "user" if self.trusted else "project"


Source = Content | Layer | Sequence[Content | Layer]
"""What a configuration is loaded from; without a :class:`Layer`, of trusted files."""


def layers_of(source: Source) -> list[Layer]:
    """Return the layers of *source*, from the one that wins on.

    A file that is there twice counts once, as what it is trusted as most.
    """
    items: list[Any] = [source]
    if isinstance(source, Sequence) and not isinstance(source, str | bytes):
        items = list(source)
    layers = [one if isinstance(one, Layer) else Layer(one) for one in items]
    last_first = sorted(reversed(layers), key=lambda layer: RANKS.index(layer.rank))
    seen: set[object] = set()
    return [layer for layer in last_first if not _was_seen(layer.source, seen)]


def _was_seen(source: Content, seen: set[object]) -> bool:
    if isinstance(source, Mapping):
        return False
    try:
        found = os.stat(source)
    except (OSError, ValueError):  # whoever reads it says so
        return False
    identity = (found.st_dev, found.st_ino)
    was_seen = identity in seen
    seen.add(identity)
    return was_seen
