"""Whether a bus made from a configuration may reach the network in this process."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final


class _Switch:
    __slots__ = ("is_off",)

    def __init__(self) -> None:
        self.is_off = False


_switch: Final = _Switch()  # for the whole process: buses run in threads of their own


def is_offline() -> bool:
    """Return whether configured sinks that reach the network are left out now."""
    return _switch.is_off


def reaches_network(sink: object) -> bool:
    """Return whether *sink*, or a class of sinks, says ``network = True``."""
    return getattr(sink, "network", False) is True


@contextmanager
def offline(active: bool = True) -> Generator[None]:
    """Leave network sinks out of every configuration while the block runs.

    Only :meth:`eventbus.Bus.from_config` asks; what code attaches itself stays.

    Args:
        active: ``False`` lets them in again, for a block within the block.
    """
    before, _switch.is_off = _switch.is_off, active
    try:
        yield
    finally:
        _switch.is_off = before
