"""Forty forms of secrets are planted everywhere, and none of them leaves."""

from __future__ import annotations

import asyncio
import io
import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import pytest

from eventbus import (
    Bus,
    ConfigError,
    KnownSecrets,
    Privacy,
    Record,
    Refused,
    Retry,
    Unavailable,
    bind,
    load_config,
    own_metrics,
    trace_context,
)
from eventbus.testing import (
    OtlpCollector,
    RecordingSink,
    ScriptedSink,
    replies,
    steps,
)
from eventbus_local import (
    ConsoleSettings,
    ConsoleSink,
    JsonlSettings,
    JsonlSink,
    LoggingSettings,
    LoggingSink,
)
from eventbus_otlp import OtlpSettings, OtlpSink
from eventbus_schemas import agent_catalog
from tests.privacy._canaries import KNOWN, MARK, everything, full_of, secrets

PRIVACY = Privacy(known_secrets=KnownSecrets([KNOWN]))
SIGNALS: Any = ("logs", "metrics", "traces")
PROTOCOLS: Any = ("http/protobuf", "grpc")
EMAIL = "ada@example.com"
BODY = b'{"error": "no: Authorization: Bearer %s"}' % MARK.encode()


@pytest.fixture
def heard() -> Iterator[io.StringIO]:
    """What the program's log says, of every logger, with tracebacks."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)
    logging.getLogger("asyncio").setLevel(logging.NOTSET)


def bound_of(text: str) -> dict[str, Any]:
    """Return attributes with *text* in their names and values."""
    return {
        "note": text,
        "user.api_key": text,
        "several": (text, "plain"),
        f"named {text}": 1,
        "odd": {"a": [text.encode(), {text: ValueError(text)}]},
    }


def emit_everything(bus: Bus) -> int:
    count = 0
    for text in secrets():
        bound = bound_of(text)
        events = [everything(text), *(full_of(text, known) for known in agent_catalog)]
        with in_trace(text), bind({**bound, "user.email": EMAIL}):
            for event in events:
                bus.emit(event)
                assert KNOWN in text or MARK not in repr(event)
            bus.relay(Record(events[0], attributes=bound, resource=bound))
            count += len(events) + 1
    return count


def in_trace(text: str) -> AbstractContextManager[None]:
    headers = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01", "baggage": f"a={text}"}
    if text.isascii() and text.isprintable() and not {",", "="} & {*text}:
        headers["tracestate"] = f"a={text}"
    return trace_context.attach(trace_context.extract(headers))


def otlp(url: str, protocol: Any) -> OtlpSink:
    headers = {"x-api-key": f"{MARK}-in-a-header"}
    settings = OtlpSettings(
        endpoint=url, protocol=protocol, signals=SIGNALS, headers=headers
    )
    assert MARK not in repr(settings)
    return OtlpSink(settings)


@pytest.mark.proves("E6", "E8")
@pytest.mark.timeout(240)
@pytest.mark.parametrize("content", ["redacted", "full"])
async def test_no_secret_is_in_what_any_sink_sends_or_in_what_the_bus_says(
    content: Literal["redacted", "full"],
    heard: io.StringIO,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", text := io.StringIO())
    monkeypatch.setattr(sys, "stderr", lines := io.StringIO())
    file, letters = tmp_path / "events.jsonl", tmp_path / "letters.jsonl"
    recorded = RecordingSink()
    resource = {"service.name": "agent", "note": secrets()[9], "db.password": MARK}
    async with (
        OtlpCollector(transports=("http", "grpc")) as taking,
        OtlpCollector(otherwise=replies.http(400, BODY)) as refusing,
        Bus(resource, privacy=PRIVACY) as bus,
    ):
        settings: dict[str, Any] = {"content": content}
        bus.attach(
            ConsoleSink(ConsoleSettings(max_value_chars=9999)),
            name="text",
            **settings,
        )
        bus.attach(
            ConsoleSink(ConsoleSettings(format="json", stream="stderr")),
            name="lines",
            **settings,
        )
        jsonl = JsonlSettings(path=str(file), write_resource=True)
        bus.attach(JsonlSink(jsonl), name="jsonl", **settings)
        bus.attach(LoggingSink(LoggingSettings()), name="logging", **settings)
        bus.attach(otlp(taking.url, "http/protobuf"), name="http", **settings)
        bus.attach(otlp(taking.grpc_url, "grpc"), name="grpc", **settings)
        bus.attach(recorded, name="recorded", **settings)
        bus.attach(
            otlp(refusing.url, "http/json"),
            name="refused",
            select="agent.tool*",
            dead_letters=JsonlSink(JsonlSettings(path=str(letters))),
            **settings,
        )
        errors = [steps.fail(Unavailable(words)) for words in secrets()]
        failing = ScriptedSink(*errors, then=steps.fail(Refused(secrets()[0])))
        bus.attach(
            failing,
            name="failing",
            select="agent.user_prompt",
            retry=Retry(initial_seconds=0.001, max_seconds=0.001),
            dead_letters=(set_aside := RecordingSink()),
            **settings,
        )
        count = emit_everything(bus)
        while len(failing.attempts) <= len(errors):
            await asyncio.sleep(0)
            said = repr([bus.stats(), [*own_metrics(bus.stats())], bus])
            assert MARK not in said
        await bus.flush(60)
        said = repr([bus.stats(), bus, recorded.records, set_aside.records])
    left = {
        "text": text.getvalue(),
        "lines": lines.getvalue(),
        "jsonl": file.read_text("utf-8"),
        "letters": letters.read_text("utf-8"),
        "log": heard.getvalue(),
        "said": said,
        "refused": "".join(str(one.content) for one in refusing.requests),
        **{f"{protocol} {signal}": "" for protocol in PROTOCOLS for signal in SIGNALS},
    }
    for one in taking.requests:
        left[f"{one.protocol} {one.signal}"] += str(one.content)
    assert len(recorded.records) == count
    assert (EMAIL in left["lines"]) == (content == "full")
    for where, found in left.items():
        assert len(found) > 100, where
        place = found.find(MARK)
        assert place < 0, f"{where}: {found[max(place - 200, 0) : place + 100]}"


def said_of_configuration(path: Path) -> list[str]:
    """Return what is said of it, or of the error that it is, with its frames."""
    try:
        config = load_config(path, strict=True)
    except ConfigError as error:
        frames = traceback.TracebackException.from_exception(error, capture_locals=True)
        return [repr(error), *frames.format()]
    bus = Bus.from_config(path)
    return [repr(config), repr(config.bus), repr(config.bus.privacy), repr(bus)]


@pytest.mark.proves("E7")
@pytest.mark.parametrize("value", ['["${PLANTED}"]', '["${PLANTED}", "abc"]'])
def test_no_secret_of_a_configuration_is_in_what_is_said_of_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    heard: io.StringIO,
    value: str,
) -> None:
    """Neither in an error and the values of variables beside its traceback."""
    path = tmp_path / "eventbus.toml"
    path.write_text(f"[bus.privacy]\nknown_secrets = {value}\n")
    for text in secrets():
        monkeypatch.setenv("PLANTED", text)
        said = said_of_configuration(path)
        found = "\n".join([*said, heard.getvalue()])
        assert ("4 to 4096 bytes" in found) == ("abc" in value)
        place = found.find(MARK)
        assert place < 0, found[max(place - 300, 0) : place + 100]
