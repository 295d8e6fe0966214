"""An ``emit`` whose events have attributes of its own, whatever is bound around it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from eventbus._context import Bound, bound_over, current_bound, enter, leave
from eventbus._emit import Emit, SlowPath
from eventbus._event import Event
from eventbus._ingress import Ingress
from eventbus._record import AttributeValue

E = TypeVar("E", bound=Event)


class Overlay:
    """Attributes over what is bound where it is asked; read once, when it is made.

    Args:
        attributes: They win for a name of both.

    Attributes:
        latest: What was bound around it last, and what came of that.
    """

    __slots__ = ("_attributes", "latest")

    def __init__(self, attributes: Mapping[str, AttributeValue]) -> None:
        """Work out what it is where nothing is bound."""
        self._attributes = dict(attributes)
        self.latest: tuple[Bound | None, Bound] = None, bound_over(None, attributes)

    def renewed(self, outer: Bound | None) -> Bound:
        """Return what it is over *outer*, which :attr:`latest` is not for."""
        bound = bound_over(outer, self._attributes)
        self.latest = outer, bound
        return bound


def emit_over(emit: Emit[E], overlay: Overlay) -> Emit[E]:
    """Return *emit* as it is inside of a ``bind`` of the overlay's attributes."""

    def emit_inside(event: E, /) -> bool:
        outer = current_bound()
        around, bound = overlay.latest
        token = enter(bound if outer is around else overlay.renewed(outer))
        try:
            return emit(event)
        finally:
            leave(token)

    return emit_inside


def make_emit_over(
    ingress: Ingress,
    time_ns: Callable[[], int],
    slow: SlowPath,
    any_emit: Emit[Any],  # Any: it takes events of all types
    overlay: Overlay,
) -> Emit[Event]:
    """Return the same for a bus's *any_emit*, without a change of what is bound."""
    entries = ingress.entries
    table: dict[Any, Any] = ingress.table  # Any: a Route is true, a Thinning is not
    otherwise = emit_over(any_emit, overlay)

    def emit(event: Event, /) -> bool:
        route = table.get(type(event))
        if not route:
            return otherwise(event)
        outer = ingress.capture()
        around, bound = overlay.latest
        if outer is not around:
            bound = overlay.renewed(outer)
        lease = route.lease
        entry = (event, time_ns(), bound)
        entries.append(entry)
        if len(entries) > lease.limit:
            return slow.look(entry, lease)
        return lease.ok  # type: ignore[no-any-return]

    return emit
