"""When the lines of records are written to their files, and who waits for that."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

import anyio.to_thread

from eventbus import Clock, Outcome, SinkContext, TooLarge, Unavailable
from eventbus._clock import SystemClock
from eventbus._encode_line import EncodedLines, LineEncoder
from eventbus._record import AnyRecord
from eventbus._verdict import Progress
from eventbus_local._batch_parts import Part, parts_of
from eventbus_local._destination import Destination
from eventbus_local._line_files import LineFiles, TooManyFiles, Written
from eventbus_local._settings import JsonlSettings
from eventbus_local._tidying import Tidying


class JsonlSink:
    """Appends each record as one line of JSON; ``eventbus.readers: events`` reads it.

    A batch is written whole or not at all, over all its files: in a worker thread,
    under locks that other processes writing to the same paths respect. A batch for
    more files than may be open is written in parts, each of them whole or not at all;
    what was written is not sent again. An attempt that is cancelled may have been
    written. With placeholders in ``path``, a file that cannot be written to costs only
    its own records, which are rejected.

    A record's resource is left out where it is the bus's own: read on a bus with
    another resource, such a record gets that bus's. ``write_resource`` keeps it.

    Args:
        settings: See :class:`JsonlSettings`.
    """

    Settings: ClassVar = JsonlSettings
    ordered: ClassVar = True

    def __init__(self, settings: JsonlSettings) -> None:
        """Open nothing yet."""
        self._settings = settings
        self._destination = Destination(settings.path)
        self._parents: object = None
        self._use(SystemClock())
        self._encoder = LineEncoder()

    def configure(self, context: SinkContext) -> None:
        """Take the bus's clock, and its resource to leave out of the lines."""
        self._use(context.clock)
        self._encoder = LineEncoder(
            None if self._settings.write_resource else context.resource
        )

    def after_fork(self) -> None:
        """Close the files of the parent here, whose turn goes on; open them anew."""
        files = self._files
        self._parents = (files, self._tidying, self._parents)
        self._use(self._clock)
        files.abandon()

    def _use(self, clock: Clock) -> None:
        self._clock = clock
        self._files = LineFiles(self._destination, self._settings, clock)
        self._tidying = Tidying(self._destination, self._settings, clock)

    async def start(self) -> None:
        """Open the file; of a path with placeholders, make the directory.

        Raises:
            Refused: ``path`` names what is no regular file.
            Unavailable: The system refused, or another process keeps the file.
        """
        await anyio.to_thread.run_sync(self._files.open, abandon_on_cancel=True)
        self._tidying.take_up()

    async def write(self, batch: Sequence[AnyRecord]) -> Outcome | None:
        """See :class:`eventbus.Sink`.

        Raises:
            Refused: ``path`` names what is no regular file.
            TooLarge: The process has no file descriptors left for as many files.
            Unavailable: No space, no right, no turn: nothing was written but what
                its progress says.
        """
        outcome, rotated = await anyio.to_thread.run_sync(
            self._write, batch, abandon_on_cancel=True
        )
        self._tidying.tidy(rotated)
        return outcome

    async def aclose(self) -> None:
        """Close the files; compression is given up, the next start takes it up."""
        await self._tidying.aclose()
        await anyio.to_thread.run_sync(self._files.close)

    def _write(
        self, batch: Sequence[AnyRecord]
    ) -> tuple[Outcome | None, Collection[str]]:
        encoded = self._encoder.encode(batch)
        rejected: dict[int, str] = {}
        rotated: set[str] = set()
        for part in self._parts(batch, encoded):
            written = self._append(part, rejected, size=len(batch))
            rejected |= part.named(written.refused)
            rotated.update(written.rotated)
        if not (rejected or encoded.unencodable or encoded.warned):
            return None, rotated
        outcome = Outcome(
            rejected=list(rejected.items()),
            unencodable=encoded.unencodable,
            warned=encoded.warned,
        )
        return outcome, rotated

    def _parts(
        self, batch: Sequence[AnyRecord], encoded: EncodedLines
    ) -> Sequence[Part]:
        if not encoded.data:
            return ()
        if self._destination.is_fixed:
            return (Part(0, {self._destination.place: encoded.data}),)
        at_most = self._files.limit
        paths = self._destination.paths(batch)
        parts = parts_of(encoded, paths, at_most=at_most)
        if len(parts) > 1 and (encoded.unencodable or encoded.warned):
            raise TooLarge(  # progress has no words for records that have no line
                f"the batch is for more than {at_most} files, and not all of its "
                "records have a line of their own"
            )
        return parts

    def _append(self, part: Part, rejected: dict[int, str], *, size: int) -> Written:
        try:
            return self._files.append(part.lines)
        except Unavailable as error:
            if isinstance(error, TooManyFiles) and part.start == 0 and size > 1:
                raise TooLarge(str(error)) from error
            vars(error)["progress"] = Progress(part.start, rejected)
            raise
