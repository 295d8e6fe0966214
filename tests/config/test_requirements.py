from __future__ import annotations

import logging
from typing import Any

import pytest

from eventbus import Bus, ConfigError
from eventbus.config import bus_from_config
from tests.config._files import Files
from tests.config._installed import SINK, Site


@pytest.mark.proves("F7")
def test_requirements_win_leaf_by_leaf_and_say_so_with_both_places(
    files: Files,
) -> None:
    files.user(
        """
        [bus]
        close_timeout_seconds = 9
        start_timeout_seconds = 3
        resource = { team = "mine", "service.name" = "x", region = "eu" }
        """
    )
    files.managed(
        """
        [bus]
        close_timeout_seconds = 1
        start_timeout_seconds = 3
        [bus.resource]
        team = "theirs"
        """
    )
    config = files.load(strict=True)
    assert config.bus.close_timeout_seconds == 1
    assert config.bus.resource == {
        "team": "theirs",
        "service.name": "x",
        "region": "eu",
    }
    assert files.short(config.warnings) == [
        "`$.bus.close_timeout_seconds` is 1, as managed.toml:3 requires, not 9 of "
        "user.toml:3",
        "`$.bus.resource.team` is 'theirs', as managed.toml:6 requires, not 'mine' of "
        "user.toml:5",
    ]


