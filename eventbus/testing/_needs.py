"""What parts of the kit need beside the core, and what is said where it is missing."""

from __future__ import annotations

import importlib
from typing import Any, Final

from eventbus._errors import PluginError

TESTING_EXTRA: Final = "'eventbus[testing]'"


def need(module: str, *, by: str, package: str, install: str = TESTING_EXTRA) -> Any:
    """Import *module* and return it.

    Args:
        module: Its full name.
        by: What needs it, for the message.
        package: What it is called where packages are installed from.
        install: What pip is to be given.

    Raises:
        PluginError: It is not installed.
    """
    # Any: a module that may have no types.
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not f"{module}.".startswith(f"{error.name}."):
            raise
        raise PluginError(
            f"{by} needs {package}, which is not installed. Try: pip install {install}"
        ) from error


def need_aiohttp(by: str) -> None:
    """Check that aiohttp is there for *by*.

    Raises:
        PluginError: It is not.
    """
    need("aiohttp", by=by, package="aiohttp")
