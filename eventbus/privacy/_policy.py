"""How records leave for attachments that get the same content, on one bus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import is_
from typing import Any, Final

import msgspec

from eventbus._catalog import EventType
from eventbus._context import Bound
from eventbus._event import REDACTED, Event
from eventbus._record import (
    NO_ATTRIBUTES,
    AnyRecord,
    Attributes,
    AttributeValue,
    Record,
    frozen,
    is_frozen,
)
from eventbus._window import Item, Window, event_of, with_event
from eventbus.privacy._content import (
    REDACTED_CONTENT,
    Content,
    ContentRules,
    content_key,
)
from eventbus.privacy._key_names import KeyNames
from eventbus.privacy._nested import Nested, free_key
from eventbus.privacy._privacy import Privacy
from eventbus.privacy._scanner import Scanner
from eventbus.privacy._type_redaction import TypeRedaction, is_searched

Brought = Mapping[str, AttributeValue]

_NOTHING: Final[tuple[Brought, Brought]] = NO_ATTRIBUTES, NO_ATTRIBUTES
_PLAIN: Final = frozenset({str, bool, int, float})


class AttributeRedaction:
    """Redacts attributes that were bound, or that a relayed record brings.

    Args:
        scanner: Finds secrets.
        sensitive: Names that are content.
        shows: Whether content of that name is let through.
        failed: Called for each value that could not be looked at.
    """

    def __init__(
        self,
        scanner: Scanner,
        sensitive: Sequence[str],
        shows: Callable[[str], bool],
        failed: Callable[[], object],
    ) -> None:
        """Decide about the names once."""
        self._scanner: Final = scanner
        self._nested: Final = Nested(scanner)
        self._left_out: Final = frozenset(n for n in sensitive if not shows(n))
        self._failed: Final = failed

    def are_plain(self, several: Sequence[Attributes], more: Iterable[str]) -> bool:
        """Return whether there is surely nothing to do to *several* and *more*."""
        names = set[str]().union(*several)
        if not self._left_out.isdisjoint(names):
            return False
        try:
            if any(map(self._scanner.key_names.is_secret, names)):
                return False
            values = {value for one in several for value in one.values()}
            if not {type(value) for value in values} <= _PLAIN:
                return False
            texts = {value for value in values if type(value) is str}
            return not self._scanner.may_find_among(texts.union(names, more))
        except Exception:  # noqa: BLE001 - there are values of other types
            return False

    def cleaned(self, attributes: Brought) -> Brought:
        """Return *attributes*, the same object where there is nothing to do."""
        kept: dict[str, AttributeValue] = {}
        is_same = self._left_out.isdisjoint(attributes)
        for name, value in attributes.items():
            if name in self._left_out:
                continue
            shown, found = self._looked(name), self._looked(value, name)
            is_same = is_same and shown is name and found is value
            kept[shown if shown is name else free_key(kept, shown)] = found
        return attributes if is_same else Attributes(kept)

    def text(self, text: str) -> str:
        """Return *text* of a record that is none of its attributes."""
        found: str = self._looked(text)
        return found

    def _looked(self, value: Any, name: Any = None) -> Any:
        # Any: nothing keeps a program from binding names and values of other types.
        try:
            if isinstance(name, str) and self._scanner.key_names.is_secret(name):
                return _hidden(name, value)
            return self._nested.cleaned(value)
        except Exception:  # noqa: BLE001 - a value's own code, or our mistake
            self._failed()
            return REDACTED


def _hidden(name: str, value: AttributeValue) -> AttributeValue:
    if isinstance(value, bool) or value == "":
        return value
    if isinstance(value, int | float) and name.endswith("s"):
        return value  # it counts tokens
    return REDACTED


class Policy:
    """What attachments with the same content get: compiled per type, at first sight.

    Args:
        content: What they asked for.
        privacy: What the bus takes for a secret.
        scanner: Finds secrets.
        failed: Called for each value that could not be looked at.
    """

    def __init__(
        self,
        content: Content,
        privacy: Privacy,
        scanner: Scanner,
        *,
        failed: Callable[[], object],
    ) -> None:
        """Compile the globs; types follow."""
        self._rules: Final = ContentRules(content)
        self._privacy: Final = privacy
        self._scanner: Final = scanner
        self._only_known: Final = scanner.only_known()
        self._failed: Final = failed
        self._types: Final[dict[type[Event], TypeRedaction | None]] = {}
        self._latest: dict[Bound, Bound] = {}
        self._latest_brought: dict[str, tuple[Brought, Brought]] = {}
        self._clean: tuple[Brought, Brought | None] = _NOTHING
        self._attributes: Final = AttributeRedaction(
            scanner,
            privacy.sensitive_attributes,
            self._rules.shows_attribute,
            failed,
        )

    def of(self, event_type: EventType) -> TypeRedaction | None:
        """Return what is done to events of *event_type*; ``None`` is nothing."""
        cls = event_type.cls
        if cls not in self._types:
            searched = is_searched(
                event_type, self._privacy.scan, self._scanner.key_names
            )
            scanner = self._scanner if searched else self._only_known
            # events that nothing else is searched for may still hold what is known
            made = TypeRedaction(
                event_type,
                self._rules,
                scanner or self._scanner,
                is_searched=searched or scanner is not None,
                failed=self._failed,
            )
            self._types[cls] = made or None
        return self._types[cls]

    def cleaned(self, view: Window, types: Iterable[EventType]) -> Window:
        """Return *view*, of events of *types*, as these attachments get it."""
        work = {known.cls: made for known in types if (made := self.of(known))}
        items = self._relayed(view.items)
        if work:
            items = _cleaned(items, work)
        return self._around(view, items)

    def around(self, view: Window) -> Window:
        """Return *view*, whose events themselves have nothing to redact, likewise."""
        return self._around(view, self._relayed(view.items))

    def _around(self, view: Window, items: Sequence[Item]) -> Window:
        contexts = self._contexts(view.contexts) if view.has_bound else None
        if items is view.items and (contexts is None or contexts is view.contexts):
            return view
        return view.replaced(items, contexts)

    def _contexts(self, contexts: Sequence[Bound | None]) -> Sequence[Bound | None]:
        """Return *contexts* with what is bound redacted; scopes are looked at once.

        Those of the window before are remembered, so that a scope that lasts is not
        looked at again and again.
        """
        present = {bound for bound in set(contexts) if bound is not None}
        found = {b: self._latest[b] for b in present if b in self._latest}
        new = present.difference(found)
        states = {state for bound in new if (state := _state_of(bound)) is not None}
        if self._attributes.are_plain([bound.attributes for bound in new], states):
            found.update(zip(new, new, strict=True))
        else:
            found.update((bound, self._cleaned_bound(bound)) for bound in new)
        self._latest = found
        if all(old is clean for old, clean in found.items()):
            return contexts
        return [None if bound is None else found[bound] for bound in contexts]

    def _cleaned_bound(self, bound: Bound) -> Bound:
        attributes = self._attributes.cleaned(bound.attributes)
        state, trace = _state_of(bound), bound.trace
        if trace is not None and state is not None:
            found = self._attributes.text(state)
            if found is not state:
                trace = msgspec.structs.replace(trace, tracestate=found)
        if attributes is bound.attributes and trace is bound.trace:
            return bound
        return msgspec.structs.replace(bound, attributes=attributes, trace=trace)

    def _relayed(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return *items* with what came with records from elsewhere redacted."""
        if Record not in set(map(type, items)):
            return items
        return [self.brought(i) if isinstance(i, Record) else i for i in items]

    def brought(self, record: AnyRecord) -> AnyRecord:
        """Return *record* with what it brings redacted, its event aside."""
        attributes, resource = record.attributes, record.resource
        clean_attributes, clean_resource = self._clean
        changes: dict[str, Any] = {}  # Any: of the types of several fields
        if attributes is not clean_attributes:
            changes["attributes"] = self._shared("attributes", attributes)
        if resource is not clean_resource and resource is not None:
            changes["resource"] = self._shared("resource", resource)
        if record.tracestate:
            changes["tracestate"] = self._attributes.text(record.tracestate)
        if not changes:
            return record
        if any(getattr(record, name) is not found for name, found in changes.items()):
            return msgspec.structs.replace(record, **changes)
        if is_frozen(record):
            self._clean = attributes, resource
        return record

    def _shared(self, field: str, given: Brought) -> Brought:
        """Return *given* redacted; records in a row often share it."""
        latest, cleaned = self._latest_brought.get(field, _NOTHING)
        if latest is given:
            return cleaned
        cleaned = self._attributes.cleaned(given)
        if type(given) is Attributes:  # what can change is looked at each time
            self._latest_brought[field] = given, cleaned
        return cleaned


