"""What a file says of age, reserve and summaries reaches the attachment."""

from __future__ import annotations

from pathlib import Path

import pytest

from eventbus import (
    Buffer,
    Bus,
    Coalesce,
    ConfigError,
    Event,
    Overflow,
    Reserve,
    load_config,
)

TEXT = """
[sinks.audit]
type = "jsonl"
path = "{path}"
buffer = {{ overflow = "drop_oldest", max_age_seconds = 60, reserve = {reserve} }}
coalesce = {{ select = ["tick*"], by = ["kind"] }}
"""


class Tick(Event, tag="tick"):
    kind: str
    n: int


def written(tmp_path: Path, reserve: str) -> Path:
    path = tmp_path / "eventbus.toml"
    path.write_text(TEXT.format(path=tmp_path / "audit.jsonl", reserve=reserve))
    return path


@pytest.mark.parametrize(
    ("reserve", "expected"),
    [
        ('{ ratio = 0.2, severity = "warn" }', Reserve(ratio=0.2, severity="warn")),
        ("{}", Reserve()),
        ('"none"', None),
    ],
)
async def test_the_file_says_what_the_attachment_does(
    tmp_path: Path, reserve: str, expected: Reserve | None
) -> None:
    path = written(tmp_path, reserve)
    async with Bus.from_config(path, strict=True) as bus:
        plan = bus._life.attachments["audit"].plan
        assert plan.buffer == Buffer(
            overflow=Overflow.DROP_OLDEST, max_age_seconds=60, reserve=expected
        )
        assert plan.coalesce == Coalesce(select=["tick*"], by=("kind",))
        for n in range(3):
            bus.emit(Tick(kind="a", n=n))
        report = await bus.flush()
    audit = report.attachments["audit"]
    assert (audit.delivered, audit.sampled_out) == (1, 2)
    assert '"totals":{"n":3}' in (tmp_path / "audit.jsonl").read_text()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"buffer": {"max_age_seconds": 0}},
            "Expected `float` > 0, got 0 - at `$.sinks.console.buffer.max_age_seconds`",
        ),
        (
            {"buffer": {"reserve": {"ratio": 1.5}}},
            "1.5 - at `$.sinks.console.buffer.reserve.ratio`",
        ),
        (
            {"buffer": {"reserve": {"severity": "loud"}}},
            "- at `$.sinks.console.buffer.reserve.severity`",
        ),
        ({"coalesce": {"by": "kind"}}, "- at `$.sinks.console.coalesce.by`"),
        ({"coalesce": {"select": []}}, "- at `$.sinks.console.coalesce.select`"),
        (
            {"coalesce": {"selct": "a"}},
            "Did you mean 'select'? - at `$.sinks.console.coalesce.selct`",
        ),
    ],
)
def test_what_cannot_be_is_told_with_its_place(
    table: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config({"sinks": {"console": table}}, strict=True)
    assert message in str(caught.value)
