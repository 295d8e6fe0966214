"""``eventbus sinks``: which sinks are installed, and what can be set about each."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

import msgspec

from eventbus._errors import PluginError
from eventbus._plugins import Plugin, installed_sinks
from eventbus._settings import Batch, Buffer, Retry
from eventbus.cli._account import OK
from eventbus.cli._tables import Cell, Column, Table, put_prose, show
from eventbus.cli._terminal import plugins_print_elsewhere, put, put_json
from eventbus.config._reference import REQUIRED, Setting, first_line, settings_of, toml
from eventbus.config._sink_class import SinkClass, sink_class

# Any in this module: JSON.


class Described(msgspec.Struct, frozen=True, omit_defaults=True):
    """An installed sink in words.

    Args:
        name: Its type in configurations.
        distribution: Whose it is.
        version: The distribution's.
        description: The first line of its docstring.
        settings: What can be set.
        defaults: Bounds of its own, where it has any.
        error: Why it does not load.
    """

    name: str
    distribution: str
    version: str
    description: str = ""
    settings: tuple[Setting, ...] = ()
    defaults: dict[str, str] = {}
    error: str | None = None


def sinks(arguments: argparse.Namespace) -> int:
    """List the installed sinks; return the exit status."""
    with plugins_print_elsewhere():
        if arguments.name is not None:
            sink_class(arguments.name)  # so that an unknown name is an error
        found = [_described(plugin) for plugin in _wanted(arguments.name)]
    if arguments.json:
        put_json({"sinks": found})
        return OK
    for described in found:
        _show(described)
    return OK


def _wanted(name: str | None) -> Iterable[Plugin]:
    plugins = installed_sinks()
    return [one for one in plugins if name is None or one.name == name]


def _described(plugin: Plugin) -> Described:
    owner = (plugin.name, plugin.distribution, plugin.version)
    try:
        found = sink_class(plugin.name)
    except PluginError as error:
        return Described(*owner, error=str(error))
    settings = () if found.settings is None else settings_of(found.settings)
    words = first_line(found.sink)
    return Described(*owner, words, settings, _own_defaults(found))


def _own_defaults(found: SinkClass) -> dict[str, str]:
    plain: dict[str, Any] = {"buffer": Buffer(), "batch": Batch(), "retry": Retry()}
    own = {name: found.default(name, default) for name, default in plain.items()}
    return {name: toml(mine) for name, mine in own.items() if mine != plain[name]}


def _show(described: Described) -> None:
    origin = f"({described.distribution} {described.version})"
    if described.error is not None:
        put_prose(f"{described.name} {origin}: {described.error}")
        return
    put_prose(f"{described.name} {origin}: {described.description}")
    if described.settings:
        show(_table(described.settings), put)
    for name, text in described.defaults.items():
        put_prose(f"Its own default: {name} = {text}")


def _table(settings: Iterable[Setting]) -> Table:
    columns = [
        Column("setting"),
        Column("default"),
        Column("expects", may_wrap=True),
        Column("", may_wrap=True),
    ]
    rows = [
        [
            Cell(one.name, "bold"),
            Cell(one.default, "yellow" if one.default == REQUIRED else "cyan"),
            Cell(one.type.replace("`", "")),
            Cell(one.description.replace("`", ""), "dim"),
        ]
        for one in settings
    ]
    return Table(columns, rows)
