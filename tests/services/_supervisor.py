"""Decide that no server outlives the test run that started it.

A program: ``_supervisor.py FOLDER GRACE_SECONDS COMMAND...``. Standard input is the
line to the test run. A byte on it is the number of a signal for the server. Its end,
which comes however the run ends, ends the server and removes FOLDER.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable

LINE = 0
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def dying_with_parent() -> Callable[[], object]:
    """Return what makes a new process die when this one does, even by SIGKILL."""
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def pass_signals_on(server: int, ended: int) -> bool:
    """Serve the line until the server ended (false) or the test run did (true)."""
    while True:
        ready, _, _ = select.select([LINE, ended], [], [])
        if ended in ready:
            return False
        numbers = os.read(LINE, 64)
        if not numbers:
            return True
        for number in numbers:
            os.killpg(server, number)


def main() -> int:
    """Run the server; return its exit status, or 128 and the signal that ended it."""
    folder, grace_seconds, *command = sys.argv[1:]
    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=dying_with_parent(),
    )
    ended = os.pidfd_open(server.pid)
    run_is_over = pass_signals_on(server.pid, ended)
    if run_is_over:
        os.killpg(server.pid, signal.SIGTERM)
        select.select([ended], [], [], float(grace_seconds))
    os.killpg(server.pid, signal.SIGKILL)
    status = server.wait()
    if run_is_over:
        shutil.rmtree(folder, ignore_errors=True)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main())
