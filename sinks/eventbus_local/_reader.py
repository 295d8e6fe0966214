"""What the reader ``events`` makes of each line that the jsonl sink wrote."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from eventbus import Broken, DecodeError, Reading, Skipped
from eventbus._decode_line import LineDecoder, UnknownEventError
from eventbus._plugins import installed_catalog


def read_events(lines: Iterable[bytes], *, path: str) -> Iterator[Reading]:
    """Read records from lines of JSON; see :class:`eventbus.Reader`.

    Knows the event types of every installed catalog. A line of an event type that
    none of them has is :class:`eventbus.Skipped` with the event's name as its kind;
    one that is no record is :class:`eventbus.Broken`. Empty lines are nothing.
    """
    decoder = LineDecoder(installed_catalog())
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if text:
            yield _reading(decoder, text, path, number)


def _reading(decoder: LineDecoder, line: bytes, path: str, number: int) -> Reading:
    try:
        return decoder.decode(line)
    except UnknownEventError as error:
        return Skipped(error.name, path, number)
    except DecodeError as error:
        return Broken(str(error), path, number)
