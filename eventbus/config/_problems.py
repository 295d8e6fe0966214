"""What is wrong with a configuration: all of it at once, one line each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from eventbus._errors import ConfigError
from eventbus._place import Place, inside, written

_MAX_PROBLEMS: Final = 50


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong.

    Args:
        message: What was expected and what was found; one line, no secret.
        place: Where in the configuration.
        where: In which file and line, where that is not the one whose value counts.
    """

    message: str
    place: Place
    where: str = ""

    def __str__(self) -> str:
        """Say it with the place."""
        return f"{self.message} - at `{written(self.place)}`"


class Problems:
    """Collects what is wrong, in words for the first 50 things."""

    def __init__(self) -> None:
        """Begin with nothing wrong."""
        self._found: list[Problem] = []
        self._count = 0

    def add(self, message: str, place: Place) -> None:
        """Note that *message* holds at *place*."""
        self._count += 1
        if len(self._found) < _MAX_PROBLEMS:
            self._found.append(Problem(message, place))

    def add_unless_known(self, message: str, place: Place) -> None:
        """Note it unless something else is known to be wrong there, its cause."""
        if any(problem.place == place for problem in self._found):
            self._count += 1
        else:
            self.add(message, place)

    def __iter__(self) -> Iterator[Problem]:
        """Iterate in the order in which they were found."""
        return iter(self._found)

    def __len__(self) -> int:
        """Return how often something was noted, repetitions included."""
        return self._count

    def within(self, place: Place) -> list[Problem]:
        """Return those at *place* or inside it."""
        return [problem for problem in self if inside(problem.place, place)]

    def outside(self, place: Place) -> list[Problem]:
        """Return those that are not inside *place*."""
        return [problem for problem in self if not inside(problem.place, place)]


def config_error(problems: Sequence[Problem]) -> ConfigError:
    """Return one error that says all of *problems*, a line each."""
    *others, last = problems
    lines = [str(problem) for problem in others]
    error = ConfigError("\n".join([*lines, last.message]), path=written(last.place))
    error.path = written(problems[0].place)
    return error
