from __future__ import annotations

import inspect
from typing import Any

import msgspec
import pytest

from eventbus_local import (
    ConsoleSettings,
    ConsoleSink,
    JsonlSettings,
    JsonlSink,
    LoggingSettings,
    LoggingSink,
)

SETTINGS = (ConsoleSettings, JsonlSettings, LoggingSettings)
RESERVED = {
    *("type", "enabled", "select", "min_severity", "buffer", "batch", "retry"),
    *("sampler", "content", "spool", "dead_letters"),
}


@pytest.mark.parametrize("sink", [ConsoleSink, JsonlSink, LoggingSink])
def test_a_sink_names_its_settings(sink: Any) -> None:
    assert sink.Settings in SETTINGS


@pytest.mark.parametrize("settings", SETTINGS)
def test_settings_leave_the_attachments_keys_alone(settings: type) -> None:
    assert not RESERVED & {field.name for field in msgspec.structs.fields(settings)}


@pytest.mark.parametrize("settings", SETTINGS)
def test_every_setting_is_documented(settings: type) -> None:
    documented = inspect.getdoc(settings) or ""
    for field in msgspec.structs.fields(settings):
        assert f"\n    {field.name}: " in documented


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: JsonlSettings(path=""), "path must name a file, got ''"),
        (
            lambda: JsonlSettings(path="a\0b"),
            r"path must not contain NUL, got 'a\x00b'",
        ),
        (
            lambda: JsonlSettings(path="a", max_open_files=0),
            "max_open_files must be >= 1, got 0",
        ),
        (
            lambda: JsonlSettings(path="a", max_file_bytes=0),
            "max_file_bytes must be >= 1, got 0",
        ),
        (
            lambda: JsonlSettings(path="a", rotate_seconds=0),
            "rotate_seconds must be > 0, got 0",
        ),
        (
            lambda: JsonlSettings(path="a", keep_files=-1),
            "keep_files must be >= 0, got -1",
        ),
        (
            lambda: ConsoleSettings(max_value_chars=0),
            "max_value_chars must be >= 1, got 0",
        ),
        (
            lambda: LoggingSettings(logger="eventbus.mine"),
            "logger must not be 'eventbus' or below it, got 'eventbus.mine'",
        ),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match="must") as caught:
        make()
    assert str(caught.value) == message


@pytest.mark.parametrize("settings", SETTINGS)
def test_an_unknown_setting_is_refused(settings: type) -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `colour`"):
        msgspec.convert({"colour": 1}, settings)
