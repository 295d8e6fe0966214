"""How a place in a configuration, or in a line of JSON, is written.

As in ``$.sinks.audit.select[0]`` and ``$.attributes."http.route"``.
"""

from __future__ import annotations

import re
from typing import Final

Place = tuple[str | int, ...]

ROOT: Final[Place] = ()

_MAX_KEY_LENGTH: Final = 80

_bare: Final = re.compile(r"[A-Za-z0-9_-]+").fullmatch
_escapes: Final = str.maketrans({'"': '\\"', "\\": "\\\\", "\n": "\\n", "`": "\\u0060"})


def written(place: Place) -> str:
    """Return *place* as text; keys that TOML would quote are quoted, long ones cut."""
    return "$" + "".join(
        f"[{step}]" if isinstance(step, int) else f".{key(_cut(step))}"
        for step in place
    )


def key(name: str) -> str:
    """Return *name* as a key of TOML."""
    return name if _bare(name) else f'"{name.translate(_escapes)}"'


def _cut(name: str) -> str:
    return name if len(name) <= _MAX_KEY_LENGTH else f"{name[:_MAX_KEY_LENGTH]}…"


def inside(place: Place, outer: Place) -> bool:
    """Return whether *place* is *outer* or within it."""
    return place[: len(outer)] == outer
