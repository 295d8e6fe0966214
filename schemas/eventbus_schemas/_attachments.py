"""What is told of files that are given to the agent, and taken away again."""

from __future__ import annotations

from typing import Annotated

from eventbus import Sensitive, Unit
from eventbus_schemas._metrics import SESSION_METRICS
from eventbus_schemas._turn_ids import OfTurn


class Attachment(OfTurn, gc=False):
    """Which file; a base of events.

    Args:
        checksum: Of its content.
        name: What it is called.
        ttl_ms: How long it is kept; absent: for as long as nobody takes it away.
    """

    checksum: str | None = None
    name: Annotated[str | None, Sensitive] = None
    ttl_ms: Annotated[float | None, Unit("ms")] = None


class AttachmentStaged(
    Attachment, tag="agent.attachment_staged", metrics=SESSION_METRICS, gc=False
):
    """A file was laid ready for the agent.

    Args:
        size_bytes: How large it is.
        persistent: It outlives the session.
    """

    size_bytes: Annotated[int, Unit("By")]
    persistent: bool | None = None


class AttachmentCleaned(
    Attachment, tag="agent.attachment_cleaned", metrics=SESSION_METRICS, gc=False
):
    """Files that were laid ready were taken away.

    Args:
        count: How many.
        size_bytes: How large they were together.
    """

    count: Annotated[int, Unit("{file}")]
    size_bytes: Annotated[int, Unit("By")]
