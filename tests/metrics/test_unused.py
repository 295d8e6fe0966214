from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
import eventbus
from eventbus import Bus, Event, Label
from typing import Annotated

class Plain(Event):
    name: Annotated[str, Label]

eventbus.Catalog([Plain])
eventbus.load_config({"sinks": {"console": {}}})
print([name for name in sys.modules if name.startswith("eventbus.metrics")])
"""


def test_metrics_that_nobody_uses_are_not_imported() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
