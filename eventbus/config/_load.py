"""What a configuration as a whole is checked for, and in which order."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from eventbus._expected import shown
from eventbus._log import LOGGER_NAME
from eventbus._place import ROOT, Place, inside
from eventbus.config._depth import TOO_DEEP, without_too_deep
from eventbus.config._environment import Environment, Variables
from eventbus.config._expand import Expansion, names_in
from eventbus.config._layering import Layering, read_layers
from eventbus.config._layers import Source, layers_of
from eventbus.config._presets import Preset, Presets
from eventbus.config._problems import Problem, Problems, config_error
from eventbus.config._requirements import Requirements
from eventbus.config._secrets import MaskedTable, Secrets
from eventbus.config._settings import (
    BusSettings,
    Config,
    LeftOut,
    Origin,
    SinkConfig,
)
from eventbus.config._sinks import SinkReader
from eventbus.config._stack import Stack
from eventbus.config._tree import as_table, leaves, overlaid, put, table_in
from eventbus.config._values import NO_LIMIT, ValueReader

if TYPE_CHECKING:
    from eventbus.metrics._declaration import Metrics

# Any in this module: a configuration holds values of any type.

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
    presets: Mapping[str, Preset] | None = None,
) -> Config:
    """Read a configuration and check all of it; the sinks it names are imported.

    Precedence: argument, then file, then environment, then default; among files, what
    is managed, then later ones before earlier ones, then what is not trusted. What is
    managed wins over arguments too.

    Args:
        source: The path of a TOML file, or what is in one; or several of these, each
            of which may be a :class:`Layer`.
        strict: Raise for anything that is wrong. Without it a sink that cannot be
            used is left out, with a warning, and is in :attr:`Config.left_out`; so is
            what an untrusted layer must not say.
        overrides: Values that win over the file's, by their place:
            ``{("sinks", "console", "format"): "json"}``.
        environ: The environment variables; ``None`` is the process's.
        presets: Presets by name, beside those that are installed.

    Raises:
        ConfigError: What is wrong, each in a line with its place; without *strict*
            only what concerns the configuration as a whole, or a managed layer.
        TypeError: A layer is neither a path nor a mapping, or an override has no place.
    """
    examined = examine(source, overrides=overrides, environ=environ, presets=presets)
    wrong = examined.problems if strict else examined.grave
    if wrong or examined.config is None:
        raise config_error(examined.located(wrong))
    config = examined.config
    ignored = map(str, examined.located(examined.refused))
    config = msgspec.structs.replace(config, warnings=(*ignored, *config.warnings))
    say_warnings(config)
    return config


class Examination(msgspec.Struct, frozen=True):
    """What was found when a configuration was read.

    Args:
        stack: What it says, as it was written.
        problems: All that is wrong.
        config: What can be used of it; ``None`` when that is nothing.
    """

    stack: Stack
    problems: tuple[Problem, ...]
    config: Config | None

    @property
    def refused(self) -> tuple[Problem, ...]:
        """What is wrong about files that are not trusted, and does without them."""
        return tuple(problem for problem in self.problems if problem.where)

    @property
    def grave(self) -> tuple[Problem, ...]:
        """What is wrong and cannot be left out."""
        return tuple(p for p in self.problems if not p.where and self._is_grave(p))

    def _is_grave(self, problem: Problem) -> bool:
        table = inside(problem.place, METRICS) and problem.place != METRICS
        can_be_left_out = table or inside(problem.place, SINKS)
        return not can_be_left_out or self.stack.is_required(problem.place)

    def located(self, problems: Iterable[Problem]) -> list[Problem]:
        """Return *problems* with file and line, if there is more than one file."""
        if len(self.stack.documents) < _SEVERAL and not self.refused:
            return list(problems)
        return [
            Problem(f"{self.where(one)}: {one.message}", one.place) for one in problems
        ]

    def where(self, problem: Problem) -> str:
        """Return in which file and line something is wrong."""
        return problem.where or self.stack.where(problem.place)


_SEVERAL: Final = 3  # two files, and the arguments


def examine(
    source: Source,
    *,
    overrides: Mapping[Place, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    presets: Mapping[str, Preset] | None = None,
) -> Examination:
    """Read a configuration and say all that is wrong with it.

    See :func:`load_config`.

    Raises:
        ConfigError: A trusted file of it cannot be read at all.
    """
    for place in overrides or ():
        _check_place(place)
    variables = Variables(os.environ if environ is None else environ)
    layering = read_layers(layers_of(source), overrides or {}, variables)
    loading = _Loading(layering, variables, presets)
    config = loading.config()
    problems = (*layering.refused, *loading.problems)
    return Examination(layering.stack, problems, config)


def _check_place(place: object) -> None:
    if not isinstance(place, tuple) or not place:
        raise TypeError(
            "overrides are by their places, as in ('sinks', 'console', 'format'), got "
            f"{place!r}"
        )


class _Loading:
    """One load, from the document to the checked value."""

    def __init__(
        self,
        layering: Layering,
        environ: Mapping[str, str],
        presets: Mapping[str, Preset] | None,
    ) -> None:
        self._layering: Final = layering
        self._stack: Final = layering.stack
        self.problems: Final = Problems()
        self._secrets: Final = Secrets()
        self._origins: Final[dict[Place, Origin]] = {}
        self._warnings: Final[list[str]] = [*layering.warnings]
        self._environ: Final = environ
        self._values: Final = ValueReader(self.problems, self._secrets)
        self._presets: Final = Presets(
            presets or {}, self.problems, self._secrets, self._origins
        )
        self._environment: Final = Environment(
            environ,
            secrets=self._secrets,
            origins=self._origins,
            warnings=self._warnings,
        )

    def config(self) -> Config | None:
        tree = self._tree()
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
            required=frozenset(filter(self._is_required, sinks)),
        )

    def _tree(self) -> dict[str, Any]:
        tree = self._required_over(self._given())
        for place, value in leaves(tree):
            owner = self._stack.owner(place)
            if owner is not None:
                where = owner.where(place)
                self._origins[place] = Origin(where, names_in(value), owner.rank)
        for key, value in tree.items():
            if key not in _TABLES:
                self._values.unknown_key(key, _TABLES, ROOT)
            elif not isinstance(value, dict):
                self.problems.add(f"Expected a table, got {shown(value)}", (key,))
        return tree

    def _given(self) -> tuple[dict[str, Any], Problems]:
        """Return what everybody but an administrator says, and what is wrong with it.

        Arguments are taken as they are; whatever is not trusted names no variables.
        """
        problems = Problems()
        tree = self._expanded(self._stack.tree("user"), problems)
        for place, value in self._layering.overrides.items():
            put(tree, place, value)
        project = self._expanded(self._stack.tree("project"), problems)
        return overlaid(project, tree), problems

    def _required_over(self, said: tuple[dict[str, Any], Problems]) -> dict[str, Any]:
        given, noted = said
        required = self._expanded(self._stack.tree("managed"), self.problems)
        requirements = Requirements(self._stack, self.problems)
        tree = requirements.over(given, required)
        for problem in noted:
            if not self._stack.is_required(problem.place):
                self.problems.add(problem.message, problem.place)
        self._warnings.extend(requirements.warnings())
        return tree

    def _expanded(self, tree: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
        shallow = without_too_deep(tree, problems)
        expansion = Expansion(self._environ, problems, self._secrets)
        expanded: dict[str, Any] = expansion.expand(shallow)
        return expanded

    def _is_required(self, sink: str) -> bool:
        return self._stack.is_required((*SINKS, sink))

    def _bus(self, table: Mapping[str, Any]) -> BusSettings | None:
        given = table_in(table, "resource")
        around = self._environment.resource(given, (*BUS, "resource"))
        if around:
            table = {**table, "resource": {**around, **given}}
        bus = self._values.struct(BusSettings, table, BUS)
        if bus is not None:
            self._secrets.hide(bus, BUS)
            masked = [k for k in bus.resource if self._is_masked(k)]
            resource = MaskedTable(bus.resource, masked)  # of numbers too
            msgspec.structs.force_setattr(bus, "resource", resource)
        return bus

    def _is_masked(self, name: str) -> bool:
        return self._secrets.covers((*BUS, "resource", name))

    def _sinks(
        self, tables: Mapping[str, Any]
    ) -> tuple[dict[str, SinkConfig], dict[str, LeftOut]]:
        reader = SinkReader(
            self._values,
            self._environment,
            directory_of=self._stack.directory,
            is_required=self._stack.is_required,
            with_preset=self._presets.applied,
        )
        sinks: dict[str, SinkConfig] = {}
        left_out: dict[str, LeftOut] = {}
        for name, table in tables.items():
            place = (*SINKS, name)
            read = self._sink(reader, name, table)
            wrong = self.problems.within(place)
            if wrong:
                left_out[name] = LeftOut("; ".join(map(str, wrong)), "wrong")
            elif isinstance(read, LeftOut):
                left_out[name] = read
            elif read is not None:
                sinks[name] = read
        return sinks, {**self._too_deep(), **left_out}

    def _sink(
        self, reader: SinkReader, name: str, table: Any
    ) -> SinkConfig | LeftOut | None:
        place = (*SINKS, name)
        if table is None or table == NO_LIMIT:
            return LeftOut(f"it is {shown(NO_LIMIT)}", "asked", place)
        given = as_table(table)
        if given is None:
            self.problems.add(f"Expected a table, got {shown(table)}", place)
            return None
        if self._stack.is_required_of_others(place):
            return reader.read_keys(given, place)
        return reader.read(name, given, place)

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
