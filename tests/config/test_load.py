from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eventbus import Batch, Buffer, ConfigError, Overflow, Retry, load_config
from eventbus.privacy._content import FULL_CONTENT
from eventbus.sampling import SamplerSettings
from tests.config._installed import SINK, Site


@pytest.fixture
def refused(site: Site) -> Any:
    """Returns the error of a sink's table, without the end that is always the same."""
    site.sink("fake", "fake_refused")

    def refuse(**table: Any) -> str:
        with pytest.raises(ConfigError) as caught:
            load_config({"sinks": {"audit": {"type": "fake", **table}}})
        return str(caught.value)

    return refuse


def test_an_empty_configuration_is_in_order() -> None:
    config = load_config({})
    assert config.bus.close_timeout_seconds == 5.0
    assert config.sinks == {}


def test_the_table_s_name_is_the_type_unless_one_is_given(site: Site) -> None:
    site.sink("fake", "fake_typed")
    config = load_config({"sinks": {"fake": {}, "audit": {"type": "fake"}}})
    assert {name: sink.type for name, sink in config.sinks.items()} == {
        "fake": "fake",
        "audit": "fake",
    }


def test_every_key_of_an_attachment_is_read(site: Site) -> None:
    site.sink("fake", "fake_full")
    table = {
        "type": "fake",
        "select": ["agent.*", "!agent.sse*"],
        "min_severity": "warn",
        "buffer": {"max_events": 10, "overflow": "drop_oldest"},
        "batch": {"max_events": 5},
        "retry": {"timeout_seconds": 1},
        "sampler": {"ratio": 0.5, "keep": ["*.failed"]},
        "content": "full",
        "topic": "t",
    }
    audit = load_config({"sinks": {"audit": table}}).sinks["audit"]
    assert audit.select == ("agent.*", "!agent.sse*")
    assert audit.min_severity == "warn"
    assert audit.buffer == Buffer(max_events=10, overflow=Overflow.DROP_OLDEST)
    assert audit.batch == Batch(max_events=5)
    assert audit.retry == Retry(timeout_seconds=1)
    assert audit.sampler == SamplerSettings(ratio=0.5, keep=["*.failed"])
    assert audit.content == FULL_CONTENT
    assert audit.settings.topic == "t"


def test_one_glob_may_stand_alone(site: Site) -> None:
    site.sink("fake", "fake_glob")
    config = load_config({"sinks": {"fake": {"select": "agent.*"}}})
    assert config.sinks["fake"].select == ("agent.*",)


def test_none_stands_for_no_limit_where_toml_has_no_null(site: Site) -> None:
    site.sink("fake", "fake_none")
    table = {"buffer": {"wait_timeout_seconds": "none"}}
    buffer = load_config({"sinks": {"fake": table}}).sinks["fake"].buffer
    assert buffer == Buffer(wait_timeout_seconds=None)


def test_a_file_s_keys_go_over_the_sink_s_own_defaults_one_by_one(
    site: Site,
) -> None:
    own = """
    from eventbus import Buffer
    FakeSink.buffer = Buffer(max_events=7, max_bytes=1000)
    """
    site.sink(
        "fake", "fake_defaults", SINK + "\n".join(map(str.strip, own.split("\n")))
    )
    table = {"buffer": {"max_events": 9}}
    config = load_config({"sinks": {"a": {"type": "fake"} | table, "fake": {}}})
    assert config.sinks["a"].buffer == Buffer(max_events=9, max_bytes=1000)
    assert config.sinks["fake"].buffer == Buffer(max_events=7, max_bytes=1000)


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


@pytest.mark.parametrize("where", ["bus", "sinks"])
def test_what_should_be_a_table_and_is_none_is_told(where: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"Expected a table, got 5 - at `\$\.{where}`"
    ):
        load_config({where: 5})


def test_a_sink_that_is_no_table_is_told() -> None:
    with pytest.raises(ConfigError, match=r"Expected a table.*`\$\.sinks\.a`"):
        load_config({"sinks": {"a": "console"}})


def test_an_unknown_type_is_told_at_the_key_that_named_it() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config({"sinks": {"a": {"type": "consol"}}})
    assert str(caught.value).endswith("Did you mean 'console'? - at `$.sinks.a.type`")


def test_a_setting_named_like_a_key_of_every_attachment_is_refused_at_load(
    site: Site,
) -> None:
    site.sink("fake", "fake_reserved", SINK.replace("topic: str", "buffer: str"))
    with pytest.raises(ConfigError, match="has a setting 'buffer', which is a key of"):
        load_config({"sinks": {"fake": {}}})