@pytest.mark.proves("F7")
def test_a_conflict_is_logged_when_a_bus_is_made(
    files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    files.user("[bus]\nclose_timeout_seconds = 9\n")
    files.managed("[bus]\nclose_timeout_seconds = 1\n")
    with caplog.at_level(logging.WARNING, "eventbus"):
        bus_from_config(Bus, files.layers)
    (line,) = [record.getMessage() for record in caplog.records]
    assert "`$.bus.close_timeout_seconds` is 1" in line


@pytest.mark.proves("F7")
def test_a_required_exporter_replaces_the_user_s_whole(files: Files) -> None:
    """What was meant for one far side, such as its token, is not sent to another."""
    files.user(
        """
        [sinks.otlp]
        endpoint = "https://mine.example.com"
        headers = { authorization = "Bearer s3cret" }
        compression = "gzip"
        select = ["a.*"]
        """
    )
    files.managed('\n[sinks.otlp]\nendpoint = "https://theirs.example.com"\n')
    config = files.load(strict=True)
    otlp: Any = config.sinks["otlp"]
    assert otlp.settings.endpoint == "https://theirs.example.com"
    assert otlp.settings.headers is None
    assert otlp.settings.compression is None
    assert otlp.select is None
    assert files.short(config.warnings) == [
        "`$.sinks.otlp.endpoint` is 'https://theirs.example.com', as managed.toml:3 "
        "requires, not 'https://mine.example.com' of user.toml:3",
        "`$.sinks.otlp.headers.authorization` is left out, [REDACTED] of user.toml:4: "
        "managed.toml:2 requires the rest",
        "`$.sinks.otlp.compression` is left out, 'gzip' of user.toml:5: managed.toml:2 "
        "requires the rest",
        '`$.sinks.otlp.select` is left out, ["a.*"] of user.toml:6: managed.toml:2 '
        "requires the rest",
    ]


@pytest.mark.proves("F7")
def test_maps_are_merged_by_key_and_the_required_wins(files: Files) -> None:
    files.user(
        """
        [sinks.otlp]
        endpoint = "https://mine.example.com"
        headers = { x-tenant = "mine", x-team = "a" }
        span_attributes = { env = "mine", team = "a" }
        """
    )
    files.managed(
        """
        [sinks.otlp]
        headers = { x-tenant = "theirs" }
        span_attributes = { env = "prod" }
        """
    )
    config = files.load(strict=True)
    settings: Any = config.sinks["otlp"].settings
    assert settings.endpoint == "https://mine.example.com"
    assert dict(settings.headers) == {"x-tenant": "theirs", "x-team": "a"}
    assert dict(settings.span_attributes) == {"env": "prod", "team": "a"}
    assert files.short(config.warnings) == [
        "`$.sinks.otlp.headers.x-tenant` is [REDACTED], as managed.toml:3 requires, "
        "not [REDACTED] of user.toml:4",
        "`$.sinks.otlp.span_attributes.env` is 'prod', as managed.toml:4 requires, not "
        "'mine' of user.toml:5",
    ]


@pytest.mark.proves("F7")
def test_keys_of_the_attachment_go_over_the_user_s_sink(files: Files) -> None:
    files.user('[sinks.audit]\ntype = "console"\nformat = "json"\ncontent = "full"\n')
    files.managed('[sinks.audit]\ncontent = "redacted"\nbuffer = { max_events = 5 }\n')
    audit = files.load(strict=True).sinks["audit"]
    assert audit.content.full == ()
    assert audit.buffer.max_events == 5
    assert audit.settings.format == "json"  # type: ignore[union-attr]


@pytest.mark.proves("F7")
def test_a_sink_can_be_required_to_be_off(files: Files) -> None:
    files.user("[sinks.console]\nenabled = true\n")
    files.managed("[sinks.console]\nenabled = false\n")
    config = files.load(strict=True)
    assert config.sinks == {}
    assert config.left_out["console"].reason == "enabled = false"
    assert files.short(config.warnings) == [
        "`$.sinks.console.enabled` is false, as managed.toml:2 requires, not true of "
        "user.toml:2"
    ]


@pytest.mark.parametrize("own", ["[sinks.console]\n", "sinks.console = {}\n"])
def test_a_sink_without_a_word_is_required_as_it_is_by_default(
    files: Files, own: str
) -> None:
    files.user("[sinks.console]\nenabled = false\n")
    files.managed(own)
    config = files.load(strict=True)
    assert config.sinks["console"].settings.format == "text"  # type: ignore[union-attr]


@pytest.mark.proves("F7")
def test_dead_letters_are_an_exporter_too(files: Files) -> None:
    files.user(
        """
        [sinks.console]
        format = "json"
        dead_letters = { type = "jsonl", path = "/mine.jsonl", gzip = true }
        """
    )
    files.managed(
        "[sinks.console]\ndead_letters = { type = 'jsonl', path = '/theirs.jsonl' }\n"
    )
    console = files.load(strict=True).sinks["console"]
    letters: Any = console.dead_letters
    assert (letters.settings.path, letters.settings.gzip) == ("/theirs.jsonl", False)
    assert console.settings.format == "json"  # type: ignore[union-attr]


@pytest.mark.proves("F7")
def test_fields_of_a_tracestate_are_admitted_one_at_a_time(files: Files) -> None:
    """A member has 256 characters: what fits beside the required fields stays."""
    files.user(
        f"""
        [bus.tracestate.vendor]
        tenant = "mine"
        long = "{"x" * 100}"
        longer = "{"x" * 150}"
        "not a field" = "x"
        short = "y"
        [bus.tracestate.other]
        a = "1"
        [bus.tracestate."NO KEY"]
        a = "1"
        """
    )
    files.managed(f'[bus.tracestate.vendor]\ntenant = "t"\nid = "{"i" * 90}"\n')
    config = files.load(strict=True)
    assert config.bus.tracestate == {
        "vendor": {"tenant": "t", "id": "i" * 90, "long": "x" * 100, "short": "y"},
        "other": {"a": "1"},
    }
    told = files.short(config.warnings)
    assert told[0] == (
        "`$.bus.tracestate.vendor.tenant` is 't', as managed.toml:2 requires, not "
        "'mine' of user.toml:3"
    )
    assert [line.split("`")[1] for line in told[1:]] == [
        "$.bus.tracestate.vendor.longer",
        '$.bus.tracestate.vendor."not a field"',
        '$.bus.tracestate."NO KEY".a',
    ]
    bus_from_config(Bus, files.layers, strict=True)


def test_a_tracestate_that_nobody_requires_is_judged_as_ever(files: Files) -> None:
    files.user('[bus.tracestate."NO KEY"]\na = "1"\n')
    files.managed("[bus]\nstrict = true\n")
    assert files.load().bus.tracestate == {"NO KEY": {"a": "1"}}


@pytest.mark.proves("F7")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[sinks.console]\nformat = 'jsn'\n", "managed.toml:2: Expected 'json'"),
        ("[sinks.audit]\ntype = 'nosuch'\n", "managed.toml:2: No sink 'nosuch'"),
        ("[sinks.audit]\nbufer = { x = 1 }\n", "managed.toml:2: Unknown key 'bufer'"),
        ("[sinks.jsonl]\ngzip = true\n", "managed.toml:1: Required key 'path'"),
        (
            "[sinks.audit]\nsampler = { ratio = 9 }\n",
            "managed.toml:2: Expected `float`",
        ),
        ("[sinks.audit]\nselect = ['']\n", "managed.toml:2: select must be a glob"),
        ("sinks.audit = 5\n", "managed.toml:1: Expected a table, got 5"),
        ("[metrics]\n'a.b' = 5\n", "managed.toml:2: Expected a table, got 5"),
        ("[bus]\nstrict = 1\n", "managed.toml:2: Expected `bool`"),
        ("[bus.tracestate.X]\na = '1'\n", "managed.toml:1: tracestate member 'X'"),
        ("[bus.tracestate]\nv = 1\n", "managed.toml:1: tracestate: expected tables"),
        ("[nosuch]\na = 1\n", "managed.toml:1: Unknown key 'nosuch'"),
        ("[bus.resource]\na = '${UNSET_A}'\n", "managed.toml:2: Environment variable"),
        ("[sinks.console]\ntype = '${UNSET_A}'\n", "managed.toml:2: Environment"),
        ("x = \n", "'managed.toml' is not TOML"),
        (
            "[metrics.'no name']\ndefaults = false\n",
            "managed.toml:1: Expected the name",
        ),
    ],
)
def test_a_requirement_that_is_wrong_is_an_error_also_where_others_are_left_out(
    files: Files, text: str, said: str
) -> None:
    files.user("[sinks.audit]\ntype = 'console'\n[sinks.bad]\ntype = 'wrong'\n")
    files.managed(text)
    lines = files.refusal(strict=False)
    assert lines[0].startswith(said)
    assert "wrong" not in "".join(lines)


