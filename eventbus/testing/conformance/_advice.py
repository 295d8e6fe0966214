"""Which habits of the specification a sink does not keep: advice, no violation."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from eventbus._settings import Buffer
from eventbus.testing.conformance._shape import is_settings

# Any in this module: a sink of unknown quality.

_OURS: Final = frozenset({"eventbus", "msgspec", "anyio"})
_CLIENT: Final = "_client.py"


def advice_on(sink: Any) -> tuple[str, ...]:
    """Return what *sink* should do better, one sentence each."""
    return (*_on_bounds(sink), *_on_settings(sink), *_on_files(sink.__class__))


def _on_bounds(sink: Any) -> Iterator[str]:
    buffer = getattr(sink, "buffer", None)
    bounded = isinstance(buffer, Buffer) and buffer.max_bytes is not None
    if getattr(sink, "network", False) and not bounded:
        yield "a network sink should bound its buffer in bytes: Buffer(max_bytes=…)"


def _on_settings(sink: Any) -> Iterator[str]:
    settings = getattr(sink, "Settings", None)
    if not is_settings(settings):
        return
    text = settings.__doc__ or ""
    for field in msgspec.structs.fields(settings):
        if f"{field.name}:" not in text:
            yield f"the docstring of {settings.__name__} says nothing of {field.name!r}"


def _on_files(sink_class: type[Any]) -> Iterator[str]:
    folder = _package_folder(sink_class)
    if folder is None:
        return
    if not (folder / "py.typed").exists():
        yield f"{folder.name} has no py.typed"
    for path in sorted(folder.rglob("*.py")):
        if path.name == _CLIENT:
            continue
        foreign = sorted(set(_imported(path)) - _OURS - {folder.name})
        if foreign:
            where = path.relative_to(folder)
            yield f"{where} imports {', '.join(foreign)}, which {_CLIENT} should"


def _package_folder(sink_class: type[Any]) -> Path | None:
    package = sink_class.__module__.partition(".")[0]
    main = getattr(sys.modules.get(package), "__file__", None)
    if main is None or package == "eventbus" or Path(main).name != "__init__.py":
        return None
    file = inspect.getsourcefile(sink_class)
    return None if file is None else Path(main).parent


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names = [node.module]
        for name in names:
            top = name.partition(".")[0]
            if top not in sys.stdlib_module_names:
                yield top
