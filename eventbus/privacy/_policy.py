"""How records leave for attachments that get the same content, on one bus."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import is_
from typing import Final

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
)
from eventbus._window import Item, Window, event_of, with_event
from eventbus.privacy._content import (
    REDACTED_CONTENT,
    Content,
    ContentRules,
    content_key,
)
from eventbus.privacy._key_names import KeyNames
from eventbus.privacy._privacy import Privacy
from eventbus.privacy._scanner import Scanner
from eventbus.privacy._type_redaction import TypeRedaction, is_searched

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
        self._left_out: Final = frozenset(n for n in sensitive if not shows(n))
        self._failed: Final = failed

    def are_plain(self, several: Sequence[Attributes]) -> bool:
        """Return whether there is surely nothing to do to any of *several*."""
        names = set[str]().union(*several)
        if not self._left_out.isdisjoint(names) or any(
            map(self._scanner.key_names.is_secret, names)
        ):
            return False
        try:
            values = {value for one in several for value in one.values()}
            texts = {value for value in values if type(value) is str}
            if not {type(value) for value in values} <= _PLAIN:
                return False
            return not self._scanner.may_find_among(texts)
        except Exception:  # noqa: BLE001 - there are values of other types
            return False

    def cleaned(self, attributes: Attributes) -> Attributes:
        """Return *attributes*, the same object where there is nothing to do."""
        changed: dict[str, AttributeValue] = {}
        for name, value in attributes.items():
            found = self._value(name, value)
            if found is not value:
                changed[name] = found
        if not changed and self._left_out.isdisjoint(attributes):
            return attributes
        kept = {**attributes, **changed}
        for name in self._left_out:
            kept.pop(name, None)
        return Attributes(kept)

    def _value(self, name: str, value: AttributeValue) -> AttributeValue:
        try:
            if self._scanner.key_names.is_secret(name):
                return _hidden(name, value)
            return self._cleaned(value)
        except Exception:  # noqa: BLE001 - a value's own code, or our mistake
            self._failed()
            return REDACTED

    def _cleaned(self, value: AttributeValue) -> AttributeValue:
        if isinstance(value, str):
            text = str.__str__(value)
            cleaned = self._scanner.cleaned(text)
            return value if cleaned == text else cleaned
        if isinstance(value, tuple | list):
            parts = tuple(self._cleaned(part) for part in value)
            return value if parts == tuple(value) else parts  # type: ignore[return-value]
        return value


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
        self._failed: Final = failed
        self._types: Final[dict[type[Event], TypeRedaction | None]] = {}
        self._latest: dict[Bound, Bound] = {}
        self._latest_brought: tuple[Attributes, Attributes] = (
            NO_ATTRIBUTES,
            NO_ATTRIBUTES,
        )
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
            made = TypeRedaction(
                event_type,
                self._rules,
                self._scanner,
                is_searched=searched,
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
        if self._attributes.are_plain([bound.attributes for bound in new]):
            found.update(zip(new, new, strict=True))
        else:
            found.update((bound, self._cleaned_bound(bound)) for bound in new)
        self._latest = found
        if all(old is clean for old, clean in found.items()):
            return contexts
        return [None if bound is None else found[bound] for bound in contexts]

    def _cleaned_bound(self, bound: Bound) -> Bound:
        attributes = self._attributes.cleaned(bound.attributes)
        if attributes is bound.attributes:
            return bound
        return msgspec.structs.replace(bound, attributes=attributes)

    def _relayed(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return *items* with what came with records from elsewhere redacted."""
        if Record not in set(map(type, items)):
            return items
        return [self._relayed_one(i) if isinstance(i, Record) else i for i in items]

    def _relayed_one(self, record: AnyRecord) -> AnyRecord:
        changes: dict[str, Attributes] = {}
        for field in ("attributes", "resource"):
            given: Attributes | None = getattr(record, field)
            if given and (found := self._brought(given)) is not given:
                changes[field] = found
        return msgspec.structs.replace(record, **changes) if changes else record

    def _brought(self, attributes: Attributes) -> Attributes:
        """Return what a record brings; records in a row often share it."""
        latest, cleaned = self._latest_brought
        if latest is not attributes:
            cleaned = self._attributes.cleaned(attributes)
            self._latest_brought = attributes, cleaned
        return cleaned


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
        return AttributeRedaction(
            self.scanner, (), lambda _: True, self._failed
        ).cleaned(attributes)
