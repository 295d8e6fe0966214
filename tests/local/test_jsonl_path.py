"""Which file a path with placeholders gives a record."""

from __future__ import annotations

import enum
from typing import Annotated, Any

import pytest

from eventbus import Attribute, ConfigError, Event, Record, load_config
from eventbus._record import AnyRecord
from eventbus.config._secrets import SecretText
from eventbus_local import JsonlSettings
from eventbus_local._destination import Destination
from eventbus_local._path_template import PathTemplate

# Any: a field holds values of any type.


class Color(enum.Enum):
    RED = "red"


class Loud(str):
    __slots__ = ()

    def __str__(self) -> str:
        raise NotImplementedError


class Liar:
    @property
    def __class__(self) -> Any:
        raise NotImplementedError


class Tool(Event, tag="agent.tool"):
    value: Any = None
    tool: Annotated[str, Attribute("gen_ai.tool.name")] = ""


def path_of(template: str, record: AnyRecord) -> str:
    (path,) = Destination(template).paths([record])
    return path


@pytest.mark.parametrize(
    ("text", "directory", "placeholders"),
    [
        ("a/b.jsonl", "a/b.jsonl", ()),
        ("a/{{b}}.jsonl", "a/{b}.jsonl", ()),
        ("/var/log/{id}.jsonl", "/var/log", ("id",)),
        ("/{id}.jsonl", "/", ("id",)),
        ("{id}.jsonl", "", ("id",)),
        ("~/a/x-{service.name}/b/{id}.jsonl", "~/a", ("service.name", "id")),
    ],
)
def test_a_path_has_a_directory_and_placeholders(
    text: str, directory: str, placeholders: tuple[str, ...]
) -> None:
    template = PathTemplate(text)
    assert (template.directory, template.placeholders) == (directory, placeholders)


def test_values_stand_where_their_placeholders_do() -> None:
    template = PathTemplate("logs/{{{a}}}/kept/{b}_{c}.jsonl")
    assert template.path(["1", "", "../x"]) == "{1}/kept/__%2E.%2Fx.jsonl"
    assert template.depth == 2


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("a/{id", "path must close the '{' at character 3, or double it"),
        ("a/{b{id}", "path must close the '{' at character 3, or double it"),
        (
            "a/id}.jsonl",
            "path must open a placeholder before the '}' at character 5, or double it",
        ),
        ("a/{}.jsonl", "path must name a value between the braces at character 3"),
        *(
            (
                f"a/{{{name}}}.jsonl",
                "path must have a plain name between the braces at character 3 "
                "(letters, digits, '_', '-' and '.'), no conversion and no format",
            )
            for name in ("id:>8", "id!r", "a[0]", " id", "0", "a/b")
        ),
        *(
            (
                f"a/{{id}}/{part}",
                "path must have a name in each part behind the first placeholder",
            )
            for part in ("", "/x.jsonl", "../x.jsonl", ".")
        ),
        (
            "{a}{b}.jsonl",
            "path must have a character between two placeholders of one name, "
            "other than '%' and '~'",
        ),
        (
            f"a/{'x' * 180}{{id}}",
            "path must have names of at most 200 bytes, with 32 for each placeholder",
        ),
    ],
)
def test_a_path_that_is_no_template_is_refused_with_its_place(
    path: str, message: str
) -> None:
    with pytest.raises(ValueError, match="path must") as caught:
        JsonlSettings(path=path)
    assert str(caught.value) == f"{message}, got {path!r}"
    assert getattr(caught.value, "place") == ("path",)  # noqa: B009 - of a ValueError


def test_a_configuration_says_at_which_setting_it_is() -> None:
    table = {"sinks": {"sessions": {"type": "jsonl", "path": "a/{}.jsonl"}}}
    with pytest.raises(ConfigError) as caught:
        load_config(table, strict=True)
    assert str(caught.value) == (
        "path must name a value between the braces at character 3, "
        "got 'a/{}.jsonl' - at `$.sinks.sessions.path`"
    )


def test_a_path_that_came_from_a_secret_is_not_repeated() -> None:
    with pytest.raises(ValueError, match=r"got '\[REDACTED\]'$") as caught:
        JsonlSettings(path=SecretText("hunter2/{id"))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "attributes", "resource", "name"),
    [
        ("own", {"value": "bound"}, {"value": "of the service"}, "own"),
        (None, {"value": "bound"}, {"value": "of the service"}, "bound"),
        ("", {"value": "bound"}, {"value": "of the service"}, "bound"),
        (None, {}, {"value": "service"}, "service"),
        (None, {"value": ""}, {"value": "service"}, "service"),
        (None, {}, None, "_"),
        (7, {}, {}, "7"),
        (-7, {}, {}, "%2D7"),
        (0, {"value": "bound"}, {}, "0"),
        (2**64 - 1, {}, {}, "18446744073709551615"),
        (2**64, {}, {}, "0x10000000000000000"),
        (True, {}, {}, "true"),
        (False, {"value": "bound"}, {}, "false"),
        (Color.RED, {}, {}, "red"),
        (Loud("own"), {}, {}, "own"),
        (1.5, {"value": "bound"}, {}, "bound"),
        (["own"], {"value": "bound"}, {}, "bound"),
        (None, {"value": ("a", "b")}, {"value": "service"}, "service"),
    ],
)
def test_the_first_that_has_a_value_gives_it(
    value: Any, attributes: Any, resource: Any, name: str
) -> None:
    record = Record(Tool(value=value), attributes=attributes, resource=resource)
    assert path_of("/a/{value}.jsonl", record) == f"/a/{name}.jsonl"


def test_a_value_is_not_asked_what_it_is() -> None:
    record = Record(Tool(value=Liar()), attributes={"value": "bound"})
    assert path_of("/a/{value}.jsonl", record) == "/a/bound.jsonl"


def test_a_field_is_found_by_the_name_it_has_outside() -> None:
    record = Record(Tool(tool="shell"), attributes={"gen_ai.tool.name": "bound"})
    template = "/a/{gen_ai.tool.name}-{tool}.jsonl"
    assert path_of(template, record) == "/a/shell-shell.jsonl"


def test_a_field_has_its_own_name_before_another_has_it_outside() -> None:
    class Both(Event, tag="both"):
        a: Annotated[str, Attribute("b")]
        b: str

    assert path_of("/x/{b}.jsonl", Record(Both(a="1", b="2"))) == "/x/2.jsonl"


def test_the_events_name_cannot_be_anything_else() -> None:
    class Odd(Event, tag="odd.one"):
        value: Annotated[str, Attribute("event.name")] = "own"

    record = Record(Odd(), attributes={"event.name": "bound"})
    assert path_of("/a/{event.name}.jsonl", record) == "/a/odd.one.jsonl"


def test_a_path_is_forgotten_when_there_are_too_many_or_it_is_long() -> None:
    destination = Destination("/a/{value}.jsonl")
    for n in range(5000):
        destination.paths([Record(Tool(value=n))])
    assert len(destination._known) <= 4096
    long = [Record(Tool(value="x" * 2000))]
    assert destination.paths(long) == destination.paths(long)
    assert max(len(text) for (text,) in destination._known) < 2000


def test_the_sign_of_the_home_directory_is_one_at_the_beginning_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    record = Record(Tool(value="~root"))
    assert path_of("~/{value}", record) == "/home/somebody/%7Eroot"
    monkeypatch.chdir("/")
    assert path_of("{value}/x.jsonl", record) == "/%7Eroot/x.jsonl"
