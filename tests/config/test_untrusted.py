from __future__ import annotations

import logging
import os
import tomllib

import pytest

from eventbus.config._untrusted import RESOURCE_PREFIXES, SINK_KEYS
from tests.config import reference
from tests.config._files import Files

FORBIDDEN = "A file that is not trusted cannot set this"

USER = """
[sinks.otlp]
endpoint = "https://collector.example.com"
headers = { authorization = "Bearer mine" }

[sinks.jsonl]
path = "/var/log/events.jsonl"
"""

HOSTILE = [
    'sinks.otlp.endpoint = "https://evil.example.com"',
    'sinks.otlp.logs_endpoint = "https://evil.example.com/v1/logs"',
    'sinks.otlp.headers.authorization = "Bearer evil"',
    'sinks.otlp.headers = { x-forward = "evil" }',
    'sinks.otlp.signals = ["logs", "traces"]',
    'sinks.otlp.protocol = "http/json"',
    "sinks.otlp.trust_environment = true",
    "sinks.otlp.insecure = true",
    'sinks.otlp.certificate = "evil.pem"',
    'sinks.otlp.content = "full"',
    'sinks.otlp.type = "jsonl"',
    'sinks.otlp.preset = "statsig"',
    'sinks.otlp.dead_letters.type = "jsonl"',
    'sinks.otlp.dead_letters.path = "/tmp/stolen.jsonl"',
    "sinks.otlp.buffer.max_events = 1000000000",
    'sinks.otlp.buffer.wait_timeout_seconds = "none"',
    "sinks.otlp.batch.max_delay_seconds = 1e9",
    "sinks.otlp.retry.max_elapsed_seconds = 0",
    "sinks.otlp.coalesce = {}",
    "sinks.otlp.enabled = true",
    'sinks.jsonl.path = "/home/me/.bashrc"',
    "sinks.jsonl.follow_symlinks = true",
    "bus.strict = true",
    "bus.own_events_seconds = 10",
    "bus.limits.max_depth = 100",
    'bus.tracestate.evil.id = "you"',
    'bus.resource."service.name" = "another"',
    'bus.resource."tenant.id" = "evil"',
    'metrics."agent.tool_result".labels = ["output"]',
    "bus.new_table_of_tomorrow.x = 1",
    "other.x = 1",
    "bus = 1",
    "sinks = []",
]


@pytest.mark.proves("F6")
@pytest.mark.parametrize("line", HOSTILE)
def test_a_file_that_is_not_trusted_neither_learns_nor_redirects(
    files: Files, line: str
) -> None:
    """Refused by default: what is not on the list does not count, whatever it is."""
    files.user(USER)
    expected = files.load()
    files.project(f"\n{line}\n")
    found = files.load()
    assert found.bus == expected.bus
    assert found.metrics == expected.metrics
    assert {n: s.settings for n, s in found.sinks.items()} == {
        n: s.settings for n, s in expected.sinks.items()
    }
    assert [*found.sinks.values()] == [*expected.sinks.values()]
    (warning,) = files.short(found.warnings)
    assert warning.startswith(f"project.toml:2: {FORBIDDEN} - at `$.")
    assert next(iter(tomllib.loads(line))) in warning
    assert files.refusal(strict=True) == [warning]


@pytest.mark.proves("F6")
@pytest.mark.parametrize(
    "table",
    [
        '[sinks.otlp]\nendpoint = "http://evil"\n',
        "[sinks.console]\nselect = 'a*'\n",
        "[sinks.console]\nenabled = false\n",
    ],
)
def test_it_names_no_sink_into_being(files: Files, table: str) -> None:
    files.user("")
    files.project(table)
    found = files.load(environ={"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector"})
    assert found.sinks == {}
    assert found.left_out == {}
    assert len(found.warnings) == 1


