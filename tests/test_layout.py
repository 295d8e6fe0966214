"""The layout holds: what may import what, and what must not be in the tree."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORE = ROOT / "eventbus"
SHIPPED = [
    path
    for folder in ("eventbus", "sinks", "schemas")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
OURS = {"eventbus", "eventbus_local", "eventbus_otlp", "eventbus_schemas"}
BANNED_CALLS = {"eval", "exec", "pickle.loads", "pickle.load", "yaml.load", "os.system"}


def imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module


def third_party(path: Path) -> set[str]:
    tops = {name.partition(".")[0] for _, name in imports(path)}
    return tops - OURS - set(sys.stdlib_module_names)


def test_the_core_knows_no_sink_and_no_schema() -> None:
    guilty = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in CORE.rglob("*.py")
        for line, name in imports(path)
        if name.partition(".")[0] in OURS - {"eventbus"}
    ]
    assert guilty == []


def test_the_core_needs_anyio_and_msgspec_only() -> None:
    beside = {CORE / "cli", CORE / "testing"}
    core = [p for p in CORE.rglob("*.py") if not beside & set(p.parents)]
    assert set().union(*map(third_party, core)) == {"anyio", "msgspec"}


def test_the_command_line_adds_rich_and_the_test_kit_what_its_users_have() -> None:
    allowed = {"anyio", "msgspec"}
    cli = set().union(*map(third_party, (CORE / "cli").rglob("*.py")))
    kit = set().union(*map(third_party, (CORE / "testing").rglob("*.py")))
    assert cli <= allowed | {"rich"}
    assert kit <= allowed | {"pytest", "aiohttp"}


def test_local_sinks_and_schemas_need_the_core_and_adapters_their_client() -> None:
    adapters = {"_httpx_client.py": "httpx", "_websockets_client.py": "websockets"}
    for folder in ("sinks/eventbus_local", "schemas"):
        for path in (ROOT / folder).rglob("*.py"):
            own = {adapters[path.name]} if path.name in adapters else set()
            assert third_party(path) <= {"anyio", "msgspec"} | own, path


def test_the_otlp_sink_adds_the_network_and_the_sdk_and_nothing_else() -> None:
    found = set().union(*map(third_party, (ROOT / "sinks/eventbus_otlp").rglob("*.py")))
    assert found <= {"anyio", "msgspec", "aiohttp", "grpc", "multidict", "yarl"} | {
        "opentelemetry"
    }


def test_nothing_shipped_evaluates_text_or_unpickles() -> None:
    guilty = [
        f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node.func)}"
        for path in SHIPPED
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in BANNED_CALLS
    ]
    assert guilty == []


def test_init_files_hold_no_logic() -> None:
    logic = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.For, ast.While)
    guilty = [
        str(path.relative_to(ROOT))
        for path in SHIPPED
        if path.name == "__init__.py"
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, logic)
    ]
    assert guilty == []


def test_every_module_says_what_it_decides() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in SHIPPED
        if ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) is None
    ]
    assert silent == []