def test_a_sink_without_settings_takes_none(site: Site) -> None:
    bare = "class FakeSink:\n" + "".join(
        f"    async def {name}(self, *_): ...\n"
        for name in ("start", "write", "aclose")
    )
    site.sink("bare", "fake_bare", bare)
    assert load_config({"sinks": {"bare": {}}}).sinks["bare"].settings is None
    with pytest.raises(ConfigError, match="Unknown key 'topic'"):
        load_config({"sinks": {"bare": {"topic": "x"}}})


def test_settings_that_are_no_struct_are_refused(site: Site) -> None:
    site.sink("fake", "fake_dict", SINK + "\nFakeSink.Settings = dict\n")
    with pytest.raises(ConfigError, match=r"Settings must be a msgspec\.Struct"):
        load_config({"sinks": {"fake": {}}})


def test_dead_letters_go_to_a_sink(site: Site) -> None:
    site.sink("fake", "fake_letters")
    letters = {"type": "fake", "topic": "dead"}
    audit = load_config({"sinks": {"fake": {"dead_letters": letters}}}).sinks["fake"]
    assert audit.dead_letters is not None
    assert audit.dead_letters.settings.topic == "dead"


def test_dead_letters_name_their_sink(refused: Any) -> None:
    assert refused(dead_letters={"topic": "dead"}).startswith(
        "Required key 'type' is missing"
    )


def test_mistakes_in_dead_letters_have_their_place(refused: Any) -> None:
    text = refused(dead_letters={"type": "fake", "buffer": {}})
    assert "`$.sinks.audit.dead_letters.buffer`" in text


def test_a_directory_of_dead_letters_is_not_part_of_this_version(
    refused: Any,
) -> None:
    assert refused(dead_letters="letters/").startswith(
        "A directory of dead letters is not part of this version: name a sink"
    )


def test_a_buffer_on_disk_is_not_part_of_this_version(refused: Any) -> None:
    assert refused(spool="spool/") == (
        "Buffers on disk are not part of this version: remove it - at "
        "`$.sinks.audit.spool`"
    )


def test_an_array_is_read_into_a_tuple_or_a_set(site: Site) -> None:
    typed = SINK.replace("list[str] = []", "tuple[str, ...] = ()").replace(
        "dict[str, str] = {}", "frozenset[int] = frozenset()"
    )
    site.sink("fake", "fake_tuple", typed)
    table = {"servers": ["a"], "headers": [1, 1, 2]}
    settings = load_config({"sinks": {"fake": table}}).sinks["fake"].settings
    assert settings.servers == ("a",)
    assert settings.headers == frozenset((1, 2))


def test_a_setting_of_any_type_is_left_as_it_is(site: Site) -> None:
    typed = SINK.replace("list[str] = []", "object = None")
    site.sink("fake", "fake_any", typed)
    settings = load_config({"sinks": {"fake": {"servers": {"a": [1]}}}}).sinks["fake"]
    assert settings.settings.servers == {"a": [1]}


def test_a_configuration_can_be_read_without_its_bad_sinks(tmp_path: Path) -> None:
    path = tmp_path / "eventbus.toml"
    path.write_text("[sinks.console]\n[sinks.jsonl]\npaht = 'x'\n")
    config = load_config(path, strict=False)
    assert list(config.sinks) == ["console"]
    assert config.left_out["jsonl"].because == "wrong"
    assert "Did you mean 'path'?" in config.left_out["jsonl"].reason


def deep(levels: int) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for _ in range(levels):
        table = {"a": table}
    return table


def test_a_sink_that_is_nested_too_deeply_is_left_out_alone(site: Site) -> None:
    site.sink("fake", "fake_shallow")
    config = load_config(
        {"sinks": {"console": {"foo": deep(3000)}, "fake": {}}}, strict=False
    )
    assert list(config.sinks) == ["fake"]
    assert config.left_out["console"].reason == (
        "Nested too deeply: expected at most 64 levels - at `$.sinks.console`"
    )


def test_what_is_nested_too_deeply_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"Nested too deeply.*at `\$.bus`"):
        load_config({"bus": {"resource": deep(3000)}})


def test_none_is_no_dead_letters(site: Site) -> None:
    site.sink("fake", "fake_no_letters")
    config = load_config({"sinks": {"fake": {"dead_letters": "none"}}})
    assert config.sinks["fake"].dead_letters is None
