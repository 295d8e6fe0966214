"""How the problems of a configuration are said: with the file and the line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from eventbus._place import Place, inside
from eventbus._visible import visible
from eventbus.cli._usage import UsageError
from eventbus.config._document import ARGUMENT, Document
from eventbus.config._load import Source, examine, say_warnings
from eventbus.config._problems import Problem
from eventbus.config._settings import Config

# Any in this module: a configuration holds values of any type.


def in_order(
    problems: Iterable[Problem], document: Document, overrides: Iterable[Place]
) -> list[str]:
    """Return *problems* as compilers say them, from the first line of the file on.

    As in ``eventbus.toml:7: Expected …``; ``argument: Expected …`` is in no file.
    """
    overrides = list(overrides)

    def line(problem: Problem) -> int:
        return document.line(problem.place) or 0

    def said(problem: Problem) -> str:
        is_argument = _is_argument(problem.place, document, overrides)
        where = ARGUMENT if is_argument else document.where(problem.place)
        return visible(f"{where}: {problem}")

    return list(map(said, sorted(problems, key=line)))


def _is_argument(place: Place, document: Document, overrides: list[Place]) -> bool:
    """Return whether what stands at *place* was put there by an override."""
    if any(inside(place, override) for override in overrides):
        return True
    is_made = any(inside(override, place) for override in overrides)
    return is_made and place not in document.lines


def usable_config(source: Source, overrides: Mapping[Place, Any]) -> Config:
    """Return the configuration.

    Raises:
        ConfigError: It cannot be read.
        UsageError: Something is wrong with it; a line each.
    """
    found = examine(source, overrides=overrides)
    if found.problems or found.config is None:
        told = in_order(found.problems, found.document, overrides)
        raise UsageError("\n".join(told))
    say_warnings(found.config)
    return found.config
