"""What is required of sinks that others have, and where nobody has one."""

from __future__ import annotations

from typing import Any

import pytest

from eventbus import Bus
from eventbus.config import Layer, bus_from_config
from eventbus.config._sinks import NOBODY_HAS_IT
from tests.config._files import Files

KEYS = [
    'content = "redacted"',
    'select = ["agent.*"]',
    "enabled = true",
    "headers = { x-tenant = 'theirs' }",
    "logs = { protocol = 'grpc' }",
]


@pytest.mark.proves("F10")
@pytest.mark.parametrize("line", KEYS)
@pytest.mark.parametrize("user", ["", "[sinks.console]\n"])
def test_what_is_required_of_a_sink_attaches_none_where_nobody_has_it(
    files: Files, line: str, user: str
) -> None:
    """Else a rule for those who send events would make everybody send them."""
    files.user(user)
    files.managed(f"[sinks.otlp]\n{line}\n")
    config = files.load(strict=True)
    assert "otlp" not in config.sinks
    assert config.left_out["otlp"].reason == NOBODY_HAS_IT
    assert config.left_out["otlp"].because == "asked"
    assert config.warnings == ()
    assert "otlp" not in bus_from_config(Bus, files.layers).stats().attachments


@pytest.mark.parametrize("line", KEYS)
def test_it_holds_where_somebody_has_it(files: Files, line: str) -> None:
    files.user("[sinks.otlp]\n")
    files.managed(f"[sinks.otlp]\n{line}\n")
    assert list(files.load(strict=True).sinks) == ["otlp"]


def test_an_argument_has_a_sink_too(files: Files) -> None:
    files.managed('[sinks.console]\ncontent = "redacted"\n')
    overrides = {("sinks", "console", "format"): "json"}
    settings: Any = files.load(overrides=overrides).sinks["console"].settings
    assert settings.format == "json"


def test_it_may_be_required_to_be_off_before_somebody_has_it(files: Files) -> None:
    files.managed("[sinks.otlp]\nenabled = false\n")
    config = files.load(strict=True)
    assert config.left_out["otlp"].reason == "enabled = false"
    assert config.left_out["otlp"].place == ("sinks", "otlp", "enabled")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("content = 'ful'", "managed.toml:2: Expected 'full', 'redacted' or a table"),
        ("enabled = 'no'", "managed.toml:2: Expected `bool`, got 'no'"),
        ("spool = {}", "managed.toml:2: Buffers on disk are not part of this version"),
    ],
)
@pytest.mark.parametrize("user", ["", "[sinks.otlp]\n"])
def test_a_mistake_in_it_is_an_error_where_nobody_has_it_too(
    files: Files, line: str, said: str, user: str
) -> None:
    files.user(user)
    files.managed(f"[sinks.otlp]\n{line}\n")
    (found,) = files.refusal(strict=False)
    assert found.startswith(said)


@pytest.mark.proves("F7")
def test_a_conflict_of_arrays_shows_both_where_they_are_short(files: Files) -> None:
    files.user(
        "[sinks.console]\nselect = ['mine']\n"
        "[sinks.otlp]\nsignals = ['logs']\nselect = 'a*'\n"
        f"[bus.privacy]\nkey_names = {['x' * 80]}\nknown_secrets = ['s3cret-1']\n"
    )
    files.managed(
        "[sinks.console]\nselect = ['theirs', 'x']\n"
        "[bus.privacy]\nkey_names = []\nknown_secrets = ['s3cret-2']\n"
    )
    assert files.warnings() == [
        '`$.sinks.console.select` is ["theirs", "x"], as managed.toml:2 requires, not '
        '["mine"] of user.toml:2',
        "`$.bus.privacy.key_names` is an array, as managed.toml:4 requires, not an "
        "array of user.toml:7",
        "`$.bus.privacy.known_secrets` is [REDACTED], as managed.toml:5 requires, not "
        "[REDACTED] of user.toml:8",
    ]


@pytest.mark.parametrize(
    "items", ["['${SECRET_A}', 'b']", "['https://me:s3cret@x', 'b']"]
)
def test_no_array_shows_a_secret(files: Files, items: str) -> None:
    files.user(f"[sinks.console]\nselect = {items}\n")
    files.managed("[sinks.console]\nselect = ['theirs']\n")
    (line,) = files.warnings(environ={"SECRET_A": "s3cret"})
    assert "not [REDACTED] of" in line


