"""How the problems of a configuration are said: with the file and the line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eventbus._place import Place
from eventbus._visible import visible
from eventbus.cli._usage import UsageError
from eventbus.config._layers import Source
from eventbus.config._load import Examination, examine, say_warnings
from eventbus.config._problems import Problem
from eventbus.config._settings import Config

# Any in this module: a configuration holds values of any type.


def in_order(found: Examination) -> list[str]:
    """Return what is wrong as compilers say it, from the first line of the file on.

    What files say that are not trusted, and may not, comes last.
    As in ``eventbus.toml:7: Expected …``; ``argument: Expected …`` is in no file.
    """

    def line(problem: Problem) -> tuple[bool, tuple[int, int]]:
        return bool(problem.where), found.stack.line(problem.place)

    return [
        visible(f"{found.where(problem)}: {problem}")
        for problem in sorted(found.problems, key=line)
    ]


def usable_config(source: Source, overrides: Mapping[Place, Any]) -> Config:
    """Return the configuration.

    Raises:
        ConfigError: It cannot be read.
        UsageError: Something is wrong with it; a line each.
    """
    found = examine(source, overrides=overrides)
    if found.problems or found.config is None:
        raise UsageError("\n".join(in_order(found)))
    say_warnings(found.config)
    return found.config
