"""How the records of a batch go out as one signal, and what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import anyio.to_thread

from eventbus import Refused, TooLarge
from eventbus._log import QuietLog
from eventbus._record import AnyRecord
from eventbus_otlp._bisection import Bisection, InvalidRequest
from eventbus_otlp._client import Client
from eventbus_otlp._encoded import Encoded
from eventbus_otlp._signal import Signal
from eventbus_otlp._transport import Reply

AT_ONCE: Final = 2048
"""Most records that are encoded on the event loop: some ten milliseconds."""

AT_ONCE_BYTES: Final = 256 * 1024
"""Most bytes of them, where the bus knows: one value may be as large as a batch."""


class Encoder(Protocol):
    """Makes a request of records; used by one thread at a time."""

    def encode(self, batch: Sequence[AnyRecord]) -> Encoded:
        """Return *batch* as one request. Raises nothing."""
        ...


class Part(NamedTuple):
    """What became of a batch as one signal; what is not named arrived, if it was sent.

    Args:
        sent: Places of the records that have a form as this signal.
        rejected: Places of those that the far side refused, and why.
        unencodable: Places of those that have no form, and why.
        warned: What went on though something was wrong, by reason.
    """

    sent: Sequence[int]
    rejected: Mapping[int, str]
    unencodable: Mapping[int, str]
    warned: Mapping[str, int]


class Sender:
    """Sends batches as one signal.

    Args:
        signal: Which.
        make_encoder: Makes an encoder.
        client: Carries the requests.
        name: Of the attachment, for the log.
        log: Takes what the far side says of requests that it took.
    """

    def __init__(
        self,
        signal: Signal,
        make_encoder: Callable[[], Encoder],
        client: Client,
        *,
        name: str,
        log: QuietLog,
    ) -> None:
        """Prepare the encoder."""
        self.signal: Final[Signal] = signal
        self._make_encoder: Final = make_encoder
        self._encoder: Final = make_encoder()
        self._large_encoder: Encoder | None = None
        self._large: Final = asyncio.Lock()
        self._client: Final = client
        self._bisection: Final = Bisection()
        self._name: Final = name
        self._log: Final = log

    async def send(self, batch: Sequence[AnyRecord]) -> Part:
        """Make one attempt to send *batch*, and say what came of it.

        A far side that refuses some of a request says how many, not which: the last
        ones are named.

        Raises:
            Unavailable: Not now.
            Refused: Never.
            TooLarge: Only in parts; also where one record may be to blame.
        """
        part, error = await self.attempt(batch)
        if error is not None:
            raise error
        return part

    async def attempt(
        self,
        batch: Sequence[AnyRecord],
        *,
        ask: bool = True,
        size_bytes: int | None = None,
    ) -> tuple[Part, Refused | TooLarge | None]:
        """Do the same; return why nothing of it was taken, if so.

        Args:
            batch: What is sent.
            ask: Whether to ask the far side at all.
            size_bytes: Of *batch*, or more; ``None``: what it says itself.

        Raises:
            Unavailable: Not now.
        """
        if size_bytes is None:
            size_bytes = size_of(batch)
        encoded = await self._encode(batch, size_bytes)
        reply, refusal = Reply(), None
        if encoded.sent and ask:
            try:
                reply = await self._client.send(self.signal, encoded.body)
            except InvalidRequest as error:
                refusal = self._bisection.verdict(str(error), len(encoded.sent))
            except (Refused, TooLarge) as error:
                refusal = error
            else:
                self._bisection.succeeded()
                self._tell(reply)
        return _part(encoded, reply), refusal

    async def _encode(self, batch: Sequence[AnyRecord], size_bytes: int) -> Encoded:
        if len(batch) <= AT_ONCE and size_bytes <= AT_ONCE_BYTES:
            return self._encoder.encode(batch)
        async with self._large:
            if self._large_encoder is None:
                self._large_encoder = self._make_encoder()
            return await anyio.to_thread.run_sync(self._large_encoder.encode, batch)

    def _tell(self, reply: Reply) -> None:
        if reply.message and reply.rejected <= 0:
            self._log.warning(
                f"{self._name}: {self.signal}",
                "sink %r: the far side took all %s of a request and says: %s",
                self._name,
                self.signal,
                reply.message,
            )


def size_of(batch: Sequence[AnyRecord]) -> int:
    """Return how many bytes *batch* has where the bus knows, else 0."""
    found: int = getattr(batch, "size_bytes", 0)
    return found


def _part(encoded: Encoded, reply: Reply) -> Part:
    warned = {**encoded.warned, **reply.warned}
    sent = encoded.sent
    count = min(reply.rejected, len(sent))
    if count < reply.rejected:
        warned["contract_violation"] = 1
    words = f": {reply.message}" if reply.message else ""
    reason = f"the far side refused {count} of {len(sent)}, not saying which{words}"
    return Part(
        sent,
        dict.fromkeys(sent[len(sent) - count :], reason),
        dict(encoded.unencodable),
        warned,
    )