def test_what_a_required_sink_lacks_is_not_looked_for_in_the_user_s_file(
    files: Files,
) -> None:
    files.user('\n\n[sinks.jsonl]\npath = "x"\n')
    files.managed("[sinks.jsonl]\ngzip = true\n")
    assert files.refusal() == [
        "managed.toml:1: Required key 'path' is missing - at `$.sinks.jsonl.path`"
    ]


@pytest.mark.proves("F7")
def test_a_required_sink_that_refuses_its_settings_is_an_error(
    files: Files, site: Site
) -> None:
    source = SINK.replace("self.settings = settings", "raise ValueError('no way')", 1)
    site.sink("refusing", "fake_refusing", source)
    files.managed("[sinks.refusing]\ntopic = 'x'\n")
    with pytest.raises(ConfigError, match="no way"):
        bus_from_config(Bus, files.layers)
    files.layers.clear()
    files.user("[sinks.refusing]\ntopic = 'x'\n")
    bus = bus_from_config(Bus, files.layers)
    assert bus.stats().attachments["refusing"].state == "failed"


def test_what_is_wrong_with_a_value_that_is_replaced_does_not_matter(
    files: Files,
) -> None:
    files.user(
        """
        [bus]
        close_timeout_seconds = -1
        [sinks.otlp]
        endpont = "${UNSET_A}"
        buffer = 5
        """
    )
    files.managed(
        """
        [bus]
        close_timeout_seconds = 1
        [sinks.otlp]
        endpoint = "http://localhost:4318"
        """
    )
    assert list(files.load(strict=True).sinks) == ["otlp"]


