"""What a test can ask about the events of a bus: the value of ``bus_events``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final, TypeVar, overload

from eventbus._bus import Bus
from eventbus._errors import BusClosedError
from eventbus._event import Event
from eventbus._record import AnyRecord, Record
from eventbus._sampling_ratio import Ratio
from eventbus._select import Selector
from eventbus._settings import Buffer, Overflow
from eventbus.testing._listening import (
    Bell,
    Watcher,
    is_here,
    seal,
    woken_here,
    work_for,
)
from eventbus.testing._matching import (
    Match,
    Wanted,
    explain,
    names_of,
    redacted,
    shown,
)
from eventbus.testing._scrubbing import Scrub
from eventbus.testing._transcript import assert_transcript

# Any in this module: an event of whichever type a test asks for.

E = TypeVar("E", bound=Event)

DEFAULT_MAX_RECORDS: Final = 100_000
DEFAULT_WAIT_SECONDS: Final = 1.0
WATCHER_NAME: Final = "bus_events"
"""The attachment that records, on every bus that is watched."""


class BusEvents:
    """Records every event of a bus, unredacted, in the order of their emission.

    Recording needs no event loop: whatever was emitted is there at the next look,
    whether the bus was started or not. Nothing of it stays pending on the bus, and it
    counts as sampled out there. What is printed or written is redacted.

    Args:
        bus: Recorded from now on; one of its own without it.
        folder: Where relative paths of transcripts begin.
        update: Whether :meth:`golden` writes transcripts instead of comparing.
        max_records: Most records kept; beyond it every question raises.
    """

    def __init__(
        self,
        bus: Bus | None = None,
        *,
        folder: Path | None = None,
        update: bool = False,
        max_records: int = DEFAULT_MAX_RECORDS,
    ) -> None:
        """Begin to record."""
        self.bus: Final = Bus() if bus is None else bus
        self._folder = folder or Path()
        self._update = update
        self._max_records = max_records
        self._records: list[AnyRecord] = []
        self._missed = 0
        self._buses: list[Bus] = []
        self._bell = Bell()
        self.watch(self.bus)

    def __repr__(self) -> str:
        """Show how many there are, and the last names."""
        for bus in filter(is_here, self._buses):
            with suppress(Exception):
                seal(bus)
        return f"<BusEvents {len(self._records)}: {names_of(self._records)}>"

    def watch(self, bus: Bus) -> None:
        """Record the events of *bus* too, from now on.

        Raises:
            AttachError: *bus* is watched already.
            BusClosedError: *bus* is closed.
            RuntimeError: *bus* runs in another thread, whose loop does not answer.
        """
        work_for(bus, lambda: self._attach_to(bus))
        self._buses.append(bus)

    def watch_used(self, bus: Bus) -> None:
        """Record the events of *bus* too, unless it is watched or closed already."""
        if bus not in self._buses:
            with suppress(BusClosedError):
                self.watch(bus)

    def _attach_to(self, bus: Bus) -> None:
        bus.attach(
            Watcher(self._keep),
            name=WATCHER_NAME,
            content="full",
            sampler=Ratio(0),
            buffer=Buffer(max_events=self._max_records, overflow=Overflow.DROP_OLDEST),
        )

    def _keep(self, batch: Sequence[AnyRecord]) -> None:
        room = self._max_records - len(self._records)
        self._records.extend(batch[:room])
        self._missed += max(len(batch) - room, 0)
        self._bell.ring()

    @property
    def records(self) -> list[AnyRecord]:
        """Every record so far; of several buses, in order for each bus alone.

        Raises:
            RuntimeError: There were more than ``max_records``.
        """
        for bus in self._buses:
            seal(bus)
        missed = self._missed + sum(map(_dropped, self._buses))
        if missed:
            raise RuntimeError(
                f"bus_events keeps at most {self._max_records} records and missed "
                f"{missed}; a larger max_records or a clear() in between helps"
            )
        return list(self._records)

    @property
    def events(self) -> list[Event]:
        """Every event so far."""
        return [record.event for record in self.records]

    @property
    def names(self) -> list[str]:
        """The name of every event so far: ``assert bus_events.names == […]``."""
        return [record.name for record in self.records]

    def of(self, event_type: type[E]) -> list[E]:
        """Return the events of *event_type* and its subclasses."""
        return [event for event in self.events if isinstance(event, event_type)]

    def has(
        self,
        select: Selector | None = None,
        match: Match | None = None,
        /,
        **fields: object,
    ) -> bool:
        """Return whether such an event was recorded; see :meth:`assert_event`."""
        return any(map(Wanted(select, match, fields).accepts, self.records))

    def clear(self) -> None:
        """Forget everything so far."""
        for bus in self._buses:
            seal(bus)
        self._records.clear()
        self._missed = 0

    @overload
    def assert_event(
        self, select: type[E], match: Match | None = None, /, **fields: object
    ) -> Record[E]: ...
    @overload
    def assert_event(
        self, select: str, match: Match | None = None, /, **fields: object
    ) -> AnyRecord: ...
    def assert_event(
        self, select: Selector, match: Match | None = None, /, **fields: object
    ) -> Record[Any]:
        """Return the first record that fits.

        Args:
            select: A glob on event names, or an event type.
            match: Is given the event; true when it fits.
            **fields: Values by field, else by bound attribute. A type stands for its
                instances, a function for the values it returns true for.

        Raises:
            AssertionError: None does; the text says what speaks against the near ones.
        """
        __tracebackhide__ = True
        records = self.records
        wanted = Wanted(select, match, fields)
        found = next(filter(wanted.accepts, records), None)
        if found is None:
            raise AssertionError(explain(wanted, records) + self._refusals())
        return found

    def assert_no_event(
        self, select: Selector, match: Match | None = None, /, **fields: object
    ) -> None:
        """Check that nothing recorded fits; see :meth:`assert_event`.

        Raises:
            AssertionError: Something does.
        """
        __tracebackhide__ = True
        wanted = Wanted(select, match, fields)
        found = list(filter(wanted.accepts, self.records))
        if found:
            first = shown(redacted(found[0]).event)
            raise AssertionError(
                f"expected no {wanted}, got {len(found)}, the first: {first}"
            )

    def assert_order(self, *selects: Selector) -> None:
        """Check that these events came one after the other, others between allowed.

        Raises:
            AssertionError: They did not; the text names the first one missing.
        """
        __tracebackhide__ = True
        records = self.records
        rest = iter(records)
        for place, select in enumerate(selects):
            wanted = Wanted(select, None, {})
            if not any(map(wanted.accepts, rest)):
                before = ", ".join(map(_text, selects[:place])) or "anything"
                raise AssertionError(
                    f"no {wanted} after {before}; recorded: {names_of(records)}"
                )

    @overload
    async def wait_for(
        self,
        select: type[E],
        timeout_seconds: float = DEFAULT_WAIT_SECONDS,
        match: Match | None = None,
        /,
        **fields: object,
    ) -> Record[E]: ...
    @overload
    async def wait_for(
        self,
        select: str,
        timeout_seconds: float = DEFAULT_WAIT_SECONDS,
        match: Match | None = None,
        /,
        **fields: object,
    ) -> AnyRecord: ...
    async def wait_for(
        self,
        select: Selector,
        timeout_seconds: float = DEFAULT_WAIT_SECONDS,
        match: Match | None = None,
        /,
        **fields: object,
    ) -> Record[Any]:
        """Return the first record that fits, recorded already or still to come.

        Args:
            select: A glob on event names, or an event type.
            timeout_seconds: Longest wait, in real time; 0 only looks.
            match: As in :meth:`assert_event`.
            **fields: As in :meth:`assert_event`.

        Raises:
            AssertionError: None came in time.
            TypeError: *timeout_seconds* is no number, or *match* no plain function.
        """
        __tracebackhide__ = True
        _check_timeout(timeout_seconds)
        wanted = Wanted(select, match, fields)
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._next(wanted)
        except TimeoutError:
            why = explain(wanted, self.records) + self._refusals()
            raise AssertionError(f"within {timeout_seconds} s: {why}") from None

    async def _next(self, wanted: Wanted) -> AnyRecord:
        with ExitStack() as stack:
            for bus in self._buses:
                stack.enter_context(woken_here(bus))
            while True:
                rung = stack.enter_context(self._bell.waiting())
                found = next(filter(wanted.accepts, self.records), None)
                if found is not None:
                    return found
                await rung

    def golden(self, path: str | Path, *, scrub: Scrub = ()) -> None:
        """Compare what was recorded with the transcript at *path*, line by line.

        See :func:`assert_transcript`. ``pytest --eventbus-update-golden`` writes it.

        Args:
            path: Relative to the test's own directory.
            scrub: What else differs from run to run: names of fields, and patterns.

        Raises:
            AssertionError: They differ, or there is no transcript.
        """
        __tracebackhide__ = True
        assert_transcript(
            self._folder / path, self.records, scrub=scrub, update=self._update
        )

    def _refusals(self) -> str:
        refused = [f"{n} {why}" for b in self._buses for why, n in _refused(b)]
        return f"\n  refused by the bus: {', '.join(refused)}" if refused else ""


def _check_timeout(timeout_seconds: object) -> None:
    if not isinstance(timeout_seconds, int | float):
        raise TypeError(
            f"timeout_seconds must be a number, got {shown(timeout_seconds)}: "
            "it stands before match"
        )


def _refused(bus: Bus) -> list[tuple[str, int]]:
    return list(bus.stats().refused.items())


def _dropped(bus: Bus) -> int:
    watcher = bus.stats().attachments.get(WATCHER_NAME)
    return 0 if watcher is None else sum(watcher.dropped.values())


def _text(select: Selector) -> str:
    return repr(select) if isinstance(select, str) else select.__name__
