"""Which attachments an event type leads to, and what happens to unusual values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from eventbus._attachment import Attachment
from eventbus._catalog import Catalog, EventType, qualified
from eventbus._check import FieldCheck
from eventbus._context import UNBOUND, Bound, scope
from eventbus._emit import Emit, Emitter, SlowPath, make_emit, make_relay
from eventbus._emit_bound import Overlay, make_emit_over
from eventbus._errors import InvalidEventError, RegistrationError
from eventbus._event import Event
from eventbus._ingress import Ingress
from eventbus._ledger import BusLedger
from eventbus._log import QuietLog
from eventbus._record import AttributeValue, is_record
from eventbus._refusals import Refusals
from eventbus._route import FlooredRoute, Route
from eventbus._safe_item import safe_item
from eventbus._seal import Sealer
from eventbus._thinning import Thinning
from eventbus._uniformity import Uniformity
from eventbus._window import Entry, Item


class Router:
    """Keeps a route per event type, and takes the values that have none.

    A type is registered at first sight. Events with mutable fields are copied before
    they are handed over, so they have no place in the fast table.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        ingress: Ingress,
        sealer: Sealer,
        ledger: BusLedger,
        log: QuietLog,
        time_ns: Callable[[], int],
        strict: bool,
        max_event_types: int,
    ) -> None:
        """Start with no type seen and nothing attached."""
        self.catalog: Final = catalog
        self._ingress: Final = ingress
        self._sealer: Final = sealer
        self.refusals: Final = Refusals(ingress, ledger, log, strict=strict)
        self._time_ns: Final = time_ns
        self._strict: Final = strict
        self._max_event_types: Final = max_event_types
        self._attached: list[Attachment] = []
        self._known: dict[type[Event], EventType] = {}
        ingress.event_types = self._known
        self._copied: dict[type[Event], tuple[str, ...]] = {}
        self._checks: dict[type[Event], FieldCheck] = {}
        self._emitters: dict[type[Event], Emitter] = {}
        self._uniformity: Final = Uniformity(ingress, sealer)
        self._shared_routes: dict[tuple[Attachment, ...], Route] = {}
        self._varying: set[type[Event]] = set()
        self._slow: Final = SlowPath(ingress, self.irregular, self.keep, self.thin)
        self.emit: Final = make_emit(ingress, time_ns, self._slow)
        self.relay: Final = make_relay(ingress, time_ns, self._slow)

    def emitter(self, event_type: type[Event]) -> Emitter:
        """Return the emitter of *event_type*, the same one at every call.

        Raises:
            RegistrationError: The catalog cannot take the type.
        """
        known = self._known.get(event_type) or self._learn(event_type)
        with self._ingress.left, self._ingress.mutex, self._ingress.inside:
            if event_type not in self._emitters:
                emitter = Emitter(
                    event_type, self._ingress, self._time_ns, self._slow, self.emit
                )
                self._emitters[event_type] = emitter
                self._publish_route(known)
            return self._emitters[event_type]

    def emit_over(self, attributes: Mapping[str, AttributeValue]) -> Emit[Event]:
        """Return an ``emit`` for events of any type, with *attributes* of its own."""
        overlay = Overlay(attributes)
        return make_emit_over(
            self._ingress, self._time_ns, self._slow, self.emit, overlay
        )

    def add(self, attachment: Attachment) -> None:
        """Let *attachment* have what is emitted from now on."""
        with self._ingress.left, self._ingress.mutex, self._ingress.inside:
            self._ingress.settle()
            attachment.door.starts_at = len(self._ingress.entries)
            self._attached.append(attachment)
            self._reroute(attachment)

    def remove(self, attachment: Attachment) -> None:
        """Let *attachment* have nothing more, nor what is not sealed yet."""
        with self._ingress.left, self._ingress.mutex, self._ingress.inside:
            self._ingress.settle()
            if attachment in self._attached:
                self._attached.remove(attachment)
                self._reroute(attachment)
                attachment.door.leave()

    def refresh(self, attachment: Attachment) -> None:
        """Make the routes to *attachment* anew; the lock is held, no lease is out."""
        self._shared_routes.clear()
        for known in self._known.values():
            route = self._ingress.routes.get(known.cls)
            if route is not None and attachment in route.attachments:
                self._route(known, route.attachments)

    def start_over(self, attachments: Iterable[Attachment]) -> None:
        """Lead to *attachments*, whose doors are new ones, in the child of a fork."""
        self._attached[:] = attachments
        self._shared_routes.clear()
        for known in self._known.values():
            takers = tuple(a for a in self._attached if self._selects(a, known))
            self._route(known, takers)
        self._note_doors()
        self._uniformity.look_again()
        self._note_severities()

    def _reroute(self, attachment: Attachment) -> None:
        self._ingress.revoke()
        self._shared_routes.clear()
        for known in self._known.values():
            if self._selects(attachment, known):
                self._route(known, self._takers(known, attachment))
        self._note_doors()
        self._uniformity.look_again()
        self._note_severities()
        self._sealer.look_closely = bool(self._ingress.entries)

    def _selects(self, attachment: Attachment, known: EventType) -> bool:
        varies = known.cls in self._varying
        return attachment.plan.select.selects(known, varies=varies)

    def _takers(self, known: EventType, changed: Attachment) -> tuple[Attachment, ...]:
        """Return who selects *known* now that *changed* came or went."""
        route = self._ingress.routes.get(known.cls)
        others = [a for a in (route.attachments if route else ()) if a is not changed]
        return (*others, changed) if changed in self._attached else tuple(others)

    def _route(self, known: EventType, takers: tuple[Attachment, ...]) -> None:
        if takers:
            self._uniformity.add(known.cls)
            route = self._ingress.routes[known.cls] = self._route_to(takers, known)
            self._ingress.has_floors |= route.has_floors
        else:
            self._ingress.routes.pop(known.cls, None)
        self._publish_route(known)

    def _route_to(self, takers: tuple[Attachment, ...], known: EventType) -> Route:
        """Return the route of *known* to *takers*, if possible one that others have."""
        if floors := self._floors(known, takers):
            return FlooredRoute(known, takers, floors)
        if takers not in self._shared_routes:
            self._shared_routes[takers] = Route(takers)
        return self._shared_routes[takers]

    def _route_anew(self, known: EventType) -> None:
        """Lead *known* to all who select it now, some of whom may have had nothing."""
        takers = tuple(a for a in self._attached if self._selects(a, known))
        self._note_new_doors(takers)
        has_floors = bool(self._floors(known, takers))
        self._uniformity.expect(known.cls, takers, has_floors=has_floors)
        self._route(known, takers)

    def _note_doors(self) -> None:
        """Spare the seal the doors that no event has led to yet."""
        routes = {id(route): route for route in self._ingress.routes.values()}
        doors = (door for route in routes.values() for door in route.doors)
        self._ingress.doors = tuple(dict.fromkeys(doors))

    def _note_new_doors(self, takers: Iterable[Attachment]) -> None:
        """Count what goes to *takers* as well: nothing handed over so far does."""
        for one in takers:
            if one.door not in self._ingress.doors:
                one.door.starts_at = 0
                self._ingress.doors += (one.door,)

    def _floors(
        self, known: EventType, takers: tuple[Attachment, ...]
    ) -> dict[Attachment, int]:
        varies = known.cls in self._varying
        floors = {a: a.plan.select.severity_floor(varies=varies) for a in takers}
        return {one: floor for one, floor in floors.items() if floor}

    def _note_severities(self) -> None:
        """Know what severity a record must have to go where its type goes."""
        self._ingress.severities.clear()
        if any(a.plan.select.has_floor for a in self._attached):
            for known in self._known.values():
                self._note_severity(known)

    def _note_severity(self, known: EventType) -> None:
        if known.cls not in self._varying:
            self._ingress.severities[known.cls] = known.identity.severity

    def _vary(self, known: EventType) -> None:
        """Look at each event of a type from now on: their severities differ."""
        with self._ingress.left, self._ingress.mutex, self._ingress.inside:
            self._ingress.revoke()
            self._ingress.settle()
            self._varying.add(known.cls)
            self._ingress.severities.pop(known.cls, None)
            self._sealer.learn(known, varies=True)
            self._route_anew(known)

    def _publish_route(self, known: EventType) -> None:
        """Tell the fast paths, unless each event of the type needs a closer look."""
        if self._strict or known.cls in self._copied or self._ingress.closed:
            return
        route = self._ingress.routes.get(known.cls)
        early = self._thinned(route)
        self._ingress.table[known.cls] = early
        if self._ingress.has_publishers:
            self._let_publish(known, route)
        if known.cls in self._emitters:
            self._emitters[known.cls].reroute(True, early)

    def expect_publishers(self) -> None:
        """Let publishers use the fast path; until then nobody looks for them."""
        with self._ingress.left, self._ingress.mutex, self._ingress.inside:
            self._ingress.has_publishers = True
            for known in self._known.values():
                self._publish_route(known)

    def _let_publish(self, known: EventType, route: Route | None) -> None:
        if route is not None and route.weighs:
            self._ingress.publish_table.pop(known.cls, None)
        else:
            self._ingress.publish_table[known.cls] = route

    def _thinned(self, route: Route | None) -> Route | Thinning | None:
        """Return what leaves events of *route* out early, else *route* itself.

        Only one attachment may have them: several would have to agree on which.
        """
        if route is None or len(route.attachments) != 1 or route.has_floors:
            return route
        thinning = route.attachments[0].thinning
        if thinning is None:
            return route
        thinning.route = route
        return thinning

    def close(self) -> None:
        """Refuse everything from now on."""
        with self._ingress.left, self._ingress.mutex, self._ingress.inside:
            self._ingress.closed = True
            self._ingress.revoke()
            self._ingress.table.clear()
            self._ingress.publish_table.clear()
            for emitter in self._emitters.values():
                emitter.reroute(False, None)

    def _learn(self, event_type: type[Event]) -> EventType:
        if len(self._known) >= self._max_event_types:
            raise RegistrationError(
                f"event type {qualified(event_type)} is one over the limit of "
                f"{self._max_event_types} event types on one bus"
            )
        self._ingress.follow_spans()
        known = self.catalog.register(event_type)
        with self._ingress.left, self._ingress.mutex, self._ingress.inside:
            if event_type not in self._known:
                self._adopt(known)
        return known

    def _adopt(self, known: EventType) -> None:
        if known.has_own_severity:
            self._varying.add(known.cls)
        self._sealer.learn(known, varies=known.has_own_severity)
        if known.mutable_fields:
            self._copied[known.cls] = known.mutable_fields
        if self._strict:
            self._checks[known.cls] = FieldCheck(known.cls)
        self._route_anew(known)
        self._known[known.cls] = known
        if any(a.plan.select.has_floor for a in self._attached):
            self._note_severity(known)

    def irregular(self, item: Any) -> bool:
        """Hand over a value that the fast path does not know; see ``emit``."""
        admitted = self.admit(item)
        if admitted is None:
            return False
        item, route = admitted
        return True if route is None else self.hand_over(item, route)

    def hand_over(self, item: Item, route: Route) -> bool:
        """Append *item* without the fast path's look-up."""
        return self._append((item, self._time_ns(), self._ingress.capture()), route)

    def _append(self, entry: Entry, route: Route) -> bool:
        lease = route.lease
        self._ingress.entries.append(entry)
        if len(self._ingress.entries) > lease.limit:
            return self._ingress.look(entry, lease)
        return lease.ok

    def thin(self, event: Event, thinning: Thinning) -> bool:
        """Get new decisions, the first for *event*, and hand it over if it is kept."""
        ingress, bound = self._ingress, self._ingress.capture()
        with ingress.left, ingress.mutex, ingress.inside as outermost:
            if outermost:  # else sampling decides later
                if thinning.renew():
                    return True
                bound = thinning.marked(bound)
            route = ingress.routes.get(type(event))
        if route is None:
            return True
        return self._append((event, self._time_ns(), bound), route)

    def keep(self, event: Event, thinning: Thinning) -> bool:
        """Hand over *event*, which is kept though most are left out."""
        bound = thinning.marked(self._ingress.capture())
        entry = (event, self._time_ns(), bound)
        return self._append(entry, thinning.route)

    def admit(self, item: Any) -> tuple[Item, Route | None] | None:
        """Return *item* fit to be handed over, with its route; ``None`` is refused.

        Raises:
            InvalidEventError: Strict mode: it is no event, or a field of it has
                another type.
            RegistrationError: Strict mode: its type cannot be registered.
        """
        event = item.event if is_record(item) else item
        if self._ingress.closed:
            self.refusals.refuse("closed")
            return None
        if not isinstance(event, Event):
            self.refusals.refuse_value(event)
            return None
        kind = type(event)
        if kind not in self._known and not self._get_to_know(item, kind):
            return None
        if is_record(item) and self._ingress.deviates(item):
            self._vary(self._known[kind])
        if self._strict:
            self._check(event)
        route = self._ingress.routes.get(kind)
        if route is not None:
            fields = self._copied.get(kind, ())
            item = safe_item(item, fields, route, self.refusals.warn)
        return item, route

    def admit_left(self, item: Any, bound: Bound | None) -> None:
        """Hand over what was left by code that ran in the middle of the lock."""
        try:
            with scope(bound or UNBOUND):
                self.irregular(item)
        except (InvalidEventError, RegistrationError):
            self.refusals.refuse("invalid_type")

    def _get_to_know(self, item: Any, kind: type[Event]) -> bool:
        # Any: whatever a caller hands to emit.
        if self._ingress.inside.is_mine:
            self._ingress.left.leave(item)
            return False
        try:
            self._learn(kind)
        except RegistrationError as error:
            self.refusals.refuse_type(error)
            return False
        return True

    def _check(self, event: Event) -> None:
        kind = type(event)
        error = self._checks[kind].full_error(event)
        if error is not None:
            raise InvalidEventError(f"event {self._known[kind].name!r}: {error}")
