"""Console, file and logging: what a program reaches without a network.

The public names are those of ``__init__.pyi``. Each is imported when it is first used.
"""

import sys

from eventbus._lazy import lazy_names

__all__, __getattr__, __dir__ = lazy_names(sys.modules[__name__])
