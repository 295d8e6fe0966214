"""A full collection that imports make due happens at the start, by Python's rule."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(
    sys.version_info >= (3, 14), reason="collects garbage in steps from 3.14 on"
)


def full_collections(before: str, generation: int = 2) -> int:
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
        counted = gc.get_stats()[{generation}]["collections"]
        let_due_collection_happen()
        print(gc.get_stats()[{generation}]["collections"] - counted)
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
    ],
    ids=["little is new", "much was there before"],
)
def test_one_that_is_not_due_does_not(before: str) -> None:
    assert full_collections(before) == 0


@pytest.mark.parametrize("generation", [0, 1, 2])
def test_a_program_that_wants_none_has_none(generation: int) -> None:
    assert full_collections("import_much(100_000); gc.disable()", generation) == 0
