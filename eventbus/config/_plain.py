"""Which single value a text, number or switch is read as."""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import inspect

from eventbus._plain import plain_type
from eventbus.config._expand import Expanded
from eventbus.config._tree import as_array, as_table

# Any in this module: settings hold values of any type.


def plain_value(nodes: Sequence[inspect.Type], value: Any) -> Any:
    """Return *value* as one of *nodes* takes it.

    Text that came from the environment is read as a number or a switch where text is
    not expected; other text is not.

    Raises:
        ValueError: None takes it.
    """
    takes_text = any(isinstance(node, inspect.StrType) for node in nodes)
    is_lax = isinstance(value, Expanded) and not takes_text
    read = msgspec.convert(without_marks(value), plain_type(nodes), strict=not is_lax)
    if isinstance(read, float) and not math.isfinite(read):
        raise ValueError("not finite")
    return read.value if isinstance(read, enum.Enum) else read


def without_marks(value: Any) -> Any:
    """Return *value* with its texts as plain ones."""
    table, items = as_table(value), as_array(value)
    if table is not None:
        return {key: without_marks(v) for key, v in table.items()}
    if items is not None:
        return [without_marks(item) for item in items]
    return str(value) if isinstance(value, Expanded) else value
