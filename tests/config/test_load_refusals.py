"""What is said about values and keys that a configuration cannot have."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from eventbus import Buffer, ConfigError, load_config
from eventbus._place import written
from eventbus.config._problems import Problems
from eventbus.config._secrets import Secrets
from eventbus.config._values import ValueReader, Wrong
from tests.config._installed import SINK, Site


@pytest.mark.proves("F1")
def test_a_number_out_of_range_is_told_with_the_range_and_the_place(
    refused: Any,
) -> None:
    assert refused(sampler={"ratio": 1.5}) == (
        "Expected `float` between 0 and 1, got 1.5 - at `$.sinks.audit.sampler.ratio`"
    )


@pytest.mark.proves("F1", "fault-132")
def test_an_unknown_key_of_a_sink_names_the_nearest_valid_one(refused: Any) -> None:
    assert refused(topc="x") == (
        "Unknown key 'topc'. Did you mean 'topic'? - at `$.sinks.audit.topc`"
    )


@pytest.mark.proves("F1")
def test_an_unknown_key_may_have_meant_one_of_every_attachment(refused: Any) -> None:
    assert refused(bufer={}) == (
        "Unknown key 'bufer'. Did you mean 'buffer'? - at `$.sinks.audit.bufer`"
    )


@pytest.mark.proves("F1")
def test_an_unknown_key_like_no_other_lists_the_valid_ones(refused: Any) -> None:
    text = refused(buffer={"zzz": 1})
    assert text == (
        "Unknown key 'zzz'. Expected: max_age_seconds, max_bytes, max_events, "
        "overflow, reserve, wait_timeout_seconds - at `$.sinks.audit.buffer.zzz`"
    )


def test_an_unknown_table_names_the_nearest_valid_one() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config({"sink": {}})
    assert (
        str(caught.value) == "Unknown key 'sink'. Did you mean 'sinks'? - at `$.sink`"
    )


def test_an_unknown_key_of_the_bus_names_the_nearest_valid_one() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'resource'"):
        load_config({"bus": {"resourse": {}}})


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"port": "x"}, "Expected `int`, got 'x' - at `$.sinks.audit.port`"),
        ({"port": True}, "Expected `int`, got true - at `$.sinks.audit.port`"),
        ({"topic": 5}, "Expected `str`, got 5 - at `$.sinks.audit.topic`"),
        ({"topic": {}}, "Expected `str`, got a table - at `$.sinks.audit.topic`"),
        ({"port": [1]}, "Expected `int`, got an array - at `$.sinks.audit.port`"),
        ({"servers": "a"}, "Expected an array, got 'a' - at `$.sinks.audit.servers`"),
        (
            {"servers": ["a", 5]},
            "Expected `str`, got 5 - at `$.sinks.audit.servers[1]`",
        ),
        (
            {"buffer": {"overflow": "drop_old"}},
            "Expected 'wait', 'drop_newest' or 'drop_oldest', got 'drop_old'. "
            "Did you mean 'drop_oldest'? - at `$.sinks.audit.buffer.overflow`",
        ),
        (
            {"buffer": {"max_events": 0}},
            "Expected `int` >= 1, got 0 - at `$.sinks.audit.buffer.max_events`",
        ),
        (
            {"batch": {"max_delay_seconds": float("nan")}},
            "Expected `float` >= 0, got nan - at "
            "`$.sinks.audit.batch.max_delay_seconds`",
        ),
        (
            {"batch": {"max_delay_seconds": float("inf")}},
            "Expected `float` >= 0, got inf - at "
            "`$.sinks.audit.batch.max_delay_seconds`",
        ),
        (
            {"buffer": 5},
            "Expected a table, got 5 - at `$.sinks.audit.buffer`",
        ),
        (
            {"content": "all"},
            "Expected 'full', 'redacted' or a table, got 'all' "
            "- at `$.sinks.audit.content`",
        ),
        (
            {"select": []},
            "Expected an array of at least 1 item, got 0 - at `$.sinks.audit.select`",
        ),
        (
            {"select": ["a.*", " "]},
            "select must be a glob on event names, got ' ' - at "
            "`$.sinks.audit.select[1]`",
        ),
        (
            {"buffer": {"wait_timeout_seconds": "never"}},
            "Expected `float` >= 0 or 'none', got 'never' - at "
            "`$.sinks.audit.buffer.wait_timeout_seconds`",
        ),
        (
            {"retry": {"initial_seconds": 5, "max_seconds": 1}},
            "Expected `float` >= initial_seconds (5.0), got 1.0 - at "
            "`$.sinks.audit.retry.max_seconds`",
        ),
        (
            {"sampler": {"ratio": 0.5, "first": {"n": 1, "per_seconds": 1}}},
            "Give either 'ratio' or 'first', not both: each is a way to decide about "
            "the same records - at `$.sinks.audit.sampler`",
        ),
        (
            {"sampler": {"rate_limit": {"per_second": 1e-9}}},
            "Expected `float` between 1e-06 and 1e+09, got 1e-09 - at "
            "`$.sinks.audit.sampler.rate_limit.per_second`",
        ),
        (
            {"retry": {"budget_ratio": 2}},
            "Expected `float` between 0 and 1, got 2 - at "
            "`$.sinks.audit.retry.budget_ratio`",
        ),
        (
            {"sampler": {"ratio": 1e-20}},
            "ratio must be 0, or between 2**-56 and 1, got 1e-20 - at "
            "`$.sinks.audit.sampler.ratio`",
        ),
        (
            {"sampler": {"rates": {"a.*": 2}}},
            "Expected `float` between 0 and 1, got 2 - at "
            '`$.sinks.audit.sampler.rates."a.*"`',
        ),
        (
            {"sampler": {"rates": {"a": 0.5, "  ": 0.5}}},
            "rates['  '] must be a glob on event names, got '  ' - at "
            '`$.sinks.audit.sampler.rates."  "`',
        ),
        (
            {"sampler": {"ratio": 0.5, "keep": ["a.*", " "]}},
            "keep[1] must be a glob on event names, got ' ' - at "
            "`$.sinks.audit.sampler.keep[1]`",
        ),
        (
            {"headers": {"x.y": 5}},
            'Expected `str`, got [REDACTED] - at `$.sinks.audit.headers."x.y"`',
        ),
    ],
)
def test_a_wrong_value_is_told_with_what_was_expected_and_where(
    refused: Any, table: dict[str, Any], says: str
) -> None:
    assert refused(**table) == says


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (
            {"type": "jsonl", "path": "a\0b"},
            "path must not contain NUL, got 'a\\x00b' - at `$.sinks.audit.path`",
        ),
        (
            {"type": "logging", "logger": "eventbus.sub"},
            "logger must not be 'eventbus' or below it, got 'eventbus.sub' - at "
            "`$.sinks.audit.logger`",
        ),
    ],
)
def test_what_our_sinks_refuse_themselves_stands_at_its_setting(
    refused: Any, table: dict[str, Any], says: str
) -> None:
    assert refused(**table) == says


REFUSE = """
        def __post_init__(self):
            error = ValueError("no pool is that small")
            error.place = ("servers", 1)
            if self.port == 1:
                raise error
            if self.port == 2:
                raise ValueError("port and topic do not go together")

    def __init__(self, settings):
