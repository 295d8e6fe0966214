"""What an administrator requires over what others say, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from eventbus._expected import shown
from eventbus._place import ROOT, Place, written
from eventbus._records import REDACTED
from eventbus._tracestate import Tracestate
from eventbus._visible import visible
from eventbus.config._expand import names_in
from eventbus.config._layers import NOT_MANAGED
from eventbus.config._problems import Problems
from eventbus.config._reference import toml
from eventbus.config._secrets import is_secret
from eventbus.config._settings import RESERVED
from eventbus.config._stack import Stack
from eventbus.config._tree import as_array, as_table, overlaid, table_in

# Any in this module: a configuration holds values of any type.

TRACESTATE: Final[Place] = ("bus", "tracestate")

_MAX_CONFLICTS: Final = 50
_MAX_ARRAY_LENGTH: Final = 80
_PLAIN: Final = (str, int, float)
_WHOLE: Final = ("content", "dead_letters")
"""Tables of an attachment of which no half is what was required."""


class _Conflict(msgspec.Struct, frozen=True):
    place: Place
    given: Any
    required: Any = msgspec.UNSET


class Requirements:
    """Merges what is required into what is given.

    Tables merge leaf by leaf. A sink is required whole when its table says anything of
    the sink itself: nothing that somebody meant for another far side is sent to the
    required one. Keys of the attachment alone, and tables such as ``headers``, go over
    whatever sink has that name.

    Args:
        stack: Says where each value stands.
        problems: Where a requirement that is wrong is noted.
    """

    def __init__(self, stack: Stack, problems: Problems) -> None:
        """Begin without conflicts."""
        self._stack: Final = stack
        self._problems: Final = problems
        self._conflicts: Final[list[_Conflict]] = []

    def over(
        self, given: Mapping[str, Any], required: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return *given* with what is *required* over it, all of it expanded."""
        return self._merged(given, required, ROOT)

    def warnings(self) -> Iterator[str]:
        """Yield a line for each value that somebody gave and does not get."""
        for conflict in self._conflicts[:_MAX_CONFLICTS]:
            yield visible(self._said(conflict))
        rest = len(self._conflicts) - _MAX_CONFLICTS
        if rest > 0:
            values = "value is" if rest == 1 else "values are"
            yield f"{rest} more {values} not used for what is required"

    def _merged(
        self, given: Mapping[str, Any], required: Mapping[str, Any], place: Place
    ) -> dict[str, Any]:
        if place == TRACESTATE:
            return self._tracestate(given, required)
        if _is_exporter(required, place):
            self._stack.required_whole.add(place)
            self._conflicts.extend(_lost(given, required, place))
            return dict(required)
        merged = dict(given)
        for key, value in required.items():
            inner, lower, upper = (
                (*place, key),
                as_table(given.get(key)),
                as_table(value),
            )
            if upper is not None and (lower is not None or _has_rules(inner)):
                merged[key] = self._merged(lower or {}, upper, inner)
            else:
                merged[key] = value
            if place == ("sinks",) and self._stack.is_required_of_others(inner):
                continue  # it attaches nothing, whatever was switched off
            if key in given and (lower is None or upper is None):
                self._conflicts.extend(_differs(given[key], value, inner))
        return merged

    def _tracestate(
        self, given: Mapping[str, Any], required: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the required fields, and of the others those that fit beside them."""
        reason = _refusal(required)
        if reason:
            self._problems.add(reason, TRACESTATE)
            return dict(required)
        members = dict(required)
        for member, fields in given.items():
            steps = as_table(fields)
            for field, value in (steps or {"": fields}).items():
                place = (*TRACESTATE, member, *([field] if steps else ()))
                beside = table_in(required, member)
                if field in beside:
                    self._conflicts.extend(_differs(value, beside[field], place))
                    continue
                tried = overlaid(members, {member: {field: value}})
                if _refusal(tried):
                    self._conflicts.append(_Conflict(place, value))
                else:
                    members = tried
        return members

    def _said(self, conflict: _Conflict) -> str:
        place = conflict.place
        whose = self._stack.where(place, *NOT_MANAGED)
        mine = f"{_shown(conflict.given, place)} of {whose}"
        where = self._stack.where(place, "managed")
        if conflict.required is msgspec.UNSET:
            return f"`{written(place)}` is left out, {mine}: {where} requires the rest"
        required = _shown(conflict.required, place)
        return f"`{written(place)}` is {required}, as {where} requires, not {mine}"


def _has_rules(place: Place) -> bool:
    """Return whether what is required at *place* is more than its leaves."""
    return place == TRACESTATE or place == ("bus",) or place[:1] == ("sinks",)


def _is_exporter(required: Mapping[str, Any], place: Place) -> bool:
    """Return whether *required*, at *place*, says which sink there is."""
    if place[:1] != ("sinks",):
        return False
    if len(place) == 3 and place[2] in _WHOLE:
        return True
    own = {key: value for key, value in required.items() if key not in RESERVED}
    is_said = not required or "type" in required or "preset" in required
    return len(place) == 2 and (
        is_said or any(as_table(value) is None for value in own.values())
    )


def _lost(
    given: Mapping[str, Any], required: Mapping[str, Any], place: Place
) -> Iterator[_Conflict]:
    """Yield what of *given* is not in *required*, which counts alone."""
    for key, value in given.items():
        inner, lower, upper = (
            (*place, key),
            as_table(value),
            as_table(required.get(key)),
        )
        if lower is not None and (upper is not None or key not in required):
            yield from _lost(lower, upper or {}, inner)
        elif key in required:
            yield from _differs(value, required[key], inner)
        else:
            yield _Conflict(inner, value)


def _differs(given: Any, required: Any, place: Place) -> Iterator[_Conflict]:
    if given != required or isinstance(given, bool) is not isinstance(required, bool):
        yield _Conflict(place, given, required)


def _refusal(members: Mapping[str, Any]) -> str:
    """Return why *members* are no tracestate; what is no table is judged elsewhere."""
    texts = (as_table(fields) for fields in members.values())
    if not all(
        fields is not None and all(isinstance(v, str) for v in fields.values())
        for fields in texts
    ):
        return "tracestate: expected tables of texts"
    try:
        Tracestate(members)
    except ValueError as error:
        return str(error)
    return ""


def _shown(value: Any, place: Place) -> str:
    """Return *value* as it may stand in a line: no secret, and not too long."""
    array = as_array(value)
    items = [value] if array is None else array
    is_text_secret = any(isinstance(one, str) and _may_hold(one) for one in items)
    if is_secret(place) or names_in(value) or is_text_secret:
        return REDACTED
    if array and all(isinstance(one, _PLAIN) for one in array):
        text = toml(array)
        return text if len(text) <= _MAX_ARRAY_LENGTH else shown(value)
    return shown(value)


def _may_hold(text: str) -> bool:
    """Return whether *text* may be an address with a password or a key in it."""
    return "://" in text and any(mark in text for mark in "@?#")
