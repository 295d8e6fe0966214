"""The tables of settings in ``docs/configuration.md``, made from the code.

``python -m tests.config.reference`` writes them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from eventbus import Batch, Buffer, Coalesce, Content, Limits, Reserve, Retry
from eventbus._sampling_settings import (
    AdaptiveSettings,
    FirstSettings,
    RateLimitSettings,
    SamplerSettings,
)
from eventbus.config._reference import Setting, settings_of, table_of
from eventbus.config._settings import (
    AttachmentSettings,
    BusSettings,
    PrivacySettings,
)
from eventbus.metrics import Histogram, Metrics
from eventbus_local import ConsoleSettings, JsonlSettings, LoggingSettings
from eventbus_otlp import (
    OtlpSettings,
    RecordSignalSettings,
    SignalSettings,
    TraceSignalSettings,
)

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "configuration.md"

SETTINGS: Mapping[str, type[msgspec.Struct]] = {
    "bus": BusSettings,
    "limits": Limits,
    "attachment": AttachmentSettings,
    "buffer": Buffer,
    "reserve": Reserve,
    "batch": Batch,
    "retry": Retry,
    "coalesce": Coalesce,
    "sampler": SamplerSettings,
    "rate_limit": RateLimitSettings,
    "first": FirstSettings,
    "adaptive": AdaptiveSettings,
    "privacy": PrivacySettings,
    "content": Content,
    "metrics": Metrics,
    "histogram": Histogram,
    "console": ConsoleSettings,
    "jsonl": JsonlSettings,
    "logging": LoggingSettings,
    "otlp": OtlpSettings,
    "otlp_signal": TraceSignalSettings,
}

BLOCK = re.compile(
    r"<!-- settings: (?P<name>\w+) -->\n(?P<table>.*?)<!-- end -->", re.S
)


def page() -> Mapping[str, str]:
    """Return the tables that the page has, by name."""
    text = PAGE.read_text(encoding="utf-8")
    return {match["name"]: match["table"].strip() for match in BLOCK.finditer(text)}


def code() -> Mapping[str, str]:
    """Return the tables that the page should have."""
    made = {name: settings_of(cls) for name, cls in SETTINGS.items()}
    made["otlp_signal"] = tuple(map(_of_which_signals, made["otlp_signal"]))
    return {name: table_of(settings) for name, settings in made.items()}


def _of_which_signals(setting: Setting) -> Setting:
    kinds = {"logs": RecordSignalSettings, "metrics": SignalSettings}
    others = [
        f"`otlp.{name}`"
        for name, cls in kinds.items()
        if setting.name not in cls.__struct_encode_fields__
    ]
    if not others:
        return setting
    words = f"{setting.description} Not of {' or '.join(others)}."
    return msgspec.structs.replace(setting, description=words)


def write() -> None:
    """Bring the page up to date."""
    tables = code()

    def block(match: re.Match[str]) -> str:
        name = match["name"]
        return f"<!-- settings: {name} -->\n{tables[name]}\n<!-- end -->"

    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(BLOCK.sub(block, text), encoding="utf-8")


if __name__ == "__main__":
    write()
