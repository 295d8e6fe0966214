from __future__ import annotations

import pytest

from eventbus import ConfigError, load_config
from eventbus.config import Config
from eventbus.config import load_config as load_with
from tests.config._installed import Site


def loaded(site: Site, table: dict[str, object], **environ: str) -> Config:
    site.sink("fake", "fake_expand")
    return load_with({"sinks": {"fake": table}}, environ=environ)


def setting(site: Site, name: str, value: object, **environ: str) -> object:
    config = loaded(site, {name: value}, **environ)
    return getattr(config.sinks["fake"].settings, name)


@pytest.mark.proves("F5")
def test_a_variable_is_expanded_inside_text(site: Site) -> None:
    assert setting(site, "topic", "a-${X}-${Y}", X="1", Y="2") == "a-1-2"


@pytest.mark.proves("F5")
def test_variables_are_expanded_inside_tables_and_arrays(site: Site) -> None:
    headers = {"authorization": "Bearer ${TOKEN}"}
    assert setting(site, "headers", headers, TOKEN="t0p") == {
        "authorization": "Bearer t0p"
    }


def test_variables_are_expanded_in_the_items_of_an_array(site: Site) -> None:
    assert setting(site, "servers", ["${H}:1", "b"], H="a") == ["a:1", "b"]


def test_a_default_stands_in_for_an_unset_and_for_an_empty_variable(
    site: Site,
) -> None:
    table = {"topic": "${UNSET:-one}", "api_key": "${EMPTY:-two}"}
    settings = loaded(site, table, EMPTY="").sinks["fake"].settings
    assert (settings.topic, settings.api_key) == ("one", "two")


def test_a_default_may_be_empty(site: Site) -> None:
    assert setting(site, "topic", "a${UNSET:-}b") == "ab"


def test_a_variable_that_is_set_but_empty_is_empty(site: Site) -> None:
    assert setting(site, "topic", "a${EMPTY}b", EMPTY="") == "ab"


def test_two_dollars_are_one(site: Site) -> None:
    assert setting(site, "topic", "$${X} $$5", X="no") == "${X} $5"


def test_a_dollar_without_a_brace_is_itself(site: Site) -> None:
    assert setting(site, "topic", "$X costs 5$", X="no") == "$X costs 5$"


@pytest.mark.proves("fault-132")
def test_what_a_variable_holds_is_not_expanded_again(site: Site) -> None:
    assert setting(site, "topic", "${X}", X="${Y}", Y="no") == "${Y}"


@pytest.mark.proves("F5", "fault-132")
def test_an_unset_variable_is_an_error_that_names_it_and_its_place(
    site: Site,
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(site, {"topic": "${KAFKA_TOPIC}"})
    assert str(caught.value) == (
        "Environment variable KAFKA_TOPIC is not set "
        "(${KAFKA_TOPIC:-default} gives it a default) - at `$.sinks.fake.topic`"
    )
    assert caught.value.path == "$.sinks.fake.topic"


def test_an_unset_variable_where_a_number_is_expected_is_one_error(
    site: Site,
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(site, {"port": "${PORT}"})
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("text", ["${", "${}", "${1X}", "${A-b}", "a ${A"])
def test_a_brace_that_names_nothing_is_an_error(site: Site, text: str) -> None:
    with pytest.raises(ConfigError, match=r"Expected \$\{NAME\} or .* got '\$\{'"):
        loaded(site, {"topic": text}, A="x")


def test_text_from_the_environment_is_read_as_the_number_expected(
    site: Site,
) -> None:
    assert setting(site, "port", "${PORT}", PORT="9093") == 9093


def test_text_from_the_environment_is_read_as_the_switch_expected(
    site: Site,
) -> None:
    config = loaded(site, {"enabled": "${ON}"}, ON="false")
    assert config.left_out["fake"].reason == "enabled = false"


def test_text_in_the_file_is_not_read_as_a_number(site: Site) -> None:
    with pytest.raises(ConfigError, match=r"Expected `int`, got '9093'"):
        loaded(site, {"port": "9093"})


@pytest.mark.proves("F5")
def test_a_value_that_came_from_a_variable_is_not_repeated_by_an_error(
    site: Site,
) -> None:
    with pytest.raises(ConfigError) as caught:
        loaded(site, {"port": "${PORT}"}, PORT="hunter2")
    assert str(caught.value) == (
        "Expected `int`, got [REDACTED] - at `$.sinks.fake.port`"
    )


def test_the_bus_s_own_table_is_expanded_too() -> None:
    config = load_with(
        {"bus": {"close_timeout_seconds": "${T}", "resource": {"env": "${E}"}}},
        environ={"T": "2.5", "E": "prod"},
    )
    assert config.bus.close_timeout_seconds == 2.5
    assert config.bus.resource == {"env": "prod"}


def test_the_process_s_environment_is_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EVENTBUS_TEST_STAGE", "here")
    config = load_config({"bus": {"resource": {"env": "${EVENTBUS_TEST_STAGE}"}}})
    assert config.bus.resource == {"env": "here"}


def test_an_expansion_without_end_is_refused(site: Site) -> None:
    with pytest.raises(ConfigError, match="Expected at most 65536 characters once X"):
        loaded(site, {"topic": "${X}${X}"}, X="x" * 40_000)
