"""Which promise each test proves, read from the tests without running them.

``python tests/promises.py --write`` brings the tests column of ``docs/promises.md`` up
to date; the sentences are written by people.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "promises.md"
ID = re.compile(r"(?:fault-(?:1[0-4]\d|150|[1-9]\d?)|[A-L](?:\d|1\d|2[0-4]))")
ROW = re.compile(r"\| (?P<id>\S+) \| (?P<promise>.*?) \| (?P<tests>.*) \|")
MISSING = "…"


def proofs() -> dict[str, set[str]]:
    """Return the tests that prove each id, as ``file::test``."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        where = path.relative_to(ROOT).as_posix()
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for name, ids in _marked(tree):
            for one in ids:
                found.setdefault(one, set()).add(f"{where}::{name}")
    return found


def _marked(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                ids = list(_ids(decorator))
                if ids:
                    yield node.name, ids
        elif isinstance(node, ast.Assign) and "pytestmark" in ast.unparse(node):
            ids = [one for part in ast.walk(node.value) for one in _ids(part)]
            if ids:
                yield "*", ids


def _ids(node: ast.AST) -> Iterator[str]:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return
    if node.func.attr == "proves":
        for argument in node.args:
            assert isinstance(argument, ast.Constant), ast.unparse(node)
            yield str(argument.value)


def page() -> dict[str, tuple[str, set[str]]]:
    """Return what the page says of each id: the promise and the tests."""
    rows: dict[str, tuple[str, set[str]]] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        row = ROW.fullmatch(line)
        if row and ID.fullmatch(row["id"]):
            rows[row["id"]] = (
                row["promise"],
                set(re.findall(r"`([^`]+)`", row["tests"])),
            )
    return rows


def order(one: str) -> tuple[int, str, int]:
    """Sort rows before faults, and both by number."""
    letter, number = re.fullmatch(r"(fault-|[A-L])(\d+)", one).groups()  # type: ignore[union-attr]
    return (letter == "fault-", letter, int(number))


def write() -> None:
    """Bring the page's tests up to date; sentences stay."""
    said = page() if PAGE.exists() else {}
    intro = PAGE.read_text(encoding="utf-8").split("\n| ")[0] if PAGE.exists() else ""
    lines = [intro.rstrip("\n"), "", "| id | promise | tests |", "|---|---|---|"]
    for one, tests in sorted(proofs().items(), key=lambda item: order(item[0])):
        promise = said.get(one, (MISSING, set()))[0]
        names = ", ".join(f"`{test}`" for test in sorted(tests))
        lines.append(f"| {one} | {promise} | {names} |")
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__" and "--write" in sys.argv:
    write()