@pytest.mark.proves("F6")
def test_it_cannot_read_the_environment(files: Files) -> None:
    files.user("[sinks.console]\n")
    files.project(
        """
        [bus.resource]
        "project.a" = "${SECRET_A}"
        "project.b" = "${SECRET_A:-x}"
        "project.c" = "$${SECRET_A}"
        [sinks.console]
        select = ["${SECRET_A}"]
        """
    )
    found = files.load(environ={"SECRET_A": "s3cret"})
    assert found.bus.resource == {"project.c": "${SECRET_A}"}
    assert found.sinks["console"].select is None
    where = "A file that is not trusted cannot read the environment - at `$."
    assert files.short(found.warnings) == [
        f'project.toml:3: {where}bus.resource."project.a"`',
        f'project.toml:4: {where}bus.resource."project.b"`',
        f"project.toml:7: {where}sinks.console.select`",
    ]
    assert "s3cret" not in repr(found.origins) + "".join(found.warnings)


@pytest.mark.proves("F6")
def test_it_may_let_less_through_and_says_so(files: Files) -> None:
    files.user(USER)
    files.project(
        """
        [sinks.otlp]
        select = ["build.*"]
        min_severity = "warn"
        sampler = { ratio = 0.5 }
        [sinks.jsonl]
        enabled = false
        """
    )
    found = files.load(strict=True)
    otlp = found.sinks["otlp"]
    assert otlp.select == ("build.*",)
    assert otlp.min_severity == "warn"
    assert otlp.sampler is not None
    assert otlp.sampler.ratio == 0.5
    assert found.left_out["jsonl"].because == "asked"
    (warning,) = files.short(found.warnings)
    assert warning.startswith("a file that is not trusted lets less through: ")
    assert "`$.sinks.jsonl.enabled` at project.toml:7" in warning
    assert "`$.sinks.otlp.sampler` at project.toml:5" in warning


@pytest.mark.proves("F6")
def test_half_a_table_of_it_does_not_widen_the_trusted_half(files: Files) -> None:
    files.user('[sinks.console]\nsampler = { ratio = 0.01 }\nselect = ["a.*"]\n')
    files.project(
        '[sinks.console]\nsampler = { ratio = 1, keep = ["*"] }\nselect = "*"\n'
        'min_severity = "warn"\n'
    )
    console = files.load(strict=True).sinks["console"]
    assert console.sampler is not None
    assert (console.sampler.ratio, console.sampler.keep) == (0.01, ())
    assert console.select == ("a.*",)
    assert console.min_severity == "warn"


@pytest.mark.proves("F6")
def test_nor_does_it_widen_what_an_argument_says(files: Files) -> None:
    files.user("")
    files.project('[sinks.console]\nsampler = { ratio = 0.5, keep = ["*"] }\n')
    overrides = {("sinks", "console", "sampler", "ratio"): 0.01}
    console = files.load(strict=True, overrides=overrides).sinks["console"]
    assert console.sampler is not None
    assert (console.sampler.ratio, console.sampler.keep) == (0.01, ())


@pytest.mark.proves("F6")
def test_it_changes_nothing_of_a_sink_that_is_required(files: Files) -> None:
    files.user("[sinks.console]\n")
    files.managed('[sinks.console]\ncontent = "redacted"\n')
    files.project("[sinks.console]\nenabled = false\n")
    found = files.load()
    assert list(found.sinks) == ["console"]
    assert files.short(found.warnings) == [
        f"project.toml:2: {FORBIDDEN}: sink 'console' is required - at "
        "`$.sinks.console.enabled`"
    ]


@pytest.mark.parametrize(
    ("line", "reason", "place"),
    [
        ("sampler.ratio = 7", "Expected `float` between 0 and 1, got 7", "ratio"),
        ("sampler = { ratio = 0.5, first = 1 }", "Expected a table", "first"),
        ("select = ['']", "select must be a glob on event names, got ''", "select[0]"),
        ("select = []", "Expected an array of at least 1 item, got 0", "select"),
        ("min_severity = 'wrn'", "Expected 'trace'", "min_severity"),
        ("enabled = 'no'", "Expected `bool`, got 'no'", "enabled"),
    ],
)
def test_what_it_may_set_and_is_wrong_costs_the_user_no_sink(
    files: Files, line: str, reason: str, place: str
) -> None:
    files.user("[sinks.console]\n")
    files.project(f"[sinks.console]\n{line}\n")
    found = files.load()
    assert list(found.sinks) == ["console"]
    assert found.left_out == {}
    (warning,) = files.short(found.warnings)
    assert warning.startswith(f"project.toml:2: {reason}")
    assert warning.endswith(f".{place}`")


