"""``eventbus run``: from its arguments to its exit status."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from itertools import pairwise

import msgspec

from eventbus._errors import EventBusError
from eventbus._plugins import installed_catalog, load_reader
from eventbus._visible import visible
from eventbus.cli._account import as_json
from eventbus.cli._follow import is_followed
from eventbus.cli._layers import layers_in
from eventbus.cli._overrides import parsed
from eventbus.cli._problems import usable_config
from eventbus.cli._pump import Sources
from eventbus.cli._run import TO_THE_CONSOLE, Run, for_run
from eventbus.cli._stream import STDIN
from eventbus.cli._terminal import (
    is_terminal,
    plugins_print_elsewhere,
    put_failure,
    put_json,
    say,
)
from eventbus.cli._usage import UsageError
from eventbus.config._document import Unreadable, Unusable
from eventbus.config._layers import Layer
from eventbus.config._settings import Config


def run(arguments: argparse.Namespace) -> int:
    """Read records, deliver them, and give an account; return the exit status."""
    try:
        return _run(arguments)
    except EventBusError as error:
        if arguments.json:
            put_failure({"complete": False, "failure": str(error)})
        raise


def _run(arguments: argparse.Namespace) -> int:
    paths = _paths(arguments.inputs)
    sources = Sources(paths, follow=arguments.follow)
    for path in paths:
        _check_path(path, follow=arguments.follow)
    if arguments.follow:
        _check_order(paths)
    with plugins_print_elsewhere():
        reader = load_reader(arguments.reader)
        config = for_run(_config(arguments), is_json=arguments.json)
        digests = installed_catalog().digests
    with plugins_print_elsewhere() if arguments.json else nullcontext():
        account = asyncio.run(Run(config, sources, reader, digests).perform())
    if not arguments.json:
        from eventbus.cli._account_text import show_account

        show_account(msgspec.structs.replace(account, reader=arguments.reader))
        return account.status
    put_json(as_json(account), name="report")
    return account.status


def _config(arguments: argparse.Namespace) -> Config:
    name = arguments.config
    files = layers_in(arguments)
    if name is None:
        files.insert(0, Layer(TO_THE_CONSOLE))
    try:
        config = usable_config(files, parsed(arguments.overrides))
    except Unreadable:
        raise
    except Unusable as error:
        is_asked = name is None or arguments.inputs
        hint = "" if is_asked else f". Are these records? Try: --input {name}"
        raise UsageError(f"{error}{hint}") from error
    if not config.sinks:
        where = "" if name is None else f" in {name}"
        raise UsageError(f"No sink is enabled{where}: nothing to do")
    return config


def _paths(inputs: Sequence[str] | None) -> Sequence[str]:
    if sys.stdin is None and STDIN in (inputs or (STDIN,)):
        raise UsageError("There is no standard input: name a file with --input")
    if inputs:
        return inputs
    if is_terminal(sys.stdin):
        raise UsageError(
            "Nothing to read: give --input FILE, or pipe records in ('-' reads what "
            "is typed)"
        )
    return (STDIN,)


def _check_order(paths: Sequence[str]) -> None:
    for path, after in pairwise(paths):
        if is_followed(path):
            raise UsageError(
                f"--follow expects one file, the last input: {visible(after)} would "
                f"never be read, since {visible(path)} has no end"
            )


def _check_path(path: str, *, follow: bool) -> None:
    if path == STDIN:
        return
    if os.path.isdir(path):
        raise UsageError(f"Cannot read {visible(path)}: Is a directory")
    if os.path.exists(path):
        return
    if not follow:
        raise UsageError(f"Cannot open {visible(path)}: No such file or directory")
    say(f"{path} is not there yet: waiting for it")
