"""The page of events is made from the code: run this file to write it anew."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_type_hints

import msgspec
import pytest

from eventbus import Event, EventField, EventType, Record, Skipped
from eventbus.metrics import MetricPlan, plans_of
from eventbus_schemas import (
    FORMER_NAMES,
    SESSION_LABELS,
    FormerName,
    agent_catalog,
    read_codex_exec,
    read_codex_rollout,
)

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "events.md"
RECORDINGS = ROOT / "examples" / "recordings"


def table(head: str, rows: Iterable[str]) -> str:
    ruled = re.sub(r"[^|]+", "---", head)
    return "\n".join([head, ruled, *rows, ""])


def link(event: str) -> str:
    return f"[`{event}`](#{event.replace('.', '')})"


def described(known: EventType) -> dict[str, str]:
    """Return what the docstrings of the class and its bases say of each field."""
    texts: dict[str, str] = {}
    for cls in reversed(known.cls.__mro__):
        _, _, arguments = (inspect.getdoc(cls) or "").partition("Args:")
        if issubclass(cls, Event):
            entries = re.split(r"\n    (?=\w+:)", arguments)
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


def untold(known: EventType, field: EventField) -> str:
    """Return what *field* is where nobody tells it."""
    if field.required:
        return ""
    (default,) = (
        one.default
        for one in msgspec.structs.fields(known.cls)
        if one.name == field.name
    )
    return "absent" if default is None else f"`{json.dumps(default)}`"


def rows(known: EventType) -> Iterator[str]:
    texts = described(known)
    for field in known.fields:
        name = f"**{field.name}**" if field.required else field.name
        text = texts[field.name].replace("``", "`")
        yield (
            f"| {name} | {type_name(known, field)} | {field.unit or ''} "
            f"| {untold(known, field)} | {marks(field)} | {text} |"
        )


def section(known: EventType) -> str:
    summary = (inspect.getdoc(known.cls) or "").split("\n")[0].replace("``", "`")
    lines = [
        f"### `{known.name}`",
        "",
        f"{summary}",
        f"Severity {severity(known)}.{span(known)}",
        "",
    ]
    if known.fields:
        lines.append(
            table("| field | type | unit | untold | marks | meaning |", rows(known))
        )
    return "\n".join(lines)


def span(known: EventType) -> str:
    told = known.identity.span
    if told is None:
        return ""
    return (
        f"\nIts span is `{told.name}`, which ends with it and lasts `{told.duration}`."
    )


def severity(known: EventType) -> str:
    own = ", or what its field `severity` says" if known.has_own_severity else ""
    return f"`{known.identity.severity}`{own}"


def metric(plan: MetricPlan) -> str:
    names = [name for name, _ in plan.labels if name not in SESSION_LABELS]
    if plan.by is not None:
        values = ", ".join(str(source.told_by) for source in plan.sources)
        names.append(f"{plan.by} ({values})")
    return f"| `{plan.name}` | {plan.kind} | {plan.unit} | {', '.join(names)} |"


def metrics() -> str:
    plans = [plan for known in agent_catalog for plan in plans_of(known)]
    assert {plan.bound for plan in plans} == {SESSION_LABELS}
    return table("| metric | kind | unit | its own labels |", map(metric, plans))


def recording(path: Path) -> str:
    reader = read_codex_rollout if path.stem.startswith("rollout") else read_codex_exec
    lines = path.read_bytes().splitlines()
    readings = list(reader(lines, path=path.name))
    names = Counter(r.name for r in readings if isinstance(r, Record))
    kinds = Counter(r.kind for r in readings if isinstance(r, Skipped))
    return f"| {path.name} | {len(lines)} | {counted(names)} | {counted(kinds)} |"


def counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} `{name}`" for name, count in sorted(counts.items()))


def former(one: FormerName) -> str:
    return f"| `{one.name}` | {one.origin} | {link(one.event)} | {one.where} |"


def former_names() -> str:
    known = sorted(FORMER_NAMES, key=lambda one: (one.name, one.origin))
    return table("| old name | of | now | |", map(former, known))


OLD_SPAN_NAMES = """
    codex.thread.id codex_sdk thread_stopped.thread_id
    codex.turn.id codex_sdk thread_stopped.turn_id
    codex.workflow codex_sdk thread_stopped.workflow
    codex.group codex_sdk thread_stopped.group
    codex.trace_id codex_sdk thread_stopped.trace_name
    codex.trace.sensitive_data codex_sdk thread_stopped.trace_sensitive
    codex.thread.result codex_sdk thread_stopped.result
    codex.thread.early_exit codex_sdk thread_stopped.result
    codex.source codex_sdk thread_stopped.source
    codex.duration_ms codex_sdk thread_stopped.duration_ms
    codex.exception codex_sdk thread_failed.error_message
    codex.request.reasoning_effort codex sse_event.reasoning_effort
    codex.usage.reasoning_output_tokens codex sse_event.reasoning_output_tokens
    codex.usage.total_tokens codex sse_event.total_tokens
    codex.turn.reasoning_effort codex turn_context.reasoning_effort
    codex.turn.token_usage.input_tokens codex turn_completed.input_tokens
    codex.turn.token_usage.cached_input_tokens codex turn_completed.cached_input_tokens
    codex.turn.token_usage.output_tokens codex turn_completed.output_tokens
    codex.turn.token_usage.reasoning_output_tokens codex
    turn_completed.reasoning_output_tokens
    codex.turn.token_usage.total_tokens codex turn_completed.total_tokens
    codex.mcp.error.code codex mcp_tool_call_result.error_code
