"""How requests are compressed, and answers unpacked, within bounds."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

import anyio.to_thread

LEVEL: Final = 1  # a third of the time of level 6, a sixth more bytes
AT_ONCE_BYTES: Final = 131_072  # takes about a millisecond

_GZIP: Final = zlib.MAX_WBITS | 16
_EITHER_HEADER: Final = zlib.MAX_WBITS | 32  # gzip's or zlib's
_PART_BYTES: Final = 65_536


async def gzipped(body: bytes) -> bytes:
    """Return *body* as gzip, made in a worker thread where it would take long."""
    if len(body) <= AT_ONCE_BYTES:
        return _gzipped(body)
    return await anyio.to_thread.run_sync(_gzipped, body, abandon_on_cancel=True)


def _gzipped(body: bytes) -> bytes:
    return zlib.compress(body, LEVEL, wbits=_GZIP)


class Unpacker:
    """Unpacks an answer that comes in parts, of *max_bytes* at most.

    It is done in small steps, so that a little never becomes much at once.
    """

    def __init__(self, max_bytes: int) -> None:
        """Wait for the first part."""
        self._left = max_bytes
        self._stream = zlib.decompressobj(_EITHER_HEADER)

    def unpack(self, data: bytes) -> bytes:
        """Return what is in *data*.

        Raises:
            ValueError: It is broken, or too long with what came before.
        """
        view = memoryview(data)
        steps = range(0, len(data), _PART_BYTES)
        return b"".join(
            part for step in steps for part in self._parts(view[step:][:_PART_BYTES])
        )

    def _parts(self, packed: memoryview | bytes) -> Iterator[bytes]:
        while packed:
            try:
                part = self._stream.decompress(packed, _PART_BYTES)
            except zlib.error as error:
                raise ValueError(str(error)) from error
            packed = self._stream.unconsumed_tail
            self._left -= len(part)
            if self._left < 0:
                raise ValueError("an answer that is too long")
            yield part