def test_a_user_s_sink_with_a_required_key_is_still_the_user_s(files: Files) -> None:
    files.user('[sinks.otlp]\nendpoint = "http://localhost:4318"\n')
    files.managed('[sinks.otlp]\ncontent = "redacted"\n')
    config = files.load(environ={"OTEL_SDK_DISABLED": "true"})
    assert config.sinks == {}
    files.user("[sinks.otlp]\nendpont = 1\n", "later.toml")
    assert files.load().left_out["otlp"].because == "wrong"


def test_a_variable_cannot_switch_off_a_required_sink(files: Files) -> None:
    files.user('[sinks.mine]\ntype = "otlp"\n')
    files.managed('[sinks.otlp]\nendpoint = "http://localhost:4318"\n')
    config = files.load(environ={"OTEL_SDK_DISABLED": "true"})
    assert list(config.sinks) == ["otlp"]
    assert config.left_out["mine"].reason == "OTEL_SDK_DISABLED = true"
    assert config.warnings == ("OTEL_SDK_DISABLED is ignored for 'otlp': required",)


def test_empty_headers_keep_those_of_the_environment_from_a_required_sink(
    files: Files,
) -> None:
    environ = {
        "OTEL_EXPORTER_OTLP_HEADERS": "authorization=mine",
        "OTEL_EXPORTER_OTLP_LOGS_HEADERS": "authorization=mine",
    }
    table = '[sinks.otlp]\nendpoint = "https://theirs.example.com"\n'
    files.managed(table)
    settings: Any = files.load(environ=environ).sinks["otlp"].settings
    assert settings.headers == settings.logs.headers == {"authorization": "mine"}
    files.managed(f"{table}headers = {{}}\n", "empty.toml")
    settings = files.load(environ=environ).sinks["otlp"].settings
    assert (settings.headers, settings.logs.headers) == ({}, None)


@pytest.mark.parametrize(
    "value",
    [
        "https://me:s3cret@mine.example.com",
        "https://mine.example.com/v1?key=s3cret",
        "https://${NAME_A}.example.com",
    ],
)
def test_no_conflict_shows_a_secret(files: Files, value: str) -> None:
    files.user(f'[sinks.otlp]\nendpoint = "{value}"\n')
    files.managed('[sinks.otlp]\nendpoint = "https://theirs.example.com"\n')
    config = files.load(strict=True, environ={"NAME_A": "s3cret"})
    (line,) = config.warnings
    assert "s3cret" not in line
    assert "not [REDACTED] of" in line


@pytest.mark.parametrize(
    ("length", "shown"), [(76, f'["{"x" * 76}"]'), (77, "an array")]
)
def test_an_array_is_told_in_eighty_characters(
    files: Files, length: int, shown: str
) -> None:
    files.user(f'[bus.resource]\nteams = ["{"x" * length}"]\n')
    files.managed('[bus.resource]\nteams = ["theirs"]\n')
    assert files.warnings() == [
        '`$.bus.resource.teams` is ["theirs"], as managed.toml:2 requires, not '
        f"{shown} of user.toml:2"
    ]


@pytest.mark.parametrize(
    ("count", "last"),
    [
        (50, "`$.bus.resource.k49` is 'b', as managed.toml:51 requires, not 'a' of"),
        (51, "1 more value is not used for what is required"),
        (1000, "950 more values are not used for what is required"),
    ],
)
def test_a_thousand_conflicts_are_told_in_fifty_one_lines(
    files: Files, count: int, last: str
) -> None:
    for write, text in ((files.user, "a"), (files.managed, "b")):
        lines = (f"k{n} = '{text}'\n" for n in range(count))
        write(f"[bus.resource]\n{''.join(lines)}")
    warnings = files.warnings()
    assert len(warnings) == min(count, 51)
    assert warnings[-1].startswith(last)


def test_several_requirements_are_merged_among_themselves(files: Files) -> None:
    files.managed('[bus.resource]\na = "first"\nb = "first"\n', "first.toml")
    files.managed('[bus.resource]\nb = "second"\n', "second.toml")
    config = files.load(strict=True)
    assert config.bus.resource == {"a": "first", "b": "second"}
