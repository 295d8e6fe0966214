"""Which content an attachment gets, field by field, and how much of it."""

from __future__ import annotations

from typing import Annotated, Any

import pytest

from eventbus import AttachError, Bus, ConfigError, Content, Event, Sensitive, bind
from eventbus.privacy._content import ContentRules, cut
from eventbus.testing import RecordingSink


class Called(Event, tag="test.called"):
    name: str = ""
    arguments: Annotated[str, Sensitive] = ""
    output: Annotated[str | None, Sensitive] = None
    output_length: int = 0


CALLED = Called(name="grep", arguments="-r x", output="ééé", output_length=6)
BOUND = {"user.email": "ada@example.com", "user.account_id": "7", "team": "a"}


async def seen(content: Any) -> tuple[Called, dict[str, Any]]:
    sink = RecordingSink()
    async with Bus() as bus:
        bus.attach(sink, content=content)
        with bind(BOUND):
            bus.emit(CALLED)
        await bus.flush()
    (record,) = sink.records
    return record.event, dict(record.attributes)


@pytest.mark.proves("E3", "E4")
@pytest.mark.parametrize(
    ("content", "arguments", "output", "attributes"),
    [
        ("redacted", "[REDACTED]", "[REDACTED]", {"team"}),
        ("full", "-r x", "ééé", {"team", "user.email", "user.account_id"}),
        (Content(), "[REDACTED]", "[REDACTED]", {"team"}),
        (Content(full=("test.called.output",)), "[REDACTED]", "ééé", {"team"}),
        (Content(full=("*",)), "-r x", "ééé", {"team"}),
        (Content(full=("*", "!*.output")), "-r x", "[REDACTED]", {"team"}),
        (
            Content(full=("@user.*", "!@user.account_id")),
            "[REDACTED]",
            "[REDACTED]",
            {"team", "user.email"},
        ),
        (
            Content(full=("*",), max_bytes={"*": 100, "*.output": 5, "test.*": 50}),
            "-r x",
            "éé",
            {"team"},
        ),
    ],
)
async def test_each_field_has_its_own_switch_and_length(
    content: Any, arguments: str, output: str, attributes: set[str]
) -> None:
    event, bound = await seen(content)
    assert (event.arguments, event.output) == (arguments, output)
    assert (event.name, event.output_length) == ("grep", 6)
    assert set(bound) == attributes


async def test_attachments_of_one_bus_get_what_each_asked_for() -> None:
    """Also where a type has nothing sensitive, and only some texts are cut."""

    class Plain(Event, tag="test.plain"):
        text: str = ""

    sinks = {content: RecordingSink() for content in ("none", "full", "cut")}
    async with Bus() as bus:
        bus.attach(sinks["none"], name="none")
        bus.attach(sinks["full"], name="full", content="full")
        bus.attach(sinks["cut"], name="cut", content=Content(max_bytes={"*.text": 2}))
        plain = Plain(text="long")
        bus.emit(plain)
        await bus.flush()
    assert sinks["none"].events[0] is sinks["full"].events[0] is plain
    assert sinks["none"].records[0] is sinks["full"].records[0]
    assert sinks["cut"].events == [Plain(text="lo")]
    assert plain == Plain(text="long")


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "abc"),
        ("éé", 4, "éé"),
        ("éé", 3, "é"),
        ("a😀b", 4, "a"),
        ("a😀b", 5, "a😀"),
        ("x" * 9, 1, "x"),
    ],
)
def test_text_is_cut_between_characters(text: str, limit: int, kept: str) -> None:
    assert cut(text, limit) == kept


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"full": "agent.*"}, "full must be a list, got 'agent.*'"),
        ({"full": ("a.b", " ")}, "full[1] must be a glob on event names, got ' '"),
        ({"full": True}, "full must be a list, got True"),
        ({"full": {"a.b": True}}, "full must be a list, got {'a.b': True}"),
        ({"full": ("a.b", 1)}, "full[1] must be text, got 1"),
        ({"full": ("*", "prompt")}, "full[1] must be a glob on 'event.field', as in"),
        ({"full": ("@@user.email",)}, "got '@user.email'"),
        ({"full": ("@!user.email",)}, "got '!user.email'"),
        ({"full": ("!a.b", "!@c")}, "full must be a list that includes something"),
        ({"max_bytes": {"a.b": 0}}, "max_bytes['a.b'] must be >= 1, got 0"),
        (
            {"max_bytes": {"a.b": True}},
            "max_bytes['a.b'] must be a whole number, got True",
        ),
        (
            {"max_bytes": {"a.b": "9"}},
            "max_bytes['a.b'] must be a whole number, got '9'",
        ),
        (
            {"max_bytes": {"a.b": 1.5}},
            "max_bytes['a.b'] must be a whole number, got 1.5",
        ),
        ({"max_bytes": {1: 5}}, "a key of max_bytes must be text, got 1"),
        (
            {"max_bytes": {"prompt": 5}},
            "a key of max_bytes must be a glob on 'event.field'",
        ),
        ({"max_bytes": {"!a.b": 5}}, "'event.field', as in 'agent.user_prompt.prompt'"),
        ({"max_bytes": {"@user.email": 5}}, "got '@user.email'"),
        ({"max_bytes": 4096}, "max_bytes must be a table, got 4096"),
    ],
)
def test_what_cannot_be_used_is_refused(wrong: Any, words: str) -> None:
    with pytest.raises(ValueError, match="must be") as caught:
        Content(**wrong)
    assert words in str(caught.value)


