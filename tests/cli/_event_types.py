"""Event types that are made in one line, and what is found between two of them."""

from __future__ import annotations

from typing import Any, Optional

import msgspec

from eventbus import Catalog, Event
from eventbus.cli._event_changes import Change, changes
from eventbus.cli._event_schema import in_order, records_schema

# Any in this module: JSON Schema is JSON, and events are made with any fields.


class Node(msgspec.Struct):
    value: int
    next: Optional[Node] = None  # noqa: UP045 - a name in text cannot be in a |


class WideNode(msgspec.Struct):
    value: float
    next: Optional[WideNode] = None  # noqa: UP045


def made(
    tag: str = "thing", /, *, name: str = "Thing", version: int = 1, **fields: Any
) -> Any:
    """Return an event type; a field is its type, or a pair of type and default."""
    pairs = [
        (key, *given) if isinstance(given, tuple) else (key, given)
        for key, given in fields.items()
    ]
    annotations = {pair[0]: pair[1] for pair in pairs}
    defaults = {pair[0]: pair[2] for pair in pairs if len(pair) == 3}
    namespace = {"__annotations__": annotations, "__module__": __name__, **defaults}
    return type(Event)(name, (Event,), namespace, tag=tag, version=version)


def exported(*types: Any) -> Any:
    return in_order(records_schema(Catalog(types)))


def fields_of(document: Any, event: str, cls: str) -> Any:
    return document["$defs"][event]["$defs"][cls]["properties"]


def between(old: Any, new: Any) -> list[Change]:
    return changes(exported(old), exported(new))


def rules(old: Any, new: Any) -> list[tuple[str | None, str]]:
    return [(one.field, one.rule) for one in between(old, new)]
