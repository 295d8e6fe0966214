"""How one event is handed over: the few Python operations that every emit pays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from eventbus._current_span import Capture
from eventbus._event import Event
from eventbus._ingress import Ingress
from eventbus._record import AnyRecord, Record, is_frozen
from eventbus._route import Route
from eventbus._thinning import Thinning

E_contra = TypeVar("E_contra", bound=Event, contravariant=True)

Irregular = Callable[[Any], bool]  # Any: whatever a caller hands to emit


class Emit(Protocol[E_contra]):
    """Hands over an event; never waits and never raises."""

    def __call__(self, event: E_contra, /) -> bool:
        """Hand over *event*, from any thread, with what is bound here.

        Returns:
            ``True`` when no selecting attachment had to refuse it for want of room,
            also when none selects it. From another thread than the loop's, ``False``
            may be too careful. Nobody should retry on it: other attachments may have
            the event.

        When a buffer is full, the event is dropped there (``queue_full``), or makes
        the oldest go. When the bus is closed, it is refused and counted.
        """
        ...


class Relay(Protocol):
    """Hands over a record from elsewhere; never waits and never raises."""

    def __call__(self, record: AnyRecord, /) -> bool:
        """Hand over *record* with its own id, time, context, resource and weight.

        What it leaves out the bus fills in. See :class:`Emit` for the answer.
        """
        ...


class SlowPath:
    """Where a hand-over goes when a fast path does not know what to do.

    Args:
        ingress: Accounts for appends that went past their lease.
        irregular: Takes values whose type has no place in the table.
        keep: Takes events that luck left in.
        thin: Takes events for which no decision was left.
    """

    __slots__ = ("irregular", "keep", "look", "thin")

    def __init__(
        self,
        ingress: Ingress,
        irregular: Irregular,
        keep: Callable[[Event, Thinning], bool],
        thin: Callable[[Event, Thinning], bool],
    ) -> None:
        """Keep them at hand."""
        self.look = ingress.look
        self.keep = keep
        self.irregular = irregular
        self.thin = thin


# Each name that an inner function takes from outside costs a nanosecond a call, so
# these take few, and what is rarely used shares one.


def make_emit(
    ingress: Ingress, time_ns: Callable[[], int], slow: SlowPath
) -> Emit[Event]:
    """Return ``emit`` for events of any type."""
    entries, bound = ingress.entries, ingress.capture
    table: dict[Any, Any] = ingress.table  # Any: a Route is true, a Thinning is not

    def emit(event: Event, /) -> bool:
        try:
            route = table[type(event)]
        except KeyError:
            return slow.irregular(event)
        if route is None:
            return True
        if not route:
            try:
                return route.decisions.pop() or slow.keep(event, route)
            except IndexError:
                return slow.thin(event, route)
        lease = route.lease
        entry = (event, time_ns(), bound())
        entries.append(entry)
        if len(entries) > lease.limit:
            return slow.look(entry, lease)
        return lease.ok  # type: ignore[no-any-return]

    def capture_with(capture: Capture) -> None:
        nonlocal bound
        bound = capture

    ingress.capturing.append(capture_with)
    return emit


def make_relay(ingress: Ingress, time_ns: Callable[[], int], slow: SlowPath) -> Relay:
    """Return ``relay``, which is ``emit`` for records."""
    entries, bound, severities = ingress.entries, ingress.capture, ingress.severities
    table: dict[Any, Any] = ingress.table  # Any: a Route is true, a Thinning is not

    def relay(record: AnyRecord, /) -> bool:
        ingress.relays = True
        if type(record) is not Record or not is_frozen(record):
            return slow.irregular(record)
        if severities and ingress.deviates(record):
            return slow.irregular(record)
        try:
            route = table[type(record.event)]
        except KeyError:
            return slow.irregular(record)
        if not route:
            return route is None or slow.irregular(record)
        lease = route.lease
        entry = (record, time_ns(), bound())
        entries.append(entry)
        if len(entries) > lease.limit:
            return slow.look(entry, lease)
        return lease.ok  # type: ignore[no-any-return]

    def capture_with(capture: Capture) -> None:
        nonlocal bound
        bound = capture

    ingress.capturing.append(capture_with)
    return relay


class Emitter:
    """An ``emit`` for one event type, whose route is looked up beforehand."""

    __slots__ = ("emit", "reroute")

    def __init__(
        self,
        event_type: type[Event],
        ingress: Ingress,
        time_ns: Callable[[], int],
        slow: SlowPath,
        any_emit: Emit[Any],  # Any: it takes events of all types
    ) -> None:
        """Start without a route: :attr:`reroute` gives one."""
        entries, bound = ingress.entries, ingress.capture
        routed: type[Event] | None = None
        route: Any = None  # Any: a Route whenever the type is routed
        otherwise: Callable[[Any], bool] = any_emit

        def emit(event: Event, /) -> bool:
            if type(event) is routed:
                lease = route.lease
                entry = (event, time_ns(), bound())
                entries.append(entry)
                if len(entries) > lease.limit:
                    return slow.look(entry, lease)
                return lease.ok  # type: ignore[no-any-return]
            return otherwise(event)

        def selected_by_nobody(event: Event) -> bool:
            return type(event) is event_type or any_emit(event)

        def reroute(known: bool, new_route: Route | Thinning | None) -> None:
            nonlocal otherwise, route, routed
            is_unheard = known and new_route is None
            otherwise = selected_by_nobody if is_unheard else any_emit
            route, routed = new_route, event_type if new_route else None

        def capture_with(capture: Capture) -> None:
            nonlocal bound
            bound = capture

        ingress.capturing.append(capture_with)
        self.emit: Emit[Any] = emit  # Any: of the one type it was asked for
        self.reroute = reroute
