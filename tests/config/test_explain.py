from __future__ import annotations

from pathlib import Path

from eventbus.config import load_config
from eventbus.config._explain import InForce, in_force
from tests.config._installed import SINK, Site


def told(path: Path, **environ: str) -> dict[str, InForce]:
    return {one.place: one for one in in_force(load_config(path, environ=environ))}


def test_each_value_is_told_with_where_it_came_from(tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    path.write_text(
        '[bus]\nresource = { a = "x" }\n'
        '[sinks.console]\nformat = "json"\nmax_value_chars = "${CHARS}"\n'
        "buffer = { max_events = 5, wait_timeout_seconds = 'none' }\n"
    )
    found = told(path, CHARS="80", OTEL_SERVICE_NAME="checkout")
    say = {place: (one.value, one.origin) for place, one in found.items()}
    assert say["$.bus.resource.a"] == ('"x"', f"{path}:2")
    assert say['$.bus.resource."service.name"'] == (
        '"checkout"',
        "environment OTEL_SERVICE_NAME",
    )
    assert say["$.bus.strict"] == ("false", "default")
    assert say["$.sinks.console.type"] == ('"console"', "default")
    assert say["$.sinks.console.format"] == ('"json"', f"{path}:4")
    assert say["$.sinks.console.max_value_chars"] == (
        '"[REDACTED]"',
        f"CHARS in {path}:5",
    )
    assert say["$.sinks.console.buffer.max_events"] == ("5", f"{path}:6")
    assert say["$.sinks.console.buffer.wait_timeout_seconds"] == (
        '"none"',
        f"{path}:6",
    )
    assert say["$.sinks.console.buffer.overflow"] == ('"wait"', "default")


def test_a_default_of_the_sink_itself_is_told_as_one(
    site: Site, tmp_path: Path
) -> None:
    own = "\nfrom eventbus import Buffer\nFakeSink.buffer = Buffer(max_events=7)\n"
    site.sink("fake", "fake_explained", SINK + own)
    path = tmp_path / "e.toml"
    path.write_text("[sinks.fake]\n")
    one = told(path)["$.sinks.fake.buffer.max_events"]
    assert (one.value, one.origin) == ("7", "default of the sink")


def test_what_is_unset_by_default_is_not_told(tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    path.write_text("[sinks.console]\n")
    assert "$.sinks.console.select" not in told(path)


def test_everything_that_a_file_can_set_is_told(tmp_path: Path) -> None:
    path = tmp_path / "e.toml"
    path.write_text(
        "[sinks.console]\nsampler = { ratio = 0.5 }\n"
        'coalesce = { by = ["a"] }\n'
        'content = { full = ["agent.user_prompt.prompt"] }\n'
        '[metrics."agent.token_usage"]\nlabels = ["model"]\n'
    )
    found = told(path)
    for place, value, line in [
        ("$.sinks.console.sampler.ratio", "0.5", 2),
        ("$.sinks.console.coalesce.by", '["a"]', 3),
        ("$.sinks.console.content.full", '["agent.user_prompt.prompt"]', 4),
        ('$.metrics."agent.token_usage".labels', '["model"]', 6),
    ]:
        assert (found[place].value, found[place].origin) == (value, f"{path}:{line}")
