"""Sessions: what all their events have, copies, and methods that make events."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

import eventbus
from eventbus import Bus, Event, Record
from eventbus.testing import RecordingSink
from eventbus_schemas import (
    ApiRequest,
    ConversationStarts,
    Session,
    ToolResult,
    UserPrompt,
    agent_catalog,
)
from eventbus_schemas._emits import Emits

FACTS = {
    "conversation_id": "c-1",
    "model": "m-1",
    "slug": "m",
    "auth_mode": "ApiKey",
    "originator": "cli",
    "session_source": "exec",
    "terminal_type": "xterm",
    "app_version": "1.2.3",
    "account_id": "acc",
    "account_email": "a@example.org",
}
ATTRIBUTES = {
    "gen_ai.conversation.id": "c-1",
    "gen_ai.request.model": "m-1",
    "slug": "m",
    "auth_mode": "ApiKey",
    "originator": "cli",
    "session_source": "exec",
    "terminal.type": "xterm",
    "app.version": "1.2.3",
    "user.account_id": "acc",
    "user.email": "a@example.org",
}


class Rig:
    """A bus whose one sink sees content, sessions on it, and what they emitted."""

    def __init__(self, bus: Bus | None = None) -> None:
        self.bus = Bus() if bus is None else bus
        self.sink = RecordingSink()
        self.bus.attach(self.sink, content="full")

    def session(self, **facts: Any) -> Session:
        return Session(self.bus, **{"conversation_id": "c-1", **facts})

    async def records(self) -> list[Record[Any]]:
        assert (await self.bus.flush()).complete
        return list(self.sink.records)

    async def record(self) -> Record[Any]:
        (record,) = await self.records()
        return record


@pytest.fixture
async def rig() -> Any:
    made = Rig()
    async with made.bus:
        yield made


@pytest.mark.proves("B2", "C1")
async def test_every_event_has_what_is_known_of_the_session(rig: Rig) -> None:
    session = rig.session(**FACTS)
    session.user_prompt("hello")
    session.tool_result("shell", success=True, output="done")
    prompt, result = await rig.records()
    assert prompt.event == UserPrompt.from_text("hello")
    assert result.event == ToolResult.of("shell", success=True, output="done")
    for record in (prompt, result):
        assert dict(record.attributes) == ATTRIBUTES
        assert record.time_unix_nano > 0


@pytest.mark.proves("B2", "B21", "C5")
async def test_what_is_not_known_is_absent(rig: Rig) -> None:
    rig.session(model=None, app_version="").user_prompt("hello")
    said = {"gen_ai.conversation.id": "c-1", "originator": "sdk", "app.version": ""}
    assert dict((await rig.record()).attributes) == said


@pytest.mark.parametrize("source", ["c-1", None, len])
def test_a_session_needs_a_source_of_emitters(source: Any) -> None:
    with pytest.raises(
        TypeError, match=rf"as a bus does, .* got {type(source).__name__}"
    ):
        Session(source, conversation_id="c")


def test_a_session_needs_an_id_and_no_unknown_facts() -> None:
    with pytest.raises(TypeError, match=r"a session needs its conversation_id"):
        Session(Bus())  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"fact 'modle'\. Did you mean 'model'\?"):
        Session(Bus(), conversation_id="c", modle="m")  # type: ignore[call-arg]


@pytest.mark.proves("C1")
async def test_a_copy_with_another_model_leaves_the_session_as_it_is(rig: Rig) -> None:
    first = rig.session(**FACTS)
    first.api_request(success=True, duration_ms=1.0)
    second = first.with_model("m-2", slug="other")
    second.api_request(success=True, duration_ms=1.0)
    first.with_model("m-3").api_request(success=True, duration_ms=1.0)
    first.api_request(success=True, duration_ms=1.0)
    records = await rig.records()
    assert [one.event.model for one in records] == ["m-1", "m-2", "m-3", "m-1"]
    models = [one.attributes["gen_ai.request.model"] for one in records]
    assert models == ["m-1", "m-2", "m-3", "m-1"]
    slugs = [one.attributes.get("slug") for one in records]
    assert slugs == ["m", "other", "m-3", "m"]


async def test_what_a_request_asks_for_is_filled_in_where_an_event_tells_it(
    rig: Rig,
) -> None:
    session = rig.session().with_inference(service_tier="flex", reasoning_effort="high")
    session.sse_event(outcome="completed")
    session.conversation_starts()
    answer, start = await rig.records()
    assert (answer.event.service_tier, answer.event.reasoning_effort) == (
        "flex",
        "high",
    )
    assert start.event.reasoning_effort == "high"


@pytest.mark.parametrize("name", ["configured", "ACME_API_KEY"])
async def test_credentials_are_told_by_presence(rig: Rig, name: str) -> None:
    session = rig.session().with_auth_environment(
        openai_api_key_present=True, provider_key_name=name
    )
    session.api_request(success=True, duration_ms=1.0)
    session.conversation_starts()
    session.user_prompt("hello")
    request, start, _ = [one.event for one in await rig.records()]
    for event in (request, start):
        assert event.auth_env_openai_api_key_present is True
        assert event.auth_env_provider_key_name == "configured"
        assert event.auth_env_codex_api_key_present is None


async def test_what_a_request_asks_for_is_told_whole_or_not(rig: Rig) -> None:
    session = rig.session().with_inference(service_tier="flex")
    session.with_inference(reasoning_effort="high").sse_event(outcome="completed")
    answer = (await rig.record()).event
    assert (answer.service_tier, answer.reasoning_effort) == (None, "high")


def test_a_credential_that_no_event_tells_of_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Unknown fact 'openai_key_present'. Did you"):
        Rig().session().with_auth_environment(openai_key_present=True)  # type: ignore[call-arg]


async def test_what_a_call_says_wins_over_the_session(rig: Rig) -> None:
    session = rig.session(model="m-1")
    session.api_request(success=True, duration_ms=1.0, model="m-9")
    assert (await rig.record()).event.model == "m-9"


async def test_more_attributes_win_over_what_it_has(rig: Rig) -> None:
    session = rig.session().with_attributes({"tenant": "t", "originator": "web"})
    session.user_prompt("hello")
    attributes = (await rig.record()).attributes
    assert (attributes["tenant"], attributes["originator"]) == ("t", "web")


@pytest.mark.proves("C2")
async def test_what_it_binds_reaches_code_that_knows_no_session(rig: Rig) -> None:
    emit = rig.bus.emitter(UserPrompt)

    async def library() -> None:
        await asyncio.to_thread(emit, UserPrompt.from_text("in a thread"))

    with rig.session(**FACTS).bind():
        emit(UserPrompt.from_text("here"))
        await asyncio.create_task(library())
    emit(UserPrompt.from_text("after"))
    records = await rig.records()
    assert [dict(one.attributes) for one in records] == [ATTRIBUTES, ATTRIBUTES, {}]


async def test_events_of_ones_own_have_it_too(rig: Rig) -> None:
    class Noted(Event, tag="test.noted"):
        text: str

    emit = rig.session(**FACTS).emitter(Noted)
    emit(Noted(text="x"))
    assert dict((await rig.record()).attributes) == ATTRIBUTES


async def test_without_a_bus_it_leads_to_the_one_in_use(rig: Rig) -> None:
    session = Session(conversation_id="c-1")
    assert session.user_prompt("nobody hears this")
    with eventbus.use(rig.bus):
        session.user_prompt("hello")
    assert (await rig.record()).event.prompt == "hello"


def test_a_session_and_what_is_made_of_it_ask_for_each_emitter_once() -> None:
    asked = list[type[Event]]()

    class Source:
        def emitter(self, event_type: type[Any], **_: object) -> Any:
            asked.append(event_type)
            return lambda event: True

    session = Session(Source(), conversation_id="c", model="m")
    for number in range(3):
        with session.turn() as turn, turn.with_request().tool_call("shell"):
            turn.user_prompt(f"{number}")
    assert len(asked) == len(set(asked)) == 4 + 3 + 1
    session.with_model("other").user_prompt("has other attributes")
    assert asked[8:] == [UserPrompt]


@pytest.mark.proves("C4")
async def test_events_of_one_session_arrive_in_the_order_they_were_made(
    rig: Rig,
) -> None:
    session = rig.session()
    for number in range(1000):
        session.tool_result(f"tool-{number}", success=True)
        if number % 100 == 0:
            await asyncio.sleep(0)
    told = [one.event.tool_name for one in await rig.records()]
    assert told == [f"tool-{number}" for number in range(1000)]


def methods() -> dict[str, Emits[...]]:
    return {
        name: method
        for name, method in vars(Session).items()
        if isinstance(method, Emits)
    }


def test_there_is_a_method_for_every_event_of_the_catalog() -> None:
    ends_and_starts = {  # told by with blocks: session.turn(), session.thread()
        *("agent.turn_started", "agent.turn_completed"),
        *("agent.turn_failed", "agent.turn_aborted"),
        *("agent.thread_started", "agent.thread_stopped", "agent.thread_failed"),
    }
    emitted = {agent_catalog.register(m.event_type).name for m in methods().values()}
    assert emitted == {known.name for known in agent_catalog} - ends_and_starts


@pytest.mark.parametrize("name", methods())
def test_a_method_fills_in_every_field_that_the_session_knows(name: str) -> None:
    """Each constructor takes what its event has: nothing known is lost on the way."""
    method = methods()[name]
    known = {"model", "turn_id", "thread_id", "service_tier", "reasoning_effort"}
    known |= {one for one in ConversationStarts.__struct_fields__ if "auth_env" in one}
    fields = known & set(method.event_type.__struct_fields__)
    assert fields <= method._takes


def test_a_method_is_documented_by_what_it_makes() -> None:
    assert Session.api_request.__doc__ == inspect.getdoc(ApiRequest)
    assert Session(Bus(), conversation_id="c").api_request.__name__ == "api_request"


def test_a_method_makes_events_or_is_refused() -> None:
    with pytest.raises(TypeError, match="expected an event type or one's constructor"):
        Emits(lambda: 1)  # type: ignore[arg-type, return-value]
