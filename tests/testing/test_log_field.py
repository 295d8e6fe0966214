"""Which value a field has in a line of text."""

from __future__ import annotations

import pytest

from eventbus.testing import extract_log_field

LINE = (
    '2026-01-01T00:00:00Z  INFO turn{otel.name="a turn" model=gpt-5}: codex: '
    'event.name="codex.tool_result" tool_name=shell call_id="c 1", duration_ms=12, '
    'mcp_server= output="said \\"tool_name=x\\"\\nand" success=true'
)


@pytest.mark.proves("L6")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("event.name", "codex.tool_result"),
        ("otel.name", "a turn"),
        ("model", "gpt-5"),
        ("tool_name", "shell"),
        ("call_id", "c 1"),
        ("duration_ms", "12"),
        ("mcp_server", ""),
        ("output", 'said "tool_name=x"\nand'),
        ("success", "true"),
    ],
)
def test_a_field_is_found_quoted_and_bare(name: str, value: str) -> None:
    assert extract_log_field(LINE, name) == value


@pytest.mark.proves("L6")
@pytest.mark.parametrize(
    ("line", "name"),
    [
        (LINE, "name"),
        (LINE, "tool"),
        (LINE, "mcp_server_origin"),
        (LINE, "event"),
        ("my_tool=x", "tool"),
        ("my.tool=x", "tool"),
        ("my-tool=x", "tool"),
        ("tool_name=x", "tool"),
        ('message="tool=x and" y', "tool"),
        ('"tool=x"', "tool"),
        ("tool", "tool"),
        ("", "tool"),
    ],
)
def test_only_the_whole_name_of_a_field_is_the_field(line: str, name: str) -> None:
    assert extract_log_field(line, name) is None


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("a=1 a=2", "1"),
        ('x={"a": 1} a=b=c', "b=c"),
        ("span{a=x}: b=y", "x"),
        ("outer{inner{a=x}}: b=y", "x"),
        ("a={x} b", "{x}"),
        ('it said "hm a=7', "7"),
        ("a=ü", "ü"),
        ("a=}x}", "}x"),
    ],
)
def test_a_bare_value_ends_at_a_space_or_with_its_span(line: str, value: str) -> None:
    assert extract_log_field(line, "a") == value


@pytest.mark.proves("L6")
@pytest.mark.parametrize(
    ("name", "value"),
    [("a", "1"), ("b", "{2}:3"), ("c", "4"), ("d", "5"), ("e", "6:"), ("f", "7")],
)
def test_fields_of_spans_one_after_the_other_are_found(name: str, value: str) -> None:
    line = "INFO one{a=1}:two{b={2}:3 c=4}:three{inner{d=5}}: module: e=6: {f=7}} end"
    assert extract_log_field(line, name) == value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (r"\u00fc", "ü"),
        (r"\u{fc}!", "ü!"),
        (r"\u{1b}[0m", "\x1b[0m"),
        (r"\u{110000}", r"\u{110000}"),
        (r"\u{10ffff}", "\U0010ffff"),
        (r"\u12", "u12"),
        (r"a\0\t\r\q\\", "a\0\t\rq\\"),
    ],
)
def test_escapes_in_quotes_are_read_back(written: str, value: str) -> None:
    assert extract_log_field(f'x="{written}" y', "x") == value


LONG = 200_000


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "before",
    [
        '"' * (LONG + 1),
        "x" * LONG,
        "\\" * LONG,
        '\\"' * LONG,
        '"' + '\\"' * LONG,
        'b="' * LONG,
        "b=" * LONG,
        "{" * LONG,
        "b=" + "}" * LONG + ":",
        "b=" + "{x" * LONG,
        "b=" + "{}" * LONG,
    ],
    ids=range(11),
)
def test_a_long_line_is_read_in_linear_time(before: str) -> None:
    """Quadratic time would be minutes."""
    assert extract_log_field(f"{before}\n a=1", "a") == "1"
    assert extract_log_field(f"a={'}' * LONG} {before}", "a") == ""
    assert extract_log_field(f"b={before}", "a") is None
