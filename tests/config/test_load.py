from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eventbus import Batch, Buffer, ConfigError, Overflow, Retry, load_config
from eventbus.privacy._content import FULL_CONTENT
from eventbus.sampling import SamplerSettings
from tests.config._installed import SINK, Site


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


def test_none_is_no_dead_letters(site: Site) -> None:
    site.sink("fake", "fake_no_letters")
    config = load_config({"sinks": {"fake": {"dead_letters": "none"}}})
    assert config.sinks["fake"].dead_letters is None