"""


POOLED = SINK.replace("    def __init__(self, settings):\n", REFUSE.lstrip("\n"))


def test_what_a_stranger_s_settings_refuse_stands_where_they_say(site: Site) -> None:
    assert POOLED != SINK
    site.sink("pooled", "fake_pooled", POOLED)
    said = []
    for port in (1, 2):
        with pytest.raises(ConfigError) as caught:
            load_config({"sinks": {"pooled": {"port": port}}})
        said.append(str(caught.value))
    assert said == [
        "no pool is that small - at `$.sinks.pooled.servers[1]`",
        "port and topic do not go together - at `$.sinks.pooled`",
    ]


def test_a_number_from_the_environment_is_refused_without_being_shown(
    refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MOST", "4")
    assert refused(retry={"initial_seconds": 5, "max_seconds": "${MOST}"}) == (
        "Expected `float` >= initial_seconds (5.0), got [REDACTED] - at "
        "`$.sinks.audit.retry.max_seconds`"
    )


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config({"sinks": {"jsonl": {}}})
    assert str(caught.value) == (
        "Required key 'path' is missing - at `$.sinks.jsonl.path`"
    )


@pytest.mark.proves("F1")
def test_everything_that_is_wrong_is_told_in_a_line_each() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(
            {
                "bus": {"close_timeout_seconds": -1, "limits": {"max_depth": 0}},
                "sinks": {
                    "console": {"fromat": "json", "buffer": {"max_events": 0}},
                    "jsonl": {},
                },
            }
        )
    assert str(caught.value).splitlines() == [
        "Expected `float` >= 0, got -1 - at `$.bus.close_timeout_seconds`",
        "Expected `int` >= 1, got 0 - at `$.bus.limits.max_depth`",
        "Expected `int` >= 1, got 0 - at `$.sinks.console.buffer.max_events`",
        "Unknown key 'fromat'. Did you mean 'format'? - at `$.sinks.console.fromat`",
        "Required key 'path' is missing - at `$.sinks.jsonl.path`",
    ]


@pytest.mark.parametrize(
    ("expected", "value", "place"),
    [
        (list[int], [1, "x"], "$.a[1]"),
        (dict[str, int], {"b": 1, "c": "x"}, "$.a.c"),
        (Buffer, {"max_events": "x"}, "$.a.max_events"),
    ],
)
def test_what_is_wrong_in_part_is_not_read_at_all(
    expected: Any, value: Any, place: str
) -> None:
    problems = Problems()
    reader = ValueReader(problems, Secrets())
    with pytest.raises(Wrong):
        reader.value(msgspec.inspect.type_info(expected), value, ("a",))
    assert [written(problem.place) for problem in problems] == [place]
