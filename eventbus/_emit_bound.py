"""An ``emit`` whose events have attributes of its own, whatever is bound around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from eventbus._context import Bound, bound_over, current_bound, enter, leave
from eventbus._emit import Emit
from eventbus._event import Event
from eventbus._record import AttributeValue

E = TypeVar("E", bound=Event)


def emit_bound(emit: Emit[E], attributes: Mapping[str, AttributeValue]) -> Emit[E]:
    """Return *emit* as it is inside of ``bind(attributes)``.

    What is bound where it is called is there too; *attributes* win for a name of both.
    They are read once, now.
    """
    attributes = dict(attributes)
    alone = bound_over(None, attributes)
    latest: tuple[Bound | None, Bound] = None, alone

    def emit_with_them(event: E, /) -> bool:
        nonlocal latest
        outer = current_bound()
        around, bound = latest
        if outer is not around:
            bound = bound_over(outer, attributes)
            latest = outer, bound
        token = enter(bound)
        try:
            return emit(event)
        finally:
            leave(token)

    return emit_with_them