@pytest.mark.parametrize("none", ['"none"', None])
def test_who_has_none_does_not_get_one(files: Files, none: str | None) -> None:
    files.user("" if none is None else f"[sinks]\nconsole = {none}\n")
    if none is None:
        files.layers.append(Layer({"sinks": {"console": None}}))
    files.managed("[sinks.console]\nselect = ['a*']\n")
    config = files.load(strict=True)
    assert config.left_out["console"].reason == NOBODY_HAS_IT
    assert config.warnings == ()


def test_a_sink_that_is_required_whole_goes_over_none(files: Files) -> None:
    files.user('[sinks]\nconsole = "none"\n')
    files.managed("[sinks.console]\nformat = 'json'\n")
    config = files.load(strict=True)
    assert list(config.sinks) == ["console"]
    assert files.short(config.warnings) == [
        "`$.sinks.console` is a table, as managed.toml:1 requires, not 'none' of "
        "user.toml:2"
    ]


@pytest.mark.proves("F7")
def test_none_may_be_required(files: Files) -> None:
    files.user("[sinks.console]\nformat = 'json'\n")
    files.managed('[sinks]\nconsole = "none"\n')
    config = files.load(strict=True)
    assert config.left_out["console"].reason == "it is 'none'"
    assert files.short(config.warnings) == [
        "`$.sinks.console` is 'none', as managed.toml:2 requires, not a table of "
        "user.toml:1"
    ]


def test_a_member_of_a_tracestate_that_is_no_table_is_told_by_its_own_name(
    files: Files,
) -> None:
    files.user("[bus.tracestate]\nx = 5\n")
    files.managed("[bus.tracestate.v]\na = 'b'\n")
    (line,) = files.warnings()
    assert line.startswith("`$.bus.tracestate.x` is left out, 5 of user.toml:2: ")


def test_a_preset_is_required_with_its_key(files: Files) -> None:
    """The user's key is for whom the user meant."""
    files.user('[sinks.vendor]\npreset = "acme"\napi_key = "mine"\n')
    files.managed('[sinks.vendor]\npreset = "statsig"\n')
    (line,) = files.refusal(strict=False)
    assert line.startswith("managed.toml:1: The preset 'statsig' needs your own key")


def test_a_table_for_which_none_is_required_is_one_conflict(files: Files) -> None:
    files.user("[sinks.otlp]\nheaders = { a = '1', b = '2' }\n")
    files.managed('[sinks.otlp]\nendpoint = "http://x"\nheaders = "none"\n')
    assert files.warnings() == [
        "`$.sinks.otlp.headers` is [REDACTED], as managed.toml:3 requires, not "
        "[REDACTED] of user.toml:2"
    ]


def test_a_switch_is_no_number(files: Files) -> None:
    files.user("[bus]\nstrict = 1\n")
    files.managed("[bus]\nstrict = true\n")
    assert files.warnings() == [
        "`$.bus.strict` is true, as managed.toml:2 requires, not 1 of user.toml:2"
    ]


def test_an_array_of_tables_is_not_shown(files: Files) -> None:
    """Whatever is in a table may be a secret by its name."""
    files.user('[metrics."a.b"]\ncounters = [{ name = "x" }]\n')
    files.managed('[metrics."a.b"]\ncounters = []\n')
    assert files.warnings() == [
        '`$.metrics."a.b".counters` is an array, as managed.toml:2 requires, not an '
        "array of user.toml:2"
    ]


@pytest.mark.parametrize(("order", "expected"), [(1, ["console"]), (-1, [])])
def test_the_file_that_counts_says_whether_somebody_has_it(
    files: Files, order: int, expected: list[str]
) -> None:
    files.user('[sinks]\nconsole = "none"\n', "first.toml")
    files.user('[sinks.console]\nformat = "json"\n', "second.toml")
    files.layers = files.layers[::order]
    files.managed("[sinks.console]\nselect = ['a*']\n")
    assert list(files.load(strict=True).sinks) == expected


def test_a_mistake_in_what_the_user_says_too_is_the_administrator_s(
    files: Files,
) -> None:
    files.user("[sinks.console]\nenabled = true\n")
    files.managed("[sinks.console]\nenabled = 'no'\n")
    assert files.refusal(strict=False) == [
        "managed.toml:2: Expected `bool`, got 'no' - at `$.sinks.console.enabled`"
    ]
