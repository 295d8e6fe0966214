"""Which event types an attachment selects: by glob on the name, by class, by severity.

Decided once per event type. Matching takes time linear in name and glob: a glob
becomes atomic groups, which never look back, and its length is bounded.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence
from typing import Final, cast

from eventbus._catalog import EventType
from eventbus._event import Event
from eventbus._severity import SEVERITIES, SEVERITY_NUMBER, Severity

_MAX_GLOB_LENGTH: Final = 512  # twice the longest event name

Selector = str | type[Event]
NameTest = Callable[[str], bool]


def name_test(glob: str, *, place: str) -> NameTest:
    """Return whether a name matches *glob*, as a function.

    Args:
        glob: ``*`` is any text, dots included; ``?`` is one character; ``[ab]`` and
            ``[!ab]`` are one of a set or none of it. Case matters.
        place: Where *glob* stands, for messages.

    Raises:
        ValueError: It is blank, or longer than 512 characters.
    """
    if not glob.strip():
        raise ValueError(f"{place} must be a glob on event names, got {glob!r}")
    if len(glob) > _MAX_GLOB_LENGTH:
        raise ValueError(
            f"{place} must be a glob of at most {_MAX_GLOB_LENGTH} characters, "
            f"got {len(glob)}"
        )
    matches = re.compile(fnmatch.translate(glob)).match
    return lambda name: matches(name) is not None


class Selection:
    """What one attachment selects.

    Args:
        select: Globs on event names, event types (their subclasses included), or both.
            A leading ``!`` excludes, and an exclusion always wins; only exclusions
            select all the others. ``None`` selects everything.
        min_severity: The least severity selected; ``None`` is any.

    Raises:
        TypeError: A selector is neither text nor an event type.
        ValueError: Nothing is asked for, a glob is blank or too long, or
            *min_severity* is no severity.
    """

    def __init__(
        self,
        select: Sequence[Selector] | Selector | None = None,
        *,
        min_severity: Severity | None = None,
    ) -> None:
        """Compile the globs."""
        self._included: list[NameTest] = []
        self._excluded: list[NameTest] = []
        self._classes: list[type[Event]] = []
        self._floor = _severity_number(min_severity)
        for position, selector in enumerate(_selectors(select)):
            self._add(selector, place=f"select[{position}]")

    def _add(self, selector: object, *, place: str) -> None:
        if isinstance(selector, type) and issubclass(selector, Event):
            self._classes.append(selector)
        elif not isinstance(selector, str):
            raise TypeError(
                f"{place} must be a glob on event names or an event type, "
                f"got {selector!r}"
            )
        elif selector.startswith("!"):
            glob = selector.removeprefix("!")
            self._excluded.append(name_test(glob, place=f"{place} after '!'"))
        else:
            self._included.append(name_test(selector, place=place))

    @property
    def has_floor(self) -> bool:
        """Whether there is a least severity at all."""
        return self._floor > 0

    def selects(self, event_type: EventType, *, varies: bool = False) -> bool:
        """Return whether events of *event_type* are selected.

        Args:
            event_type: As the catalog has it.
            varies: Whether its events differ in severity; then this answers for the
                name alone: ask :meth:`severity_floor` for the rest.
        """
        if not self._selects_name(event_type):
            return False
        return varies or SEVERITY_NUMBER[event_type.identity.severity] >= self._floor

    def _selects_name(self, event_type: EventType) -> bool:
        name = event_type.name
        if any(test(name) for test in self._excluded):
            return False
        if not self._included and not self._classes:
            return True
        return any(test(name) for test in self._included) or any(
            issubclass(event_type.cls, cls) for cls in self._classes
        )

    def severity_floor(self, *, varies: bool) -> int | None:
        """Return the least severity number an event must have.

        ``None`` when there is nothing to ask per event: no ``min_severity``, or one
        that :meth:`selects` has decided for the whole type.
        """
        return self._floor if self._floor and varies else None


def _selectors(select: object) -> Sequence[object]:
    if select is None:
        return ()
    if isinstance(select, str | type):
        return (select,)
    if not isinstance(select, Sequence):
        raise TypeError(
            "select must be None, a glob on event names, an event type, or a list of "
            f"them, got {select!r}"
        )
    if not select:
        raise ValueError("select must name an event, got []; None selects all")
    return cast("Sequence[object]", select)


def _severity_number(severity: Severity | None) -> int:
    if severity is None:
        return 0
    if severity not in SEVERITIES:
        raise ValueError(
            f"min_severity must be one of {', '.join(SEVERITIES)}, got {severity!r}"
        )
    return SEVERITY_NUMBER[severity]