"""


def span_names() -> Iterator[str]:
    """Return rows of what was on spans: an old name, whose it is, and the field now."""
    words = OLD_SPAN_NAMES.split()
    for name, origin, now in zip(words[::3], words[1::3], words[2::3], strict=True):
        event, _, field_name = now.partition(".")
        known = agent_catalog.get(f"agent.{event}")
        assert known is not None
        (field,) = (one for one in known.fields if one.name == field_name)
        told = f"`{field.attribute or field.name}` of {link(known.name)}"
        yield f"| `{name}` | {origin} span | {told} |"


def rendered(page: str) -> str:
    """Return *page* with its tables as they should be."""
    catalog = "\n".join(section(known) for known in agent_catalog)
    page = filled(filled(page, "catalog", catalog), "metrics", metrics())
    page = filled(page, "old names", former_names())
    spans = table("| on a span | of | now |", span_names())
    page = filled(page, "old names on spans", spans)
    read = map(recording, sorted(RECORDINGS.glob("*.jsonl")))
    head = "| recording | lines | events | skipped |"
    return filled(page, "recordings", table(head, read))


def filled(page: str, name: str, made: str) -> str:
    before, start, rest = page.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition("<!-- end -->")
    assert start, f"no place for {name}"
    assert end, f"no end of {name}"
    return f"{before}{start}\n{made}\n{end}{after}"


@pytest.mark.proves("B24")
def test_page_says_what_the_code_says() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == rendered(page)


@pytest.mark.proves("B24")
def test_every_old_name_leads_to_an_event_that_there_is() -> None:
    events = {known.name for known in agent_catalog}
    metrics = {plan.name for known in agent_catalog for plan in plans_of(known)}
    for one in FORMER_NAMES:
        assert one.event in events
        if one.origin == "codex metric":
            (named, *_) = re.findall(r"`([^`]+)`", one.where)
            assert named in metrics
        if one.origin.endswith("span"):
            known = agent_catalog.get(one.event)
            assert known is not None
            name = known.identity.span and known.identity.span.name
            assert re.findall(r"`([^`]+)`", one.where) == ([name] if name else [])
    assert len({(one.name, one.event) for one in FORMER_NAMES}) >= 85


OLD_METRICS = """
    process.start transport.fallback_to_http remote_models.fetch_update.duration_ms
    remote_models.load_cache.duration_ms startup_prewarm.age_at_first_turn_ms
    cloud_config_bundle.fetch_attempt cloud_config_bundle.fetch_final
    cloud_config_bundle.load cloud_config_bundle.fetch.duration_ms tool.unified_exec
    mcp.tools.list.duration_ms mcp.tools.fetch_uncached.duration_ms
    mcp.tools.cache_write.duration_ms mcp.tools.cache_publish.duration_ms
    hooks.run hooks.run.duration_ms guardian.review guardian.review.duration_ms
    guardian.review.ttft.duration_ms guardian.review.token_usage goal.created
    goal.resumed goal.completed goal.budget_limited goal.usage_limited goal.blocked
    goal.token_count goal.duration_s plugins.startup_sync plugins.startup_sync.final
    thread.fork thread.side thread.rename thread.skills.enabled_total
    thread.skills.kept_total thread.skills.truncated
    thread.skills.description_truncated_chars status_line model_warning task.review
    task.user_shell task.undo conversation.turn.count feature.state shell_snapshot
    shell_snapshot.duration_ms skill.injected multi_agent.spawn multi_agent.resume
    multi_agent.nickname_pool_reset memory.startup memory.phase1 memory.phase2
    memories.usage memories.tool.call external_agent_config.detect
    external_agent_config.import db.error db.backfill db.backfill.duration_ms
    sqlite.init.count sqlite.init.duration_ms sqlite.fallback.count
    rollout.persistence.item_bytes rollout.persistence.append
    rollout.persistence.turn_bytes rollout.persistence.measurement_error
    rollout.size_bytes
"""


@pytest.mark.parametrize("name", OLD_METRICS.split())
def test_an_old_metric_of_no_event_is_on_the_page(name: str) -> None:
    assert f"`codex.{name}`" in PAGE.read_text(encoding="utf-8")


def test_what_is_easily_got_wrong_is_decided_once_each() -> None:
    page = PAGE.read_text(encoding="utf-8")
    _, _, decided = page.partition("## What is easily got wrong\n")
    decided, _, _ = decided.partition("\n## ")
    numbers = re.findall(r"^(\d+)\. \S.*\.$", decided, re.MULTILINE)
    assert numbers == [str(number) for number in range(1, 27)]


@pytest.mark.proves("B24")
def test_every_field_is_described() -> None:
    for known in agent_catalog:
        assert set(described(known)) >= {field.name for field in known.fields}


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.relative_to(ROOT)}\n")
