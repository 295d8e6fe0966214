"""What every command has in common: arguments, messages, the end of the process."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Sequence

from eventbus._errors import EventBusError
from eventbus.cli._account import FAILED, OK, USAGE
from eventbus.cli._options import make_parser
from eventbus.cli._terminal import OutputError, leave, say

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status.

    0 worked, 1 the check failed, something was lost or the output could not be
    written, 2 wrong usage.

    Args:
        arguments: Without the program's name; ``None`` is the process's.
    """
    status = FAILED
    try:
        status = _status(arguments)
    except OutputError as error:
        say(f"eventbus: {error}")
    finally:
        is_left = _leave(is_quiet=status != OK)
    return status if is_left else max(status, FAILED)


def _status(arguments: Sequence[str] | None) -> int:
    try:
        parsed = make_parser().parse_args(arguments)
        _show_log()
        return _command(parsed.command)(parsed)
    except SystemExit as end:  # argparse, which has said why
        return int(end.code or OK)
    except EventBusError as error:
        for line in str(error).split("\n"):
            say(f"eventbus: {line}")
        return USAGE
    except KeyboardInterrupt:
        say("eventbus: Interrupted.")
        return FAILED


def _leave(*, is_quiet: bool) -> bool:
    """Write out what is left and return whether that was possible."""
    try:
        leave()
    except OutputError as error:
        if not is_quiet:
            say(f"eventbus: {error}")
        return False
    return True


def _command(name: str) -> Command:
    match name:
        case "run":
            from eventbus.cli._command_run import run as command
        case "check":
            from eventbus.cli._command_check import check as command
        case "sinks":
            from eventbus.cli._command_sinks import sinks as command
        case "events":
            from eventbus.cli._command_events import events as command
        case "bench":
            from eventbus.cli._command_bench import bench as command
        case _:
            from eventbus.cli._command_demo import demo as command
    return command


def _show_log() -> None:
    """Let what the bus says, and what the logging sink writes, be seen."""
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(name)s: %(message)s"
    )
