"""How many records a time keeps, and how many each kept one stands for."""

from __future__ import annotations

from random import Random
from typing import Final

from eventbus._bounds import between
from eventbus._clock import Clock, SystemClock
from eventbus._record import AnyRecord
from eventbus._sampling_key import Key

_MIN_PER_SECOND: Final = 1e-6
_MAX_PER_SECOND: Final = 1e9
_MIN_SECONDS: Final = 1e-3
_MAX_SECONDS: Final = 1e9
_MAX_COUNT: Final = 1_000_000_000
_WHOLE_TOKEN: Final = 1 - 1e-9  # sums of float seconds come out a little short
_MAX_KEYS: Final = 10_000
DEFAULT_INTERVAL_SECONDS: Final = 1.0

NAME: Final = "name"
"""The key that stands for the event's name."""


class _Tally:
    """What was left out since the last kept record, by event type."""

    def __init__(self) -> None:
        self._weights: dict[str, float] = {}

    def leave_out(self, record: AnyRecord) -> float:
        name = record.name
        self._weights[name] = self._weights.get(name, 0) + record.weight
        return 0.0

    def keep(self, record: AnyRecord) -> float:
        left_out = self._weights.pop(record.name, 0)
        return 1 + left_out / record.weight if left_out else 1.0


class _Bucket:
    """Tokens that come in with time and go out with records."""

    __slots__ = ("_filled_at", "tokens")

    def __init__(self, burst: float, now: float) -> None:
        self.tokens = burst
        self._filled_at = now

    def take(self, per_second: float, burst: float, now: float) -> bool:
        elapsed = max(0.0, now - self._filled_at)
        self.tokens = min(burst, self.tokens + elapsed * per_second)
        self._filled_at = now
        if self.tokens < _WHOLE_TOKEN:
            return False
        self.tokens = max(0.0, self.tokens - 1)
        return True


