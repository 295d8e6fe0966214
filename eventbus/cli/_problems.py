"""How the problems of a configuration are said: with the file and the line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from eventbus._visible import visible
from eventbus.cli._usage import UsageError
from eventbus.config._document import Document
from eventbus.config._load import Source, examine, say_warnings
from eventbus.config._place import Place
from eventbus.config._problems import Problem
from eventbus.config._settings import Config

# Any in this module: a configuration holds values of any type.


def located(problem: Problem, document: Document) -> str:
    """Return *problem* as compilers say it: ``eventbus.toml:7: Expected …``."""
    return visible(f"{document.where(problem.place)}: {problem}")


def in_order(problems: Iterable[Problem], document: Document) -> list[str]:
    """Return *problems* as they are said, from the first line of the file on."""

    def line(problem: Problem) -> int:
        return document.line(problem.place) or 0

    return [located(problem, document) for problem in sorted(problems, key=line)]


def usable_config(source: Source, overrides: Mapping[Place, Any]) -> Config:
    """Return the configuration.

    Raises:
        ConfigError: It cannot be read.
        UsageError: Something is wrong with it; a line each.
    """
    found = examine(source, overrides=overrides)
    if found.problems or found.config is None:
        raise UsageError("\n".join(in_order(found.problems, found.document)))
    say_warnings(found.config)
    return found.config
