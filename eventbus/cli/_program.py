"""What is done differently where the command line is all that a process does."""

from __future__ import annotations

import gc
from typing import Final

_YOUNG_OBJECTS: Final = 10_000  # some batches of records; the interpreter has 700


def program() -> int:
    """Run the command line as the whole of this process; return its exit status.

    Records come by the thousand and leave by themselves, so the collector of cycles
    looks less often; and at the end it is not asked to look at everything once more.
    """
    young, *older = gc.get_threshold()
    if 0 < young < _YOUNG_OBJECTS:  # 0 is never
        gc.set_threshold(_YOUNG_OBJECTS, *older)
    from eventbus.cli._main import main  # as many objects again

    try:
        return main()
    finally:
        gc.freeze()
