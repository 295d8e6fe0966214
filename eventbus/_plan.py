"""How an attachment will work: as asked, else as its sink wishes, else by default."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec

from eventbus._clock import Clock
from eventbus._coalesce import Coalesce
from eventbus._errors import AttachError
from eventbus._sampler import Sampler, for_attachment
from eventbus._select import Selection, Selector
from eventbus._settings import Batch, Buffer, Retry
from eventbus._severity import Severity
from eventbus._sink import Sink
from eventbus.privacy._content import (
    REDACTED_CONTENT,
    Content,
    ContentMode,
    content_of,
)

S = TypeVar("S", Buffer, Batch, Retry)

_REQUIRED: Final = ("start", "write", "aclose")
_KINDS: Final = {"buffer": Buffer, "batch": Batch, "retry": Retry, "coalesce": Coalesce}


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How an attachment was asked to work.

    Args:
        name: Unique on its bus.
        select: Which events it takes.
        buffer: Its bounds.
        batch: Its batches.
        retry: Its patience.
        sampler: What it keeps of them; ``None`` is all.
        content: Which content reaches it.
        pulls: Whether its consumer takes records by itself: no task delivers, and a
            flush does not wait.
        handles: Whether its sink is a handler of this program: to reject a whole batch
            counts as failing.
        coalesce: What becomes one in its batches; ``None`` is nothing.
    """

    name: str
    select: Selection
    buffer: Buffer
    batch: Batch
    retry: Retry
    sampler: Sampler | None = None
    content: Content = REDACTED_CONTENT
    pulls: bool = False
    handles: bool = False
    coalesce: Coalesce | None = None

    @property
    def weighs(self) -> bool:
        """Whether the sizes of records count."""
        return (self.buffer.max_bytes or self.batch.max_bytes) is not None


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What :meth:`eventbus.Bus.attach` was asked for; ``None`` leaves it open."""

    select: Sequence[Selector] | Selector | None = None
    min_severity: Severity | None = None
    buffer: Buffer | None = None
    batch: Batch | None = None
    retry: Retry | None = None
    sampler: Sampler | None = None
    content: Content | ContentMode = "redacted"
    pulls: bool = False
    handles: bool = False
    coalesce: Coalesce | None = None


def make_plan(sink: Sink, name: str, wishes: Wishes, clock: Clock) -> Plan:
    """Return the plan for *sink*.

    Raises:
        AttachError: *sink* is no sink, or a wish cannot be fulfilled; the text names
            the attachment.
    """
    missing = [m for m in _REQUIRED if not callable(getattr(sink, m, None))]
    if missing:
        raise AttachError(
            f"attachment {name!r}: {type(sink).__name__} is no sink, "
            f"it has no {' and no '.join(missing)}"
        )
    content = content_of(wishes.content)
    if content is None:
        raise AttachError(
            f"attachment {name!r}: content must be 'redacted', 'full' or an "
            f"eventbus.Content, got {wishes.content!r}"
        )
    _check_kinds(name, wishes)
    batch = _first(wishes.batch, sink, "batch", Batch())
    if getattr(sink, "ordered", False) and batch.max_in_flight > 1:
        batch = msgspec.structs.replace(batch, max_in_flight=1)
    sampler = wishes.sampler
    return Plan(
        name=name,
        select=_selection(name, wishes),
        buffer=_first(wishes.buffer, sink, "buffer", Buffer()),
        batch=batch,
        retry=_first(wishes.retry, sink, "retry", Retry()),
        sampler=None if sampler is None else for_attachment(sampler, clock),
        content=content,
        pulls=wishes.pulls,
        handles=wishes.handles,
        coalesce=wishes.coalesce,
    )


def check_kind(name: str, wish: str, value: object, kind: type) -> None:
    """Raise ``AttachError`` unless *value*, given as *wish*, is of that *kind*."""
    if not isinstance(value, kind):
        raise AttachError(
            f"attachment {name!r}: {wish} must be an eventbus.{kind.__name__}, "
            f"got {value!r}"
        )


def _check_kinds(name: str, wishes: Wishes) -> None:
    for wish, kind in _KINDS.items():
        value = getattr(wishes, wish)
        if value is not None:
            check_kind(name, wish, value, kind)
    if wishes.sampler is not None and not hasattr(wishes.sampler, "sample"):
        raise AttachError(
            f"attachment {name!r}: sampler must have a method sample, "
            f"got {wishes.sampler!r}"
        )


def _selection(name: str, wishes: Wishes) -> Selection:
    try:
        return Selection(wishes.select, min_severity=wishes.min_severity)
    except (TypeError, ValueError) as error:
        raise AttachError(f"attachment {name!r}: {error}") from error


def _first(wish: S | None, sink: Sink, attribute: str, default: S) -> S:
    if wish is not None:
        return wish
    own: Any = getattr(sink, attribute, None)  # Any: a stranger's attribute
    return own if isinstance(own, type(default)) else default


def default_name(sink: Sink) -> str:
    """Return a name for *sink* after its class: ``console`` for a ``ConsoleSink``."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(sink).__name__).lower()
    return words.removesuffix("_sink") or words
