"""Packages import their public names when they are first used."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

PACKAGES = [
    "eventbus",
    "eventbus.cli",
    "eventbus_local",
    "eventbus_otlp",
    "eventbus_schemas",
    "eventbus.testing",
]


@pytest.mark.parametrize("name", PACKAGES)
def test_each_name_of_a_package_is_there_and_told_by_dir(name: str) -> None:
    package = importlib.import_module(name)
    assert package.__all__
    for public in package.__all__:
        assert getattr(package, public) is not None
        assert public in dir(package)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_name_that_is_not_there_is_missed_as_in_any_module(name: str) -> None:
    package = importlib.import_module(name)
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'No'"):
        _ = package.No


@pytest.mark.parametrize(
    ("name", "first", "module"),
    [
        ("eventbus", "Event", "eventbus._bus"),
        ("eventbus_local", "JsonlSettings", "eventbus_local._jsonl"),
        ("eventbus_schemas", "agent_catalog", "eventbus_schemas._codex_rollout"),
    ],
)
def test_using_one_name_leaves_the_modules_of_others_alone(
    name: str, first: str, module: str
) -> None:
    text = f"import sys, {name}; {name}.{first}; print({module!r} in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
