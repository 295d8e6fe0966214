"""How what was handed over becomes windows, and which attachment gets which part."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final

import msgspec

from eventbus._attachment import Attachment
from eventbus._catalog import EventType
from eventbus._chunk import Chunk
from eventbus._context import Bound
from eventbus._event import Event
from eventbus._ingress import Ingress
from eventbus._least_size import least_size
from eventbus._ledger import BusLedger
from eventbus._own_copy import own_copy
from eventbus._portion import Portion
from eventbus._records import RecordMaker, RecordPlan, severity_of
from eventbus._route import Route
from eventbus._severity import SEVERITY_NUMBER
from eventbus._window import Entry, Item, Window, event_of, with_event
from eventbus.privacy._policy import Policies, Policy


class TypePlan(msgspec.Struct, frozen=True):
    """What the seal knows of one event type.

    Args:
        event_type: As the catalog has it.
        varies: Whether its events differ in severity.
    """

    event_type: EventType
    varies: bool


class Sealer:
    """Seals what is in the ingress; runs on the loop's thread only.

    Args:
        ingress: What is sealed.
        ledger: Where refusals are counted.
        maker: Makes the records.
        policies: Redact them.
        max_depth: How long a chain of causes may grow.
    """

    def __init__(
        self,
        ingress: Ingress,
        ledger: BusLedger,
        maker: RecordMaker,
        policies: Policies,
        *,
        max_depth: int,
    ) -> None:
        """Start with the first sequence."""
        self._ingress: Final = ingress
        self._ledger: Final = ledger
        self._maker: Final = maker
        self._policies: Final = policies
        self._max_depth: Final = max_depth
        self.plans: Final[dict[type[Event], TypePlan]] = {}
        self._uniform: tuple[Attachment, ...] | None = None
        self.look_closely = False
        self.next_sequence = 1
        self._sealing = False

    def start_over(self, id_prefix: str) -> None:
        """Begin with the first sequence and new ids, in the child of a fork."""
        self._maker.start_over(id_prefix)
        self.next_sequence = 1
        self.look_closely = self._sealing = False

    def learn(self, event_type: EventType, *, varies: bool) -> None:
        """Plan for events of *event_type*, which may differ in severity."""
        self._maker.plans[event_type.cls] = RecordPlan(event_type)
        self.plans[event_type.cls] = TypePlan(event_type, varies)

    def is_plain(self, kind: type[Event]) -> bool:
        """Return whether all who select *kind* may share each event of it."""
        plan = self.plans[kind]
        known = plan.event_type
        is_alike = not (plan.varies or known.mutable_fields)
        return is_alike and self._policies.is_plain(known)

    def unify(self, takers: tuple[Attachment, ...] | None) -> None:
        """Let *takers* have every event, unless somebody's texts are cut.

        ``None`` is where it depends on the event.
        """
        if any(taker.plan.content.max_bytes for taker in takers or ()):
            takers = None
        self._uniform = takers

    def seal(self) -> None:
        """Hand everything that arrived to the attachments that selected it."""
        if self._sealing:
            return
        try:
            self._sealing = True
            self._seal()
        finally:
            self._sealing = False

    def _seal(self) -> None:
        first = self.next_sequence
        try:
            entries = self._ingress.take()
            window = self._window(entries, self._ingress.sealed_since)
            portions = self._portions(window, first) if entries else []
        except BaseException:  # the program is interrupted; nothing was queued yet
            self.next_sequence = first
            self._ingress.put_back()
            raise
        with self._ingress.left, self._ingress.mutex, self._ingress.inside:
            if not self._ingress.is_in_seal(entries):
                return  # an observer forked: this is the child, they are the parent's
            self._ledger.emitted -= len(entries) - len(window.sequences)
            gone = self._accept(portions)
        del gone
        for attachment, _ in portions:
            if attachment.waiters:
                attachment.admit_waiting()
            attachment.workers.departures.notify()

    def _accept(self, portions: list[tuple[Attachment, Portion]]) -> list[list[Chunk]]:
        """Queue all *portions*, and end the seal, though one should be broken off."""
        gone: list[list[Chunk]] = []
        ahead = iter(portions)
        try:
            for attachment, portion in ahead:
                gone.append(attachment.intake.accept_sealed(portion))
        finally:
            for attachment, portion in ahead:
                gone.append(attachment.intake.accept_sealed(portion))
            self._ingress.release()
        return gone

    def _window(self, entries: list[Entry], since: float) -> Window:
        first = self.next_sequence
        self.next_sequence += len(entries)
        sequences = range(first, first + len(entries))
        window = Window(self._maker.make, sequences, entries=entries, since=since)
        if window.depth > self._max_depth:
            return self._without_deep(window)
        return window

    def window_of(self, event: Event, time_unix_nano: int) -> Window:
        """Return a window of one *event*, past the ingress, after what came before."""
        self.seal()
        return self._window([(event, time_unix_nano, None)], self._ingress.now())

    def offers(
        self, item: Item, time_unix_nano: int, bound: Bound | None
    ) -> list[tuple[Attachment, Portion]]:
        """Return what one item means to each attachment, past the ingress.

        What was handed over before it is sealed first, so the order stays.
        """
        self.seal()
        first = self.next_sequence
        window = self._window([(item, time_unix_nano, bound)], self._ingress.now())
        portions = self._portions(window, first) if len(window) else []
        return [(a, portion) for a, portion in portions if portion.offered]

    def _without_deep(self, window: Window) -> Window:
        deepest = self._max_depth
        picks = [
            index
            for index, bound in enumerate(window.contexts)
            if bound is None or bound.depth <= deepest
        ]
        refused = len(window) - len(picks)
        with self._ingress.left, self._ingress.mutex, self._ingress.inside:
            self._ledger.refuse("recursion", refused)
        return window.picked(picks)

    def _portions(self, window: Window, first: int) -> list[tuple[Attachment, Portion]]:
        if self._uniform is not None and not self.look_closely:
            if window.has_bound or self._ingress.relays:
                return self._alike(self._uniform, window, first)
            return [(a, self._portion(a, window, first)) for a in self._uniform]
        self.look_closely = False
        kinds = window.event_types
        takers = self._takers(kinds)
        shared = len(takers) > 1
        views = Views(window, kinds, self.plans, self._policies, shared=shared)
        return [
            (attachment, self._portion(attachment, views.of(attachment, kinds), first))
            for attachment, kinds in takers
        ]

    def _alike(
        self, takers: tuple[Attachment, ...], window: Window, first: int
    ) -> list[tuple[Attachment, Portion]]:
        """Return what *takers* get where only what came with the events may differ."""
        made: dict[Policy, Window] = {}
        portions: list[tuple[Attachment, Portion]] = []
        for taker in takers:
            policy = self._policies.of(taker.plan.content)
            if policy not in made:
                made[policy] = policy.around(window)
            portions.append((taker, self._portion(taker, made[policy], first)))
        return portions

    def _portion(self, attachment: Attachment, view: Window, first: int) -> Portion:
        door, stop = attachment.door, len(view.sequences)
        if door.sealed_start:
            view = view.tail(view.before(first + door.sealed_start))
            stop = len(view)
        if door.sealed_from is not None:
            stop = view.before(first + door.sealed_from)
        return attachment.portions.of(view, stop)

    def _takers(
        self, kinds: Iterable[type[Event]]
    ) -> list[tuple[Attachment, frozenset[type[Event]]]]:
        """Return who selected some of *kinds*, in the order of attaching, and which."""
        routes = self._ingress.routes
        takers: dict[Attachment, list[type[Event]]] = {}
        for kind in kinds:
            route: Route | None = routes.get(kind)
            for attachment in route.attachments if route else ():
                takers.setdefault(attachment, []).append(kind)
        return [(taker, frozenset(selected)) for taker, selected in takers.items()]


class Views:
    """The parts of one window that attachments share: by types, severity, redaction."""

    def __init__(
        self,
        window: Window,
        kinds: frozenset[type[Event]],
        plans: dict[type[Event], TypePlan],
        policies: Policies,
        *,
        shared: bool,
    ) -> None:
        """Begin with the whole; *shared* is for more than one attachment."""
        self._window = window
        self._shared = shared
        self._kinds = kinds
        self._plans = plans
        self._policies = policies
        self._made: dict[object, Window] = {}

    def of(self, attachment: Attachment, selected: frozenset[type[Event]]) -> Window:
        """Return what *attachment* may see, made once for all who see the same."""
        floor = self._floor(attachment, selected)
        policy = self._policies.of(attachment.plan.content)
        key = (selected, floor, policy)
        if key not in self._made:
            view = self._picked(selected, floor)
            types = [self._plans[kind].event_type for kind in selected]
            self._made[key] = policy.cleaned(view, types)
        if self._shared and any(self._mutable_fields(kind) for kind in selected):
            own = partial(self._own, max_bytes=attachment.max_kept_bytes)
            return self._made[key].private(own)
        return self._made[key]

    def _mutable_fields(self, kind: type[Event]) -> tuple[str, ...]:
        return self._plans[kind].event_type.mutable_fields

    def _own(self, item: Item, *, max_bytes: int | None) -> Item:
        """Return *item* so that what one sink does to it no other sink sees.

        One that is surely over *max_bytes*, and so on its way out, stays as it is.
        """
        event = event_of(item)
        fields = self._mutable_fields(type(event))
        try:
            if max_bytes is not None and least_size(event, fields) > max_bytes:
                return item
            own = own_copy(event, fields)
        except Exception:  # noqa: BLE001 - said when it was handed over
            return item
        return with_event(item, own)

    def _floor(
        self, attachment: Attachment, selected: frozenset[type[Event]]
    ) -> int | None:
        floors = (
            attachment.plan.select.severity_floor(varies=self._plans[kind].varies)
            for kind in selected
        )
        return next((floor for floor in floors if floor is not None), None)

    def _picked(self, selected: frozenset[type[Event]], floor: int | None) -> Window:
        if selected == self._kinds and floor is None:
            return self._window
        return self._window.picked(
            [
                index
                for index, item in enumerate(self._window.items)
                if type(event_of(item)) in selected
                and (floor is None or self._reaches(item, floor))
            ]
        )

    def _reaches(self, item: Item, floor: int) -> bool:
        plan = self._plans[type(event_of(item))]
        severity = severity_of(item, plan.event_type)
        return not plan.varies or SEVERITY_NUMBER[severity] >= floor
