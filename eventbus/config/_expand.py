"""What ``${NAME}`` in a value stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from eventbus._place import ROOT, Place
from eventbus.config._problems import Problems
from eventbus.config._secrets import Secrets, is_secret
from eventbus.config._tree import as_array, as_table

# Any in this module: a configuration holds values of any type.

# "$$" is a dollar; "${NAME}" and "${NAME:-default}" are expanded; "${" alone is wrong.
_marks: Final = re.compile(
    r"\$(?:(?P<dollar>\$)"
    r"|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\}"
    r"|(?P<broken>\{))"
)
_MAX_TEXT_LENGTH: Final = 65_536


class Expanded(str):
    """Text of which a part came from the environment.

    Attributes:
        names: The variables that it names.
    """

    names: tuple[str, ...] = ()


class Expansion:
    """Expands the texts of one configuration.

    Args:
        environ: The variables.
        problems: Where unset ones are noted.
        secrets: Where the places and the values of expanded texts are kept.
    """

    def __init__(
        self, environ: Mapping[str, str], problems: Problems, secrets: Secrets
    ) -> None:
        """Keep the parts."""
        self._environ: Final = environ
        self._problems: Final = problems
        self._secrets: Final = secrets

    def expand(self, value: Any, place: Place = ROOT) -> Any:
        """Return *value* with every text in it expanded, once; keys are left alone."""
        table, items = as_table(value), as_array(value)
        if table is not None:
            return {
                str(key): self.expand(v, (*place, str(key))) for key, v in table.items()
            }
        if items is not None:
            return [self.expand(v, (*place, i)) for i, v in enumerate(items)]
        if isinstance(value, str):
            return self._text(value, place)
        return value

    def _text(self, text: str, place: Place) -> str:
        if is_secret(place):
            self._secrets.add(place, text)
        if "$" not in text:
            return text
        names: list[str] = []

        def stand_in(mark: re.Match[str]) -> str:
            if mark["dollar"]:
                return "$"
            if mark["broken"]:
                self._problems.add(
                    "Expected ${NAME} or ${NAME:-default}, got '${' without them "
                    "($$ is a dollar)",
                    place,
                )
                return ""
            names.append(mark["name"])
            return self._value(mark["name"], mark["default"], place)

        result = _marks.sub(stand_in, text)
        if is_secret(place):
            self._secrets.add(place, result)
        return self._marked(result, names, place) if names else result

    def _value(self, name: str, default: str | None, place: Place) -> str:
        value = self._environ.get(name)
        if value:
            self._secrets.add(place, value)
            return value
        if default is not None:
            return default
        if value is None:
            self._problems.add(
                f"Environment variable {name} is not set "
                f"(${{{name}:-default}} gives it a default)",
                place,
            )
        return ""

    def _marked(self, text: str, names: list[str], place: Place) -> str:
        self._secrets.add(place, None)
        if len(text) > _MAX_TEXT_LENGTH:
            self._problems.add(
                f"Expected at most {_MAX_TEXT_LENGTH} characters once "
                f"{', '.join(names)} is expanded, got {len(text)}",
                place,
            )
            return ""
        expanded = Expanded(text)
        expanded.names = tuple(names)
        return expanded


def has_variables(value: object) -> bool:
    """Return whether a text in *value* names a variable, or tries to."""
    table, items = as_table(value), as_array(value)
    if table is not None:
        return any(map(has_variables, table.values()))
    if items is not None:
        return any(map(has_variables, items))
    return isinstance(value, str) and any(
        mark["dollar"] is None for mark in _marks.finditer(value)
    )


def names_in(value: object) -> tuple[str, ...]:
    """Return the variables that are expanded in *value*, the items of an array too."""
    if isinstance(value, Expanded):
        return value.names
    items = as_array(value) or ()
    return tuple(dict.fromkeys(name for item in items for name in names_in(item)))
