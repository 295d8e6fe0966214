"""Ready-made event types, and readers that make records of what others wrote.

The public names are those of ``__init__.pyi``. Each is imported when it is first used.
"""

import sys

from eventbus._lazy import lazy_names

__all__, __getattr__, __dir__ = lazy_names(sys.modules[__name__])
