"""How grpc is imported: without the lines it writes to standard error.

Its C++ core says there, beside what it returns, that connections fail. It reads the
variable once, when it is loaded: a program that has set it, or has imported grpc
before, has what it wants.
"""

from __future__ import annotations

import importlib
import os
from typing import Any, Final

_VERBOSITY: Final = "GRPC_VERBOSITY"


def _quietly() -> Any:
    if _VERBOSITY in os.environ:
        return importlib.import_module("grpc")
    os.environ[_VERBOSITY] = "NONE"
    try:
        return importlib.import_module("grpc")
    finally:
        del os.environ[_VERBOSITY]


grpc: Final[Any] = _quietly()  # Any: grpc has no types
importlib.import_module("grpc.aio")
