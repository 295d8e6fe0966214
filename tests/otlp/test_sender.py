"""Large batches of one signal, encoded beside the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

from eventbus._clock import SystemClock
from eventbus._log import QuietLog
from eventbus._record import AnyRecord
from eventbus.testing import OtlpCollector, settled
from eventbus_otlp import OtlpSettings
from eventbus_otlp._encode import LogsEncoder
from eventbus_otlp._encoded import Encoded
from eventbus_otlp._sender import AT_ONCE, Sender
from tests.otlp._sinks import open_client, pings


class Busy(LogsEncoder):
    """Waits in its thread until it may go on; must be used by one at a time."""

    made = 0
    has_begun = threading.Event()

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        Busy.made += 1
        self.entered = self.together = 0
        self.may_go = threading.Event()

    def encode(self, batch: Sequence[AnyRecord]) -> Encoded:
        self.entered += 1
        self.together = max(self.together, self.entered)
        self.has_begun.set()
        self.may_go.wait(20)
        self.entered -= 1
        return super().encode(batch)


async def test_large_batches_share_an_encoder_of_their_own_one_by_one() -> None:
    async with (
        OtlpCollector() as server,
        open_client(OtlpSettings(endpoint=server.url)) as client,
    ):
        make = partial(Busy, "protobuf", resource={})
        Busy.made = 0
        log = QuietLog(SystemClock())
        sender = Sender("logs", make, client, name="o", log=log)
        large = pings(*range(AT_ONCE + 1))
        calls = [asyncio.create_task(sender.send(large)) for _ in range(2)]
        await asyncio.to_thread(Busy.has_begun.wait, 20)
        await settled()
        own: Any = sender._large_encoder
        own.may_go.set()
        await asyncio.gather(*calls)
    assert (Busy.made, own.together) == (2, 1)
    assert own is not sender._encoder
