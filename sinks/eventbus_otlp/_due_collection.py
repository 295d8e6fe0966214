"""When Python looks through what was imported for garbage: at the start.

To import a client leaves thousands of objects behind. Where they are more than a
quarter of all, a full collection is due, and without this it would fall into the first
seconds of traffic and hold the event loop for some 20 ms.
https://devguide.python.org/internals/garbage-collector/
"""

from __future__ import annotations

import gc
import sys

_INCREMENTAL = sys.version_info >= (3, 14)  # which holds nobody for long


def let_due_collection_happen() -> None:
    """Let a full collection that is due happen now.

    Whether one is due Python decides by its own rule, so a program with many objects
    of its own does not pay; nor one that has switched the collector off.
    """
    if _INCREMENTAL or not gc.isenabled():
        return
    young, _, old = gc.get_threshold()
    for _ in range(max(old + 1 - gc.get_count()[2], 0)):
        gc.collect(1)
    fresh: list[list[object]] = [[] for _ in range(young + 1)]
    del fresh  # Python looks whenever so many are new
