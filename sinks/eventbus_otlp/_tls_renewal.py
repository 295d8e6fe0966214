"""When the files of TLS connections are looked at again, and who waits for that."""

from __future__ import annotations

import math
from typing import Final

import anyio.to_thread

from eventbus import Clock, Unavailable
from eventbus._bounds import WrongSetting
from eventbus._log import QuietLog
from eventbus_otlp._resolved import SignalTarget, TlsFiles
from eventbus_otlp._tls import Tls, load_tls, stamp_of


class TlsRenewal:
    """What was read from files, read again when they have changed.

    They are looked at in a worker thread, at most every *interval_seconds*; one caller
    waits for that, the others go on with what there is. Files that cannot be used, half
    of a pair that is being replaced say, leave it as it was; that is logged.

    Args:
        files: Of the connections.
        interval_seconds: Between two looks.
        clock: What time it is.
    """

    def __init__(
        self, files: TlsFiles, *, interval_seconds: float, clock: Clock
    ) -> None:
        """Read nothing yet."""
        self._files: Final = files
        self._interval_seconds: Final = interval_seconds
        self._monotonic: Final = clock.monotonic
        self._log: Final = QuietLog(clock)
        self._tls: Tls | None = None
        self._looked_at = -math.inf

    async def current(self) -> Tls:
        """Return what connections are made with now.

        Raises:
            Unavailable: A file cannot be used, and none could before.
        """
        now = self._monotonic()
        known = self._tls
        if known is not None and now - self._looked_at < self._interval_seconds:
            return known
        self._looked_at = now
        try:
            self._tls = await anyio.to_thread.run_sync(
                self._look, known, abandon_on_cancel=True
            )
        except WrongSetting as error:
            if known is None:
                raise Unavailable(str(error)) from error
            self._log.warning(
                "otlp: certificates", "the certificates in use stay: %s", str(error)
            )
            return known
        return self._tls

    def _look(self, known: Tls | None) -> Tls:
        if known is not None and known.stamp == stamp_of(self._files):
            return known
        return load_tls(self._files)


def tls_renewal(
    target: SignalTarget, *, interval_seconds: float, clock: Clock
) -> TlsRenewal | None:
    """Return the renewal of what *target* needs for TLS; ``None`` without TLS."""
    if target.tls is None:
        return None
    return TlsRenewal(target.tls, interval_seconds=interval_seconds, clock=clock)
