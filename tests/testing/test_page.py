"""The examples of ``docs/testing.md`` run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import eventbus.testing

pytest_plugins = ["pytester"]

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
PAGE = (DOCS / "testing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

INI = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""


def test_each_example_is_a_test_that_passes(pytester: pytest.Pytester) -> None:
    pytester.makeini(INI)
    examples = {f"test_{n}": block for n, block in enumerate(BLOCKS)}
    pytester.makepyfile(**examples)
    done = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-q")
    done.assert_outcomes(passed=len(BLOCKS))


def test_every_part_of_the_kit_is_on_the_page() -> None:
    beside = {"FarSide", "SinkReport", "SinkViolation", "Tally"}  # of check_sink
    assert len(BLOCKS) >= 10
    values = {"OtlpLog", "OtlpMetric", "OtlpPoint", "OtlpRequest", "OtlpSpan"}
    given = {"BusEvents", "Handshake", "RecordedRequest", "RequestRecorder"}
    named = set(eventbus.testing.__all__) - beside - values - given
    assert [name for name in sorted(named) if name not in PAGE] == []
