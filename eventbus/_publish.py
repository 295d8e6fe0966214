"""How a publisher waits for room: first come, first served, at each full attachment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from eventbus._clock import TimerHandle
from eventbus._context import Bound, current_bound
from eventbus._errors import BusClosedError, PublishTimeoutError
from eventbus._event import Event
from eventbus._ingress import Ingress
from eventbus._intake import Portion
from eventbus._loop import LoopBinding
from eventbus._record import AnyRecord, is_frozen, is_record
from eventbus._route import Route
from eventbus._router import Router
from eventbus._seal import Sealer
from eventbus._waiting import settle
from eventbus._window import Item, event_of

if TYPE_CHECKING:
    from eventbus._attachment import Attachment


class Waiter:
    """One publisher's record in front of one full attachment.

    It has not been offered there yet. It ends in one of four ways: admitted, timed
    out, withdrawn because the publisher was cancelled, or turned away at the close.
    """

    __slots__ = (
        "_in_line",
        "_timer",
        "admitted",
        "attachment",
        "done",
        "portion",
        "timed_out",
    )

    def __init__(
        self, attachment: Attachment, portion: Portion, timeout_seconds: float | None
    ) -> None:
        """Stand in line."""
        self.attachment: Final = attachment
        self.portion: Final = portion
        self.admitted = self.timed_out = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._in_line = False
        self._timer: TimerHandle | None = None
        if timeout_seconds == 0:
            self._time_out()
        else:
            self._stand_in_line(timeout_seconds)

    def _stand_in_line(self, timeout_seconds: float | None) -> None:
        ingress = self.attachment.host.ingress
        with ingress.left, ingress.mutex, ingress.inside:
            ingress.revoke()
            self.attachment.door.waiting += 1
        self.attachment.waiters.append(self)
        self._in_line = True
        if timeout_seconds is not None:
            clock = self.attachment.host.clock
            self._timer = clock.call_later(timeout_seconds, self._expire)

    def fits(self) -> bool:
        """Return whether there is room for the record now."""
        kept = self.portion.kept
        return not kept or self.attachment.buffer.fits(kept.size_bytes)

    def admit(self) -> None:
        """Offer the record; called by whoever took the waiter out of the line.

        If the publisher was cancelled a moment ago, it is withdrawn.
        """
        if not self.done.cancelled():
            self.admitted = True
            self.attachment.accept(self.portion)
        self._leave()

    def turn_away(self) -> None:
        """Do not offer the record: the bus closed."""
        if self._in_line:
            self.attachment.waiters.remove(self)
            self._leave()

    def withdraw(self) -> None:
        """Do not offer the record, if it still waits: the publisher went away."""
        if self._in_line:
            self.turn_away()
            self.attachment.admit_waiting()

    def _expire(self) -> None:
        self.turn_away()
        self._time_out()
        self.attachment.admit_waiting()

    def _time_out(self) -> None:
        self.timed_out = True
        with (
            self.attachment.host.ingress.left,
            self.attachment.host.ingress.mutex,
            self.attachment.host.ingress.inside,
        ):
            self.attachment.ledger.offered += 1
            self.attachment.ledger.drop("block_timeout")
        settle(self.done)

    def _leave(self) -> None:
        self._in_line = False
        self.attachment.door.waiting -= 1
        if self._timer is not None:
            self._timer.cancel()
        settle(self.done)


async def wait_for_room(waiters: list[Waiter], delivered: int) -> None:
    """Wait until every waiter's end.

    Args:
        waiters: One per full attachment.
        delivered: How many attachments have the event already.

    Raises:
        PublishTimeoutError: At some, room did not appear in time.
        BusClosedError: The bus closed meanwhile.
    """
    try:
        for waiter in waiters:
            await waiter.done
    finally:
        for waiter in waiters:
            waiter.withdraw()
    late = tuple(w.attachment.name for w in waiters if w.timed_out)
    if late:
        delivered += sum(waiter.admitted for waiter in waiters)
        raise PublishTimeoutError(delivered, late)
    if not all(waiter.admitted for waiter in waiters):
        raise BusClosedError("the bus was closed while publish waited for room")


class Publish(Protocol):
    """Hands over an event and waits for room where an attachment asks for it."""

    def __call__(
        self, event: Event | AnyRecord, /, timeout_seconds: float | None = None
    ) -> Awaitable[None]:
        """Hand over *event*, or a record from elsewhere, and wait for room.

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
        self.publish: Final = self._make_publish()

    def _make_publish(self) -> Publish:
        ingress, table, time_ns = self._ingress, self._ingress.table, self._time_ns
        entries, enter, bound = ingress.entries, ingress.enter, current_bound
        append, unusual, wait = entries.append, self._unusual, self._wait
        binding = self._binding

        async def publish(
            event: Event | AnyRecord, /, timeout_seconds: float | None = None
        ) -> None:
            try:
                route = table[type(event)]  # type: ignore[index]
            except KeyError:
                await unusual(event, timeout_seconds)
                return
            if route is None:
                return
            lease = route.lease
            fits = lease.ok or lease.limit < 0
            if len(entries) >= lease.limit and binding.is_elsewhere:
                fits = False  # its own loop may seal the event before it is looked at
            if fits and not route.weighs:
                append((event, time_ns(), bound()))
                if len(entries) <= lease.limit or enter(event, route, lease):
                    return
            await wait(event, timeout_seconds)

        return publish

    async def _unusual(self, item: Any, timeout_seconds: float | None) -> None:
        # Any: whatever a caller hands to publish.
        if self._ingress.closed:
            raise BusClosedError("publish was called after the bus was closed")
        route = self._route_of(item)
        if route is None:
            item, route = self._router.admit(item) or (item, None)
        if route is None:
            return
        lease = route.lease
        elsewhere = route.weighs or self._binding.is_elsewhere
        if (lease.ok or lease.limit < 0) and not elsewhere:
            self._ingress.append(item, self._time_ns())
            if len(self._ingress.entries) <= lease.limit:
                return
            if self._ingress.enter(item, route, lease):
                return
        await self._wait(item, timeout_seconds)

    def _route_of(self, item: Any) -> Route | None:
        # Any: whatever a caller hands to publish.
        if is_record(item) and is_frozen(item):
            return self._ingress.table.get(type(event_of(item)))
        return None

    async def _wait(self, item: Item, timeout_seconds: float | None) -> None:
        loop, running = self._binding.loop, asyncio.get_running_loop()
        if self._ingress.closed:
            raise BusClosedError("publish was called after the bus was closed")
        bound = current_bound()
        if loop is None or loop is running:
            await self._wait_here(item, timeout_seconds, bound)
        elif loop.is_closed():
            self._router.refuse("no_loop")
            raise BusClosedError("the loop of the bus is closed; start it on this one")
        else:
            wait = partial(self._wait_here, item, timeout_seconds, bound)
            await self._binding.there(wait)

    async def _wait_here(
        self, item: Item, timeout_seconds: float | None, bound: Bound | None
    ) -> None:
        if self._ingress.closed:
            raise BusClosedError("the bus was closed before publish could wait")
        waiters: list[Waiter] = []
        delivered = 0
        for attachment, portion in self._sealer.offers(item, self._time_ns(), bound):
            taken = attachment.offer(portion)
            if taken is None:
                patience = attachment.plan.buffer.wait_timeout_seconds
                timeout = _lesser(timeout_seconds, patience)
                waiters.append(Waiter(attachment, portion, timeout))
            else:
                delivered += taken
        await wait_for_room(waiters, delivered)


def _lesser(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
