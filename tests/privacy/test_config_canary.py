"""A secret of a configuration is in nothing that is said of it, however it is asked."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import io
import logging
import pickle
import pprint
import reprlib
import string
import traceback
from collections.abc import Callable, Iterable, Iterator
from operator import mod
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import msgspec
import pytest
import rich.pretty
import rich.traceback
from rich.console import Console

import eventbus
from eventbus import Bus, ConfigError, Event, load_config, own_metrics
from eventbus.cli import main
from eventbus.config import Config
from eventbus.testing import OtlpCollector, replies

MARK: Final = "QZ7XKW3V"
LONG: Final = f"{MARK}-{string.ascii_letters * 3}"  # what prints may cut it short
HOME: Final = str(Path(eventbus.__file__).parent.parent)
LITERALS: Final = f"""
[bus]
resource = {{ "db.password" = "{LONG}", "owner" = "${{PLANTED}}" }}
tracestate = {{ vendor = {{ token = "{MARK}" }} }}

[bus.privacy]
known_secrets = ["${{PLANTED}}", "{LONG}"]

[sinks.console]
[sinks.http]
type = "otlp"
endpoint = "http://ada:{LONG}@127.0.0.1:1/x?api_key={LONG}#{LONG}"
headers = {{ authorization = "Bearer {LONG}", "x-{MARK.lower()}" = "${{PLANTED}}" }}
timeout_seconds = 0.5
[sinks.grpc]
type = "otlp"
protocol = "grpc"
endpoint = "http://127.0.0.1:1"
headers = {{ x-api-key = "${{PLANTED}}" }}
[sinks.file]
type = "jsonl"
path = "${{DIRECTORY}}/${{PLANTED}}.jsonl"
"""
"""One in every value that may hold one, as it is and from the environment."""


class Ping(Event, tag="test.ping"): ...


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLANTED", LONG)
    monkeypatch.setenv("DIRECTORY", str(tmp_path))
    file = tmp_path / "eventbus.toml"
    file.write_text(LITERALS.replace(f"x-{MARK.lower()}", "x-other"))
    return file


@pytest.fixture
def heard() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger("eventbus")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(level)


def changed(path: Path, old: str, new: str) -> Path:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


def found(*said: str) -> str:
    """Return where the mark is in what was *said*, and what is around it."""
    text = "\n".join(said)
    place = text.find(MARK)
    return "" if place < 0 else text[max(place - 200, 0) : place + 40]


def parts_of(config: Config) -> list[Any]:
    sinks = config.sinks.values()
    settings: list[Any] = [sink.settings for sink in sinks]
    fields = [v for one in settings for v in msgspec.structs.asdict(one).values()]
    bus = config.bus
    whole = [config, bus, bus.resource, bus.tracestate, bus.privacy, bus.privacy.made()]
    return [*whole, config.sinks, *sinks, *settings, *fields]


PRINTS: dict[str, Callable[[Any], str]] = {
    "repr": repr,
    "in a list": lambda value: str([value]),
    "%r": lambda value: mod("%r", (value,)),
    "!r": lambda value: f"{value!r}",
    "ascii": ascii,
    "pprint": pprint.pformat,
    "reprlib": reprlib.repr,
    "rich": rich.pretty.pretty_repr,
    "rich, cut": lambda value: rich.pretty.pretty_repr(value, max_string=40),
    "copy": lambda value: repr(copy.copy(value)),
    "deepcopy": lambda value: repr(copy.deepcopy(value)),
}
WHOLE_PRINTS: dict[str, Callable[[Any], str]] = {
    "str": str,
    "format": format,
    "an f-string": lambda value: f"{value}",
    "%s": lambda value: mod("%s", (value,)),
    "asdict": lambda value: repr(msgspec.structs.asdict(value)),
    "astuple": lambda value: repr(msgspec.structs.astuple(value)),
    "replace": lambda value: repr(msgspec.structs.replace(value)),
}
ENCODERS: dict[str, Callable[[Any], Any]] = {
    "JSON": msgspec.json.encode,
    "MessagePack": msgspec.msgpack.encode,
    "built-in": msgspec.to_builtins,
    "pickle": pickle.dumps,
    "dataclass": dataclasses.asdict,
}


@pytest.mark.proves("fault-130", "F5")
@pytest.mark.parametrize("way", PRINTS)
def test_every_part_prints_without_it(path: Path, way: str) -> None:
    for part in parts_of(load_config(path)):
        assert not found(PRINTS[way](part))


@pytest.mark.proves("fault-130", "F5")
@pytest.mark.parametrize("way", WHOLE_PRINTS)
def test_every_group_of_settings_prints_without_it(path: Path, way: str) -> None:
    groups = [p for p in parts_of(load_config(path)) if isinstance(p, msgspec.Struct)]
    assert len(groups) > 8
    for group in groups:
        assert not found(WHOLE_PRINTS[way](group))


@pytest.mark.proves("fault-130")
@pytest.mark.parametrize("way", ENCODERS)
def test_it_is_not_encoded(path: Path, way: str) -> None:
    """What has none may be; the error that says no does not say it either."""
    said: list[str] = []
    refusals: list[str] = []
    for part in parts_of(load_config(path)):
        try:
            said.append(repr(ENCODERS[way](part)))
        except Exception as error:
            refusals += traceback.format_exception(error)
    assert not found(*said, *refusals)
    assert refusals


WRONG: Final = (
    ("timeout_seconds = 0.5", 'timeout_seconds = "${PLANTED}"'),
    ("timeout_seconds = 0.5", 'compression = "${PLANTED}"'),
    ("timeout_seconds = 0.5", 'signals = ["${PLANTED}"]'),
    ("timeout_seconds = 0.5", 'buffer = { max_events = "${PLANTED}" }'),
    ("timeout_seconds = 0.5", 'sampler = { ratio = "${PLANTED}" }'),
    ("timeout_seconds = 0.5", 'min_severity = "${PLANTED}"'),
    ("timeout_seconds = 0.5", 'certificate = "/none/${PLANTED}.pem"\nx = 1'),
    ("timeout_seconds = 0.5", "timeout = 0.5"),
    ('type = "jsonl"', 'type = "${PLANTED}"'),
    ('endpoint = "http://127.0.0.1:1"', 'endpoint = "ftp://a:${PLANTED}@h"'),
    ('endpoint = "http://127.0.0.1:1"', 'endpoint = "http://h:${PLANTED}/"'),
    ("[sinks.console]", '[sinks.console]\nformat = "${PLANTED}"'),
    ("[sinks.console]", '[sinks.console]\nlevel = "${UNSET}"'),
    ("[sinks.console]", '[sinks.console\nformat = "json"'),
    ("[bus]", '[bus]\nlimits = "${PLANTED}"'),
    ("[bus]", f'[bus]\nx = "{LONG}"'),
    ("known_secrets = [", 'known_secrets = ["abc", '),
    ("known_secrets = [", "known_secrets = [1, "),
    ("vendor = ", '"" = "${PLANTED}", vendor = '),
)


def shown_with_locals(error: BaseException) -> str:
    """Return what Rich and the standard library print with the variables of ours."""
    stream = io.StringIO()
    told = rich.traceback.Traceback.from_exception(
        type(error), error, _ours(error.__traceback__), show_locals=True, max_frames=0
    )
    Console(file=stream, width=400).print(told)
    frames = traceback.TracebackException(
        type(error), error, _ours(error.__traceback__), capture_locals=True
    )
    return stream.getvalue() + "".join(frames.format())


def _ours(trace: TracebackType | None) -> TracebackType | None:
    """Return *trace* from the first frame of ours on."""
    while trace and not trace.tb_frame.f_code.co_filename.startswith(
        f"{HOME}/eventbus/"
    ):
        trace = trace.tb_next
    return trace


@pytest.mark.proves("fault-130", "F5")
@pytest.mark.parametrize(("right", "wrong"), WRONG)
def test_no_error_shows_it_nor_the_variables_beside_its_traceback(
    path: Path, right: str, wrong: str, heard: io.StringIO
) -> None:
    changed(path, right, wrong)
    loads: list[Callable[..., object]] = [load_config, Bus.from_config]
    for load in loads:
        with pytest.raises(ConfigError) as caught:
            load(path, strict=True)
        error = caught.value
        assert not found(str(error), repr(error), repr(error.args), repr(vars(error)))
        assert not found(*traceback.format_exception(error), shown_with_locals(error))
    try:
        bus = Bus.from_config(path)
    except ConfigError:
        pass
    else:
        assert not found(repr(bus), repr(bus.stats()))
    assert not found(heard.getvalue())


@pytest.mark.proves("fault-130")
@pytest.mark.parametrize(
    "command",
    [
        ("check", "CONFIG"),
        ("check", "CONFIG", "--json"),
        ("sinks", "--json"),
        ("run", "CONFIG", "--json", "--input", "EVENTS"),
        ("run", "CONFIG", "--input", "EVENTS"),
    ],
)
def test_no_command_says_it(
    path: Path, command: Iterable[str], capfd: pytest.CaptureFixture[str]
) -> None:
    events = path.with_name("events.jsonl")
    events.write_text("")
    values = {"CONFIG": str(path), "EVENTS": str(events)}
    main([values.get(word, word) for word in command])
    said = capfd.readouterr()
    assert said.out + said.err
    assert not found(said.out, said.err)


@pytest.mark.proves("fault-130")
async def test_nothing_at_work_says_it(
    path: Path, heard: io.StringIO, caplog: pytest.LogCaptureFixture
) -> None:
    """Not the sinks that cannot connect, nor those whose far side repeats it."""
    async with OtlpCollector(otherwise=replies.http(403, LONG.encode())) as refusing:
        host = refusing.url.removeprefix("http://")
        async with Bus.from_config(changed(path, "127.0.0.1:1/x", host)) as bus:
            bus.emit(Ping())
            await refusing.wait_for_requests(1)
            await bus.flush(1)
            stats = bus.stats()
            while stats.attachments["grpc"].state == "ready":
                await asyncio.sleep(0)
                stats = bus.stats()
            attachments = [*bus._life.attachments.values()]
            said = [bus, stats, [*own_metrics(stats)], attachments]
            assert not found(*map(repr, said))
    assert LONG in repr(refusing.requests[0].headers)
    assert "grpc" in heard.getvalue()
    assert "http" in heard.getvalue()
    assert not found(heard.getvalue(), caplog.text)
