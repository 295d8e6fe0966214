"""What a bus offers: events in, records to attachments, and the truth about both."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Final, TypeVar, cast

from eventbus._attachment import Attachment
from eventbus._bounds import at_least, by_name, none_blank, none_or_a
from eventbus._catalog import Catalog
from eventbus._clock import Clock, SystemClock
from eventbus._coalesce import Coalesce
from eventbus._emit import Emit, Relay
from eventbus._engine import Engine
from eventbus._errors import AttachError, BusClosedError
from eventbus._event import Event
from eventbus._handlers import HandlerSink, name_of
from eventbus._host import Host
from eventbus._lifecycle import Lifecycle
from eventbus._on_its_way import counts_in_seal, selected
from eventbus._own_events import MIN_OWN_EVENTS_SECONDS, OwnEvents
from eventbus._plan import Wishes, default_name, make_plan
from eventbus._publish import Publish
from eventbus._record import Attributes, AttributeValue
from eventbus._sampler import Sampler
from eventbus._select import Selector
from eventbus._settings import (
    DEFAULT_CLOSE_TIMEOUT_SECONDS,
    DEFAULT_START_TIMEOUT_SECONDS,
    Batch,
    Buffer,
    Limits,
    Retry,
)
from eventbus._severity import Severity
from eventbus._sink import Sink, SinkContext, optional_method
from eventbus._stats import AttachmentStats, BusStats, Report
from eventbus._subscription import (
    ONE_AT_A_TIME,
    SUBSCRIPTION_BUFFER,
    PulledSink,
    Subscription,
)
from eventbus._tracestate import NOTHING_ADDED, Tracestate
from eventbus.privacy._content import Content, ContentMode
from eventbus.privacy._privacy import Privacy

if TYPE_CHECKING:
    from eventbus.config._layers import Source
    from eventbus.config._presets import Preset

E = TypeVar("E", bound=Event)
H = TypeVar("H", bound=Callable[..., object])


class Bus:
    """Takes events and offers their records to attachments.

    Made anywhere, with or without an event loop; started by ``async with`` or
    :meth:`start`, and bound to that loop from then on. What is emitted before the
    start waits in the buffers, within their bounds.

    Args:
        resource: Attributes of this service, on every record.
        catalog: The event types known; it grows as new ones are emitted.
        clock: For tests: :class:`eventbus.testing.ManualClock`.
        limits: Bounds of the whole bus.
        strict: Raise for what is no event and for fields of the wrong type, instead of
            counting them; costs a check of every event.
        start_timeout_seconds: Longest wait for sinks to start; they go on trying.
        close_timeout_seconds: What :meth:`aclose` may take.
        own_events_seconds: How often the bus reports on itself as events, at least 10;
            ``None``, the default, is never. See
            :class:`eventbus.AttachmentStateChanged` and
            :class:`eventbus.AttachmentReported`.

        tracestate: What stands in front of every tracestate that leaves: in headers
            by ``trace_context.inject(headers, bus.tracestate)``, and on spans.
        privacy: What is taken for a secret, and replaced for every attachment.

    Raises:
        ValueError: *own_events_seconds* is less than 10, or a name in *resource* is
            blank.
        TypeError: An argument is of another type.
    """

    emit: Emit[Event]
    """Hands over an event; never waits, never raises. See :class:`eventbus.Emit`."""

    relay: Relay
    """Hands over a record from elsewhere. See :class:`eventbus.Relay`."""

    publish: Publish
    """Hands over an event and waits for room. See :class:`eventbus.Publish`."""

    def __init__(
        self,
        resource: Mapping[str, AttributeValue] | None = None,
        catalog: Catalog | None = None,
        *,
        clock: Clock | None = None,
        limits: Limits | None = None,
        strict: bool = False,
        start_timeout_seconds: float = DEFAULT_START_TIMEOUT_SECONDS,
        close_timeout_seconds: float = DEFAULT_CLOSE_TIMEOUT_SECONDS,
        own_events_seconds: float | None = None,
        tracestate: Tracestate | None = None,
        privacy: Privacy | None = None,
    ) -> None:
        """Prepare; nothing runs until the start."""
        at_least("own_events_seconds", own_events_seconds, MIN_OWN_EVENTS_SECONDS)
        none_blank("resource", by_name("resource", resource or {}))
        none_or_a(Catalog, catalog=catalog)
        none_or_a(Limits, limits=limits)
        none_or_a(Tracestate, tracestate=tracestate)
        none_or_a(Privacy, privacy=privacy)
        self.catalog: Final = Catalog() if catalog is None else catalog
        self.privacy: Final = privacy or Privacy()
        self.tracestate: Final = tracestate or NOTHING_ADDED
        self._limits: Final = limits or Limits()
        self._engine: Final = Engine(
            resource=Attributes(resource or {}),
            catalog=self.catalog,
            clock=clock or SystemClock(),
            limits=self._limits,
            strict=strict,
            privacy=self.privacy,
        )
        self.resource: Final = self._engine.resource
        self._life: Final = Lifecycle(
            self._engine,
            start_timeout_seconds=start_timeout_seconds,
            close_timeout_seconds=close_timeout_seconds,
        )
        self._own_events = self._life.own_events = self._told_each(own_events_seconds)
        self._host: Final = self._make_host()
        self.emit = self._engine.router.emit
        self.relay = self._engine.router.relay
        self.publish = self._engine.publisher.publish

    def _told_each(self, seconds: float | None) -> OwnEvents | None:
        if seconds is None:
            return None
        read_stats = partial(_read_stats, self._engine, self._life)
        return OwnEvents(self._engine, self._life.attachments, read_stats, seconds)

    @classmethod
    def from_config(
        cls,
        source: Source,
        *,
        strict: bool = False,
        presets: Mapping[str, Preset] | None = None,
    ) -> Bus:
        """Return a bus with everything attached that a configuration names.

        Args:
            source: The path of a TOML file, or what is in one; or several of these,
                each of which may be an :class:`eventbus.Layer`.
            strict: Raise for any mistake. Without it, a sink with settings that cannot
                be used is left out, and said so once.
            presets: Presets by name, beside those that are installed.

        Raises:
            ConfigError: The configuration as a whole cannot be used, or a managed
                layer of it, or *strict* and any part of it; the text has the path
                into it.
        """
        from eventbus.config import bus_from_config

        return bus_from_config(cls, source, strict=strict, presets=presets)

    async def __aenter__(self) -> Bus:
        try:
            await self.start()
        except asyncio.CancelledError:
            await self.aclose()  # nobody else will
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        life: Lifecycle | None = getattr(self, "_life", None)
        if life is not None and life.is_running:
            warnings.warn(
                f"{self!r} was not closed: {life.pending} event(s) pending",
                ResourceWarning,
                source=self,
                stacklevel=1,
            )

    def __repr__(self) -> str:
        """Show the attachments and whether it runs."""
        names = ", ".join(self._life.attachments)
        return f"<Bus [{names}] {self._life.phase}>"

    def attach(
        self,
        sink: Sink,
        *,
        name: str | None = None,
        select: Sequence[Selector] | Selector | None = None,
        min_severity: Severity | None = None,
        buffer: Buffer | None = None,
        batch: Batch | None = None,
        retry: Retry | None = None,
        sampler: Sampler | None = None,
        content: Content | ContentMode = "redacted",
        spool: None = None,
        dead_letters: Sink | None = None,
        coalesce: Coalesce | None = None,
    ) -> Attachment:
        """Attach *sink*: it has what is emitted from now on.

        On a running bus, call it on the bus's loop; the sink starts in the background
        and its buffer fills meanwhile (see :meth:`Attachment.ready`).

        Args:
            sink: Delivers the batches.
            name: Unique on this bus; without it, made of the sink's class.
            select: Globs on event names (``*`` crosses dots, ``!`` excludes), event
                types, or both; ``None`` is all.
            min_severity: The least severity taken.
            buffer: Its bounds; else the sink's own ``buffer``, else the default.
            batch: Its batches, likewise.
            retry: Its patience, likewise.
            sampler: What it keeps of the events; ``None`` is all.
            content: ``"full"`` lets sensitive fields through, :class:`Content` some
                of them, or their beginnings. Secrets are replaced all the same.
            spool: Must be ``None``: buffers on disk are not part of this version.
            dead_letters: A sink for what is set aside, with sink, reason, attempts,
                first and last error among the attributes.
            coalesce: Which events of a batch become one :class:`Summary` where they
                are alike; ``None`` is none.

        Raises:
            AttachError: The name is taken, the sink is no sink or attached already,
                or a selector cannot be used.
            BusClosedError: The bus is closed.
        """
        if spool is not None:
            raise AttachError("spool must be None: buffers on disk come later")
        wishes = Wishes(
            select=select,
            min_severity=min_severity,
            buffer=buffer,
            batch=batch,
            retry=retry,
            sampler=sampler,
            content=content,
            coalesce=coalesce,
        )
        attachment = self._make(sink, name, wishes)
        if dead_letters is not None:
            self._keep_dead_letters(attachment, dead_letters)
        self._life.add(attachment)
        return attachment

    def on(
        self,
        *select: Selector,
        name: str | None = None,
        buffer: Buffer | None = None,
        threaded: bool = False,
    ) -> Callable[[H], H]:
        """Return a decorator that attaches a handler, sync or async.

        A record is delivered when the handler returns; one that raises is counted as
        rejected, and a handler that keeps raising is paused. It runs on the loop: what
        blocks in it blocks the host.

        Args:
            *select: As in :meth:`attach`; none is all.
            name: Without it, ``on:`` and the handler's qualified name.
            buffer: Its bounds; as every handler has its own, none holds up another.
            threaded: Call a sync handler in a thread of its own, where it may block.
                What never returns is left behind at the close, and by the program.

        Raises:
            AttachError: As :meth:`attach`.
        """

        def attach(handler: H) -> H:
            sink = HandlerSink(handler, threaded=threaded)
            wishes = Wishes(select=select or None, buffer=buffer, handles=True)
            default = name_of(handler)
            self._life.add(self._make(sink, name, wishes, default=default))
            return handler

        return attach

    def subscribe(
        self,
        *select: Selector,
        name: str | None = None,
        buffer: Buffer | None = None,
    ) -> Subscription:
        """Return an async iterator over records, to be entered with ``async with``.

        Args:
            *select: As in :meth:`attach`; none is all.
            name: Without it, ``subscribe:`` and the lowest number that is free.
            buffer: Its bounds; by default the newest 1,024 unread records.

        A record is delivered when the iterator yields it; :attr:`Subscription.missed`
        counts those that were dropped unread. A flush does not wait for iterators.
        """
        wishes = Wishes(
            select=select or None,
            buffer=buffer or SUBSCRIPTION_BUFFER,
            batch=ONE_AT_A_TIME,
            pulls=True,
        )

        def attach() -> Attachment:
            taken = self._life.everybody
            numbered = map("subscribe:{}".format, count(1))
            own_name = name or next(one for one in numbered if one not in taken)
            attachment = self._make(PulledSink(), own_name, wishes)
            self._life.add(attachment)
            return attachment

        return Subscription(attach)

    def emitter(
        self,
        event_type: type[E],
        *,
        attributes: Mapping[str, AttributeValue] | None = None,
    ) -> Emit[E]:
        """Return the fastest form of :attr:`emit`, for events of *event_type* only.

        It follows every attach and detach. An event of another type, a subclass of it
        say, goes where its own type goes, as with :attr:`emit`. Without *attributes* it
        is the same function at every call.

        Args:
            event_type: A subclass of :class:`Event`.
            attributes: Bound to each event, as by :func:`bind`, and over what is bound
                where it is called: what a session or a connection adds to its events.
                They are read once. It costs some 0.2 µs an event.

        Raises:
            RegistrationError: The catalog cannot take the type.
        """
        emit = cast("Emit[E]", self._engine.router.emitter(event_type).emit)
        return emit if attributes is None else self._engine.router.emit_over(attributes)

    async def start(self) -> None:
        """Start on the running loop; what was emitted before is delivered now.

        Returns when every sink has started, or ``start_timeout_seconds`` have passed:
        then the late ones go on trying. Starting again changes nothing; on a new loop
        after the old one was closed, the bus moves there.

        Raises:
            BusClosedError: The bus was closed.
        """
        await self._life.start()

    async def flush(self, timeout_seconds: float | None = None) -> Report:
        """Wait until what was emitted before has reached its final state.

        Args:
            timeout_seconds: Longest wait; ``None`` is ``close_timeout_seconds``.

        Returns:
            What became of it. Its ``complete`` is true when nothing from before is
            pending and nothing was lost since the report before.

        Later events are not waited for, and neither are subscriptions; backoff is not
        shortened. A bus that does not run reports at once. If cancelled, nothing
        changes. From the coroutine of another loop it waits on the bus's loop. Inside a
        sink's call or a handler, it does not wait for that one.

        Raises:
            RuntimeError: Called on another loop, while that of the bus stands still.
        """
        return await self._life.flushes.flush(timeout_seconds)

    def flush_from_thread(self, timeout_seconds: float | None = None) -> Report:
        """Flush from plain code, in a thread that runs no event loop.

        For programs that have their bus in :func:`eventbus.run_in_thread`. As
        :meth:`flush`, but it holds up the calling thread, and a bus whose loop stands
        still or is busy reports in time, with what is pending by then.

        Raises:
            RuntimeError: Called where an event loop runs, which it would hold up.
        """
        return self._life.flushes.flush_from_thread(timeout_seconds)

    async def aclose(self, timeout_seconds: float | None = None) -> Report:
        """Refuse further events, deliver what is pending, close every sink.

        Args:
            timeout_seconds: For all sinks together; what is pending after it is dropped
                as ``shutdown_deadline``. ``None`` is ``close_timeout_seconds``, 0
                waits for nothing.

        Returns:
            What became of everything. Closing again returns the same.

        Waits for retries end at once. If cancelled, the close still takes place as
        asked, and the cancellation is raised after it. From the coroutine of another
        loop it takes place on the bus's loop, or here when that one is gone.

        Raises:
            RuntimeError: Called on another loop, while that of the bus stands still; or
                inside a call of one of the bus's own sinks or handlers.
        """
        return await self._life.aclose(timeout_seconds)

    def stats(self) -> BusStats:
        """Return all counts of this moment; from any thread, never waits long.

        In a signal handler or finalizer that came in the middle of the bus's own
        counting, the counts lack what is not in a buffer yet.
        """
        return _read_stats(self._engine, self._life)

    def _make_host(self) -> Host:
        engine = self._engine
        return Host(
            ingress=engine.ingress,
            ledger=engine.ledger,
            clock=engine.clock,
            log=engine.log,
            random=engine.random,
            measure=engine.measure,
            check_thread=self._life.check_thread,
            seal=engine.sealer.seal,
            refresh=engine.router.refresh,
            detach=self._life.detach,
            work=engine.binding.work,
            watchers=self._life.flushes.barriers.watchers,
            decided=self._life.flushes.barriers.decided,
            state_entered=self._own_events.note if self._own_events else _ignore,
        )

    def _make(
        self,
        sink: Sink,
        name: str | None,
        wishes: Wishes,
        *,
        default: str | None = None,
    ) -> Attachment:
        if self._life.is_closed:
            raise BusClosedError("attach was called after the bus was closed")
        given = self._life.free_name(name, default or default_name(sink))
        if len(self._life.attachments) >= self._limits.max_attachments:
            raise AttachError(
                f"attachment {given!r} is one over the limit of "
                f"{self._limits.max_attachments} attachments on one bus"
            )
        taken = self._life.holder_of(sink)
        if taken is not None:
            raise AttachError(
                f"attachment {given!r}: the same {type(sink).__name__} is attached "
                f"as {taken!r} already; make another one"
            )
        plan = make_plan(sink, given, wishes, self._engine.clock)
        configure = optional_method(sink, "configure")
        if configure is not None:
            configure(
                SinkContext(
                    given,
                    self.resource,
                    self.catalog,
                    self._engine.clock,
                    self.tracestate,
                    self.privacy.sensitive_attributes,
                )
            )
        return Attachment(sink, plan, self._host)

    def _keep_dead_letters(self, attachment: Attachment, sink: Sink) -> None:
        if sink is attachment.sink:
            raise AttachError(
                f"attachment {attachment.name!r}: its dead letters need another sink"
            )
        wishes = Wishes(content="full")
        letters = self._make(sink, f"{attachment.name}.dead_letters", wishes)
        attachment.keep_aside(letters)


def _read_stats(engine: Engine, life: Lifecycle) -> BusStats:
    with engine.ingress.left, engine.ingress.mutex, engine.ingress.inside:
        return BusStats(
            attachments=MappingProxyType(_attachment_stats(engine, life)),
            emitted=engine.ledger.emitted + selected(engine.ingress),
            refused=MappingProxyType(dict(engine.ledger.refused)),
            warned=MappingProxyType(dict(engine.ledger.warned)),
        )


def _attachment_stats(engine: Engine, life: Lifecycle) -> dict[str, AttachmentStats]:
    ingress, everybody = engine.ingress, life.everybody
    if ingress.inside.is_amid:
        return {name: one.stats_amid() for name, one in everybody.items()}
    ingress.settle()
    in_seal = counts_in_seal(ingress)
    return {
        name: one.stats(*in_seal.get(one.door, (0, 0)))
        for name, one in everybody.items()
    }


def _ignore(_: Attachment) -> None:
    """Let an attachment enter its state: nobody asked to be told."""
