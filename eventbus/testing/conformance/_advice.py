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
_SETTINGS: Final = "_settings.py"
_SINK: Final = "_sink.py"


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
    kinds = {p.kind for p in inspect.signature(settings).parameters.values()}
    if kinds - {inspect.Parameter.KEYWORD_ONLY}:
        yield f"{settings.__name__} should be keyword-only, in its own class statement"
    text = settings.__doc__ or ""
    for field in msgspec.structs.fields(settings):
        if f"{field.name}:" not in text:
            yield f"the docstring of {settings.__name__} says nothing of {field.name!r}"


def _on_files(sink_class: Any) -> Iterator[str]:
    file = Path(inspect.getsourcefile(sink_class) or "")
    if file.name != _SINK:
        return
    folder = file.parent
    for name in (_SETTINGS, "py.typed"):
        if not (folder / name).exists():
            yield f"{folder.name} has no {name}"
    for path in sorted(folder.rglob("*.py")):
        foreign = sorted(set(_imported(path)) - _OURS - {folder.name})
        if foreign and path.name != _CLIENT:
            where = path.relative_to(folder)
            yield f"{where} imports {', '.join(foreign)}, which {_CLIENT} should"


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
