from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from eventbus import Bus, ConfigError
from eventbus.config import Layer, bus_from_config, load_config
from eventbus.config._explain import in_force
from tests.config._files import Files


def test_a_later_file_wins_over_an_earlier_one_leaf_by_leaf(files: Files) -> None:
    files.user('[sinks.console]\nformat = "text"\nstream = "stderr"\n', "first.toml")
    files.user('[sinks.console]\nformat = "json"\n', "second.toml")
    settings = files.load().sinks["console"].settings
    assert (settings.format, settings.stream) == ("json", "stderr")  # type: ignore[union-attr]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_who_wins_depends_on_whose_a_file_is_not_on_the_order(
    files: Files, order: tuple[int, ...]
) -> None:
    attribute = '[bus.resource]\n"project.a" = "{0}"\n'
    files.project(attribute.format("project"))
    files.user(attribute.format("user"))
    files.managed(attribute.format("managed"))
    files.layers = [files.layers[index] for index in order]
    assert files.load().bus.resource == {"project.a": "managed"}
    files.layers = [layer for layer in files.layers if not layer.managed]
    assert files.load().bus.resource == {"project.a": "user"}


def test_an_argument_wins_over_files_but_not_over_what_is_required(
    files: Files,
) -> None:
    files.user('[bus.resource]\na = "user"\nb = "user"\n')
    files.managed('[bus.resource]\nb = "managed"\n')
    given = {("bus", "resource", key): "argument" for key in "ab"}
    config = files.load(overrides=given)
    assert config.bus.resource == {"a": "argument", "b": "managed"}
    assert files.short(config.warnings) == [
        "`$.bus.resource.b` is 'managed', as managed.toml:2 requires, not 'argument' "
        "of argument"
    ]


def test_each_value_is_told_with_the_layer_it_came_from(files: Files) -> None:
    files.project(
        '[bus.resource]\n"vcs.ref" = "main"\n[sinks.console]\nselect = "a*"\n'
    )
    files.user('[sinks.console]\n\nformat = "json"\n')
    files.managed("[bus]\nclose_timeout_seconds = 1\n")
    told = {one.place: one.origin for one in in_force(files.load())}
    told = dict(zip(told, files.short(told.values()), strict=True))
    assert told['$.bus.resource."vcs.ref"'] == "project.toml:2, not trusted"
    assert told["$.sinks.console.select"] == "project.toml:4, not trusted"
    assert told["$.sinks.console.format"] == "user.toml:3"
    assert told["$.bus.close_timeout_seconds"] == "managed.toml:2, required"


def test_what_is_wrong_has_the_file_and_the_line_that_count(files: Files) -> None:
    files.user('[sinks.console]\nformat = "jsn"\n', "first.toml")
    files.user("\n[sinks.console]\nlevle = 1\n", "second.toml")
    files.user("[bus]\nstrict = 1\n", "third.toml")
    assert files.refusal(strict=True) == [
        "third.toml:2: Expected `bool`, got 1 - at `$.bus.strict`",
        "first.toml:2: Expected 'json' or 'text', got 'jsn'. Did you mean 'json'? - at "
        "`$.sinks.console.format`",
        "second.toml:3: Unknown key 'levle'. Did you mean 'level'? - at "
        "`$.sinks.console.levle`",
    ]


def test_a_table_is_told_where_it_begins_and_not_where_it_goes_on(
    files: Files,
) -> None:
    files.user("\n[sinks.nosuch]\na = 1\n", "first.toml")
    files.user("[sinks.nosuch]\nb = 1\n", "second.toml")
    lines = files.refusal(strict=True, overrides={("sinks", "nosuch", "c"): 1})
    assert lines[0].startswith("first.toml:2: No sink 'nosuch' is installed")


def test_a_variable_of_a_value_that_does_not_count_may_be_unset(files: Files) -> None:
    files.user('[bus.resource]\na = "${UNSET_A}"\n', "first.toml")
    files.user('[bus.resource]\na = "second"\n', "second.toml")
    assert files.load(strict=True).bus.resource == {"a": "second"}


