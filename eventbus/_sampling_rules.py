"""Which sampler decides about a record: rules that keep, rules by name, and both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Final

from eventbus._clock import Clock
from eventbus._event import Event, identity_of
from eventbus._record import AnyRecord
from eventbus._sampler import Sampler, for_attachment
from eventbus._sampling_ratio import Ratio
from eventbus._select import NameTest, name_test
from eventbus._severity import SEVERITIES, SEVERITY_NUMBER, Severity
from eventbus._verdict import refuse_awaitable

_MAX_CACHED_NAMES: Final = 4096


class KeepIf:
    """Keeps what a predicate says, with weight 1, and nothing else.

    Meant for :class:`AnyOf`, which asks it first.

    Args:
        predicate: Called with the record as the attachment would get it: redacted,
            unless the attachment asks for full content. When it raises, the bus counts
            ``sampler_error`` and keeps the record.
        name: How it shows; ``None`` is the name of *predicate*.
    """

    def __init__(
        self, predicate: Callable[[AnyRecord], object], *, name: str | None = None
    ) -> None:
        """Keep the predicate."""
        if not callable(predicate):
            raise TypeError(f"predicate must be callable, got {predicate!r}")
        self._predicate: Final = predicate
        self._name: Final = name or getattr(predicate, "__qualname__", repr(predicate))

    def sample(self, record: AnyRecord) -> float:
        """See :class:`Sampler`."""
        answer = self._predicate(record)
        refuse_awaitable(answer, "a predicate")
        return 1.0 if answer else 0.0

    def __repr__(self) -> str:
        """Show the name."""
        return f"KeepIf({self._name})"


def keep_severity(least: Severity) -> KeepIf:
    """Return a rule that keeps every record as severe as *least* or more."""
    if least not in SEVERITIES:
        raise ValueError(f"least must be one of {', '.join(SEVERITIES)}, got {least!r}")
    floor = SEVERITY_NUMBER[least]

    def is_severe(record: AnyRecord) -> bool:
        event: Event = record.event
        severity = record.severity or identity_of(type(event)).severity
        return SEVERITY_NUMBER[severity] >= floor

    return KeepIf(is_severe, name=f"severity >= {least}")


def keep_names(*globs: str) -> KeepIf:
    """Return a rule that keeps the records whose name matches one of *globs*.

    Raises:
        ValueError: There is none, or one is blank or longer than 512 characters.
    """
    if not globs:
        raise ValueError("keep_names must be given at least one glob, got none")
    tests = [name_test(glob, place=f"keep[{n}]") for n, glob in enumerate(globs)]

    @lru_cache(_MAX_CACHED_NAMES)
    def is_kept(name: str) -> bool:
        return any(test(name) for test in tests)

    return KeepIf(lambda record: is_kept(record.name), name=", ".join(globs))


class ByName:
    """Decides by the event's name: the first glob that matches says which sampler.

    Types that match the same glob share its sampler.

    Args:
        rates: A glob on event names each, with a ratio or a sampler.
        default: For names that match none; 1 keeps them all.
        key: The key of every ratio given as a number. See :class:`Ratio`.
        seed: Makes the luck of those ratios repeatable, for tests.
    """

    def __init__(
        self,
        rates: Mapping[str, float | Sampler],
        *,
        default: float | Sampler = 1.0,
        key: str | None = None,
        seed: int | None = None,
    ) -> None:
        """Compile the globs and make the samplers."""

        def sampler(rate: float | Sampler, place: str) -> Sampler:
            return _sampler_of(rate, place, key=key, seed=seed)

        self._routes: Final = {
            glob: sampler(rate, f"rates[{glob!r}]") for glob, rate in rates.items()
        }
        self._default: Final = sampler(default, "default")
        self._tests: Final[list[tuple[NameTest, Sampler]]] = [
            (name_test(glob, place=f"rates[{glob!r}]"), sampler)
            for glob, sampler in self._routes.items()
        ]
        self._sampler_for = lru_cache(_MAX_CACHED_NAMES)(self._decided)

    def sample(self, record: AnyRecord) -> float:
        """See :class:`Sampler`."""
        return self._sampler_for(record.name).sample(record)

    def _decided(self, name: str) -> Sampler:
        chosen = (sampler for test, sampler in self._tests if test(name))
        return next(chosen, self._default)

    def for_attachment(self, clock: Clock) -> ByName:
        """See :class:`Sampler`."""
        routes = {
            glob: for_attachment(sampler, clock)
            for glob, sampler in self._routes.items()
        }
        return ByName(routes, default=for_attachment(self._default, clock))

    def __repr__(self) -> str:
        """Show the routes."""
        return f"ByName({self._routes!r}, default={self._default!r})"


def _sampler_of(
    rate: float | Sampler, place: str, *, key: str | None, seed: int | None
) -> Sampler:
    if isinstance(rate, Sampler):
        return rate
    try:
        return Ratio(rate, key=key, seed=seed)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{place}: {error}") from error


class AnyOf:
    """Keeps what any of its rules keeps, and asks one other sampler about the rest.

    The :class:`KeepIf` rules are asked first, in their order, wherever they stand; what
    they keep weighs 1 and the other sampler never sees it, so that sums stay true.

    Args:
        *samplers: Rules, and at most one sampler of another kind.

    Raises:
        ValueError: There is none, or there are two of another kind.
    """

    def __init__(self, *samplers: Sampler) -> None:
        """Part the rules from the other one."""
        flat = list(_flattened(samplers))
        self._rules: Final = [each for each in flat if isinstance(each, KeepIf)]
        others = [each for each in flat if not isinstance(each, KeepIf)]
        if not flat:
            raise ValueError("AnyOf must be given at least one sampler, got none")
        if len(others) > 1:
            raise ValueError(
                "AnyOf takes KeepIf rules and one other sampler, got "
                f"{len(others)}: {', '.join(map(repr, others))}; with two of them a "
                "kept record's weight would be wrong. ByName asks one per event name"
            )
        self._other: Final = others[0] if others else None

    def sample(self, record: AnyRecord) -> float:
        """See :class:`Sampler`."""
        for rule in self._rules:
            if rule.sample(record):
                return 1.0
        return 0.0 if self._other is None else self._other.sample(record)

    def for_attachment(self, clock: Clock) -> AnyOf:
        """See :class:`Sampler`."""
        other = () if self._other is None else (for_attachment(self._other, clock),)
        return AnyOf(*self._rules, *other)

    def __repr__(self) -> str:
        """Show rules first, as they are asked."""
        other = () if self._other is None else (self._other,)
        return f"AnyOf({', '.join(map(repr, (*self._rules, *other)))})"


def _flattened(samplers: tuple[Sampler, ...]) -> Iterator[Sampler]:
    for sampler in samplers:
        if isinstance(sampler, AnyOf):
            yield from sampler._rules
            if sampler._other is not None:
                yield sampler._other
        else:
            yield sampler
