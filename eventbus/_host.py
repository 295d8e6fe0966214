"""What attachments may use of the bus that they are on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from random import Random
from typing import TYPE_CHECKING

import msgspec

from eventbus._clock import Clock
from eventbus._ingress import Ingress
from eventbus._ledger import BusLedger
from eventbus._log import QuietLog
from eventbus._stats import AttachmentReport
from eventbus._window import Measure

if TYPE_CHECKING:
    from eventbus._attachment import Attachment


class Host(msgspec.Struct, frozen=True):
    """What a bus lends to its attachments.

    Args:
        ingress: Whose lock guards the counts.
        ledger: The bus's own counts.
        clock: What time it is.
        log: Where to say what went wrong.
        random: Where jitter comes from.
        measure: Returns the size of each record, in bytes.
        check_thread: Raises ``AttachError`` for what is done on another thread than
            the loop's.
        seal: Hands everything that arrived to the attachments.
        refresh: Makes the routes to an attachment anew; the lock is held.
        detach: Takes an attachment off the bus.
        work: The same as *seal*, as the loop does it: nothing of the caller's is bound.
        watchers: Those who want to know when records reached their final state.
        decided: Called then, if there are any.
        state_entered: Called whenever an attachment enters a state, or the same again.
    """

    ingress: Ingress
    ledger: BusLedger
    clock: Clock
    log: QuietLog
    random: Random
    measure: Measure
    check_thread: Callable[[str], None]
    seal: Callable[[], None]
    refresh: Callable[[Attachment], None]
    detach: Callable[[Attachment, float | None], Awaitable[AttachmentReport]]
    work: Callable[[], None]
    watchers: Collection[object]
    decided: Callable[[], None]
    state_entered: Callable[[Attachment], object]