def _state_of(bound: Bound) -> str | None:
    return None if bound.trace is None else bound.trace.tracestate


def _cleaned(
    items: Sequence[Item], work: Mapping[type[Event], TypeRedaction]
) -> Sequence[Item]:
    """Return *items* with their events redacted, type by type."""
    places: dict[type[Event], list[int]] = {}
    events = [*map(event_of, items)]
    for place, event in enumerate(events):
        places.setdefault(type(event), []).append(place)
    found = list(items)
    for kind, own in places.items():
        if kind not in work:
            continue
        cleaned = work[kind].cleaned([events[place] for place in own])
        for place, event in zip(own, cleaned, strict=True):
            if event is not events[place]:
                found[place] = with_event(items[place], event)
    return items if all(map(is_, found, items)) else found


class Policies:
    """Everything that a bus does for privacy, compiled from its :class:`Privacy`.

    Args:
        privacy: What the bus takes for a secret.
        failed: Called for each value that could not be looked at.
    """

    def __init__(self, privacy: Privacy, failed: Callable[[], object]) -> None:
        """Compile what is looked for; types follow at first sight."""
        names = KeyNames(privacy.key_names, privacy.safe_key_names)
        by_form = privacy.scan != "off"
        self._privacy: Final = privacy
        self._failed: Final = failed
        self.scanner: Final = Scanner(names, privacy.known_secrets, by_form=by_form)
        self._policies: Final[dict[object, Policy]] = {}
        self._plainest: Final = self.of(REDACTED_CONTENT)

    def of(self, content: Content) -> Policy:
        """Return the policy for attachments that get *content*."""
        key = content_key(content)
        if key not in self._policies:
            self._policies[key] = Policy(
                content,
                self._privacy,
                self.scanner,
                failed=self._failed,
            )
        return self._policies[key]

    def is_plain(self, event_type: EventType) -> bool:
        """Return whether *event_type* stays as it is for all, lengths aside."""
        return self._plainest.of(event_type) is None

    def text(self, text: str) -> str:
        """Return *text* of an error, which may have been cut off, without secrets."""
        try:
            return self.scanner.cleaned_cut(text)
        except Exception:  # noqa: BLE001 - never more than what is sure
            return REDACTED

    def attributes(self, attributes: Attributes) -> Attributes:
        """Return the *attributes* of a service without secrets."""
        redaction = AttributeRedaction(self.scanner, (), lambda _: True, self._failed)
        return frozen(redaction.cleaned(attributes))
