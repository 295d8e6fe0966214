"""Which ids of traces and spans can be sent.

https://www.w3.org/TR/trace-context/#trace-id: lower-case digits, not all of them zero.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, TypeGuard

_trace_id: Final = re.compile(r"(?!0{32})[0-9a-f]{32}").fullmatch
_hexadecimal: Final = re.compile(r"[0-9a-f]*").fullmatch
_NO_SPAN: Final = "0" * 16
_span_id: Final = re.compile(r"(?!0{16})[0-9a-f]{16}").fullmatch


def is_trace_id(text: str | None) -> TypeGuard[str]:
    """Return whether *text* is the id of a trace."""
    return text is not None and _trace_id(text) is not None


def is_span_id(text: str | None) -> TypeGuard[str]:
    """Return whether *text* is the id of a span."""
    return text is not None and _span_id(text) is not None


def are_span_ids(texts: Sequence[str | None]) -> TypeGuard[Sequence[str]]:
    """Return whether each of *texts* is the id of a span, all in a few steps."""
    if None in texts or _NO_SPAN in texts:
        return False
    present = [text for text in texts if text]
    return (
        set(map(len, present)) == {16}
        and len(present) == len(texts)
        and (_hexadecimal("".join(present)) is not None)
    )
