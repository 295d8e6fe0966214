"""What ``--set KEY=VALUE`` means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from eventbus._place import Place
from eventbus.cli._usage import UsageError
from eventbus.config._depth import MAX_DEPTH, TOO_DEEP, is_too_deep
from eventbus.config._tree import leaves

# Any in this module: a configuration holds values of any type.


def parsed(arguments: Iterable[str]) -> Mapping[Place, Any]:
    """Return the values of *arguments* by their places.

    KEY is a key of TOML, VALUE a value of TOML; what is none is text.

    Raises:
        UsageError: There is no ``=``, or KEY is no key.
    """
    return dict(_parsed(argument) for argument in arguments)


def _parsed(argument: str) -> tuple[Place, Any]:
    key, equals, text = argument.partition("=")
    if not equals:
        raise UsageError(  # and is not repeated: it may be a secret of a variable
            f"--set expects KEY=VALUE, got a text of {len(argument)} characters "
            "without '='"
        )
    return _place(key.strip()), _value(text.strip())


def _place(key: str) -> Place:
    import tomllib

    try:
        tree = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"--set expects a key of TOML, got {key!r}") from error
    if is_too_deep(tree):
        raise UsageError(f"--set expects a key of at most {MAX_DEPTH} parts")
    found = [place for place, _ in leaves(tree)]
    if len(found) != 1:
        raise UsageError(f"--set expects one key of TOML, got {key!r}")
    return found[0]


def _value(text: str) -> Any:
    import tomllib

    try:
        tree = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    except RecursionError:
        raise UsageError(f"--set: {TOO_DEEP}") from None
    if is_too_deep(tree):
        raise UsageError(f"--set: {TOO_DEEP}")
    return tree["value"] if tree.keys() == {"value"} else text
