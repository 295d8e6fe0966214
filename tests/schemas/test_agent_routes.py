"""Which texts of each event leave on which route: content on none that is not asked."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from msgspec import inspect

from eventbus import Bus, Event, EventType
from eventbus.testing import OtlpCollector
from eventbus_local import ConsoleSettings, ConsoleSink, JsonlSettings, JsonlSink
from eventbus_otlp import OtlpSettings, OtlpSink
from eventbus_schemas import Session, agent_catalog

pytest.importorskip("aiohttp", reason="aiohttp is not installed: make installs it")
pytest.importorskip("opentelemetry.proto", reason="make installs it")

# Any in this module: the fields of events hold values of any type.

CONTENT: Final[Mapping[str, set[str]]] = {
    "agent.agent_response": {"response"},
    "agent.api_request": {"error_message", "auth_error"},
    "agent.approval_decided": {"reason"},
    "agent.attachment_cleaned": {"name"},
    "agent.attachment_staged": {"name"},
    "agent.auth_recovery": {"auth_error"},
    "agent.conversation_starts": {"mcp_servers", "working_directory"},
    "agent.file_change": {"paths"},
    "agent.item_completed": {"source"},
    "agent.mcp_tool_call_result": {"mcp_server", "mcp_server_origin", "error_message"},
    "agent.mcp_tool_call_started": {"mcp_server", "mcp_server_origin", "arguments"},
    "agent.network_policy_decision": {"server_address", "client_address"},
    "agent.rate_limited": {"info"},
    "agent.reasoning": {"text"},
    "agent.sse_event": {"error_message"},
    "agent.thread_failed": {"source", "error_message"},
    "agent.thread_started": {"source", "input"},
    "agent.thread_stopped": {"source", "error_message"},
    "agent.tool_result": {
        *("arguments", "output", "mcp_server", "mcp_server_origin"),
        "exception_message",
    },
    "agent.tool_started": {"arguments", "metadata", "sandbox_warnings"},
    "agent.turn_compaction": {"source", "compaction"},
    "agent.turn_context": {"working_directory"},
    "agent.turn_diff_updated": {"source", "diff"},
    "agent.turn_failed": {"error_message"},
    "agent.user_prompt": {"prompt"},
    "agent.websocket_connect": {"error_message", "auth_error"},
    "agent.websocket_event": {"error_message"},
    "agent.websocket_request": {"error_message"},
}
"""What a person said or wrote, what a tool or an error said, and where things are."""

IDENTITY: Final[Any] = {
    "account_id": "whose-account",
    "account_email": "ada@example.org",
}
SIGNALS: Final = ("logs", "metrics", "traces")
ROUTES: Final = ("text", "lines", "file", "logs", "spans", "metrics")


class Left(NamedTuple):
    """What left on each route, as text, and on one that may have everything."""

    by_route: Mapping[str, str]
    asked_for: str


def mark(known: EventType, field: str) -> str:
    return f"<{known.name.removeprefix('agent.')}:{field}>"


def is_text(node: inspect.Type) -> bool:
    """Return whether any text may stand there."""
    if isinstance(node, inspect.UnionType):
        return any(map(is_text, node.types))
    return isinstance(node, inspect.StrType)


def texts(known: EventType) -> set[str]:
    named = {field.name for field in known.fields if is_text(field.node)}
    return named - {"span_token"}  # it is the id of a span, which has a form


def plain(node: inspect.Type) -> Any:
    match node:
        case inspect.UnionType():
            return plain(node.types[0])
        case inspect.LiteralType():
            return node.values[0]
        case inspect.BoolType():
            return False
        case inspect.IntType() | inspect.FloatType():
            return 1
        case _:
            return None


def marked(known: EventType) -> Event:
    """Return an event with its own name and the field's in each text."""
    marks = {name: mark(known, name) for name in texts(known)}
    fields = {field.name: plain(field.node) for field in known.fields}
    return known.cls(**{**fields, **marks})


async def emit_all(folder: Path) -> Left:
    paths = folder / "redacted", folder / "full"
    text, lines = io.StringIO(), io.StringIO()
    async with OtlpCollector() as collector, Bus() as bus:
        wide = ConsoleSettings(max_value_chars=9999)
        as_json = ConsoleSettings(format="json", stream="stderr")
        with redirect_stdout(text), redirect_stderr(lines):
            bus.attach(ConsoleSink(wide), name="text")
            bus.attach(ConsoleSink(as_json), name="lines")
            await bus.start()
        for path in paths:
            sink = JsonlSink(JsonlSettings(path=str(path)))
            content: Any = path.name
            bus.attach(sink, name=path.name, content=content)
        otlp = OtlpSettings(endpoint=collector.url, signals=SIGNALS)
        bus.attach(OtlpSink(otlp), name="otlp")
        session = Session(bus, conversation_id="c-1", **IDENTITY)
        for known in agent_catalog:
            assert session.emitter(known.cls)(marked(known))
        with redirect_stdout(text), redirect_stderr(lines):
            assert (await bus.flush()).complete
    by_route = {
        "text": text.getvalue(),
        "lines": lines.getvalue(),
        "file": paths[0].read_text(),
        "logs": str(collector.logs),
        "spans": str(collector.spans),
        "metrics": str(collector.metrics),
    }
    return Left(by_route, paths[1].read_text())


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Left:
    return asyncio.run(emit_all(tmp_path_factory.mktemp("routes")))


def found(known: EventType, where: str) -> set[str]:
    """Return the fields whose texts are there."""
    return {name for name in texts(known) if mark(known, name) in where}


@pytest.mark.proves("E1")
@pytest.mark.parametrize("known", agent_catalog, ids=lambda known: known.name)
def test_what_may_leave_leaves_and_content_does_not(
    known: EventType, left: Left
) -> None:
    content = CONTENT.get(known.name, set())
    safe = texts(known) - content
    for route in ("text", "lines", "file", "logs"):
        assert found(known, left.by_route[route]) == safe, route
    spans = set() if known.identity.span is None else safe
    assert found(known, left.by_route["spans"]) == spans
    labels = {field.name for field in known.fields if field.label}
    assert found(known, left.by_route["metrics"]) <= labels
    assert found(known, left.asked_for) == texts(known)


@pytest.mark.proves("E1")
@pytest.mark.parametrize("route", ROUTES)
def test_whose_session_it_is_leaves_on_no_route_unasked(route: str, left: Left) -> None:
    for words in IDENTITY.values():
        assert words in left.asked_for
        assert words not in left.by_route[route]


def test_every_event_of_the_table_is_one_and_some_labels_reach_metrics(
    left: Left,
) -> None:
    assert CONTENT.keys() <= {known.name for known in agent_catalog}
    assert "<tool_result:tool_name>" in left.by_route["metrics"]
