"""When metrics go out, and what becomes of those that the far side does not take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, Protocol

import anyio.to_thread

from eventbus import Clock, Refused, TooLarge, Unavailable
from eventbus._log import QuietLog
from eventbus._verdict import describe_error
from eventbus.metrics import MetricData
from eventbus_otlp._bisection import Bisection, InvalidRequest
from eventbus_otlp._metrics_encode import MetricsEncoder, halves
from eventbus_otlp._transport import Reply

_FIRST_RETRY_SECONDS: Final = 1.0
_MAX_DOUBLINGS: Final = 6

Send = Callable[[bytes], Awaitable[Reply]]


class Reader(Protocol):
    """Collects again and again; see :class:`eventbus.metrics.MetricReader`."""

    def collect(self) -> Sequence[MetricData]:
        """Return the metrics of now."""
        ...

    def put_back(self, undelivered: Iterable[MetricData]) -> None:
        """Collect *undelivered* again."""
        ...


class MetricsExport:
    """Collects and sends metrics again and again, until it is closed.

    Metrics that cannot be delivered now are sent with the next ones, sooner than their
    time: after the far side's own delay, else after 1, 2, 4 seconds and so on, but
    never later than the interval. So a far side that is down costs no metric, and
    no more memory than a point for each series. What it refuses for good is lost, and
    counted in ``refused``; where it calls a request invalid or too large, that is sent
    in halves until the bad point is alone.

    Collecting and encoding are done in a worker thread.

    Args:
        reader: Collects.
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
        self.delivered = 0
        """How many points the far side has taken."""
        self.refused = 0
        """How many points it has refused, or could never take."""

    def start(self) -> None:
        """Send from now on; does nothing where that is so already."""
        if self._task is None or self._task.done():
            self._is_closing = False
            self._task = asyncio.get_running_loop().create_task(
                self._run(), name=f"{self._name} metrics"
            )

    async def export(self) -> None:
        """Collect and send once, now.

        Raises:
            Unavailable: Some of it could not be delivered; it goes with the next.
        """
        async with self._one_by_one:
            collected = await anyio.to_thread.run_sync(self._reader.collect)
            await self._deliver(collected)

    async def aclose(self) -> None:
        """Send what there is, once, and end; may be called again.

        If cancelled, it ends at once, and what is on its way may not arrive.
        """
        task, self._task = self._task, None
        if task is None:
            return
        self._is_closing = True
        self._wake.set()
        try:
            await asyncio.wait((task,))
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait((task,))
            raise
        if task.cancelled():  # by a host that ends, before it closes what it has
            await self._try()

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
        backoff = _FIRST_RETRY_SECONDS * 2 ** min(failures, _MAX_DOUBLINGS)
        return min(self._interval_seconds, error.retry_after_seconds or backoff)

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
                    self._lose(part, error)
                else:
                    parts[:0] = smaller
            except Refused as error:
                self._lose(part, error)
            except BaseException:
                for undelivered in (part, *parts):
                    self._reader.put_back(undelivered)
                raise

    async def _attempt(self, part: Sequence[MetricData]) -> None:
        body = await anyio.to_thread.run_sync(self._encoder.encode, part)
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
            self.refused += rejected
            self._say(
                "metrics refused", f"{rejected} of {points} points: {reply.message}"
            )

    def _lose(self, part: Sequence[MetricData], error: Exception) -> None:
        self.refused += _points(part)
        self._say("metrics refused", f"{_points(part)} points: {error}")

    def _say(self, reason: str, text: str) -> None:
        self._log.warning(
            f"{self._name}: {reason}", "sink %r: %s: %s", self._name, reason, text
        )


def _points(collected: Sequence[MetricData]) -> int:
    return sum(len(data.points) for data in collected)
