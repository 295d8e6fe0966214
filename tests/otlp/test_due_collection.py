"""A full collection that imports make due happens at the start, by Python's rule."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="collects garbage in steps from 3.14 on"
)


def full_collections(before: str) -> int:
    """Return how many there are where *before* happened since the last one."""
    program = f"""
        import gc
        from eventbus_otlp._due_collection import let_due_collection_happen
        kept = []
        def import_much(count):
            gc.disable()
            kept.extend([] for _ in range(count))
            gc.enable()
        gc.collect()
        {before}
        counted = gc.get_stats()[2]["collections"]
        let_due_collection_happen()
        print(gc.get_stats()[2]["collections"] - counted)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    return int(done.stdout)


def test_one_that_is_due_happens() -> None:
    assert full_collections("import_much(100_000)") == 1


@pytest.mark.parametrize(
    "before",
    [
        "import_much(100)",
        "import_much(400_000); gc.collect(); import_much(20_000)",
        "import_much(100_000); gc.disable()",
    ],
    ids=["little is new", "much was there before", "the program wants none"],
)
def test_one_that_is_not_due_does_not(before: str) -> None:
    assert full_collections(before) == 0
