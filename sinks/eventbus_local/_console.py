"""What the console sink shows, where, and in which form."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import ClassVar, TextIO

from eventbus import Outcome, SinkContext, gaps_of
from eventbus._encode_line import LineEncoder
from eventbus._record import AnyRecord
from eventbus._severity import SEVERITY_NUMBER
from eventbus._visible import visible_json
from eventbus_local._console_text import ConsoleText
from eventbus_local._settings import ConsoleSettings
from eventbus_local._stream import StreamWriter


class ConsoleSink:
    """Shows events to a person, or writes them as lines of JSON to a stream.

    Nothing in an event can forge a line or reach the terminal as a command. The loop
    never waits for a reader: a full pipe holds up this sink alone.

    Args:
        settings: See :class:`ConsoleSettings`.
    """

    Settings: ClassVar = ConsoleSettings
    ordered: ClassVar = True

    def __init__(self, settings: ConsoleSettings | None = None) -> None:
        """Open nothing: the stream is the process's."""
        self._settings = settings or ConsoleSettings()
        self._writer = StreamWriter(self._settings.stream)
        self._text = ConsoleText(self._settings)
        self._lines = LineEncoder()

    def configure(self, context: SinkContext) -> None:
        """Learn which resource is the bus's own, to leave it out of JSON."""
        self._lines = LineEncoder(context.resource)

    def after_fork(self) -> None:
        """Forget who was writing: that is going on in the parent."""
        self._writer = StreamWriter(self._settings.stream)

    async def start(self) -> None:
        """See :class:`eventbus.Sink`."""

    async def write(self, batch: Sequence[AnyRecord]) -> Outcome | None:
        """See :class:`eventbus.Sink`; records below ``level`` count as delivered.

        A person is told of each gap before the batch; lines of JSON are events alone.
        """
        if self._settings.format == "json":
            return await self._write_json(batch)
        shown = [record for record in batch if self._is_shown(record)]
        gaps = gaps_of(batch)
        if shown or gaps:
            color = self._is_colored(self._writer.stream())
            text = self._text.gap_lines(gaps, color=color)
            text += self._text.lines(shown, color=color)
            await self._writer.write(text)
        return None

    async def aclose(self) -> None:
        """See :class:`eventbus.Sink`; the stream stays open."""

    async def _write_json(self, batch: Sequence[AnyRecord]) -> Outcome:
        places = [i for i, record in enumerate(batch) if self._is_shown(record)]
        encoded = self._lines.encode([batch[i] for i in places])
        if encoded.data:
            await self._writer.write(visible_json(encoded.data.decode()))
        return Outcome(
            unencodable=[(places[i], reason) for i, reason in encoded.unencodable],
            warned=encoded.warned,
        )

    def _is_shown(self, record: AnyRecord) -> bool:
        least = SEVERITY_NUMBER[self._settings.level]
        return SEVERITY_NUMBER[record.severity or "info"] >= least

    def _is_colored(self, stream: TextIO) -> bool:
        # https://no-color.org and https://force-color.org, asked in this order.
        if self._settings.color is not None:
            return self._settings.color
        if os.environ.get("NO_COLOR"):
            return False
        if os.environ.get("FORCE_COLOR"):
            return True
        return os.environ.get("TERM") != "dumb" and _is_terminal(stream)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False
