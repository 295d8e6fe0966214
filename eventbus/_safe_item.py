"""How an item is made safe from its caller, who may go on changing what is in it."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from eventbus._event import Event
from eventbus._least_size import least_size
from eventbus._own_copy import own_copy
from eventbus._record import (
    MAX_BOUND_ATTRIBUTES,
    NO_ATTRIBUTES,
    Record,
    frozen,
    limited,
)
from eventbus._route import Route
from eventbus._window import Item, event_of

Warn = Callable[[Event, str, Exception], None]
"""Told of an event, how it is handed over, and what went wrong."""


def safe_item(item: Item, fields: tuple[str, ...], route: Route, warn: Warn) -> Item:
    """Return *item* so that nothing the caller keeps can change it.

    Args:
        item: An event, or a record of one.
        fields: Those of the event that can be changed.
        route: Where it goes.
        warn: Called when something could not be copied; it is handed over without.
    """
    event = event_of(item)
    copied = event
    if fields and not _leaves_no_trace(event, fields, route):
        copied = _copy(event, fields, warn)
    if not isinstance(item, Record):
        return copied
    try:
        attributes, dropped = limited(item.attributes, MAX_BOUND_ATTRIBUTES)
        dropped += item.dropped_attributes_count
        resource = frozen(item.resource)
    except Exception as error:  # noqa: BLE001 - mappings of a stranger's
        warn(event, "without its attributes", error)
        attributes, dropped, resource = NO_ATTRIBUTES, 0, None
    return replace(
        item,
        event=copied,
        attributes=attributes,
        resource=resource,
        dropped_attributes_count=dropped,
    )


def _leaves_no_trace(event: Event, fields: tuple[str, ...], route: Route) -> bool:
    """Return whether *event* is too large for all of *route*: nobody keeps it."""
    bounds = [a.max_kept_bytes for a in route.attachments]
    known = [bound for bound in bounds if bound is not None]
    return len(known) == len(bounds) and least_size(event, fields) > max(known)


def _copy(event: Event, fields: tuple[str, ...], warn: Warn) -> Event:
    try:
        return own_copy(event, fields)
    except Exception as error:  # noqa: BLE001 - values bring their own __deepcopy__
        warn(event, "uncopied", error)
        return event
