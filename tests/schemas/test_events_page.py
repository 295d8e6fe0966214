"""The page of events is made from the code: run this file to write it anew."""

from __future__ import annotations

import inspect
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

from eventbus import EventField, EventType, Record, Skipped
from eventbus_schemas import agent_catalog, read_codex_exec, read_codex_rollout

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "events.md"
RECORDINGS = ROOT / "examples" / "recordings"

HEAD = """\
# Events

Made from the code by `python tests/schemas/test_events_page.py`, and held to it by a test.

Fields without a default are in **bold**; what is not told is absent, never zero.
A *label* is a label of the event's metrics, a *sensitive* field leaves as `[REDACTED]` unless an attachment asks for `content="full"`.
Lengths are in the unit that stands beside them and tell the size of what is redacted.

## The agent catalog
"""

READERS = """\
## What the readers make of a line

Both readers take one JSON object a line, of at most 32 MiB.
A line that should be a record and is none is broken: its file, its line and what was expected are told, and the next line is read.
What has no event type is skipped and counted by its type; at most 64 types that we do not know are told apart, the rest is `other`, an empty line is `blank`.
A tool call and its output become one `agent.tool_result` at the output's line; up to 10,000 calls and 64 MiB of arguments wait for their output, and a call that waits in vain becomes one with the outcome `no_output`.
An output without a waiting call is broken, so nothing is counted twice.

`codex-rollout` keeps the times of the lines; a record's id is the session's id and the number of its line.
A duration is what the output reports (`metadata.duration_seconds`), else the time between the two lines; `duration_source` says which.
A command that reports no exit status could not run; any other tool that answers counts as successful.
Where a recording tells one thing twice, `event_msg` is the event, and `response_item.message` and `response_item.reasoning` are skipped; a token count that is only repeated becomes `agent.rate_limits`, or is skipped.

`codex-exec` has no times and no unique ids in its lines: the bus gives both, and tool results have no duration.

## What the recordings give

| recording | lines | events | skipped |
|---|---|---|---|
"""


def described(known: EventType) -> dict[str, str]:
    """Return what the docstrings of the class and its bases say of each field."""
    texts: dict[str, str] = {}
    for cls in reversed(known.cls.__mro__):
        arguments = inspect.getdoc(cls) or ""
        if "__struct_fields__" in vars(cls) and "Args:" in arguments:
            entries = re.split(r"\n    (?=\w+:)", arguments.split("Args:")[1])
            pairs = (entry.strip().split(":", 1) for entry in entries if entry.strip())
            texts |= {name: " ".join(text.split()) for name, text in pairs}
    return texts


def type_name(known: EventType, field: EventField) -> str:
    hint = get_type_hints(known.cls)[field.name]
    text = hint.__name__ if isinstance(hint, type) else str(hint)
    text = re.sub(r"typing\.|Literal\[|Optional\[|\]| \| None|, NoneType", "", text)
    return text.replace("'", "").replace(", ", " · ")


def marks(field: EventField) -> str:
    told = ["label"] * field.label + ["sensitive"] * field.sensitive
    told += [f"`{field.attribute}`"] * (field.attribute is not None)
    return ", ".join(told)


def rows(known: EventType) -> Iterator[str]:
    texts = described(known)
    for field in known.fields:
        name = f"**{field.name}**" if field.required else field.name
        text = texts[field.name].replace("``", "`")
        yield (
            f"| {name} | {type_name(known, field)} | {field.unit or ''} "
            f"| {marks(field)} | {text} |"
        )


def section(known: EventType) -> str:
    summary = (inspect.getdoc(known.cls) or "").split("\n")[0].replace("``", "`")
    lines = [
        f"### `{known.name}`",
        "",
        f"{summary}",
        f"Severity {severity(known)}.",
        "",
    ]
    if known.fields:
        lines += ["| field | type | unit | marks | meaning |", "|---|---|---|---|---|"]
        lines += [*rows(known), ""]
    return "\n".join(lines)


def severity(known: EventType) -> str:
    own = ", or what its field `severity` says" if known.has_own_severity else ""
    return f"`{known.identity.severity}`{own}"


def recording(path: Path) -> str:
    reader = read_codex_rollout if path.stem.startswith("rollout") else read_codex_exec
    lines = path.read_bytes().splitlines()
    readings = list(reader(lines, path=path.name))
    names = Counter(r.name for r in readings if isinstance(r, Record))
    kinds = Counter(r.kind for r in readings if isinstance(r, Skipped))
    return f"| {path.name} | {len(lines)} | {counted(names)} | {counted(kinds)} |"


def counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} `{name}`" for name, count in sorted(counts.items()))


def rendered() -> str:
    """Return the page as it should be."""
    sections = "\n".join(section(known) for known in agent_catalog)
    table = "\n".join(recording(path) for path in sorted(RECORDINGS.glob("*.jsonl")))
    return f"{HEAD}\n{sections}\n{READERS}{table}\n"


def test_page_says_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == rendered()


def test_every_field_is_described() -> None:
    for known in agent_catalog:
        assert set(described(known)) >= {field.name for field in known.fields}


if __name__ == "__main__":
    PAGE.write_text(rendered(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.relative_to(ROOT)}\n")
