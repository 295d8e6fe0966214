"""What is done to the events of one type for one kind of attachment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final

import msgspec
from msgspec.structs import force_setattr

from eventbus._catalog import EventField, EventType
from eventbus._event import REDACTED, Event, redacted, with_values
from eventbus.privacy._content import ContentRules, cut
from eventbus.privacy._key_names import KeyNames
from eventbus.privacy._nested import Nested
from eventbus.privacy._nodes import has_names, holds, is_hidden, stand_in
from eventbus.privacy._privacy import Scan
from eventbus.privacy._scanner import Scanner

# Any in this module: fields hold values of every type.

_Change = Callable[[Any], Any]


def is_searched(event_type: EventType, scan: Scan, key_names: KeyNames) -> bool:
    """Return whether the texts of *event_type* are searched for secrets."""
    if scan == "sensitive":
        return event_type.identity.scan or any(
            field.sensitive
            or is_named_secret(field, key_names)
            or has_names(field.node, key_names)
            for field in event_type.fields
        )
    return scan == "all"


def is_named_secret(field: EventField, key_names: KeyNames) -> bool:
    """Return whether *field* has a secret's name, and a value that may be secret."""
    names = (field.name, field.encode_name, field.attribute or "")
    return any(
        key_names.is_secret(name) and is_hidden(field.node, name) for name in names
    )


class TypeRedaction:
    """Redacts events of one type; what has nothing to redact stays the same object.

    A field that cannot be looked at, because a value's own code fails, is replaced as a
    whole, and the event goes on.

    Args:
        event_type: As the catalog has it.
        rules: Which content is let through.
        scanner: Finds secrets in text.
        is_searched: Whether the type's texts are searched.
        failed: Called for each field that could not be looked at.
    """

    def __init__(
        self,
        event_type: EventType,
        rules: ContentRules,
        scanner: Scanner,
        *,
        is_searched: bool,
        failed: Callable[[], object],
    ) -> None:
        """Work out what is done to which field."""
        self._scanner: Final = scanner
        self._failed: Final = failed
        self._nodes: Final = {field.name: field.node for field in event_type.fields}
        nested = Nested(scanner)
        self._hidden: Final[list[str]] = []
        self._texts: Final[list[str]] = []
        self._changes: Final[list[tuple[str, _Change]]] = []
        for field in event_type.fields:
            kind, name = holds(field.node), field.name
            is_secret = not field.sensitive and is_named_secret(
                field, scanner.key_names
            )  # where the type says itself what the field is, its name does not
            is_kept_back = field.sensitive and not rules.shows(event_type.name, name)
            if kind == "nothing" and not is_secret:
                continue
            if is_kept_back or (is_secret and kind == "text"):
                self._hidden.append(name)
            elif is_secret:
                self._changes.append((name, nested.hidden))
            else:
                self._search(field, kind == "text", is_searched, nested)
                self._limit(name, rules.max_bytes(event_type.name, name))
        self._getters: Final = [attrgetter(name) for name in self._texts]

    def _search(
        self, field: EventField, is_text: bool, is_searched: bool, nested: Nested, /
    ) -> None:
        if is_text and is_searched:
            self._texts.append(field.name)
        elif is_searched or has_names(field.node, self._scanner.key_names):
            self._changes.append((field.name, nested.cleaned))

    def _limit(self, name: str, max_bytes: int | None) -> None:
        if max_bytes is not None:
            self._changes.append((name, _cutter(max_bytes)))

    def __bool__(self) -> bool:
        """Return whether there is anything to do."""
        return bool(self._hidden or self._texts or self._changes)

    def cleaned(self, events: Sequence[Event]) -> Sequence[Event]:
        """Return *events*, those with something to redact as copies."""
        found: list[Event] = list(events)
        hidden, texts = self._hidden, self._texts
        if hidden:
            found = [redacted(event, hidden) for event in events]
        if texts and self._may_be_secrets_in(events):
            for name in texts:
                self._change(events, found, name, self._cleaned_text)
        for name, change in self._changes:
            self._change(events, found, name, change)
        return found

    def _may_be_secrets_in(self, events: Sequence[Event]) -> bool:
        texts: set[Any] = set()
        try:
            for getter in self._getters:
                texts.update(map(getter, events))
            texts.difference_update(_ABSENT)
            return self._scanner.may_find_among(texts)
        except Exception:  # noqa: BLE001 - there is something else than text
            return True

    def _cleaned_text(self, value: Any) -> Any:
        if type(value) is not str:
            return Nested(self._scanner).cleaned(value)
        scanner = self._scanner
        return scanner.cleaned(value) if scanner.may_find_in(value) else value

    def _change(
        self,
        events: Sequence[Event],
        found: list[Event],
        name: str,
        change: _Change,
    ) -> None:
        """Change the field *name* of those *found*; copies of *events* are ours."""
        for place, event in enumerate(found):
            value = getattr(event, name)
            try:
                changed = change(value)
            except Exception:  # noqa: BLE001 - a value's own code, or our mistake
                self._failed()
                changed = stand_in(self._nodes[name], REDACTED)
            if changed is value:
                continue
            if event is events[place]:
                found[place] = with_values(event, {name: changed})
            else:
                force_setattr(event, name, changed)


_ABSENT: Final = (None, msgspec.UNSET)


def _cutter(max_bytes: int) -> _Change:
    def cut_text(value: Any) -> Any:
        return cut(value, max_bytes) if isinstance(value, str) else value

    return cut_text