@pytest.mark.parametrize("value", ["nan", "inf", "1e300", "[1]", "{ a = 1 }", "2.0e19"])
def test_an_attribute_of_it_cannot_break_the_resource(files: Files, value: str) -> None:
    files.user("")
    files.project(f'[bus.resource]\n"project.x" = {value}\n')
    found = files.load()
    assert found.bus.resource == {}
    assert len(found.warnings) == 1


def test_its_attributes_are_bounded_in_number_and_length(files: Files) -> None:
    lines = [f'"project.{number}" = "x"\n' for number in range(33)]
    files.user("")
    long = f'"project.long" = "{"x" * 257}"\n'
    name = f'"project.{"y" * 249}" = 1\n'
    files.project(f"[bus.resource]\n{long}{''.join(lines)}{name}")
    found = files.load()
    assert len(found.bus.resource) == 32
    assert files.short(found.warnings)[:2] == [
        "project.toml:2: Expected at most 256 characters in a file that is not "
        'trusted, got 257 - at `$.bus.resource."project.long"`',
        "project.toml:35: Expected at most 32 attributes in a file that is not "
        'trusted, got more - at `$.bus.resource."project.32"`',
    ]
    assert files.short(found.warnings)[2].startswith(
        "project.toml:36: Expected at most 256 characters in a file that is not "
        'trusted, got 257 - at `$.bus.resource."project.yyy'
    )


@pytest.mark.parametrize(
    ("number", "is_taken"),
    [
        (2**63 - 1, True),
        (2**63, False),
        (-(2**63) + 1, True),
        (-(2**63), False),
        ("inf", False),
        ("nan", False),
    ],
)
def test_its_numbers_fit_in_64_bits(
    files: Files, number: object, is_taken: bool
) -> None:
    files.project(f"bus.resource = {{ 'project.n' = {number} }}\n")
    found = files.load()
    assert ("project.n" in found.bus.resource) is is_taken
    said = "Expected a number below 9223372036854775808, got "
    assert [said in warning for warning in found.warnings] == [True] * (not is_taken)


def test_what_the_environment_says_of_the_resource_wins_over_it(files: Files) -> None:
    files.project('[bus.resource]\n"vcs.ref" = "evil"\n')
    found = files.load(environ={"OTEL_RESOURCE_ATTRIBUTES": "vcs.ref=main"})
    assert found.bus.resource == {"vcs.ref": "main"}


@pytest.mark.parametrize(
    ("count", "last"),
    [
        (51, "A file that is not trusted cannot set this"),
        (52, "2 more are refused, this first"),
        (1000, "950 more are refused, this first"),
    ],
)
def test_a_thousand_refusals_are_told_in_fifty_one_lines(
    files: Files, count: int, last: str
) -> None:
    files.project("".join(f"k{number} = 1\n" for number in range(count)))
    warnings = files.warnings()
    assert len(warnings) == 51
    assert warnings[-1] == f"project.toml:51: {last} - at `$.k50`"


def test_a_key_of_it_forges_no_line(files: Files) -> None:
    files.project('"a\\u001b[2J\\n\\u202e" = 1\n')
    (warning,) = files.warnings()
    assert warning.isprintable()


