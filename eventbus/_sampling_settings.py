"""How a sampler is written in a configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from eventbus._bounds import concerning
from eventbus._sampler import Sampler
from eventbus._sampling_rate import (
    _MAX_COUNT,
    _MAX_PER_SECOND,
    _MAX_SECONDS,
    _MIN_PER_SECOND,
    _MIN_SECONDS,
    Adaptive,
    First,
    RateLimit,
)
from eventbus._sampling_ratio import Ratio
from eventbus._sampling_rules import AnyOf, ByName, KeepIf, keep_names, keep_severity
from eventbus._select import name_test
from eventbus._severity import Severity

_CHOICES: Final = ("ratio", "rate_limit", "first", "adaptive")

Glob = Annotated[str, Meta(min_length=1, max_length=512)]
Share = Annotated[float, Meta(ge=0, le=1)]
PerSecond = Annotated[float, Meta(ge=_MIN_PER_SECOND, le=_MAX_PER_SECOND)]


class _Settings(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
): ...


class RateLimitSettings(_Settings, frozen=True, kw_only=True):
    """So many records a second; see :class:`eventbus.sampling.RateLimit`.

    Args:
        per_second: Records kept a second in the long run.
        burst: Most records kept at once; ``None`` is one second's worth.
        key: A limit for each value of it: ``"name"`` is the event's, else a field of
            the event or a bound attribute. Without it, one limit for all.
    """

    per_second: PerSecond
    burst: Annotated[float, Meta(ge=1, le=_MAX_COUNT)] | None = None
    key: Annotated[str, Meta(min_length=1)] | None = None

    def __post_init__(self) -> None:
        """Refuse what the sampler refuses, at its place in the configuration."""
        self.sampler()

    def sampler(self) -> RateLimit:
        """Return the sampler."""
        return RateLimit(self.per_second, self.burst, key=self.key)


class FirstSettings(_Settings, frozen=True, kw_only=True):
    """The first records of every period; see :class:`eventbus.sampling.First`.

    Args:
        n: Records kept in a period.
        per_seconds: Length of a period.
    """

    n: Annotated[int, Meta(ge=1, le=_MAX_COUNT)]
    per_seconds: Annotated[float, Meta(ge=_MIN_SECONDS, le=_MAX_SECONDS)]

    def __post_init__(self) -> None:
        """Refuse what the sampler refuses, at its place in the configuration."""
        self.sampler()

    def sampler(self) -> First:
        """Return the sampler."""
        return First(self.n, self.per_seconds)


class AdaptiveSettings(_Settings, frozen=True, kw_only=True):
    """A ratio that follows the traffic; see :class:`eventbus.sampling.Adaptive`.

    Args:
        target_per_second: Records to keep a second.
    """

    target_per_second: PerSecond

    def __post_init__(self) -> None:
        """Refuse what the sampler refuses, at its place in the configuration."""
        self.sampler()

    def sampler(self) -> Adaptive:
        """Return the sampler."""
        return Adaptive(self.target_per_second)


class SamplerSettings(_Settings, frozen=True, kw_only=True):
    """Which records an attachment takes.

    One of ``ratio``, ``rate_limit``, ``first`` and ``adaptive`` decides; with ``rates``
    there may be none of them, and what ``rates`` does not name is kept.

    Args:
        ratio: The share kept.
        rate_limit: So many records a second.
        first: The first records of every period.
        adaptive: A ratio that follows the traffic.
        rates: The share kept of the events a glob names; the first glob that matches
            decides.
        key: Records with the same value are kept together: ``"trace_id"``, a field
            of the event or a bound attribute. For ``ratio`` and ``rates``.
        keep: Globs on the names of events that are always kept, with weight 1.
        keep_severity: The least severity that is always kept, with weight 1.
    """

    ratio: Share | None = None
    rate_limit: RateLimitSettings | None = None
    first: FirstSettings | None = None
    adaptive: AdaptiveSettings | None = None
    rates: dict[str, Share] = {}
    key: Annotated[str, Meta(min_length=1)] | None = None
    keep: Sequence[Glob] = ()
    keep_severity: Severity | None = None

    def __post_init__(self) -> None:
        """Refuse combinations that do not say what they mean, and unusable values."""
        chosen = [name for name in _CHOICES if getattr(self, name) is not None]
        if len(chosen) > 1:
            raise ValueError(
                f"Give either {chosen[0]!r} or {chosen[1]!r}, not both: "
                "each is a way to decide about the same records"
            )
        if not chosen and not self.rates:
            raise ValueError(
                f"Give one of {', '.join(map(repr, (*_CHOICES, 'rates')))}: "
                "nothing here says which records are sampled out"
            )
        if self.key is not None and self.ratio is None and not self.rates:
            raise ValueError(
                f"Give 'key' with 'ratio' or 'rates', not with {chosen[0]!r}: "
                "it does not look at keys"
            )
        if isinstance(self.keep, str):
            raise TypeError(f"keep must be a list of globs, got {self.keep!r}")
        self._check_each()
        sampler_from_config(self)

    def _check_each(self) -> None:
        """Refuse a single value that the samplers would refuse, at its place."""
        if self.ratio is not None:
            with concerning("ratio"):
                Ratio(self.ratio)
        for glob, ratio in self.rates.items():
            with concerning("rates", glob):
                ByName({glob: ratio})
        for index, glob in enumerate(self.keep):
            with concerning("keep", index):
                name_test(glob, place=f"keep[{index}]")


def sampler_from_config(settings: SamplerSettings) -> Sampler:
    """Return the sampler that *settings* describe, with a state of its own."""
    rules: list[KeepIf] = []
    if settings.keep:
        rules.append(keep_names(*settings.keep))
    if settings.keep_severity is not None:
        rules.append(keep_severity(settings.keep_severity))
    decider = _by_name(settings) if settings.rates else _by_choice(settings)
    return AnyOf(*rules, decider) if rules else decider


def _by_name(settings: SamplerSettings) -> ByName:
    return ByName(settings.rates, default=_by_choice(settings), key=settings.key)


def _by_choice(settings: SamplerSettings) -> Sampler:
    for chosen in (settings.rate_limit, settings.first, settings.adaptive):
        if chosen is not None:
            return chosen.sampler()
    ratio = 1.0 if settings.ratio is None else settings.ratio
    return Ratio(ratio, key=settings.key)
