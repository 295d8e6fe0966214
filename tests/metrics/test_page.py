"""What ``docs/metrics.md`` says is so."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from eventbus import load_config
from eventbus.metrics import Histogram, Metrics
from eventbus.metrics._units import default_buckets

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
PAGE = (DOCS / "metrics.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
TEXT = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
TOML = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_prints_what_the_page_says() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PYTHON[0]],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert done.stderr == ""
    assert [done.stdout] == TEXT


def test_the_declaration_is_one() -> None:
    names = "from eventbus import Event, Unit\nfrom eventbus.metrics import *\n"
    fields = "    input_tokens: int\n    output_tokens: int\n    context_window: int\n"
    declared = PYTHON[1].replace(": ...\n", ":\n" + fields)
    assert declared.endswith(fields)
    check = "import eventbus\neventbus.Catalog([TokenUsage])\n"
    subprocess.run([sys.executable, "-c", names + declared + check], check=True)


async def test_what_is_timed_is_told_with_how_it_went() -> None:
    told: list[Any] = []

    def run(_: str) -> object:
        return SimpleNamespace(exit_code=3)

    async def run_async(_: str) -> None:
        await asyncio.sleep(0)

    bus = SimpleNamespace(emit=told.append)
    names: dict[str, Any] = {"bus": bus, "command": "ls"}
    names |= {"run": run, "run_async": run_async}
    exec("async def run_it():\n" + textwrap.indent(PYTHON[-1], "    "), names)
    await names["run_it"]()
    assert [(one.success, one.exit_code) for one in told] == [(True, 3), (True, None)]
    assert all(one.duration_ms > 0 for one in told)


def test_the_configuration_loads() -> None:
    (text,) = TOML
    assert load_config(tomllib.loads(text)).metrics == {
        "agent.tool_result": Metrics(
            labels=("tool_name",),
            histograms=(Histogram(field="duration_ms", buckets=(0.1, 1, 10, 100)),),
        ),
        "agent.reasoning": Metrics(defaults=False),
    }


def test_the_buckets_are_those_of_the_table() -> None:
    for unit in ("s", "1", "any other"):
        (row,) = re.findall(rf"\| `?{unit}`? \| (.*) \|", PAGE)
        told = [float(n) for n in row.partition(":")[0].split(", ")]
        assert told == list(default_buckets(unit))
    assert (default_buckets("By")[0], default_buckets("By")[-1]) == (64, 2**30)
    tokens = default_buckets("{token}")
    assert (tokens[0], tokens[-1]) == (1, 67_108_864)


def test_every_link_leads_somewhere() -> None:
    for page, anchor in re.findall(r"\]\(([^)#]+)#?([^)]*)\)", PAGE):
        text = (DOCS / page).read_text(encoding="utf-8")
        assert not anchor or f"\n## {anchor.capitalize()}\n" in text
