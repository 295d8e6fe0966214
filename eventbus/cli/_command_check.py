"""``eventbus check``: what is wrong with a configuration, and where values are from."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from eventbus._bus import Bus
from eventbus._errors import ConfigError, PluginError
from eventbus._place import Place
from eventbus._plugins import installed_sinks
from eventbus._visible import visible
from eventbus.cli._account import FAILED, OK
from eventbus.cli._layers import layers_in
from eventbus.cli._overrides import parsed
from eventbus.cli._problems import in_order
from eventbus.cli._tables import Cell, Column, Table, put_prose, show
from eventbus.cli._terminal import (
    plugins_print_elsewhere,
    put,
    put_failure,
    put_json,
    say,
)
from eventbus.cli._usage import UsageError
from eventbus.config._attach import bus_of
from eventbus.config._document import Unreadable
from eventbus.config._explain import DEFAULT, InForce, in_force
from eventbus.config._layers import Layer
from eventbus.config._load import Examination, examine
from eventbus.config._schema import config_schema
from eventbus.config._settings import Config, LeftOut
from eventbus.config._sink_class import SinkClass, sink_class

# Any in this module: JSON.


class Findings(msgspec.Struct, frozen=True):
    """What a check found.

    Args:
        problems: All that is wrong, each in a line; none is in order.
        config: What can be used; ``None`` when that is nothing.
        name: The file.
    """

    problems: tuple[str, ...]
    config: Config | None
    name: str = ""


def check(arguments: argparse.Namespace) -> int:
    """Check a configuration, or print the schema; return the exit status."""
    if arguments.schema:
        return _print_schema()
    files = layers_in(arguments)
    if not files:
        raise UsageError("check expects CONFIG, or --schema")
    try:
        with plugins_print_elsewhere():
            findings = _findings(files, parsed(arguments.overrides))
    except Unreadable as error:
        if arguments.json:
            put_failure(_as_json(Findings((str(error),), None)))
        raise
    if arguments.json:
        put_json(_as_json(findings))
    else:
        _show(findings)
    return FAILED if findings.problems else OK


def _findings(files: Sequence[Layer], overrides: Mapping[Place, Any]) -> Findings:
    try:
        found = examine(files, overrides=overrides)
    except Unreadable:
        raise
    except ConfigError as error:
        return Findings((str(error),), None)
    problems = in_order(found)
    if not problems:
        problems += _refusals(found)
    return Findings(tuple(problems), found.config, found.stack.name)


def _refusals(found: Examination) -> Iterator[str]:
    """Make every sink, which opens nothing, and yield what one says against it."""
    if found.config is None:
        return
    try:
        bus_of(Bus, found.config, strict=True)
    except ConfigError as error:
        yield f"{found.stack.name}: {error}"


def _show(findings: Findings) -> None:
    for problem in findings.problems:
        say(problem)
    config = findings.config
    if findings.problems or config is None:
        return
    for warning in config.warnings:
        say(f"Warning: {warning}")
    for sink, reason in _left_out(config).items():
        put_prose(f"Sink {sink!r} is not attached: {reason}.")
    show(_settings_table(tuple(in_force(config))), put)
    count = len(config.sinks)
    sinks = f"{count} sink{'' if count == 1 else 's'}"
    put_prose(f"{visible(findings.name)} is in order: {sinks}.")


def _left_out(config: Config) -> dict[str, str]:
    """Return why each sink is not attached, and where that was said."""
    return {name: _reason(one, config) for name, one in config.left_out.items()}


def _reason(left_out: LeftOut, config: Config) -> str:
    origin = config.origins.get(left_out.place or ())
    return f"{left_out.reason} ({origin})" if origin else left_out.reason


def _settings_table(settings: tuple[InForce, ...]) -> Table:
    columns = [
        Column("setting"),
        Column("value", may_wrap=True, least_width=12),
        Column("from", may_wrap=True, least_width=12),
    ]
    rows = [
        [
            Cell(one.place, "dim" if one.origin == DEFAULT else ""),
            Cell(one.value, "dim" if one.origin == DEFAULT else "cyan"),
            Cell(one.origin, "dim" if one.origin == DEFAULT else "green"),
        ]
        for one in settings
    ]
    return Table(columns, rows)


def _as_json(findings: Findings) -> dict[str, Any]:
    said: dict[str, Any] = {
        "valid": not findings.problems,
        "problems": findings.problems,
    }
    config = findings.config
    if config is not None:
        said |= {
            "warnings": config.warnings,
            "sinks": {name: sink.type for name, sink in config.sinks.items()},
            "left_out": _left_out(config),
            "settings": list(in_force(config)),
        }
    return said


def _print_schema() -> int:
    with plugins_print_elsewhere():
        schema = config_schema(tuple(_loadable()))
    put_json(schema, indent=True)
    return OK


def _loadable() -> Iterator[SinkClass]:
    for name in dict.fromkeys(plugin.name for plugin in installed_sinks()):
        try:
            yield sink_class(name)
        except PluginError as error:
            say(f"Left out of the schema: {error}")
