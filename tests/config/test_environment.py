from __future__ import annotations

from typing import Any

import pytest

from eventbus.config import Config, load_config
from tests.config._installed import SINK, Site

FOLLOWING = SINK.replace(
    "import msgspec\n",
    "import msgspec\nfrom eventbus.config import EnvironmentValue\n",
).replace(
    "        headers: dict[str, str] = {}\n",
    """        headers: dict[str, str] = {}

        @classmethod
        def from_environment(cls, environ, given):
            names = {"port": "OTEL_FAKE_PORT", "topic": "OTEL_FAKE_TOPIC"}
            return {
                setting: EnvironmentValue(environ[name], name)
                for setting, name in names.items()
                if environ.get(name)
            }
""",
)


@pytest.fixture
def following(site: Site) -> Any:
    """Loads a sink whose settings follow variables of OpenTelemetry."""
    site.sink("fake", "fake_following", FOLLOWING)

    def load(table: dict[str, Any] | None = None, **environ: str) -> Config:
        return load_config({"sinks": {"fake": table or {}}}, environ=environ)

    return load


def settings_of(config: Config) -> Any:
    return config.sinks["fake"].settings


@pytest.mark.proves("F4")
def test_an_argument_wins_over_the_file(site: Site) -> None:
    site.sink("fake", "fake_argument")
    config = load_config(
        {"sinks": {"fake": {"topic": "file"}}},
        overrides={("sinks", "fake", "topic"): "argument"},
    )
    assert settings_of(config).topic == "argument"
    assert str(config.origins[("sinks", "fake", "topic")]) == "argument"


@pytest.mark.proves("F4")
def test_the_file_wins_over_the_environment(following: Any) -> None:
    config = following({"topic": "file"}, OTEL_FAKE_TOPIC="environment")
    assert settings_of(config).topic == "file"


@pytest.mark.proves("F4")
def test_the_environment_wins_over_the_default(following: Any) -> None:
    config = following(OTEL_FAKE_TOPIC="environment", OTEL_FAKE_PORT="1234")
    assert settings_of(config).topic == "environment"
    assert settings_of(config).port == 1234
    origin = config.origins[("sinks", "fake", "port")]
    assert str(origin) == "environment OTEL_FAKE_PORT"


@pytest.mark.proves("F4")
def test_without_any_of_them_the_default_holds(following: Any) -> None:
    assert settings_of(following()).topic == "events"


def test_a_sink_that_does_not_ask_gets_nothing_from_the_environment(
    site: Site,
) -> None:
    site.sink("fake", "fake_deaf")
    config = load_config({"sinks": {"fake": {}}}, environ={"OTEL_FAKE_TOPIC": "x"})
    assert settings_of(config).topic == "events"


SAYING = SINK.replace(
    "import msgspec\n",
    """import msgspec
from eventbus.config import EnvironmentValue

class Deep(msgspec.Struct, frozen=True):
    size: int = 1
    other: int = 2
""",
).replace(
    "        headers: dict[str, str] = {}\n",
    """        headers: dict[str, str] = {}
        deep: Deep = Deep()

        @classmethod
        def from_environment(cls, environ, given):
            return {
                ("deep", "size"): EnvironmentValue("5", "OTEL_SIZE"),
                ("deep", "other"): EnvironmentValue("6", "OTEL_OTHER"),
                ("deep", "none"): EnvironmentValue("7", "OTEL_NONE"),
                ("topic", "none"): EnvironmentValue("7", "OTEL_NONE"),
                "topic": EnvironmentValue("a", "OTEL_TOPIC", ("OTEL_TOPIC is odd",)),
                "port": EnvironmentValue(msgspec.UNSET, "OTEL_PORT", ("No port",)),
                "api_key": EnvironmentValue(msgspec.UNSET, "OTEL_KEY", ("No key",)),
            }
""",
)


def test_a_setting_in_a_table_is_named_by_its_place(site: Site) -> None:
    site.sink("fake", "fake_deep", SAYING)
    table = {"deep": {"other": 3}, "topic": "b"}
    config = load_config({"sinks": {"fake": table}}, environ={})
    deep = settings_of(config).deep
    assert (deep.size, deep.other) == (5, 3)
    origins = {place[2:]: str(origin) for place, origin in config.origins.items()}
    assert origins == {
        ("deep", "size"): "environment OTEL_SIZE",
        ("deep", "other"): "argument",
        ("topic",): "argument",
    }


