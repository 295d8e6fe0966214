"""A typed, bounded, in-process event bus whose sinks account for every event.

The public names are those of ``__init__.pyi``. Each is imported when it is first used,
so a library that only declares events loads little more than msgspec.
"""

import sys

from eventbus._lazy import lazy_names

__all__, __getattr__, __dir__ = lazy_names(sys.modules[__name__])
