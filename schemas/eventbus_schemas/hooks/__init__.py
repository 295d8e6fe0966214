"""Hooks that observe requests, streams, sockets and tools, and make events of them.

The public names are those of ``__init__.pyi``. Each is imported when it is first used:
only who names a hooked client imports httpx or websockets.
"""

import sys

from eventbus._lazy import lazy_names

__all__, __getattr__, __dir__ = lazy_names(sys.modules[__name__])
