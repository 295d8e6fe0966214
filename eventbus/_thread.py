"""How a program without an event loop gets a bus: a loop in a thread of its own."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from os import PathLike
from typing import Any

from anyio.from_thread import start_blocking_portal

from eventbus._bus import Bus


@contextmanager
def run_in_thread(
    source: Bus | str | PathLike[str] | Mapping[str, Any], *, strict: bool = False
) -> Generator[Bus]:
    """Run a bus on an event loop in a thread of its own, for as long as the block runs.

    For scripts, Django, Celery workers. ``emit`` and ``stats`` work from any thread;
    leaving the block closes the bus within its ``close_timeout_seconds``.

    Args:
        source: A bus that was not started, the path of a configuration, or what is
            in one.
        strict: As in :meth:`Bus.from_config`.

    Raises:
        ConfigError: As :meth:`Bus.from_config`.
    """
    bus = source if isinstance(source, Bus) else Bus.from_config(source, strict=strict)
    with start_blocking_portal("asyncio", name="eventbus") as portal:
        portal.call(bus.start)
        try:
            yield bus
        finally:
            portal.call(bus.aclose)
