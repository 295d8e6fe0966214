"""What a configuration as a whole is checked for, and in which order."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, Final

import msgspec

from eventbus._expected import shown
from eventbus._log import LOGGER_NAME
from eventbus._place import ROOT, Place, inside
from eventbus.config._depth import TOO_DEEP, without_too_deep
from eventbus.config._document import ARGUMENT, Document, read_document
from eventbus.config._environment import Environment
from eventbus.config._expand import Expansion, names_in
from eventbus.config._problems import Problem, Problems, config_error
from eventbus.config._secrets import MaskedTable, Secrets
from eventbus.config._settings import (
    BusSettings,
    Config,
    LeftOut,
    Origin,
    SinkConfig,
)
from eventbus.config._sinks import SinkReader
from eventbus.config._tree import leaves, put, table_in
from eventbus.config._values import ValueReader

if TYPE_CHECKING:
    from eventbus.metrics._declaration import Metrics

# Any in this module: a configuration holds values of any type.

Source = str | PathLike[str] | Mapping[str, Any]

_TABLES: Final = ("bus", "sinks", "metrics")
BUS: Final[Place] = ("bus",)
SINKS: Final[Place] = ("sinks",)
METRICS: Final[Place] = ("metrics",)


def load_config(
    source: Source,
    *,
    strict: bool = True,
    overrides: Mapping[Place, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """Read a configuration and check all of it; the sinks it names are imported.

    Precedence: argument, then file, then environment, then default.

    Args:
        source: The path of a TOML file, or what is in one.
        strict: Raise for anything that is wrong. Without it a sink that cannot be
            used is left out, with a warning, and is in :attr:`Config.left_out`.
        overrides: Values that win over the file's, by their place:
            ``{("sinks", "console", "format"): "json"}``.
        environ: The environment variables; ``None`` is the process's.

    Raises:
        ConfigError: What is wrong, each in a line with its place; without *strict*
            only what concerns the configuration as a whole.
    """
    examined = examine(source, overrides=overrides, environ=environ)
    outside = [p for p in examined.problems if not _can_be_left_out(p)]
    wrong = examined.problems if strict else outside
    if wrong or examined.config is None:
        raise config_error(wrong)
    say_warnings(examined.config)
    return examined.config


def _can_be_left_out(problem: Problem) -> bool:
    """Return whether the rest can be used without what *problem* is about."""
    table = inside(problem.place, METRICS) and problem.place != METRICS
    return table or inside(problem.place, SINKS)


class Examination(msgspec.Struct, frozen=True):
    """What was found when a configuration was read.

    Args:
        document: What it says, as it was written.
        problems: All that is wrong.
        config: What can be used of it; ``None`` when that is nothing.
    """

    document: Document
    problems: tuple[Problem, ...]
    config: Config | None


def examine(
    source: Source,
    *,
    overrides: Mapping[Place, Any] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Examination:
    """Read a configuration and say all that is wrong with it.

    See :func:`load_config`.

    Raises:
        ConfigError: It cannot be read at all.
    """
    document = read_document(source)
    loading = _Loading(document, os.environ if environ is None else environ)
    config = loading.config(overrides or {})
    return Examination(document, tuple(loading.problems), config)


class _Loading:
    """One load, from the document to the checked value."""

    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        self._document: Final = document
        self.problems: Final = Problems()
        self._secrets: Final = Secrets()
        self._origins: Final[dict[Place, Origin]] = {}
        self._warnings: Final[list[str]] = []
        self._expansion: Final = Expansion(environ, self.problems, self._secrets)
        self._values: Final = ValueReader(self.problems, self._secrets)
        self._environment: Final = Environment(
            environ,
            secrets=self._secrets,
            origins=self._origins,
            warnings=self._warnings,
        )

    def config(self, overrides: Mapping[Place, Any]) -> Config | None:
        tree = self._tree(overrides)
        bus = self._bus(table_in(tree, "bus"))
        sinks, left_out = self._sinks(table_in(tree, "sinks"))
        metrics = self._metrics(table_in(tree, "metrics"))
        if bus is None:
            return None
        return Config(
            bus=bus,
            sinks=sinks,
            left_out=left_out,
            metrics=metrics,
            warnings=tuple(self._warnings),
            origins=self._origins,
        )

    def _tree(self, overrides: Mapping[Place, Any]) -> dict[str, Any]:
        shallow = without_too_deep(self._document.tree, self.problems)
        tree: dict[str, Any] = self._expansion.expand(shallow)
        for place, value in leaves(tree):
            where = self._document.where(place)
            self._origins[place] = Origin(where, names_in(value))
        for place, value in overrides.items():
            put(tree, place, value)
            self._origins[place] = Origin(ARGUMENT)
        for key, value in tree.items():
            if key not in _TABLES:
                self._values.unknown_key(key, _TABLES, ROOT)
            elif not isinstance(value, dict):
                self.problems.add(f"Expected a table, got {shown(value)}", (key,))
        return tree

    def _bus(self, table: Mapping[str, Any]) -> BusSettings | None:
        given = table_in(table, "resource")
        around = self._environment.resource(given, (*BUS, "resource"))
        if around:
            table = {**table, "resource": {**around, **given}}
        bus = self._values.struct(BusSettings, table, BUS)
        if bus is not None:
            masked = [k for k in bus.resource if self._is_masked(k)]
            resource = MaskedTable(bus.resource, masked)
            msgspec.structs.force_setattr(bus, "resource", resource)
        return bus

    def _is_masked(self, name: str) -> bool:
        return self._secrets.covers((*BUS, "resource", name))

    def _sinks(
        self, tables: Mapping[str, Any]
    ) -> tuple[dict[str, SinkConfig], dict[str, LeftOut]]:
        reader = SinkReader(self._values, self._environment)
        sinks: dict[str, SinkConfig] = {}
        left_out: dict[str, LeftOut] = {}
        for name, table in tables.items():
            place = (*SINKS, name)
            read = None
            if not isinstance(table, dict):
                self.problems.add(f"Expected a table, got {shown(table)}", place)
            else:
                read = reader.read(name, table_in(tables, name), place)
            wrong = self.problems.within(place)
            if wrong:
                left_out[name] = LeftOut("; ".join(map(str, wrong)), "wrong")
            elif isinstance(read, LeftOut):
                left_out[name] = read
            elif read is not None:
                sinks[name] = read
        return sinks, {**self._too_deep(), **left_out}

    def _metrics(self, tables: Mapping[str, Any]) -> Mapping[str, Metrics]:
        if not tables:
            return {}
        from eventbus.config._metrics import read_metrics

        read = read_metrics(tables, self._values, METRICS)
        for problem in self.problems.within(METRICS):
            self._warnings.append(f"metrics are not as configured: {problem}")
        return read

    def _too_deep(self) -> dict[str, LeftOut]:
        """Return the sinks that were not looked into."""
        return {
            str(problem.place[1]): LeftOut(str(problem), "wrong")
            for problem in self.problems
            if problem.message == TOO_DEEP and len(problem.place) > 1
        }


def say_warnings(config: Config) -> None:
    """Log what was ignored and what is disabled, a line each."""
    log = logging.getLogger(LOGGER_NAME)
    for line in config.warnings:
        log.warning("%s", line)
    for name, left_out in config.left_out.items():
        if left_out.because == "wrong":
            log.warning("sink %r is disabled: %s", name, left_out.reason)
