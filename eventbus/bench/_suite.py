"""Which parts there are that need nothing but eventbus."""

from __future__ import annotations

from typing import Final

from eventbus.bench import (
    _against_queue,
    _delivering,
    _flat,
    _floors,
    _handing_over,
    _hung,
    _importing,
    _memory,
    _privacy,
)
from eventbus.bench._contest import Part

PARTS: Final[tuple[Part, ...]] = (
    _handing_over.PART,
    _delivering.PART,
    _against_queue.PART,
    _floors.PART,
    _hung.PART,
    _flat.PART,
    _memory.PART,
    _privacy.PART,
    _importing.PART,
)
