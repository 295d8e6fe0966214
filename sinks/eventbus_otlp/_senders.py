"""How a batch goes out as several signals, each once, and what its outcome is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from eventbus import Outcome, Refused
from eventbus._record import AnyRecord
from eventbus_otlp._arrived import Arrived
from eventbus_otlp._sender import Part, Sender

NO_SPAN: Final = "its type declares no span, and nothing but spans is sent"


class Senders:
    """Sends batches as one signal after the other.

    When one has taken a batch and a later one has not, the batch is not sent again as
    the former. What one refuses for good is sent as the others all the same.

    Args:
        senders: One for each signal.
        sends_all: Whether every record is sent somehow. Otherwise those that are no
            spans have no form.
    """

    def __init__(self, senders: Sequence[Sender], *, sends_all: bool) -> None:
        """Remember nothing."""
        self._senders: Final = senders
        self._sends_all: Final = sends_all
        self._arrived: Final = Arrived()

    async def send(self, batch: Sequence[AnyRecord]) -> Outcome | None:
        """Make one attempt to send *batch*. Raises as :meth:`Sender.send` does."""
        if len(self._senders) == 1:
            return self._outcome([await self._senders[0].send(batch)], batch)
        parts: list[Part] = []
        for sender in self._senders:
            part = await self._due(sender, batch)
            self._arrived.note(sender.signal, batch, part.rejected)
            parts.append(part)
        self._arrived.forget([sender.signal for sender in self._senders], batch)
        return self._outcome(parts, batch)

    async def _due(self, sender: Sender, batch: Sequence[AnyRecord]) -> Part:
        """Send what of *batch* has not been sent, and say what became of all of it."""
        before = self._arrived.rejected(sender.signal, batch)
        places = self._arrived.left(sender.signal, batch)
        if not places:
            return Part((), before, {}, {})
        try:
            part = await sender.send([batch[place] for place in places])
        except Refused as error:
            if error.permanent:
                raise
            return Part(places, before | dict.fromkeys(places, str(error)), {}, {})
        return Part(
            [places[i] for i in part.sent],
            before | {places[i]: why for i, why in part.rejected.items()},
            {places[i]: why for i, why in part.unencodable.items()},
            part.warned,
        )

    def _outcome(
        self, parts: Sequence[Part], batch: Sequence[AnyRecord]
    ) -> Outcome | None:
        rejected: dict[int, str] = {}
        unencodable: dict[int, str] = {}
        warned: Counter[str] = Counter()
        for part in parts:
            rejected = {**part.rejected, **rejected}
            unencodable = {**part.unencodable, **unencodable}
            warned.update(part.warned)
        if not self._sends_all:
            left_out = set(range(len(batch))).difference(*(p.sent for p in parts))
            unencodable = {**dict.fromkeys(left_out, NO_SPAN), **unencodable}
        if not (rejected or unencodable or warned):
            return None
        return Outcome(
            rejected=[(i, w) for i, w in rejected.items() if i not in unencodable],
            unencodable=[*unencodable.items()],
            warned=warned,
        )
