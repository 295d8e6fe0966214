"""The page of rules, the suite and its tests have the same numbers."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from eventbus.testing.conformance._rules import Rule

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = (ROOT / "sinks" / "SPEC.md").read_text(encoding="utf-8")
ITEMS = dict(re.findall(r"^(\d+)\. (.*)$", PAGE, flags=re.MULTILINE))


def test_the_page_has_the_rules_of_the_suite_in_their_order() -> None:
    assert [int(number) for number in ITEMS] == [rule.number for rule in Rule]
    assert [rule.number for rule in Rule] == list(range(1, len(Rule) + 1))


def test_every_rule_is_a_must_and_every_habit_a_should() -> None:
    assert [number for number, text in ITEMS.items() if "MUST" not in text] == []
    habits = re.findall(r"^- (.*)$", PAGE, flags=re.MULTILINE)
    assert [habit for habit in habits if "SHOULD" not in habit] == []


def test_every_rule_has_a_sink_that_breaks_it() -> None:
    names = [
        node.name
        for path in Path(__file__).parent.glob("test_check_sink_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.AsyncFunctionDef)
    ]
    broken = {
        int(found[1])
        for name in names
        if (found := re.match(r"test_rule_(\d+)_", name))
    }
    assert broken == {rule.number for rule in Rule}


def test_it_is_one_page() -> None:
    assert len(PAGE.split()) < 1_000