class RateLimit:
    """Keeps so many records a second, with bursts up to a bound: a token bucket.

    A kept record weighs 1 and, on top, what was left out of its event type since the
    last kept one of it; so sums by type stay true but for the last stretch.

    Args:
        per_second: Records kept a second in the long run, 1e-6 to 1e9.
        burst: Most records kept at once, from 1; also the most that an idle time saves
            up. ``None`` is one second's worth.
        key: A limit for each value of it: ``"name"`` is the event's, else as for
            :class:`Ratio`. Records without a value share one. The 10,000 values used
            last are remembered; another one begins with a full bucket. ``None`` is one
            limit for all.
        clock: What time it is until a bus says.
    """

    def __init__(
        self,
        per_second: float,
        burst: float | None = None,
        *,
        key: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Begin with full buckets."""
        between("per_second", per_second, _MIN_PER_SECOND, _MAX_PER_SECOND)
        burst = max(1.0, per_second) if burst is None else burst
        between("burst", burst, 1, _MAX_COUNT)
        self.per_second: Final = per_second
        self.burst: Final = burst
        self.key: Final = key
        self._value_of: Final = None if key in (None, NAME) else Key(key or "").text
        self._clock: Final = clock or SystemClock()
        self._tally: Final = _Tally()
        self._buckets: dict[str, _Bucket] = {}

    def sample(self, record: AnyRecord) -> float:
        """See :class:`Sampler`."""
        now = self._clock.monotonic()
        if self._bucket_of(record, now).take(self.per_second, self.burst, now):
            return self._tally.keep(record)
        return self._tally.leave_out(record)

    def _bucket_of(self, record: AnyRecord, now: float) -> _Bucket:
        if self._value_of is not None:
            value = self._value_of(record)
        else:
            value = record.name if self.key == NAME else ""
        bucket = self._buckets.pop(value, None) or _Bucket(self.burst, now)
        self._buckets[value] = bucket
        if len(self._buckets) > _MAX_KEYS:
            del self._buckets[next(iter(self._buckets))]
        return bucket

    def for_attachment(self, clock: Clock) -> RateLimit:
        """See :class:`Sampler`."""
        return RateLimit(self.per_second, self.burst, key=self.key, clock=clock)

    def __repr__(self) -> str:
        """Show the settings."""
        by_key = "" if self.key is None else f", key={self.key!r}"
        return f"RateLimit({self.per_second}, burst={self.burst}{by_key})"


class First:
    """Keeps the first records of every period; a period begins with a record.

    A kept record weighs as with :class:`RateLimit`.

    Args:
        n: Records kept in a period, from 1.
        per_seconds: Length of a period, 0.001 to 1e9.
        clock: What time it is until a bus says.
    """

    def __init__(
        self, n: int, per_seconds: float, *, clock: Clock | None = None
    ) -> None:
        """Begin the first period."""
        if type(n) is not int:
            raise TypeError(f"n must be a whole number from 1, got {n!r}")
        between("n", n, 1, _MAX_COUNT)
        between("per_seconds", per_seconds, _MIN_SECONDS, _MAX_SECONDS)
        self.n: Final = n
        self.per_seconds: Final = per_seconds
        self._clock: Final = clock or SystemClock()
        self._tally: Final = _Tally()
        self._left = n
        self._began_at = self._clock.monotonic()

    def sample(self, record: AnyRecord) -> float:
        """See :class:`Sampler`."""
        self._turn(self._clock.monotonic())
        if not self._left:
            return self._tally.leave_out(record)
        self._left -= 1
        return self._tally.keep(record)

    def _turn(self, now: float) -> None:
        if now - self._began_at >= self.per_seconds:
            self._left = self.n
            self._began_at = now
        elif self._left == self.n or now < self._began_at:
            self._began_at = now

    def for_attachment(self, clock: Clock) -> First:
        """See :class:`Sampler`."""
        return First(self.n, self.per_seconds, clock=clock)

    def __repr__(self) -> str:
        """Show the settings."""
        return f"First({self.n}, {self.per_seconds})"


class Adaptive:
    """Keeps about so many records a second, with a ratio that follows the traffic.

    The ratio of an interval comes from the traffic of the one before, the first keeps
    everything; when twice as much as wanted is kept before an interval ends, the ratio
    is halved at once. A kept record weighs 1 / the ratio in force.

    Args:
        target_per_second: Records to keep a second, 1e-6 to 1e9.
        interval_seconds: How often the ratio is set, 0.001 to 1e9.
        seed: Makes the luck repeatable, for tests.
        clock: What time it is until a bus says.
    """

    def __init__(
        self,
        target_per_second: float,
        *,
        interval_seconds: float = DEFAULT_INTERVAL_SECONDS,
        seed: int | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Begin by keeping everything."""
        target = target_per_second
        between("target_per_second", target, _MIN_PER_SECOND, _MAX_PER_SECOND)
        between("interval_seconds", interval_seconds, _MIN_SECONDS, _MAX_SECONDS)
        self.target_per_second: Final = target_per_second
        self.interval_seconds: Final = interval_seconds
        self.seed: Final = seed
        self._too_many: Final = 2 * target_per_second * interval_seconds + 8
        self._clock: Final = clock or SystemClock()
        self._uniform: Final = Random(seed).random
        self._ratio = 1.0
        self._begin(self._clock.monotonic())

    @property
    def ratio(self) -> float:
        """The ratio in force."""
        return self._ratio

    def sample(self, record: AnyRecord) -> float:
        """See :class:`Sampler`."""
        self._adapt(self._clock.monotonic())
        self._seen += 1
        if self._uniform() >= self._ratio:
            return 0.0
        self._kept += 1
        return 1 / self._ratio

    def _adapt(self, now: float) -> None:
        elapsed = now - self._began_at
        if elapsed >= self.interval_seconds:
            wanted = self.target_per_second * elapsed
            self._ratio = min(1.0, wanted / self._seen) if self._seen else 1.0
        elif self._kept >= self._too_many:
            self._ratio /= 2
        elif elapsed >= 0:
            return
        self._begin(now)

    def _begin(self, now: float) -> None:
        self._began_at = now
        self._seen = 0
        self._kept = 0

    def for_attachment(self, clock: Clock) -> Adaptive:
        """See :class:`Sampler`."""
        return Adaptive(
            self.target_per_second,
            interval_seconds=self.interval_seconds,
            seed=self.seed,
            clock=clock,
        )

    def __repr__(self) -> str:
        """Show the target."""
        return f"Adaptive({self.target_per_second})"
