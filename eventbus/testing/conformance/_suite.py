"""How a sink is checked against the whole specification, in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator, Mapping
from types import TracebackType
from typing import Any, Final

import msgspec

from eventbus._event import Event
from eventbus._sink import Sink
from eventbus.testing.conformance._advice import advice_on
from eventbus.testing.conformance._answers import check_answers
from eventbus.testing.conformance._calls import Calls
from eventbus.testing.conformance._far_side import FarSide
from eventbus.testing.conformance._faults import SCENARIOS
from eventbus.testing.conformance._life import check_life
from eventbus.testing.conformance._probes import probe
from eventbus.testing.conformance._rules import Rule, SinkViolation
from eventbus.testing.conformance._scenarios import Tally, run_scenario
from eventbus.testing.conformance._shape import check_shape
from eventbus.testing.conformance._subject import Subject
from eventbus.testing.conformance._watch import Watch
from eventbus.testing.conformance._writes import check_writes

DEFAULT_PATIENCE_SECONDS: Final = 5.0


class SinkReport(msgspec.Struct, frozen=True):
    """What a check found that broke no rule.

    Args:
        scenarios: What came of each scenario, by name.
        advice: Which habits of the specification are not kept.
    """

    scenarios: Mapping[str, Tally]
    advice: tuple[str, ...] = ()


def check_sink(
    factory: Callable[[], Sink],
    *,
    far_side: FarSide | None = None,
    make_event: Callable[[int], Event] = probe,
    seed: int = 0,
    patience_seconds: float = DEFAULT_PATIENCE_SECONDS,
) -> Check:
    """Check the sinks that *factory* makes against ``sinks/SPEC.md``.

    In a plain test, call it; in an ``async def`` one, await it.

    Args:
        factory: Makes a new sink at each call, all for the same far side; called
            some forty times.
        far_side: What arrived there, and how to make it fail; without it, what the
            sink reports is taken for what arrived.
        make_event: Makes a plain event from a number, where the sink takes only
            some types.
        seed: Of the scenarios' chances.
        patience_seconds: Longest that any call of the sink may take, in real time.

    Returns:
        A :class:`SinkReport`, when awaited; it has it as ``report`` when called
        without a running loop.

    Raises:
        SinkViolation: The first rule that is broken, by its number.
    """
    run = _check(factory, far_side, make_event, seed, patience_seconds)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return Check(run, asyncio.run(run))
    return Check(run)


async def _check(
    factory: Callable[[], Sink],
    far_side: FarSide | None,
    make_event: Callable[[int], Event],
    seed: int,
    patience_seconds: float,
) -> SinkReport:
    watch = Watch()
    calls = Calls(patience_seconds, watch)
    subject = Subject(factory, make_event, far_side, calls)
    with watch.watching():
        sink = subject.make()
        check_shape(sink)
        await check_writes(subject)
        await check_life(subject)
        await check_answers(subject)
        scenarios = {
            scenario.name: await run_scenario(subject, scenario, seed)
            for scenario in SCENARIOS
        }
    calls.check_blocking()
    if watch.sockets and not getattr(sink, "network", False):
        raise SinkViolation(Rule.NETWORK, f"it does not, and called {watch.sockets[0]}")
    return SinkReport(scenarios, advice_on(sink))


class Check(Coroutine[Any, Any, SinkReport]):
    """A check that has run, or that runs when it is awaited.

    Any: a coroutine passes on whatever its loop sends.
    """

    def __init__(
        self, run: Coroutine[Any, Any, SinkReport], report: SinkReport | None = None
    ) -> None:
        """Keep both."""
        self._run = run
        self._report = report

    @property
    def report(self) -> SinkReport:
        """What was found.

        Raises:
            RuntimeError: It has not run.
        """
        if self._report is None:
            raise RuntimeError("check_sink was called in an event loop: await it")
        return self._report

    def __await__(self) -> Generator[Any, Any, SinkReport]:
        if self._report is None:
            self._report = yield from self._run.__await__()
        return self._report

    def send(self, value: Any, /) -> Any:
        """See :class:`collections.abc.Coroutine`."""
        if self._report is not None:
            raise StopIteration(self._report)
        return self._run.send(value)

    def throw(
        self,
        error: Any,
        value: BaseException | object = None,
        traceback: TracebackType | None = None,
        /,
    ) -> Any:
        """See :class:`collections.abc.Coroutine`."""
        return self._run.throw(error)

    def close(self) -> None:
        """See :class:`collections.abc.Coroutine`."""
        self._run.close()
