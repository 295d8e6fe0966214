"""What a program tells a session: foreign words, absent fields, values of a wrong type.

A strict bus refuses an event that its own type does not allow, so what it takes is fit
to be read again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any, get_type_hints

import msgspec
import pytest

from eventbus import Bus, InvalidEventError
from eventbus_schemas import ApiRequest, ToolResult, UserPrompt, agent_catalog
from eventbus_schemas._agent_session import ATTRIBUTES
from eventbus_schemas._closed_sets import open_sets
from tests.schemas._agent_trees import ENDS, STARTS
from tests.schemas.test_agent_endings import MAKE, each_kind
from tests.schemas.test_agent_session import Rig, methods
from tests.schemas.test_agent_session import rig as rig

# Any in this module: what a caller says, right or wrong.

Say = Callable[[Any], object]


@pytest.fixture
async def strict() -> AsyncGenerator[Rig]:
    made = Rig(Bus(strict=True))
    async with made.bus:
        yield made


def foreign_word(name: str) -> str:
    return f"Foreign {name}"


@pytest.mark.parametrize(
    "name", [n for n, m in methods().items() if open_sets(m.event_type)]
)
async def test_a_foreign_word_is_told_as_the_one_for_all_others(
    strict: Rig, name: str
) -> None:
    made = methods()[name].event_type
    sets = open_sets(made)
    required = {
        field.name: {"bool": True, "str": "x"}.get(kind_of(made, field.name), 1)
        for field in msgspec.structs.fields(made)
        if field.required and field.name not in sets
    }
    if name == "network_policy_decision":
        required = {"address": "example.org", "port": 443}
    if name == "tool_could_not_run":
        required = {"tool_name": "x", "error": "no"}
    assert getattr(strict.session(), name)(
        **required, **{word: foreign_word(word) for word in sets}
    )
    event = (await strict.record()).event
    told = {word: getattr(event, word) for word in sets}
    assert told == {word: known[-1] for word, known in sets.items()}
    assert set(told.values()) <= {"other", "unknown"}


def kind_of(made: type, name: str) -> str:
    return str(getattr(get_type_hints(made)[name], "__name__", ""))


@pytest.mark.parametrize(
    ("say", "field", "word", "severity"),
    [
        (lambda s: s.turn_compaction("w"), "stage", "unknown", "info"),
        (lambda s: s.turn_compaction("Failed"), "stage", "failed", "warn"),
        (lambda s: s.auth_recovery("a", "w"), "outcome", "other", "warn"),
        (
            lambda s: s.approval_decided("x", outcome="Approved"),
            *("outcome", "approved", "info"),
        ),
        (
            lambda s: s.approval_decided("x", outcome="approved"),
            *("outcome", "approved", "info"),
        ),
    ],
)
async def test_a_severity_goes_by_the_word_that_is_told(
    strict: Rig, say: Say, field: str, word: str, severity: str
) -> None:
    say(strict.session())
    event = (await strict.record()).event
    assert (getattr(event, field), event.severity) == (word, severity)


COMPLETIONS = {
    name: method
    for name, method in methods().items()
    if {"success", "severity"} <= set(method.event_type.__struct_fields__)
    and name not in ("tool_could_not_run", "websocket_failed")
}


@pytest.mark.parametrize("success", [True, False])
@pytest.mark.parametrize("name", COMPLETIONS)
async def test_a_failure_is_a_warning_unless_somebody_says(
    strict: Rig, name: str, success: bool
) -> None:
    fields = COMPLETIONS[name].event_type.__struct_fields__
    told: dict[str, Any] = {"success": success}
    told |= {"tool_name": "x"} if "tool_name" in fields else {}
    told |= {"duration_ms": 1.0} if "duration_ms" in fields else {}
    assert getattr(strict.session(), name)(**told)
    event = (await strict.record()).event
    assert (event.success, event.severity) == (success, "info" if success else "warn")


DENIED: Any = {
    "port": 443,
    "decision": "deny",
    "source": "decider",
    "scope": "domain",
    "protocol": "http",
}


@pytest.mark.parametrize(
    "tell",
    [
        lambda s, **word: s.turn_compaction("failed", **word),
        lambda s, **word: s.sse_failed("no", **word),
        lambda s, **word: s.websocket_failed("no", duration_ms=1.0, **word),
        lambda s, **word: s.auth_recovery("reload", "failed_permanent", **word),
        lambda s, **word: s.approval_decided("shell", outcome="denied", **word),
        lambda s, **word: s.mcp_tool_call_result("search", success=False, **word),
        lambda s, **word: s.tool_could_not_run("shell", "no", **word),
        lambda s, **word: s.network_policy_decision("a.b", **DENIED, **word),
    ],
)
async def test_a_severity_that_is_given_stands(rig: Rig, tell: Any) -> None:
    tell(rig.session())
    tell(rig.session(), severity="debug")
    itself, given = [one.event for one in await rig.records()]
    assert itself.severity in ("warn", "error")
    assert given == msgspec.structs.replace(itself, severity="debug")


@pytest.mark.parametrize(
    ("outcome", "severity"),
    [
        ("failed", "warn"),
        ("parse_failed", "warn"),
        ("progress", "info"),
        ("completed", "info"),
    ],
)
async def test_a_failed_piece_of_a_stream_is_a_warning(
    strict: Rig, outcome: Any, severity: str
) -> None:
    strict.session().sse_event(outcome=outcome)
    strict.session().sse_event(outcome=outcome, severity="error")
    told = [one.event.severity for one in await strict.records()]
    assert told == [severity, "error"]


@pytest.mark.parametrize("success", [True, False])
async def test_a_word_of_a_set_without_one_for_others_is_counted_or_refused(
    rig: Rig, strict: Rig, success: bool
) -> None:
    odd: Any = {"success": success, "outcome": "weird"}
    assert rig.session().tool_result("sh", **odd)
    assert (await rig.record()).event.outcome == "weird"
    with pytest.raises(InvalidEventError, match=r"weird.*outcome"):
        strict.session().tool_result("sh", **odd)


def test_all_that_is_known_of_a_session_has_the_name_of_the_field_that_tells_it() -> (
    None
):
    facts = {attribute: fact for fact, attribute in ATTRIBUTES.items()}
    fields = [
        (field.name, field.attribute or field.name)
        for known in agent_catalog
        for field in known.fields
    ]
    common = [(name, outside) for name, outside in fields if outside in facts]
    assert {name for name, _ in common} == {"model", "auth_mode"}
    assert all(facts[outside] == name for name, outside in common)


@pytest.mark.parametrize("name", ["api_request", "websocket_connect"])
async def test_an_absent_field_hides_nothing_that_is_known(rig: Rig, name: str) -> None:
    session = rig.session(auth_mode="ApiKey", model="m")
    request = {"success": True, "duration_ms": 1.0}
    getattr(session, name)(**request)
    getattr(session.with_attributes({"auth_mode": "Chatgpt"}), name)(**request)
    getattr(session, name)(**request, auth_mode="Agent")
    session.auth_recovery("refresh", "succeeded")
    events = [one.event for one in await rig.records()]
    modes = [event.auth_mode for event in events]
    assert modes == ["ApiKey", "Chatgpt", "Agent", "ApiKey"]
    assert isinstance(events[0], ApiRequest) == (name == "api_request")


class Text(str):
    """Text of a type of its own."""


@pytest.mark.parametrize(
    ("say", "refused"),
    [
        (
            lambda s: s.tool_could_not_run("x", ValueError("e")),
            "error must be text, got ValueError",
        ),
        (
            lambda s: s.tool_result("x", success=True, output={}),
            "output must be text, got dict",
        ),
        (
            lambda s: s.tool_result("x", success=True, output=None),
            "output must be text, got None",
        ),
        (
            lambda s: s.tool_result("x", success=True, output=b"x"),
            "output must be text, got bytes",
        ),
        (
            lambda s: s.tool_result("x", success=True, arguments={}),
            "arguments must be text, got dict",
        ),
        (
            lambda s: s.tool_result("x", success=True, sandbox=["none"]),
            "sandbox must be text, got list",
        ),
        (lambda s: s.turn_compaction(5), "stage must be text, got 5"),
        (lambda s: s.agent_response(5), "response must be text, got 5"),
        (lambda s: s.agent_response(b"x"), "response must be text, got bytes"),
        (lambda s: s.reasoning(b"x"), "text must be text, got bytes"),
        (lambda s: s.user_prompt(None), "prompt must be text, got None"),
        (lambda s: s.user_prompt(["a", "b"]), "prompt must be text, got list"),
        (lambda s: s.turn_diff_updated(["a"]), "diff must be text, got list"),
        (lambda s: s.turn().aborted(5), "reason must be text, got 5"),
        (lambda s: s.thread().stopped(5), "result must be text, got 5"),
        (lambda s: s.thread().learned(turn_id=5), "turn_id must be text, got 5"),
        (lambda s: s.approval("x").decided(5), "outcome must be text, got 5"),
        (lambda s: s.with_request(5), "request_id must be text, got 5"),
    ],
)
async def test_what_is_no_text_is_refused_by_its_name(
    rig: Rig, say: Say, refused: str
) -> None:
    with pytest.raises(TypeError, match=f"^{refused}$"):
        say(rig.session())
    assert await rig.records() == []


async def test_absent_texts_and_texts_of_ones_own_type_are_right(rig: Rig) -> None:
    session = rig.session()
    session.tool_result("x", success=True, arguments=None, sandbox=None)
    session.user_prompt(Text("hello"))
    result, prompt = [one.event for one in await rig.records()]
    assert result == ToolResult.of("x", success=True)
    assert prompt == UserPrompt.from_text("hello")


def test_a_mistake_that_is_none_of_a_text_is_told_as_it_is() -> None:
    session = Rig().session()
    with pytest.raises(TypeError, match="success"):
        session.tool_result("x")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="positional"):
        session.turn_compaction("failed", "failed")  # type: ignore[call-arg, arg-type]


@pytest.mark.parametrize(
    ("kind", "say", "wrong"),
    [
        (
            "turn",
            lambda one: one.completed(input_tokens=12.5),
            "input_tokens must be a whole number, got 12.5",
        ),
        (
            "tool_call",
            lambda one: one.learned(exit_code="x"),
            "exit_code must be a whole number, got str",
        ),
        (
            "tool_call",
            lambda one: one.learned(tool_origin="w"),
            r"another type: .*\$\.tool_origin",
        ),
    ],
)
@pytest.mark.parametrize("is_strict", [True, False])
async def test_a_fact_of_a_wrong_type_is_refused_where_it_is_said(
    kind: str, say: Say, wrong: str, is_strict: bool
) -> None:
    async with Bus(strict=is_strict) as bus:
        rig = Rig(bus)
        with MAKE[kind](rig.session()) as stretch:
            with pytest.raises(TypeError, match=wrong):
                say(stretch)
            say_no_more = await rig.records()
        ended = (await rig.records())[len(say_no_more) :]
        assert [one.name in ENDS for one in ended] == [True]


async def test_a_foreign_word_that_is_learned_keeps_nothing_from_its_end(
    strict: Rig,
) -> None:
    def run() -> None:
        with strict.session().tool_call("t") as call:
            call.learned(sandbox="landlock", exit_code=1)  # type: ignore[arg-type]
            raise ValueError("real")

    with pytest.raises(ValueError, match=r"^real$"):
        run()
    start, end = await strict.records()
    assert (start.name in STARTS, end.name in ENDS) == (True, True)
    assert (end.event.sandbox, end.event.exit_code) == ("other", 1)


@each_kind
async def test_an_end_that_is_refused_replaces_no_exception(
    strict: Rig, kind: str
) -> None:
    def refusing(error: BaseException | None, duration_ms: float) -> None:
        raise InvalidEventError("refused")

    def run(error: Exception | None) -> None:
        with MAKE[kind](strict.session()) as stretch:
            stretch._tell_end = refusing
            if error is not None:
                raise error

    with pytest.raises(ValueError, match=r"^real$"):
        run(ValueError("real"))
    with pytest.raises(InvalidEventError, match="refused"):
        run(None)
