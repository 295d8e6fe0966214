"""Nothing reaches the network unless a configuration names a sink that does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests._program import run_program

GUARDED = """
REACHED = []
NETWORK = (
    "socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg",
    "socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr",
)
sys.addaudithook(lambda event, _: REACHED.append(event) if event in NETWORK else None)

import eventbus.config, eventbus.metrics, eventbus.privacy, eventbus.sampling
import eventbus.testing, eventbus_local, eventbus_schemas
from eventbus.config._schema import config_schema
from eventbus.config._sink_class import sink_class
from eventbus._plugins import installed_catalog, installed_sinks
from eventbus_otlp._presets import STATSIG

async def live(config):
    async with Bus.from_config(config, strict=True) as bus:
        bus.emit(Step(n=1))
        bus.emit(eventbus_schemas.TurnStarted())
        report = await bus.flush()
        assert report.complete
        names = sorted(report.attachments)
    return names

os.environ |= {
    "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://127.0.0.1:9",
    "OTEL_LOGS_EXPORTER": "otlp",
    "OTEL_METRICS_EXPORTER": "otlp,prometheus",
    "OTEL_TRACES_EXPORTER": "otlp",
}
"""

UNUSED = """
config_schema([sink_class(one.name) for one in installed_sinks()])
installed_catalog()
table = {table}
names = asyncio.run(live(table))
tell(names=names, reached=REACHED)
"""

LOCAL = {
    "console": {"stream": "stderr", "level": "fatal"},
    "jsonl": {"path": "{directory}/a.jsonl"},
    "logging": {},
}


@pytest.mark.proves("F10")
@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"otlp": {"enabled": False, "signals": ["logs", "metrics", "traces"]}},
        {"otlp": "none"},
        {"vendor": {"preset": "statsig", "api_key": "mine", "enabled": False}},
    ],
)
def test_nothing_leaves_by_default(tmp_path: Path, extra: dict[str, object]) -> None:
    """Every local sink at work, every plugin imported, a preset there and not named."""
    sinks = repr({**LOCAL, **extra}).replace("{directory}", str(tmp_path))
    table = f"{{'sinks': {sinks}}}"
    (said,) = run_program(GUARDED + UNUSED.replace("{table}", table))
    assert said == {"names": ["console", "jsonl", "logging"], "reached": []}
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 2


NAMED = """
logging.disable()
tell(reached=sorted({*REACHED}))
asyncio.run(try_to({"sinks": {"otlp": {}}}))
tell(reached=sorted({*REACHED}))
"""

TRY = """
import logging

async def try_to(config):
    async with Bus.from_config(config, strict=True) as bus:
        bus.emit(Step(n=1))
        await bus.flush(timeout_seconds=0.5)
        await bus.aclose(timeout_seconds=0)
"""


@pytest.mark.proves("F10")
def test_the_guard_sees_a_sink_that_is_named() -> None:
    before, after = run_program(GUARDED + TRY + NAMED)
    assert before == {"reached": []}
    assert "socket.connect" in after["reached"]