@pytest.mark.skipif(os.name != "posix", reason="links, modes and FIFOs are POSIX")
@pytest.mark.parametrize("kind", ["link", "fifo", "directory", "missing"])
def test_a_file_that_is_not_trusted_is_a_regular_file_or_nothing(
    files: Files, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A link could have us tell what is in a file of the user; a FIFO, wait."""
    files.user("[sinks.console]\n")
    path = files.project("x = 1\n")
    path.unlink()
    if kind == "link":
        secret = files.directory / "credentials"
        secret.write_text('password = "s3cret"\n')
        path.symlink_to(secret)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    with caplog.at_level(logging.WARNING):
        found = files.load()
    assert list(found.sinks) == ["console"]
    (warning,) = found.warnings
    assert warning.startswith(f"{path}: Cannot read it: ")
    assert warning.count(str(path)) == 1
    must = "one that is not trusted must be a regular file"
    assert (must in warning) is (kind in ("link", "fifo"))
    assert warning in [record.getMessage() for record in caplog.records]
    assert "password" not in caplog.text
    assert files.refusal(strict=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = ", "it is not TOML: Invalid value"),
        ("a = 1\na = 2\n", "it is not TOML: Cannot overwrite a value"),
        (f"a = {'[' * 5000}", "it is nested too deeply"),
        ("#" * 65_537, "Expected at most 65536 bytes in it, got more"),
    ],
)
def test_what_is_no_toml_does_not_stop_the_program(
    files: Files, text: str, said: str
) -> None:
    files.user("[sinks.console]\n")
    files.project(text)
    found = files.load()
    assert list(found.sinks) == ["console"]
    (warning,) = files.short(found.warnings)
    assert warning.startswith(f"project.toml: {said}")
    assert warning.count("project.toml") == 1
    assert files.refusal(strict=True) == [warning]


def test_a_file_that_takes_long_to_parse_is_not_parsed(files: Files) -> None:
    files.user("[sinks.console]\n")
    files.project(f"{'a.' * 40_000}a = 1\n")
    (warning,) = files.short(files.load().warnings)
    assert "Expected at most 65536 bytes in" in warning


def test_the_page_lists_what_it_may_set() -> None:
    text = reference.PAGE.read_text(encoding="utf-8")
    _, _, section = text.partition("### A file that is not trusted")
    section, _, _ = section.partition("\n### ")
    for name in (*SINK_KEYS, *RESOURCE_PREFIXES):
        assert f"`{name}" in section


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        (f"select = {['a*'] * 101}", 101),
        (f"sampler = {{ ratio = 0.5, keep = {['a*'] * 100} }}", 101),
        ("[sinks.console.sampler.rates]\nRATES", 200),
    ],
)
def test_it_cannot_hold_up_the_program_by_thousands_of_globs(
    files: Files, lines: str, count: int
) -> None:
    rates = "".join(f"a{number} = 0.5\n" for number in range(200))
    files.user("[sinks.console]\n")
    files.project("[sinks.console]\n" + lines.replace("RATES", rates))
    (warning,) = files.warnings()
    assert (
        f"Expected at most 100 values in a file that is not trusted, got {count} - at "
        "`$.sinks.console."
    ) in warning


def test_a_hundred_globs_of_it_count(files: Files) -> None:
    files.user("[sinks.console]\n")
    files.project(f"[sinks.console]\nselect = {['a*'] * 100}\n")
    assert files.load(strict=True).sinks["console"].select == ("a*",) * 100


@pytest.mark.parametrize("start", ["x", "bus.resource", "sinks.console.sampler"])
def test_what_it_nests_too_deeply_is_refused_and_not_walked(
    files: Files, start: str
) -> None:
    files.user("[sinks.console]\n")
    files.project(f"{start}{'.a' * 5000} = 1\n")
    found = files.load()
    assert list(found.sinks) == ["console"]
    (warning,) = files.short(found.warnings)
    assert warning.startswith("project.toml:1: Nested too deeply: expected at most 64")


def test_an_empty_table_of_it_sets_nothing(files: Files) -> None:
    files.user("[sinks.console]\nformat = 'json'\n")
    files.project("[bus]\n[bus.resource]\n[sinks]\n[sinks.console]\n")
    found = files.load(strict=True)
    assert found.warnings == ()
    assert found.sinks["console"].settings.format == "json"  # type: ignore[union-attr]


@pytest.mark.parametrize("table", ["sinks.new", "metrics", "bus.limits", "other"])
def test_an_empty_table_elsewhere_is_refused(files: Files, table: str) -> None:
    files.user("[sinks.console]\n")
    files.project(f"[{table}]\n")
    (warning,) = files.warnings()
    assert warning.startswith(f"project.toml:1: {FORBIDDEN}")
