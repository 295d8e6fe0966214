"""Programs that a test runs in a process of their own, and what they say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 25

SLOWNESS = re.compile(
    r"^(sink .* held the event loop for|Executing <.* took) .*\n", re.MULTILINE
)
"""What the bus says where the machine gave it no time."""

PREAMBLE = """
import asyncio, contextlib, json, os, signal, sys, threading, time
import eventbus
from eventbus import Batch, Buffer, Bus, Event, Overflow, Retry
from eventbus.testing import RecordingSink
from eventbus_local import JsonlSettings, JsonlSink

class Step(Event, tag="work.step"):
    n: int

def tell(**facts):
    os.write(1, json.dumps(facts).encode() + b"\\n")

def numbers(records):
    return [record.event.n for record in records]
"""


def program(text: str) -> str:
    """Return *text* with what all programs begin with."""
    return PREAMBLE + textwrap.dedent(text)


def run_program(
    source: str | Path,
    *arguments: object,
    options: tuple[str, ...] = (),
    status: int = 0,
) -> list[dict[str, Any]]:
    """Run *source* and return the facts it told, in their order.

    It must end in time with *status*, and say nothing on standard error.
    """
    done = run(source, *arguments, options=options)
    assert done.stderr == "", done.stderr
    assert done.returncode == status
    return [json.loads(line) for line in done.stdout.splitlines()]


def run(
    source: str | Path, *arguments: object, options: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """Run *source*, a text or a file."""
    # From Python 3.12 on, a fork beside threads is warned of.
    silent = ("-W", "ignore::DeprecationWarning")
    what = [str(source)] if isinstance(source, Path) else ["-c", program(source)]
    done = subprocess.run(
        [sys.executable, *silent, *options, *what, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    done.stderr = SLOWNESS.sub("", done.stderr)
    return done


def lines_of(path: Path) -> list[dict[str, Any]]:
    """Return what a sink wrote to *path*, whole lines all of them."""
    text = path.read_text()
    assert not text or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def written(path: Path) -> list[int]:
    """Return the numbers of the steps in *path*; no id is there twice."""
    lines = lines_of(path)
    assert len({line["id"] for line in lines}) == len(lines)
    return [line["event"]["n"] for line in lines]
