"""When metrics go out, and what becomes of those that the far side does not take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, Protocol

from eventbus import Clock, Refused, Retry, TooLarge, Unavailable
from eventbus._clock import TimerHandle
from eventbus._log import QuietLog
from eventbus._verdict import describe_error
from eventbus.metrics import MetricData
from eventbus.metrics._gauge_watch import GaugeWatch
from eventbus_otlp._bisection import Bisection, InvalidRequest
from eventbus_otlp._exporter_thread import ExporterThread
from eventbus_otlp._metrics_encode import MetricsEncoder, halves
from eventbus_otlp._transport import Reply

_FIRST_RETRY_SECONDS: Final = 1.0
_MAX_DOUBLINGS: Final = 6
_MAX_SERVER_DELAY_SECONDS: Final = Retry().max_server_delay_seconds

Send = Callable[[bytes], Awaitable[Reply]]


class Reader(Protocol):
    """Collects again and again; see :class:`eventbus.metrics.MetricReader`."""

    def counted(self) -> Sequence[MetricData]:
        """Return the metrics of now, without gauges that have to be asked."""
        ...

    def put_back(self, undelivered: Iterable[MetricData]) -> None:
        """Collect *undelivered* again."""
        ...


class MetricsExport:
    """Collects and sends metrics again and again, until it is closed.

    Metrics that cannot be delivered now are sent with the next ones: after 1, 2, 4
    seconds and so on, but no later than the interval; and no sooner than the far side
    asks for, up to 300 seconds. So a far side that is down costs no metric, and
    no more memory than a point for each series. What it refuses for good is lost, and
    counted in ``refused``; where it calls a request invalid or too large, that is sent
    in halves until the bad point is alone.

    Collecting and encoding are done in a thread beside the loop, one call at a time.
    Gauges are asked when what was counted is on its way, so that it waits for none. A
    task that somebody else cancels begins again after a second, and has what it had.

    Args:
        reader: Collects what was counted.
        gauges: Asks the gauges.
        encoder: Makes requests; used by nobody else.
        send: Makes one attempt.
        clock: Says when the time has come.
        interval_seconds: Between two collections.
        timeout_seconds: Longest wait for one answer; ``None``: no limit.
        log: Takes what people should know.
        name: Of the attachment, for the log.
    """

    def __init__(
        self,
        reader: Reader,
        gauges: GaugeWatch,
        encoder: MetricsEncoder,
        send: Send,
        *,
        clock: Clock,
        interval_seconds: float,
        timeout_seconds: float | None,
        log: QuietLog,
        name: str,
    ) -> None:
        """Begin nothing yet."""
        self._reader: Final = reader
        self._gauges: Final = gauges
        self._encoder: Final = encoder
        self._send: Final = send
        self._clock: Final = clock
        self._interval_seconds: Final = interval_seconds
        self._timeout_seconds: Final = timeout_seconds
        self._log: Final = log
        self._name: Final = name
        self._bisection: Final = Bisection()
        self._one_by_one: Final = asyncio.Lock()
        self._wake: Final = asyncio.Event()
        self._is_closing = False
        self._task: asyncio.Task[None] | None = None
        self._restart: TimerHandle | None = None
        self._thread: Final = ExporterThread(_call)
        self._in_hand: Sequence[MetricData] = ()
        self._waiting = 0
        self._delayed: str | None = None
        self._refusal: str | None = None
        self.delivered = 0
        """How many points the far side has taken."""
        self.refused = 0
        """How many points it has refused, or could never take."""

    @property
    def trouble(self) -> str | None:
        """What the far side lacks, and why; ``None``: nothing that is known of."""
        if self._delayed is None:
            return self._refusal
        what = f"metrics ({self._waiting} points)" if self._waiting else "metrics"
        return f"{what} {'lost' if self._is_closing else 'wait'}: {self._delayed}"

    def start(self) -> None:
        """Send from now on; does nothing where that is so already."""
        if self._task is None or self._task.done():
            self._is_closing = False
            self._spawn()

    def _spawn(self) -> None:
        self._cancel_restart()
        self._task = asyncio.get_running_loop().create_task(
            self._run(), name=f"{self._name} metrics"
        )
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Begin again where somebody else cancelled *task*, which may be a host's end.

        That closes its loop, and no timer of it comes.
        """
        if task.cancelled() and task is self._task:
            self._restart = self._clock.call_later(_FIRST_RETRY_SECONDS, self._spawn)

    def _cancel_restart(self) -> None:
        restart, self._restart = self._restart, None
        if restart is not None:
            restart.cancel()

    async def export(self) -> None:
        """Collect and send once, now.

        Raises:
            Unavailable: Some of it could not be delivered; it goes with the next.
        """
        async with self._one_by_one:
            delivered, refused = self.delivered, self.refused
            try:
                await self._deliver(await self._counted())
                await self._deliver(await self._gauges.ask())
            except BaseException as error:
                self._delayed = describe_error(error)
                raise
            self._delayed, self._waiting = None, 0
            if self.delivered > delivered and self.refused == refused:
                self._refusal = None

    async def _counted(self) -> Sequence[MetricData]:
        await self._thread.call(self._take)
        counted, self._in_hand = self._in_hand, ()
        return counted

    def _take(self) -> None:
        """Collect, in the thread, and again what nobody waited for until its end."""
        forgotten, self._in_hand = self._in_hand, ()
        self._reader.put_back(forgotten)
        self._in_hand = self._reader.counted()

    async def aclose(self) -> None:
        """Send what there is, once, and end; may be called again.

        If cancelled, it ends at once, and what is on its way may not arrive. What did
        not arrive is lost unless it starts again: the log and ``trouble`` say how much.
        """
        task, self._task = self._task, None
        self._cancel_restart()
        if task is None:
            return
        self._is_closing = True
        self._wake.set()
        try:
            await self._end(task)
        finally:
            if self._delayed is not None:
                self._say("close", self.trouble or "")
            await self._thread.end()
            self._gauges.end()

    async def _end(self, task: asyncio.Task[None]) -> None:
        try:
            await asyncio.wait((task,))
            if task.cancelled():  # by a host that ends, before it closes what it has
                await self._try()
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait((task,))
            if task.cancelled():
                self._delayed = "the close was cut off"
            raise

    async def _run(self) -> None:
        delay, failures, is_last = self._interval_seconds, 0, False
        while not is_last:
            await self._pause(delay)
            is_last = self._is_closing
            error = await self._try()
            delay, failures = self._interval_seconds, failures + 1
            if error is None:
                failures = 0
            elif isinstance(error, Unavailable):
                delay = self._retry_after(error, failures - 1)

    async def _try(self) -> Exception | None:
        """Collect and send once; return what went wrong, which the log has."""
        try:
            await self.export()
        except Exception as error:  # noqa: BLE001 - metrics must go on
            waits = isinstance(error, Unavailable)
            reason = "metrics wait" if waits else "metrics failed"
            self._say(reason, describe_error(error))
            return error
        return None

    def _retry_after(self, error: Unavailable, failures: int) -> float:
        backoff = _FIRST_RETRY_SECONDS * 2.0 ** min(failures, _MAX_DOUBLINGS)
        wish = min(error.retry_after_seconds or 0, _MAX_SERVER_DELAY_SECONDS)
        return max(wish, min(self._interval_seconds, backoff))

    async def _pause(self, seconds: float) -> None:
        """Wait, but not for a close."""
        if not self._is_closing:
            self._wake.clear()
        timer = self._clock.call_later(seconds, self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()

    async def _deliver(self, collected: Sequence[MetricData]) -> None:
        """Send *collected*, in parts where it must be; put back what does not arrive.

        Raises:
            Unavailable: Something was put back.
        """
        parts = [collected]
        while parts:
            part = parts.pop(0)
            try:
                await self._attempt(part)
            except TooLarge as error:
                smaller = halves(part)
                if smaller is None:
                    self._lose(_points(part), f"{_points(part)} points: {error}")
                else:
                    parts[:0] = smaller
            except Refused as error:
                self._lose(_points(part), f"{_points(part)} points: {error}")
            except BaseException:
                undelivered = [metric for rest in (part, *parts) for metric in rest]
                self._reader.put_back(undelivered)
                self._waiting = _points(undelivered)
                raise

    async def _attempt(self, part: Sequence[MetricData]) -> None:
        body = await self._thread.call(self._encoder.encode, part)
        if not body:
            return
        points = _points(part)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                reply = await self._send(body)
        except TimeoutError:
            raise Unavailable("no answer in time") from None
        except InvalidRequest as error:
            raise self._bisection.verdict(str(error), points) from error
        self._bisection.succeeded()
        rejected = min(reply.rejected, points)
        self.delivered += points - rejected
        if rejected:
            self._lose(rejected, f"{rejected} of {points} points: {reply.message}")

    def _lose(self, points: int, text: str) -> None:
        self.refused += points
        self._refusal = f"metrics refused: {text}"
        self._say("metrics refused", text)

    def _say(self, reason: str, text: str) -> None:
        self._log.warning(
            f"{self._name}: {reason}", "sink %r: %s: %s", self._name, reason, text
        )


def _call(function: Callable[..., Any], *arguments: Any) -> Any:
    # Any: what the functions of this module take and return
    return function(*arguments)


def _points(collected: Sequence[MetricData]) -> int:
    return sum(len(data.points) for data in collected)
