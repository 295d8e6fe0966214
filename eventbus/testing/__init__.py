"""What tests of programs and of sinks need: clocks, sinks, captures, servers, a suite.

The public names are those of ``__init__.pyi``. Each is imported when it is first used,
so nothing of the kit costs anybody who does not use it.
"""

import sys

from eventbus._lazy import lazy_names

__all__, __getattr__, __dir__ = lazy_names(sys.modules[__name__])
