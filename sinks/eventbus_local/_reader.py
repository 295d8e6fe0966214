"""What the reader ``events`` makes of each line that the jsonl sink wrote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from eventbus import Broken, DecodeError, Reading, Skipped
from eventbus._decode_line import LineDecoder, UnknownEventError
from eventbus._plugins import installed_catalog
from eventbus._reader import MAX_LINE_BYTES

_GZIP: Final = b"\x1f\x8b"
_IS_GZIP: Final = (
    "expected lines of JSON, got gzip-compressed data: zcat FILE | eventbus run"
)


def read_events(lines: Iterable[bytes], *, path: str) -> Iterator[Reading]:
    """Read records from lines of JSON; see :class:`eventbus.Reader`.

    Knows the event types of every installed catalog. A line of an event type that
    none of them has is :class:`eventbus.Skipped` with the event's name as its kind;
    one that is no record is :class:`eventbus.Broken`. An empty line is skipped as
    ``blank``.

    Compressed input, as ``gzip = true`` makes of rotated files, is not read: it is one
    :class:`eventbus.Broken`, and the end. ``zcat FILE | eventbus run`` reads it.
    """
    decoder = LineDecoder(installed_catalog())
    for number, line in enumerate(lines, start=1):
        if line.startswith(_GZIP):
            yield Broken(_IS_GZIP, path, number)
            return
        text = line.strip()
        if text:
            yield _reading(decoder, text, path, number)
        else:
            yield Skipped("blank", path, number)


def _reading(decoder: LineDecoder, line: bytes, path: str, number: int) -> Reading:
    try:
        return decoder.decode(line)
    except UnknownEventError as error:
        return Skipped(error.name, path, number)
    except DecodeError as error:
        return Broken(_reason(error, line), path, number)


def _reason(error: DecodeError, line: bytes) -> str:
    if len(line) < MAX_LINE_BYTES:
        return str(error)
    return f"{error}: a line is cut at {MAX_LINE_BYTES} bytes (16 MiB)"