def test_a_file_that_is_there_twice_counts_as_what_it_is_trusted_as_most(
    files: Files,
) -> None:
    path = files.user('[sinks.console]\nformat = "json"\n')
    files.layers.append(Layer(path, trusted=False))
    config = files.load(strict=True)
    assert list(config.sinks) == ["console"]
    assert config.warnings == ()


@pytest.mark.skipif(os.name != "posix", reason="links are POSIX")
def test_a_trusted_file_by_another_name_is_the_same_file(files: Files) -> None:
    path = files.user('[sinks.console]\nformat = "json"\n')
    link = files.directory / "linked.toml"
    link.symlink_to(path)
    files.layers.append(Layer(link, trusted=False))
    assert files.load(strict=True).warnings == ()


def test_mappings_and_files_may_be_mixed(files: Files) -> None:
    files.user("[bus]\nstrict = true\n")
    config = load_config([{"sinks": {"console": {}}}, *files.layers])
    assert config.bus.strict is True
    assert list(config.sinks) == ["console"]


def test_no_layer_at_all_is_an_empty_configuration() -> None:
    assert load_config([]).sinks == {}


async def test_a_bus_is_made_of_several_files(files: Files) -> None:
    files.user("[sinks.console]\n")
    files.managed("[sinks.console]\nenabled = false\n")
    async with bus_from_config(Bus, files.layers) as bus:
        assert dict(bus.stats().attachments) == {}


def test_a_layer_does_not_show_what_is_in_a_mapping() -> None:
    layer = Layer({"sinks": {"otlp": {"headers": {"authorization": "s3cret"}}}})
    assert repr(layer) == "<Layer a mapping, user>"


def test_requirements_of_a_stranger_are_refused() -> None:
    with pytest.raises(ValueError, match="either managed or not trusted, not both"):
        Layer("x.toml", trusted=False, managed=True)


@pytest.mark.parametrize("source", [5, [5], b"x", [b"x"], {1, 2}, None, [None]])
def test_what_is_neither_a_path_nor_a_mapping_is_refused(source: Any) -> None:
    one = source[0] if isinstance(source, list) else source
    kind = type(one).__name__
    with pytest.raises(TypeError, match=f"Expected a path or a mapping, got {kind}"):
        load_config(source)


@pytest.mark.parametrize("name", ["trusted", "managed"])
@pytest.mark.parametrize("flag", ["false", 1, None])
def test_whom_a_layer_is_trusted_as_is_said_by_a_switch(name: str, flag: Any) -> None:
    """Any text is true; ``trusted="false"`` would trust a stranger."""
    with pytest.raises(TypeError, match=f"{name} must be True or False, got {flag!r}"):
        Layer("x.toml", **{name: flag})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\xef\xbb\xbf[bus]\nstrict = 1\n", "2: Expected `bool`, got 1"),
        (b"[bus]\n[bus]\n", "is not TOML: Cannot declare"),
        (b"\xff", "Expected UTF-8"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(
    files: Files, text: bytes, said: str
) -> None:
    files.user("")
    path = files.managed("")
    path.write_bytes(text)
    with pytest.raises(ConfigError) as caught:
        files.load()
    assert said in str(caught.value)
    assert "managed.toml" in str(caught.value)


def test_a_directory_is_no_layer(files: Files) -> None:
    files.layers.append(Layer(files.directory))
    assert "Is a directory" in files.refusal()[0]


def test_a_missing_layer_is_named(files: Files, tmp_path: Path) -> None:
    files.layers.append(Layer(tmp_path / "none.toml", managed=True))
    assert "No such file" in files.refusal()[0]


@pytest.mark.parametrize("place", ["sinks.console.format", (), 5])
def test_an_override_that_has_no_place_is_refused(place: Any) -> None:
    """Else a text would be taken for its letters."""
    with pytest.raises(TypeError, match=r"overrides are by their places, as in \('si"):
        load_config({"sinks": {"console": {}}}, overrides={place: "json"})
