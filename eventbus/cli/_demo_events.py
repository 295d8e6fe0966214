"""The simulated agent application: what it says, in which order, by a seed's chance."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Annotated, Final

from eventbus._event import Event, Label, Sensitive, Span, Unit

_TOOLS: Final = ("shell", "read_file", "apply_patch", "web_search")
_FAILURE_RATES: Final = {"shell": 0.08, "web_search": 0.15}
_SESSIONS_AT_ONCE: Final = 4


class SessionStarted(Event, tag="demo.session_started"):
    """A person asked the agent for something."""

    prompt: Annotated[str, Sensitive]


class ToolResult(
    Event,
    tag="demo.tool_result",
    span=Span("execute_tool {tool_name}", duration="duration_ms"),
):
    """A tool did what it was asked to."""

    tool_name: Annotated[str, Label]
    duration_ms: Annotated[float, Unit("ms")]
    output: Annotated[str, Sensitive]


class ToolFailed(Event, tag="demo.tool_failed", severity="error"):
    """A tool could not do it."""

    tool_name: Annotated[str, Label]
    duration_ms: Annotated[float, Unit("ms")]
    reason: Annotated[str, Label]


class ModelReplied(Event, tag="demo.model_replied"):
    """The model answered."""

    output_tokens: Annotated[int, Unit("{token}")]


class SessionEnded(Event, tag="demo.session_ended"):
    """The agent was done."""

    tool_calls: int


def application(seed: int) -> Iterator[tuple[str, Event]]:
    """Yield events for ever, each with its session's id; the same ones for a *seed*."""
    random = Random(seed)
    running: list[Iterator[tuple[str, Event]]] = []
    number = 0
    while True:
        while len(running) < _SESSIONS_AT_ONCE:
            number += 1
            running.append(_session(f"session-{number}", random))
        session = random.choice(running)
        event = next(session, None)
        if event is None:
            running.remove(session)
        else:
            yield event


def _session(name: str, random: Random) -> Iterator[tuple[str, Event]]:
    yield name, SessionStarted(prompt="Why does the build fail?")
    calls = random.randint(3, 24)
    for _ in range(calls):
        yield name, _tool_call(random)
        if random.random() < 0.4:
            yield name, ModelReplied(output_tokens=random.randint(20, 900))
    yield name, SessionEnded(tool_calls=calls)


def _tool_call(random: Random) -> Event:
    tool = random.choice(_TOOLS)
    duration_ms = round(random.lognormvariate(4.5, 1.2), 1)
    if random.random() < _FAILURE_RATES.get(tool, 0.02):
        reason = random.choice(("timeout", "not_found", "refused"))
        return ToolFailed(tool_name=tool, duration_ms=duration_ms, reason=reason)
    return ToolResult(tool_name=tool, duration_ms=duration_ms, output="(blurred)")