def test_what_a_class_finds_wrong_with_a_variable_is_a_warning(site: Site) -> None:
    site.sink("fake", "fake_odd", SAYING)
    config = load_config({"sinks": {"fake": {"api_key": "a"}}}, environ={})
    assert config.warnings == ("OTEL_TOPIC is odd", "No port")
    assert (settings_of(config).port, settings_of(config).topic) == (9092, "a")


def test_a_sink_is_made_from_what_was_read_where_its_class_offers_that(
    site: Site,
) -> None:
    source = SINK.replace(
        "    async def start",
        """    @classmethod
    def from_config(cls, settings):
        made = cls(settings)
        made.is_from_config = True
        return made

    async def start""",
    )
    site.sink("fake", "fake_from_config", source)
    made: Any = load_config({"sinks": {"fake": {}}}).sinks["fake"].make()
    assert made.is_from_config


def test_a_variable_that_cannot_be_used_is_ignored_with_a_warning(
    following: Any, caplog: pytest.LogCaptureFixture
) -> None:
    config = following(OTEL_FAKE_PORT="ten")
    assert settings_of(config).port == 9092
    assert config.warnings == (
        "OTEL_FAKE_PORT is ignored: Expected `int`, got 'ten' - at `$.sinks.fake.port`",
    )
    assert [r.getMessage() for r in caplog.records] == list(config.warnings)


def test_the_sdk_switch_leaves_out_the_sinks_that_follow_opentelemetry(
    following: Any,
) -> None:
    config = following(OTEL_SDK_DISABLED="True")
    assert config.sinks == {}
    assert config.left_out["fake"].reason == "OTEL_SDK_DISABLED = true"
    assert config.left_out["fake"].because == "asked"


def test_the_sdk_switch_leaves_all_other_sinks_alone(site: Site) -> None:
    site.sink("fake", "fake_other")
    config = load_config({"sinks": {"fake": {}}}, environ={"OTEL_SDK_DISABLED": "true"})
    assert list(config.sinks) == ["fake"]


@pytest.mark.parametrize("text", ["", "false", "FALSE"])
def test_the_sdk_switch_is_off_without_a_word(following: Any, text: str) -> None:
    config = following(OTEL_SDK_DISABLED=text)
    assert list(config.sinks) == ["fake"]
    assert config.warnings == ()


def test_any_other_word_leaves_the_sdk_switch_off_with_a_warning(
    following: Any,
) -> None:
    config = following(OTEL_SDK_DISABLED="1")
    assert list(config.sinks) == ["fake"]
    assert config.warnings == (
        "OTEL_SDK_DISABLED is ignored: expected 'true' or 'false', got '1'",
    )


def resource(table: dict[str, Any] | None = None, **environ: str) -> dict[str, Any]:
    config = load_config({"bus": {"resource": table or {}}}, environ=environ)
    return dict(config.bus.resource)


@pytest.mark.proves("F4")
def test_the_resource_comes_from_the_file_then_the_environment() -> None:
    found = resource(
        {"service.name": "file", "a": 1},
        OTEL_SERVICE_NAME="name",
        OTEL_RESOURCE_ATTRIBUTES="service.name=attributes,a=2,b=3",
    )
    assert found == {"service.name": "file", "a": 1, "b": "3"}


def test_the_service_s_own_variable_wins_over_the_attributes() -> None:
    found = resource(
        OTEL_SERVICE_NAME="name", OTEL_RESOURCE_ATTRIBUTES="service.name=attributes"
    )
    assert found == {"service.name": "name"}


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert resource(OTEL_SERVICE_NAME="", OTEL_RESOURCE_ATTRIBUTES=" ") == {}


def test_resource_attributes_are_percent_decoded() -> None:
    found = resource(OTEL_RESOURCE_ATTRIBUTES="a=x%2Cy%3Dz, b = caf%C3%A9 ,c=1=2")
    assert found == {"a": "x,y=z", "b": "café", "c": "1=2"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a=1,b", "pair 2 has no '='"),
        ("a=1,,b=2", "pair 2 has no '='"),
        ("=1", "pair 1 has no name before its '='"),
        ("a=%ff", "pair 1 is not UTF-8 once decoded"),
    ],
)
def test_malformed_resource_attributes_are_all_discarded_and_told(
    text: str, says: str
) -> None:
    config = load_config({}, environ={"OTEL_RESOURCE_ATTRIBUTES": text})
    assert config.bus.resource == {}
    assert config.warnings == (f"OTEL_RESOURCE_ATTRIBUTES is ignored: {says}",)


def test_no_variable_is_read_for_a_bus_made_in_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from eventbus import Bus

    monkeypatch.setenv("OTEL_SERVICE_NAME", "environment")
    assert Bus().resource == {}
