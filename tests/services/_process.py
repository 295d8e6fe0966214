"""Decide how a server process starts, answers, stops, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from ._waiting import until

SUPERVISOR = Path(__file__).with_name("_supervisor.py")
STOP_SECONDS = 15.0  # three times what a loaded broker takes for its clean stop
TAIL_LINES = 30
MARK = "EVENTBUS_TESTS_SERVER_FOLDER"


class ServerError(Exception):
    """A server did not start; the text ends with the tail of its log."""


class Server:
    """A server that can be stopped, killed and started again on the same data.

    A context manager: started on entry; on exit stopped, and its folder removed.
    Should the test run die, the supervisor does both.

    Args:
        name: What messages call it.
        command: The program and its arguments; it runs in *folder*.
        folder: Holds everything the server reads and writes, its log included.
        answers: Whether the server is ready for its clients. May raise OSError for no.
        start_seconds: Longest wait for that.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        folder: Path,
        answers: Callable[[], bool],
        start_seconds: float = 30.0,
    ) -> None:
        self.name = name
        self.folder = folder
        self.log = folder / "server.log"
        self._command = [str(part) for part in command]
        self._answers = answers
        self._start_seconds = start_seconds
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def is_running(self) -> bool:
        """Whether the process is there, answering or not."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process and wait until it answers.

        Raises:
            ServerError: It ended instead, or did not answer in time and was stopped.
        """
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                supervised(self._command, self.folder),
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**os.environ, MARK: str(self.folder)},
                start_new_session=True,  # Ctrl-C is for the test run alone
            )
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise

    def signal(self, number: signal.Signals) -> None:
        """Send the server a signal; it and its children get it."""
        assert self._process is not None
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has just ended by itself
            self._process.stdin.write(bytes([number]))

    def stop(self) -> None:
        """End the process, by SIGKILL when SIGTERM does not, and keep its data."""
        if self.is_running():
            self.signal(signal.SIGTERM)
        self._wait_until_it_ends(STOP_SECONDS)

    def kill(self) -> None:
        """End the process by SIGKILL, as a crash would, and keep its data."""
        if self.is_running():
            self.signal(signal.SIGKILL)
        self._wait_until_it_ends(STOP_SECONDS)

    def close(self) -> None:
        """Stop the process and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder)

    def log_tail(self) -> str:
        """Return the last lines that the server wrote."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:]) or "(the server wrote nothing)"

    def _wait_until_it_answers(self) -> None:
        try:
            until(
                self._is_answering,
                what=f"{self.name} answers",
                timeout_seconds=self._start_seconds,
            )
        except TimeoutError as error:
            raise ServerError(f"{error}\n{self.log_tail()}") from error

    def _is_answering(self) -> bool:
        assert self._process is not None
        status = self._process.poll()
        if status is not None:
            raise ServerError(
                f"{self.name} ended with status {status} before it answered\n"
                f"{self.log_tail()}"
            )
        try:
            return self._answers()
        except OSError:
            return False

    def _wait_until_it_ends(self, timeout_seconds: float) -> None:
        if self._process is None:
            return
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.signal(signal.SIGKILL)
            self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process = None


def supervised(command: Sequence[str], folder: Path) -> list[str]:
    """Return the command line that runs *command* under the supervisor."""
    supervisor = [sys.executable, "-I", "-S", str(SUPERVISOR)]
    return [*supervisor, str(folder), str(STOP_SECONDS), *command]


def processes_of(folder: Path) -> list[int]:
    """Return the ids of all processes started for the server in *folder*."""
    mark = f"{MARK}={folder}".encode()
    return [
        int(process.name)
        for process in Path("/proc").iterdir()
        if process.name.isdigit() and mark in environment_of(process)
    ]


def environment_of(process: Path) -> list[bytes]:
    """Return the variables a process started with; none of one gone or not ours."""
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return []
