"""What is told of starts: of the program, of a turn's words, of a plugin."""

from __future__ import annotations

import pytest

from eventbus import Event
from eventbus._catalog import describe
from eventbus_schemas import (
    PluginInstallElicitationSent,
    PluginInstallSuggestion,
    StartupPhase,
    TurnFirstMessage,
    TurnFirstToken,
)
from tests.metrics._events import histogram

from .test_metrics import counters, of_events


@pytest.mark.proves("B13")
@pytest.mark.parametrize(
    ("event", "metric", "labels"),
    [
        (
            StartupPhase(phase="resolve", duration_ms=250.0, status="ready"),
            "agent.startup_phase.duration",
            {"phase": "resolve", "status": "ready"},
        ),
        (
            StartupPhase(phase="resolve", duration_ms=250.0),
            "agent.startup_phase.duration",
            {"phase": "resolve"},
        ),
        (
            TurnFirstToken(duration_ms=250.0, turn_id="t", request_id="r"),
            "agent.turn_first_token.duration",
            {},
        ),
        (
            TurnFirstMessage(duration_ms=250.0),
            "agent.turn_first_message.duration",
            {},
        ),
    ],
)
def test_one_event_is_the_record_and_the_metric(
    event: Event, metric: str, labels: dict[str, str]
) -> None:
    found = of_events(event)
    (point,) = found[metric].points
    assert dict(point.attributes) == labels
    timed = histogram(found[metric], **labels)
    assert (timed.count, timed.sum) == (1, 0.25)
    assert list(counters(found).values()) == [1]


@pytest.mark.proves("B14")
def test_an_answer_to_an_offer_tells_what_was_offered_and_what_came_of_it() -> None:
    offered = {"tool_type", "tool_id", "tool_name", "turn_id"}
    assert set(PluginInstallElicitationSent.__struct_fields__) == offered
    assert set(PluginInstallSuggestion.__struct_fields__) == offered | {
        *("response_action", "user_confirmed", "completed")
    }


@pytest.mark.proves("B14", "H7")
def test_offers_are_counted_by_kind_and_answers_by_what_came_of_them() -> None:
    labels = {
        known: {field.name for field in describe(known).fields if field.label}
        for known in (PluginInstallElicitationSent, PluginInstallSuggestion)
    }
    assert labels == {
        PluginInstallElicitationSent: {"tool_type"},
        PluginInstallSuggestion: {"tool_type", "response_action", "completed"},
    }
