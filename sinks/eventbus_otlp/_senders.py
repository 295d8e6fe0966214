"""How a batch goes out as several signals, each once, and what its outcome is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from eventbus import Outcome, Refused, TooLarge
from eventbus._record import AnyRecord
from eventbus_otlp._arrived import Arrived
from eventbus_otlp._sender import Part, Sender, size_of
from eventbus_otlp._signal import Signal

NO_SPAN: Final = "its type declares no span, and nothing but spans is sent"


class Senders:
    """Sends batches as one signal after the other.

    When one has taken a batch and a later one has not, the batch is not sent again as
    the former. What one refuses for good is sent as the others all the same, and one
    that will take nothing any more is not asked again, while there are others.

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
        self._closed: Final[dict[Signal, str]] = {}
        self._untold: Final[Counter[str]] = Counter()

    async def send(self, batch: Sequence[AnyRecord]) -> Outcome | None:
        """Make one attempt to send *batch*. Raises as :meth:`Sender.send` does."""
        if len(self._senders) == 1:
            part = await self._senders[0].send(batch)
            self._untold.update(part.warned)
            return self._outcome([part], batch)
        parts: list[Part] = []
        for sender in self._senders:
            part = await self._due(sender, batch)
            self._untold.update(part.warned)
            self._arrived.note(sender.signal, batch, part.rejected, part.unencodable)
            parts.append(part)
        self._arrived.forget([sender.signal for sender in self._senders], batch)
        return self._outcome(parts, batch)

    async def _due(self, sender: Sender, batch: Sequence[AnyRecord]) -> Part:
        """Send what of *batch* has not been sent, and say what became of all of it."""
        rejected, unencodable = self._arrived.outcomes(sender.signal, batch)
        places = self._arrived.left(sender.signal, batch)
        if not places:
            return Part((), rejected, unencodable, {})
        part = await self._attempt(sender, batch, places)
        return Part(
            [places[i] for i in part.sent],
            rejected | {places[i]: why for i, why in part.rejected.items()},
            unencodable | {places[i]: why for i, why in part.unencodable.items()},
            part.warned,
        )

    async def _attempt(
        self, sender: Sender, batch: Sequence[AnyRecord], places: Sequence[int]
    ) -> Part:
        """Send the records at *places*, if that signal takes any.

        Raises:
            Unavailable: Not now.
            Refused: Nothing will be taken any more, as any signal.
            TooLarge: Only in parts.
        """
        whole = len(places) == len(batch)
        due = batch if whole else [batch[place] for place in places]
        why = self._closed.get(sender.signal)
        part, error = await sender.attempt(
            due, ask=why is None, size_bytes=size_of(batch)
        )
        if isinstance(error, TooLarge) and len(part.sent) > 1:
            raise error
        if isinstance(error, Refused) and error.permanent:
            self._closed[sender.signal] = str(error)
            if len(self._closed) == len(self._senders):
                raise error
        why = why if error is None else str(error)
        if why is None:
            return part
        return part._replace(rejected=dict.fromkeys(part.sent, why))

    def _outcome(
        self, parts: Sequence[Part], batch: Sequence[AnyRecord]
    ) -> Outcome | None:
        rejected: dict[int, str] = {}
        unencodable: dict[int, str] = {}
        for part in parts:
            rejected = {**part.rejected, **rejected}
            unencodable = {**part.unencodable, **unencodable}
        warned = dict(self._untold)
        self._untold.clear()
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