@pytest.mark.parametrize("glob", ["a?b", "a[.]b", "*", "a.b"])
def test_globs_that_may_match_a_field_are_taken(glob: str) -> None:
    content = Content(full=[glob], max_bytes={glob: 1})  # type: ignore[arg-type]
    assert content.full == [glob]


def test_a_name_of_an_attribute_may_have_the_sign_in_it() -> None:
    rules = ContentRules(Content(full=("@user@*", "!@user@b")))
    assert rules.shows_attribute("user@a")
    assert not rules.shows_attribute("user@b")
    assert not rules.shows_attribute("user")


async def test_a_glob_on_events_that_nobody_knows_yet_lets_nothing_else_through() -> (
    None
):
    globs = ("test.called.outputs", "test.later.*")
    content = Content(full=globs, max_bytes={"test.called.names": 1})
    event, bound = await seen(content)
    assert (event.arguments, event.output) == ("[REDACTED]", "[REDACTED]")
    assert (event.name, set(bound)) == ("grep", {"team"})


def test_a_word_that_is_no_content_is_refused() -> None:
    with pytest.raises(
        AttachError, match=r"'redacted', 'full' or an eventbus\.Content"
    ):
        Bus().attach(RecordingSink(), content="some")  # type: ignore[arg-type]


@pytest.mark.proves("E4")
def test_a_configuration_says_it_in_a_table() -> None:
    content = {"full": ["*.output"], "max_bytes": {"*.output": 4}}
    sink = {"type": "console", "content": content}
    bus = Bus.from_config({"sinks": {"a": sink}}, strict=True)
    (attachment,) = bus._life.attachments.values()
    assert attachment.plan.content == Content(
        full=("*.output",), max_bytes={"*.output": 4}
    )
    refused: list[tuple[dict[str, Any], str]] = [
        ({"fulll": []}, "$.sinks.a.content.fulll"),
        ({"max_bytes": {"x": 0}}, "$.sinks.a.content.max_bytes.x"),
        ({"full": [" "]}, "$.sinks.a.content.full[0]"),
        ({"full": ["*", "output"]}, "$.sinks.a.content.full[1]"),
        ({"full": ["!*.output"]}, "$.sinks.a.content.full"),
        ({"max_bytes": {"output": 4}}, "$.sinks.a.content.max_bytes.output"),
        ({"max_bytes": {"*.o": True}}, '$.sinks.a.content.max_bytes."*.o"'),
    ]
    for wrong, place in refused:
        with pytest.raises(ConfigError) as caught:
            Bus.from_config({"sinks": {"a": {**sink, "content": wrong}}}, strict=True)
        assert f"at `{place}`" in str(caught.value)
