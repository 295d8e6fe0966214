"""How a package imports its public names when they are first used."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from os.path import splitext
from types import ModuleType
from typing import Any, Final

_IMPORT: Final = re.compile(r"^from (\S+) import (?:\(\s*)?(\w+)", re.MULTILINE)


def lazy_names(
    package: ModuleType,
) -> tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]:
    """Return ``__all__``, ``__getattr__`` and ``__dir__`` of *package*.

    Its names are those that its ``__init__.pyi`` imports, one a statement; a name that
    is imported from the package itself is a module in it.
    """
    # Any: whatever is public.
    assert package.__spec__ is not None
    assert package.__file__ is not None
    loader: Any = package.__spec__.loader  # Any: of files, or of an archive
    stub = loader.get_data(splitext(package.__file__)[0] + ".pyi").decode()
    homes = {name: home for home, name in _IMPORT.findall(stub)}

    def find(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(
                f"module {package.__name__!r} has no attribute {name!r}",
                name=name,
                obj=package,
            )
        if home == package.__name__:
            return importlib.import_module(f"{home}.{name}")
        value = getattr(importlib.import_module(home), name)
        setattr(package, name, value)
        return value

    return sorted(homes), find, lambda: sorted({*vars(package), *homes})
