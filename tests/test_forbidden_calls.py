"""Nothing in the tree runs what it was sent, or lets go of a check of TLS."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
TREES: Final = ("eventbus", "sinks", "schemas", "examples", "benchmarks")
MODULES: Final = frozenset(
    {"cPickle", "cloudpickle", "dill", "jsonpickle", "marshal", "pickle", "shelve"}
)
CALLS: Final = frozenset({"eval", "exec", "execfile", "__import__"})
METHODS: Final = frozenset(
    {
        ("os", "popen"),
        ("os", "system"),
        ("ssl", "_create_unverified_context"),
        ("subprocess", "getoutput"),
        ("subprocess", "getstatusoutput"),
        ("yaml", "full_load"),
        ("yaml", "load"),
        ("yaml", "load_all"),
        ("yaml", "unsafe_load"),
    }
)
OPTIONS: Final = frozenset(
    {("check_hostname", False), ("shell", True), ("ssl", False), ("verify", False)}
)


def forbidden(source: str) -> list[str]:
    """Return what *source* does that nothing of ours may do."""
    return [what for node in ast.walk(ast.parse(source)) for what in _of(node)]


def _of(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Import(names):
            yield from (n.name for n in names if n.name.partition(".")[0] in MODULES)
        case ast.ImportFrom(module=str(module)):
            names = [(module, alias.name) for alias in node.names]
            if module.partition(".")[0] in MODULES or METHODS.intersection(names):
                yield module
        case ast.Call(func=ast.Name(name)) if name in CALLS:
            yield name
        case ast.Attribute(value=ast.Name(owner), attr=name) if (
            owner,
            name,
        ) in METHODS:
            yield f"{owner}.{name}"
        case ast.Attribute(attr="create_subprocess_shell" | "CERT_NONE" as name):
            yield name
        case ast.keyword(str(name), ast.Constant(value)) if (name, value) in OPTIONS:
            yield f"{name}={value}"
        case ast.Assign([ast.Attribute(attr=name)], ast.Constant(value)) if (
            name,
            value,
        ) in OPTIONS:
            yield f"{name} = {value}"
        case _:
            pass


@pytest.mark.proves("fault-134")
def test_nothing_of_ours_runs_what_it_was_sent_or_skips_a_check() -> None:
    files = [path for tree in TREES for path in (ROOT / tree).rglob("*.py")]
    assert len(files) > 300
    found = {
        str(path.relative_to(ROOT)): what
        for path in files
        if (what := forbidden(path.read_text("utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import os, marshal as m",
        "from pickle import loads",
        "from os import system",
        "eval(text)",
        "exec(compile(text, '', 'exec'))",
        "yaml.load(text)",
        "from yaml import load",
        "subprocess.run(text, shell=True)",
        "asyncio.create_subprocess_shell(text)",
        "os.system(text)",
        "httpx.get(url, verify=False)",
        "context.check_hostname = False",
        "context.verify_mode = ssl.CERT_NONE",
        "ssl._create_unverified_context()",
        "session.get(url, ssl=False)",
    ],
)
def test_each_of_them_would_be_found(source: str) -> None:
    assert len(forbidden(f"import ssl\n{source}\n")) == 1


@pytest.mark.parametrize(
    "source",
    [
        "re.compile(text)",
        "pattern.exec",
        "run(shell=False, verify=True)",
        "asyncio.create_subprocess_exec(*command)",
        "from yaml import safe_load",
        "safe_load(text)",
    ],
)
def test_what_is_harmless_would_not(source: str) -> None:
    assert forbidden(source) == []
