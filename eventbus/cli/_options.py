"""Which commands and options there are."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, Final, NoReturn

from eventbus._nearest import listed, suggestion
from eventbus.cli._terminal import put, say, width_of

DEFAULT_READER: Final = "events"

_PRECEDENCE: Final = "Precedence: argument, then file, then environment, then default."
_STATUS: Final = (
    "Exit status: 0 worked, 1 the check failed or something was lost, 2 wrong usage."
)


class _Help(argparse.HelpFormatter):
    """Knows its width without ``shutil``: one is made for each option declared."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=(width_of(sys.__stdout__) or 80) - 2)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, and when help cannot be written at all."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=_Help, **options)

    def error(self, message: str) -> NoReturn:
        end = "" if message.endswith("?") else "."
        say(f"{self.prog}: {message}{end} Try: {self.prog} --help")
        self.exit(2)

    # Any, above and below: options, their values, and what argparse declares.
    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            valid = list(action.choices)
            text = f"expected one of {listed(valid)}, got {value!r}"
            raise argparse.ArgumentError(action, text + suggestion(str(value), valid))

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is not None and file is sys.stdout:
            put(message.removesuffix("\n"))
        else:
            super()._print_message(message, file)


class _Version(argparse.Action):
    """Says the distribution's version, which takes a while to look up."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        put(f"eventbus {version('eventbus')}")
        parser.exit()


if TYPE_CHECKING:
    from pathlib import Path

    Commands = argparse._SubParsersAction[_Parser]  # its only name


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = _Parser(
        prog="eventbus",
        description="Events from a file or a pipe to sinks, every one accounted for.",
        epilog=_STATUS,
    )
    version = "show program's version number and exit"
    parser.add_argument("--version", action=_Version, nargs=0, help=version)
    commands = parser.add_subparsers(
        prog="eventbus", dest="command", metavar="COMMAND", required=True
    )
    _add_run(commands)
    _add_check(commands)
    _add_sinks(commands)
    _add_events(commands)
    _add_demo(commands)
    _add_bench(commands)
    return parser


def _add_run(commands: Commands) -> None:
    run = commands.add_parser(
        "run",
        help="read records, publish them, deliver them to the configured sinks",
        description="Reads records from files or a pipe and delivers them to the "
        "configured sinks; without CONFIG, to the console.",
        epilog=f"{_PRECEDENCE} {_STATUS}",
    )
    run.add_argument("config", nargs="?", metavar="CONFIG", help="a TOML file")
    run.add_argument(
        "--input",
        action="append",
        metavar="FILE",
        dest="inputs",
        help="what to read, '-' for the standard input; may be given several times "
        "(default: the standard input, when it is a pipe)",
    )
    run.add_argument(
        "--reader",
        default=DEFAULT_READER,
        metavar="NAME",
        help="what makes records of the lines (default: %(default)s)",
    )
    run.add_argument(
        "--follow",
        action="store_true",
        help="go on as the last input grows, across rotation, until Ctrl-C",
    )
    _add_layers(run)
    _add_overrides(run)
    _add_json(run, "end with one JSON object on the standard output")


def _add_check(commands: Commands) -> None:
    check = commands.add_parser(
        "check",
        help="validate a configuration and load every sink it names; start none",
        description="Validates a configuration, loads every sink it names, starts "
        "none, and says where each value comes from.",
        epilog=f"{_PRECEDENCE} {_STATUS}",
    )
    check.add_argument("config", nargs="?", metavar="CONFIG", help="a TOML file")
    check.add_argument(
        "--schema",
        action="store_true",
        help="print the JSON Schema of the file, made of the installed sinks, "
        "by which editors complete it",
    )
    _add_layers(check)
    _add_overrides(check)
    _add_json(check, "print one JSON object")


def _add_sinks(commands: Commands) -> None:
    sinks = commands.add_parser(
        "sinks", help="list the installed sinks with their settings and defaults"
    )
    sinks.add_argument("name", nargs="?", metavar="NAME", help="only this one, in full")
    _add_json(sinks, "print one JSON object")


def _add_events(commands: Commands) -> None:
    events = commands.add_parser(
        "events", help="list the event types of the installed catalogs"
    )
    events.add_argument(
        "name", nargs="?", metavar="NAME", help="only this one, in full"
    )
    forms = events.add_mutually_exclusive_group()
    forms.add_argument(
        "--json-schema", action="store_true", help="print JSON Schema of the records"
    )
    forms.add_argument(
        "--asyncapi", action="store_true", help="print them as an AsyncAPI document"
    )
    forms.add_argument(
        "--compare",
        metavar="OLD",
        help="say what has changed since OLD was printed by --json-schema, and fail "
        "when it breaks readers; - is the standard input",
    )
    _add_json(events, "print one JSON object")


def _add_demo(commands: Commands) -> None:
    demo = commands.add_parser(
        "demo",
        help="watch a simulated agent application: nothing else is needed",
        description="Simulates an agent application: sessions, tool calls, failures, "
        "a sink that is too slow, and an account that adds up all the same.",
    )
    demo.add_argument(
        "--seconds",
        type=_seconds,
        default=5.0,
        metavar="N",
        help="how long, 0 for as fast as it goes (default: %(default)s)",
    )
    demo.add_argument(
        "--events",
        type=_count,
        default=2000,
        metavar="N",
        help="how many events (default: %(default)s)",
    )
    demo.add_argument(
        "--seed",
        type=_whole,
        default=1,
        metavar="N",
        help="which application: the same number, the same events and the same account "
        "(default: %(default)s)",
    )
    _add_json(demo, "end with one JSON object on the standard output")


def _add_bench(commands: Commands) -> None:
    bench = commands.add_parser(
        "bench",
        help="measure what the bus costs on this machine, against its bounds",
        description="Measures what the bus costs on this machine, as ratios to an "
        "empty call and to asyncio.Queue, for some minutes. Other programs that run "
        "meanwhile widen the spread.",
        epilog="Exit status: 0 all bounds hold, 1 one was missed, 2 wrong usage.",
    )
    bench.add_argument(
        "--quick", action="store_true", help="one short round, which says little"
    )
    bench.add_argument(
        "--json", type=_path, metavar="FILE", help="write everything measured to a file"
    )
    bench.add_argument(
        "--plot",
        type=_path,
        metavar="FILE.svg",
        help="draw what the bounds leave, which needs matplotlib",
    )


def _add_layers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--project",
        action="append",
        default=[],
        metavar="FILE",
        help="a TOML file that is not trusted, as a repository's own: it cannot say "
        "where anything goes; CONFIG wins over it",
    )
    parser.add_argument(
        "--managed",
        action="append",
        default=[],
        metavar="FILE",
        help="a TOML file of an administrator's requirements: they win over everything",
    )


def _add_overrides(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="a value that wins over the file's: --set sinks.console.format=json",
    )


def _add_json(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--json", action="store_true", help=text)


def _path(text: str) -> Path:
    from pathlib import Path

    return Path(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected a number of seconds, got {text!r}"
        ) from None
    if not 0 <= value <= 86_400:
        raise argparse.ArgumentTypeError(f"expected 0 to 86400 seconds, got {text}")
    return value


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected a whole number, got {text!r}"
        ) from None


def _count(text: str) -> int:
    value = _whole(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, got {text}")
    return value
