"""What has changed between two exports of event types, and what of it breaks readers.

Old and new are documents as ``eventbus events --json-schema`` prints them.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Final, Literal

import msgspec

from eventbus.cli._event_shapes import EventShape, Fields, fields_of, shapes
from eventbus.cli._schema_types import (
    Schema,
    Types,
    names_of,
    resolved,
    within_bounds,
    words_of,
)
from eventbus.config._tree import as_array, as_table

# Any in this module: JSON Schema is JSON.

Rule = Literal[
    "event_removed",
    "event_renamed",
    "field_removed",
    "required_field_added",
    "field_became_required",
    "type_narrowed",
    "type_changed",
    "enum_value_removed",
    "unit_changed",
    "attribute_name_changed",
    "label_changed",
    "sensitive_mark_removed",
    "version_not_raised",
    "version_lowered",
    "span_changed",
    "metrics_changed",
    "event_added",
    "optional_field_added",
    "field_became_optional",
    "type_widened",
    "enum_value_added",
    "unit_added",
    "sensitive_mark_added",
    "default_changed",
    "severity_changed",
    "span_added",
    "metrics_added",
    "version_raised",
]

BREAKING: Final[frozenset[Rule]] = frozenset(
    {
        "event_removed",
        "event_renamed",
        "field_removed",
        "required_field_added",
        "field_became_required",
        "type_narrowed",
        "type_changed",
        "enum_value_removed",
        "unit_changed",
        "attribute_name_changed",
        "label_changed",
        "sensitive_mark_removed",
        "version_not_raised",
        "version_lowered",
        "span_changed",
        "metrics_changed",
    }
)


class Change(msgspec.Struct, frozen=True):
    """One change.

    Args:
        event: The event's name; where it was renamed, the old one.
        field: The field, with the way to it where it is within another (``root.left``,
            ``items[].name``, ``by_name{}``, ``by_name{key}``), or ``None`` where it is
            about the event.
        rule: What happened.
        detail: From what to what, in words.
    """

    event: str
    field: str | None
    rule: Rule
    detail: str = ""

    @property
    def is_breaking(self) -> bool:
        """Whether readers, or what is made of the events, break by it."""
        return self.rule in BREAKING


def changes(old: Schema, new: Schema) -> list[Change]:
    """Return what has changed from *old* to *new*, by event and field.

    Raises:
        ValueError: One of them is no export of event types.
    """
    return _Comparison(old, new).changes()


class _Comparison:
    def __init__(self, old: Schema, new: Schema) -> None:
        self._old, self._new = shapes(old), shapes(new)
        self._documents: Final = (old, new)
        self._under_way: set[tuple[int, int]] = set()

    def changes(self) -> list[Change]:
        renamed = self._renamed()
        found: list[Change] = []
        for name, before in self._old.items():
            after = self._new.get(name)
            if after is not None:
                found += self._of_event(before, after)
            elif name in renamed:
                detail = f"it is {renamed[name]} now"
                found.append(Change(name, None, "event_renamed", detail))
            else:
                found.append(Change(name, None, "event_removed"))
        added = self._new.keys() - self._old.keys() - {*renamed.values()}
        found += [Change(name, None, "event_added") for name in added]
        return sorted(found, key=lambda one: (one.event, one.field or "", one.rule))

    def _renamed(self) -> dict[str, str]:
        """Return what went and came with one class, or with the very same fields."""
        gone = [one for one in self._old.values() if one.name not in self._new]
        come = [one for one in self._new.values() if one.name not in self._old]
        renamed: dict[str, str] = {}
        for before in gone:
            for after in come:
                is_free = after.name not in renamed.values()
                if is_free and _is_alike(before, after):
                    renamed[before.name] = after.name
                    break
        return renamed

    def _of_event(self, before: EventShape, after: EventShape) -> list[Change]:
        name = before.name
        found = [
            Change(name, field, rule, detail)
            for field, rule, detail in self._of_fields(before.fields, after.fields)
        ]
        if before.severity != after.severity:
            detail = f"from {before.severity} to {after.severity}"
            found.append(Change(name, None, "severity_changed", detail))
        made = [*_of_span(before, after), *_of_metrics(before, after)]
        found += [Change(name, None, rule, detail) for rule, detail in made]
        found += _of_version(before, after, any(one.is_breaking for one in found))
        return found

    def _of_fields(
        self, before: Fields, after: Fields, way: str = ""
    ) -> Iterator[tuple[str, Rule, str]]:
        old, new = before.schemas, after.schemas
        for field in old.keys() - new.keys():
            yield f"{way}{field}", "field_removed", ""
        for field in new.keys() - old.keys():
            yield f"{way}{field}", _ADDED[field in after.required], ""
        for field in old.keys() & new.keys():
            place = f"{way}{field}"
            was, must = field in before.required, field in after.required
            if was != must:
                yield place, _REQUIRED[must], ""
            elif not must and (detail := _of_default(old[field], new[field])):
                yield place, "default_changed", detail
            yield from self._of_type(place, old[field], new[field])
            for rule, detail in _of_marks(old[field], new[field]):
                yield place, rule, detail

    def _of_type(
        self, place: str, old: Schema, new: Schema
    ) -> Iterator[tuple[str, Rule, str]]:
        before, after = self._documents
        takes_old = Types(after, before).takes(new, old)
        takes_new = Types(before, after).takes(old, new)
        inside = self._of_parts(place, self._plain(0, old), self._plain(1, new))
        if inside is not None:
            yield from inside
            return
        if takes_old and takes_new:
            return
        lost, gained = self._words_apart(old, new)
        if lost:
            yield place, "enum_value_removed", ", ".join(lost)
        if gained:
            yield place, "enum_value_added", ", ".join(gained)
        if not lost and not (gained and takes_old):
            rule = _TYPES[takes_old, takes_new]
            detail = f"from {self._said(0, old)} to {self._said(1, new)}"
            yield place, rule, detail

    def _of_parts(
        self, place: str, old: Schema, new: Schema
    ) -> Iterator[tuple[str, Rule, str]] | None:
        """Return what changed within values of one kind; ``None``: it is the kind."""
        if not (within_bounds(old, new) and within_bounds(new, old)):
            return None
        if "properties" in old and "properties" in new:
            return self._within(place, old, new)
        items, others = as_table(old.get("items")), as_table(new.get("items"))
        if items is not None and others is not None:
            return self._of_type(f"{place}[]", items, others)
        if old.get("type") == new.get("type") == "object":
            return self._of_table(place, old, new)
        return None

    def _of_table(
        self, place: str, old: Schema, new: Schema
    ) -> Iterator[tuple[str, Rule, str]] | None:
        before, after = as_table(old.get(_VALUES)), as_table(new.get(_VALUES))
        is_other_kind = "properties" in old or "properties" in new
        if is_other_kind or (before is None) != (after is None):
            return None
        return itertools.chain(
            self._of_type(f"{place}{{key}}", names_of(old), names_of(new)),
            self._of_type(f"{place}{{}}", before or {}, after or {}),
        )

    def _within(
        self, place: str, old: Schema, new: Schema
    ) -> Iterator[tuple[str, Rule, str]]:
        pair = (id(old), id(new))
        if pair not in self._under_way:  # what is within itself has been told
            self._under_way.add(pair)
            yield from self._of_fields(fields_of(old), fields_of(new), f"{place}.")
            self._under_way.discard(pair)

    def _plain(self, which: int, schema: Schema) -> Schema:
        """Return *schema* itself, where it is referred to or a choice of one."""
        schema = resolved(self._documents[which], schema)
        parts = as_array(schema.get("anyOf"))
        if parts is not None and len(parts) == 1:
            return self._plain(which, parts[0])
        return schema

    def _words_apart(self, old: Schema, new: Schema) -> tuple[list[str], list[str]]:
        """Return the words that went and that came, where both are closed sets."""
        before, after = self._words(0, old), self._words(1, new)
        if before is None or after is None:
            return [], []
        return sorted(before - after), sorted(after - before)

    def _words(self, which: int, schema: Schema) -> frozenset[str] | None:
        words = words_of(self._plain(which, schema))
        return None if words is None else frozenset(map(_word, words))

    def _said(self, which: int, schema: Schema) -> str:
        schema = resolved(self._documents[which], schema)
        parts = as_array(schema.get("anyOf"))
        if parts is not None:
            said = [self._said(which, part) for part in parts]
            return " or ".join(dict.fromkeys(said))
        words = words_of(schema)
        if words is not None:
            return f"one of {', '.join(map(_word, words))}"
        bounds = [f"{key} {schema[key]}" for key in sorted(_BOUNDS & schema.keys())]
        return ", ".join([str(schema.get("type", "anything")), *bounds])


_VALUES: Final = "additionalProperties"
_ADDED: Final[Mapping[bool, Rule]] = {
    True: "required_field_added",
    False: "optional_field_added",
}
_REQUIRED: Final[Mapping[bool, Rule]] = {
    True: "field_became_required",
    False: "field_became_optional",
}
_TYPES: Final[Mapping[tuple[bool, bool], Rule]] = {
    (True, False): "type_widened",
    (False, True): "type_narrowed",
    (False, False): "type_changed",
}
_BOUNDS: Final = frozenset(
    {
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
        *("minLength", "maxLength", "minItems", "maxItems", "pattern", "format"),
        *("minProperties", "maxProperties", "multipleOf", "contentEncoding"),
    }
)


def _word(word: object) -> str:
    return word if isinstance(word, str) else msgspec.json.encode(word).decode()


def _is_alike(before: EventShape, after: EventShape) -> bool:
    if before.class_name == after.class_name:
        return True
    old, new = before.fields.schemas, after.fields.schemas
    return bool(old) and old.keys() == new.keys()


def _of_version(
    before: EventShape, after: EventShape, is_broken: bool
) -> Iterator[Change]:
    said = f"from {before.version} to {after.version}"
    if after.version < before.version:
        yield Change(before.name, None, "version_lowered", said)
    elif after.version > before.version:
        yield Change(before.name, None, "version_raised", said)
    elif is_broken:
        detail = f"it is still {after.version}"
        yield Change(before.name, None, "version_not_raised", detail)


def _of_span(before: EventShape, after: EventShape) -> Iterator[tuple[Rule, str]]:
    if before.span is None and after.span is not None:
        yield "span_added", ""
    elif before.span != after.span:
        now = after.span
        is_gone = "it has none any more"
        yield "span_changed", is_gone if now is None else _apart(before.span or {}, now)


def _of_metrics(before: EventShape, after: EventShape) -> Iterator[tuple[Rule, str]]:
    old, new = before.metrics, after.metrics
    broken = [f"{name} is gone" for name in sorted(old.keys() - new.keys())] + [
        f"{name}: {_apart(old[name], new[name])}"
        for name in sorted(old.keys() & new.keys())
        if old[name] != new[name]
    ]
    if broken:
        yield "metrics_changed", "; ".join(broken)
    if gained := sorted(new.keys() - old.keys()):
        yield "metrics_added", ", ".join(gained)


def _of_default(old: Schema, new: Schema) -> str:
    return _apart(
        *({"default": one["default"]} if "default" in one else {} for one in (old, new))
    ).removeprefix("default ")


def _apart(old: Schema, new: Schema) -> str:
    """Say which keys have another value, from what to what."""
    return ", ".join(
        f"{key} from {_value(old.get(key))} to {_value(new.get(key))}"
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    )


def _value(value: object) -> str:
    return "none" if value is None else _word(value)


def _of_marks(old: Schema, new: Schema) -> Iterator[tuple[Rule, str]]:
    unit, attribute = old.get("x-unit"), old.get("x-attribute")
    if unit != new.get("x-unit"):
        rule: Rule = "unit_added" if unit is None else "unit_changed"
        yield rule, f"from {unit or 'none'} to {new.get('x-unit') or 'none'}"
    if attribute != new.get("x-attribute"):
        now = new.get("x-attribute") or "that of the field"
        was = attribute or "that of the field"
        yield "attribute_name_changed", f"from {was} to {now}"
    if bool(old.get("x-label")) != bool(new.get("x-label")):
        is_now = "is a label now" if new.get("x-label") else "is no label any more"
        yield "label_changed", f"it {is_now}"
    if bool(old.get("x-sensitive")) != bool(new.get("x-sensitive")):
        is_sensitive = bool(new.get("x-sensitive"))
        yield "sensitive_mark_added" if is_sensitive else "sensitive_mark_removed", ""
