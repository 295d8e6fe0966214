"""What a file that is not trusted may say.

A repository's own file must not learn anything, or send anything anywhere: it may let
less through the sinks that trusted files name, where these say nothing of it, and
describe itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec

from eventbus._expected import shown
from eventbus._place import Place
from eventbus.config._document import Document
from eventbus.config._environment import Environment
from eventbus.config._expand import has_variables
from eventbus.config._problems import Problem, Problems
from eventbus.config._secrets import Secrets
from eventbus.config._sinks import SinkReader
from eventbus.config._tree import as_array, as_table, leaves, present, put, table_in
from eventbus.config._values import ValueReader, Wrong

# Any in this module: a configuration holds values of any type.

SINK_KEYS: Final = ("enabled", "min_severity", "sampler", "select")
"""The keys of a sink by which less gets through it."""

RESOURCE_PREFIXES: Final = ("project.", "vcs.")
"""How the attributes begin by which a repository describes itself."""

MAX_ATTRIBUTES: Final = 32
MAX_TEXT_LENGTH: Final = 256
MAX_VALUES: Final = 100
_MAX_NUMBER: Final = 2**63

_FORBIDDEN: Final = "A file that is not trusted cannot set this"
_RESOURCE: Final[Place] = ("bus", "resource")
_FRAMES: Final[tuple[Place, ...]] = (("bus",), _RESOURCE, ("sinks",))


class Admission(msgspec.Struct, frozen=True):
    """What counts of a file that is not trusted.

    Args:
        document: The file, with nothing else in it.
        refused: What it says and may not, or that cannot be used.
        narrowed: What it lets less through by: the places.
    """

    document: Document
    refused: tuple[Problem, ...]
    narrowed: tuple[Place, ...]


def admitted(
    document: Document, trusted: Mapping[str, Any], required: Mapping[str, Any]
) -> Admission:
    """Return what counts of *document*.

    Nothing of it is merged into what a trusted file says: half of a table could widen
    the other half.

    Args:
        document: The file.
        trusted: What the others say, the environment included.
        required: What an administrator says; of his sinks nothing is changed.
    """
    return _Admitting(document, trusted, required).all()


class _Admitting:
    def __init__(
        self,
        document: Document,
        trusted: Mapping[str, Any],
        required: Mapping[str, Any],
    ) -> None:
        self._document: Final = document
        self._trusted: Final = trusted
        self._required: Final = required
        self._tree: Final[dict[str, Any]] = {}
        self._refused: Final[list[Problem]] = []
        self._narrowed: Final[list[Place]] = []

    def all(self) -> Admission:
        for place, value in _units(self._document.tree):
            if value == {} and self._is_frame(place):
                continue
            refused = self._refused_at(place, value)
            if refused:
                self._refused.extend(refused)
            elif not present(self._trusted, place):
                self._admit(place, value)
        document = msgspec.structs.replace(self._document, tree=self._tree)
        return Admission(document, tuple(self._refused), tuple(self._narrowed))

    def _refused_at(self, place: Place, value: Any) -> list[Problem]:
        """Return what of *value* at *place* may not stand there, or is wrong."""
        reason = self._refusal(place, value)
        if reason:
            wrong = [Problem(reason, place)]
        else:
            wrong = _wrong(place, value) if place[0] == "sinks" else []
        where = self._document.where
        return [Problem(one.message, one.place, where(one.place)) for one in wrong]

    def _admit(self, place: Place, value: Any) -> None:
        put(self._tree, place, value)
        if place[0] == "sinks":
            self._narrowed.append(place)

    def _is_frame(self, place: Place) -> bool:
        """Return whether a table at *place* says nothing by itself."""
        is_sink = place[:1] == ("sinks",) and len(place) == 2
        return place in _FRAMES or (is_sink and present(self._trusted, place))

    def _refusal(self, place: Place, value: Any) -> str:
        """Return why *value* may not stand at *place*; empty: it may."""
        is_attribute = place[:2] == _RESOURCE and len(place) == 3
        is_key = place[:1] == ("sinks",) and len(place) == 3 and place[2] in SINK_KEYS
        if not is_attribute and not is_key:
            return _FORBIDDEN
        if has_variables(value):
            return "A file that is not trusted cannot read the environment"
        if is_attribute:
            return self._attribute_refusal(str(place[2]), value)
        return self._key_refusal(place, value)

    def _attribute_refusal(self, name: str, value: Any) -> str:
        if not name.startswith(RESOURCE_PREFIXES):
            return _FORBIDDEN
        for text in (name, value):
            if isinstance(text, str) and len(text) > MAX_TEXT_LENGTH:
                return (
                    f"Expected at most {MAX_TEXT_LENGTH} characters in a file that is "
                    f"not trusted, got {len(text)}"
                )
        if not isinstance(value, str | int | float):
            return "Expected a text, a number or a switch in a file that is not trusted"
        if isinstance(value, int | float) and not abs(value) < _MAX_NUMBER:
            return f"Expected a number below {_MAX_NUMBER}, got {shown(value)}"
        if len(table_in(table_in(self._tree, "bus"), "resource")) >= MAX_ATTRIBUTES:
            return (
                f"Expected at most {MAX_ATTRIBUTES} attributes in a file that is not "
                "trusted, got more"
            )
        return ""

    def _key_refusal(self, place: Place, value: Any) -> str:
        if not present(self._trusted, place[:2]):
            return f"{_FORBIDDEN}: no other file has a sink {place[1]!r}"
        if present(self._required, place[:2]):
            return f"{_FORBIDDEN}: sink {place[1]!r} is required"
        if place[2] == "enabled" and value is True:
            return _FORBIDDEN
        count = _count(value)
        if count > MAX_VALUES:  # each glob of them costs a while to prepare
            return (
                f"Expected at most {MAX_VALUES} values in a file that is not trusted, "
                f"got {count}"
            )
        return ""


def _units(tree: Mapping[str, Any]) -> Iterator[tuple[Place, Any]]:
    """Yield what is admitted or refused as one, each with its place."""
    for place, value in leaves(tree):
        if place[:1] != ("sinks",) or len(place) < 4 or place[2] not in SINK_KEYS:
            yield place, value
    sinks = as_table(tree.get("sinks")) or {}
    for name, table in sinks.items():
        for key in SINK_KEYS:
            inner = as_table((as_table(table) or {}).get(key))
            if inner:
                yield ("sinks", name, key), inner


def _count(value: object) -> int:
    """Return how many single values *value* has in it."""
    table, array = as_table(value), as_array(value)
    items = list(table.values()) if table is not None else array
    return 1 if items is None else sum(map(_count, items))


def _wrong(place: Place, value: Any) -> list[Problem]:
    """Return what is wrong with *value* as a key of a sink; it counts alone."""
    problems = Problems()
    values = ValueReader(problems, Secrets())
    environment = Environment({}, secrets=Secrets(), origins={}, warnings=[])
    with suppress(Wrong):
        SinkReader(values, environment).check_key(str(place[2]), value, place[:2])
    return list(problems)
