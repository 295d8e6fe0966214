"""How a publisher waits for room: first come, first served, at each full attachment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from eventbus._bounds import not_nan
from eventbus._clock import TimerHandle
from eventbus._context import Bound
from eventbus._current_span import Capture
from eventbus._done import DONE
from eventbus._errors import BusClosedError, PublishTimeoutError
from eventbus._event import Event
from eventbus._ingress import Ingress
from eventbus._loop import LoopBinding
from eventbus._portion import Portion
from eventbus._record import AnyRecord, is_frozen, is_record
from eventbus._route import Route
from eventbus._router import Router
from eventbus._seal import Sealer
from eventbus._waiting import settle
from eventbus._window import Item, Published, event_of

if TYPE_CHECKING:
    from eventbus._attachment import Attachment


class Call:
    """One call of ``publish`` that has to wait, at one full attachment or at several.

    Whoever cancels it cancels all its waits at one moment.
    """

    __slots__ = ("_ingress", "_is_complete", "_is_emitted", "done", "waiters")

    def __init__(self, ingress: Ingress) -> None:
        """Begin without a wait."""
        self._ingress: Final = ingress
        self._is_emitted = self._is_complete = False
        self.waiters: Final[list[Waiter]] = []
        self.done: Final[asyncio.Future[None]] = (
            asyncio.get_running_loop().create_future()
        )

    def is_offered(self) -> None:
        """Count the event as emitted, once: an attachment was offered it."""
        if not self._is_emitted:
            self._is_emitted = True
            with self._ingress.left, self._ingress.mutex, self._ingress.inside:
                self._ingress.ledger.emitted += 1

    def look(self) -> None:
        """Let the caller go on if nobody waits any more, and all were asked."""
        if self._is_complete and not any(waiter.waits for waiter in self.waiters):
            settle(self.done)

    async def end(self, delivered: int) -> None:
        """Wait until every waiter's end.

        Args:
            delivered: How many attachments have the event already.

        Raises:
            PublishTimeoutError: At some, room did not appear in time.
            BusClosedError: The bus closed meanwhile.
        """
        self._is_complete = True
        self.look()
        try:
            await self.done
        finally:
            for waiter in self.waiters:
                waiter.withdraw()
        late = tuple(w.attachment.name for w in self.waiters if w.timed_out)
        admitted = sum(waiter.admitted for waiter in self.waiters)
        if late:
            raise PublishTimeoutError(delivered + admitted, late)
        if admitted < len(self.waiters):
            raise BusClosedError("the bus was closed while publish waited for room")


class Waiter:
    """One publisher's record in front of one full attachment, with a place in line.

    It has not been offered there yet. It ends in one of four ways: admitted, timed
    out, withdrawn because the publisher was cancelled, or turned away at the close.
    """

    __slots__ = (
        "_call",
        "_timer",
        "admitted",
        "attachment",
        "portion",
        "timed_out",
        "waits",
    )

    def __init__(
        self,
        call: Call,
        attachment: Attachment,
        portion: Portion,
        timeout_seconds: float | None,
    ) -> None:
        """Stand in line, where :meth:`Attachment.offer` has counted the place."""
        self._call: Final = call
        self.attachment: Final = attachment
        self.portion = portion
        self.waits = True
        self.admitted = self.timed_out = False
        self._timer: TimerHandle | None = None
        call.waiters.append(self)
        attachment.waiters.append(self)
        if timeout_seconds == 0:
            self._expire()
        elif timeout_seconds is not None:
            clock = attachment.host.clock
            self._timer = clock.call_later(timeout_seconds, self._expire)

    @property
    def is_stranded(self) -> bool:
        """Whether its publisher will never go on: the loop it waits on is gone."""
        return self._call.done.get_loop().is_closed()

    @property
    def is_withdrawn(self) -> bool:
        """Whether its publisher was cancelled, and will take it out of the line."""
        return self._call.done.cancelled()

    def admit(self) -> None:
        """Offer the record; called by whoever took the waiter out of the line.

        If the publisher was cancelled a moment ago, it is withdrawn.
        """
        if not self.is_withdrawn:
            self.admitted = True
            self._call.is_offered()
            self.attachment.accept(self.portion)
        self._leave()

    def turn_away(self) -> None:
        """Do not offer the record: the bus closed."""
        if self.waits:
            self.attachment.waiters.remove(self)
            self._leave()

    def withdraw(self) -> None:
        """Do not offer the record, if it still waits: the publisher went away."""
        if self.waits:
            self.turn_away()
            self.attachment.admit_waiting()

    def _expire(self) -> None:
        if self.is_withdrawn:
            return
        self.timed_out = True
        self._call.is_offered()
        ingress = self.attachment.host.ingress
        with ingress.left, ingress.mutex, ingress.inside:
            self.attachment.ledger.offered += 1
            sequence = self.portion.sequences[0]
            self.attachment.ledger.drop("block_timeout", 1, sequence, sequence)
        self.withdraw()

    def _leave(self) -> None:
        self.waits = False
        ingress = self.attachment.host.ingress
        with ingress.left, ingress.mutex, ingress.inside:
            self.attachment.door.waiting -= 1
        if self._timer is not None:
            self._timer.cancel()
        self._call.look()


class Publish(Protocol):
    """Hands over an event and waits for room where an attachment asks for it."""

    def __call__(
        self, event: Event | AnyRecord, /, timeout_seconds: float | None = None
    ) -> Coroutine[Any, Any, None]:
        """Hand over *event*, or a record from elsewhere, and wait for room.

        Where there is room it is handed over by the call itself, and the result, to be
        awaited all the same, is done. One that has to wait, or needs a closer look (the
        first of its type, one with a field that can change), is handed over when that
        is awaited.

        Attachments with room have it at once. At full ones with ``Overflow.WAIT`` it
        stands in line, first come first served; the other policies never wait.

        Args:
            event: Delivered as it is.
            timeout_seconds: Longest wait for room, over all attachments together;
                the lesser of it and an attachment's ``wait_timeout_seconds`` counts.
                ``None`` leaves it to the attachments, ``0`` never waits.

        Raises:
            BusClosedError: The bus was closed, before the call or during the wait.
            PublishTimeoutError: Room did not appear in time. Those who did not get
                the event count it as ``block_timeout``; its ``delivered`` tells how
                many others did.

        If cancelled while waiting, the event reaches no further attachment. From the
        coroutine of another loop the wait takes place on the bus's loop.
        """
        ...


class Publisher:
    """The slow way of ``publish``: past the ingress, attachment by attachment."""

    def __init__(
        self,
        *,
        ingress: Ingress,
        router: Router,
        sealer: Sealer,
        binding: LoopBinding,
        time_ns: Callable[[], int],
    ) -> None:
        """Keep the parts."""
        self._ingress: Final = ingress
        self._router: Final = router
        self._sealer: Final = sealer
        self._binding: Final = binding
        self._time_ns: Final = time_ns
        self._enters: Final = ingress.enter
        self.publish: Final = self._make_publish()

    def _make_publish(self) -> Publish:
        # Each name taken from outside costs a nanosecond a call, as in an emit.
        ingress, time_ns, slow = self._ingress, self._time_ns, self
        entries, table = ingress.entries, ingress.publish_table
        bound = ingress.capture

        def publish(
            event: Event | AnyRecord, /, timeout_seconds: float | None = None
        ) -> Coroutine[Any, Any, None]:
            try:
                route = table[type(event)]  # type: ignore[index]
            except KeyError:
                return slow._unusual(event, timeout_seconds)
            if route is None:
                return DONE
            lease = route.lease
            entry: Published = (event, time_ns(), bound(), True)
            entries.append(entry)
            if len(entries) > lease.publish_limit and not slow._enters(entry, lease):
                return slow._wait(event, timeout_seconds)
            return DONE

        def capture_with(capture: Capture) -> None:
            nonlocal bound
            bound = capture

        ingress.capturing.append(capture_with)
        return publish

    async def _unusual(self, item: Any, timeout_seconds: float | None) -> None:
        # Any: whatever a caller hands to publish.
        if self._ingress.closed:
            raise BusClosedError("publish was called after the bus was closed")
        if not self._ingress.has_publishers:
            self._router.expect_publishers()
        route = self._route_of(item)
        if route is None:
            item, route = self._router.admit(item) or (item, None)
        if route is None:
            return
        if not route.weighs:
            lease = route.lease
            entry: Published = (item, self._time_ns(), self._ingress.capture(), True)
            self._ingress.entries.append(entry)
            if len(self._ingress.entries) <= lease.publish_limit:
                return
            if self._enters(entry, lease):
                return
        await self._wait(item, timeout_seconds)

    def _route_of(self, item: Any) -> Route | None:
        """Return the route of a record that needs no closer look."""
        # Any: whatever a caller hands to publish.
        if not is_record(item):
            return None
        self._ingress.relays = True
        if is_frozen(item) and not self._ingress.deviates(item):
            return self._ingress.publish_table.get(type(event_of(item)))
        return None

    async def _wait(self, item: Item, timeout_seconds: float | None) -> None:
        loop, running = self._binding.loop, asyncio.get_running_loop()
        if self._ingress.closed:
            raise BusClosedError("publish was called after the bus was closed")
        not_nan("timeout_seconds", timeout_seconds)
        bound = self._ingress.capture()
        if loop is None or loop is running:
            await self._wait_here(item, timeout_seconds, bound)
        elif loop.is_closed():
            self._router.refusals.refuse("no_loop")
            raise BusClosedError("the loop of the bus is closed; start it on this one")
        else:
            wait = partial(self._wait_here, item, timeout_seconds, bound)
            await self._binding.there(wait)

    async def _wait_here(
        self, item: Item, timeout_seconds: float | None, bound: Bound | None
    ) -> None:
        if self._ingress.closed:
            raise BusClosedError("the bus was closed before publish could wait")
        call, delivered = Call(self._ingress), 0
        for attachment, portion in self._sealer.offers(item, self._time_ns(), bound):
            taken = attachment.offer(portion)
            if taken is None:
                patience = attachment.plan.buffer.wait_timeout_seconds
                timeout = _lesser(timeout_seconds, patience)
                Waiter(call, attachment, portion, timeout)
            else:
                call.is_offered()
                delivered += taken
        await call.end(delivered)


def _lesser(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
