"""The command line as tests call it: in this process, or in one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from eventbus.cli import main


class Done(NamedTuple):
    """What a command said, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The last line of the output, as JSON."""
        return json.loads(self.out.splitlines()[-1])


class Command:
    """Runs the command line in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str | Path) -> Done:
        self._capsys.readouterr()
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as error:
            status = int(error.code or 0)
        out, err = self._capsys.readouterr()
        return Done(status, out, err)


def program(*arguments: str | Path, code: str | None = None) -> list[str]:
    """Return the command of a process of its own."""
    how = ["-m", "eventbus"] if code is None else ["-c", code]
    return [sys.executable, *how, *map(str, arguments)]


def finished(
    command: Sequence[str], *, given: bytes | None = None, **environ: str
) -> Done:
    """Run *command* to its end."""
    done = subprocess.run(
        command,
        input=given,
        stdin=None if given is not None else subprocess.DEVNULL,
        capture_output=True,
        check=False,
        env={**os.environ, **environ},
        timeout=20,
    )
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def record_lines(count: int, *, name: str = "agent.turn_started") -> str:
    """Return *count* lines of an installed event type without required fields."""
    return "".join(
        json.dumps({"id": f"r-{n}", "name": name, "time_unix_nano": n + 1, "event": {}})
        + "\n"
        for n in range(count)
    )


def configured(tmp_path: Path, text: str) -> Path:
    """Return a configuration of *text*."""
    path = tmp_path / "eventbus.toml"
    path.write_text(text)
    return path


def to_file(tmp_path: Path, more: str = "") -> Path:
    """Return a configuration of one sink that writes ``out.jsonl``."""
    path = tmp_path / "out.jsonl"
    return configured(tmp_path, f'[sinks.out]\ntype = "jsonl"\npath = "{path}"\n{more}')
