"""The distribution holds what it should, and its entry points lead somewhere."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import EntryPoint, entry_points, version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"eventbus", "eventbus_local", "eventbus_otlp", "eventbus_schemas"}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
GROUPS = (
    "eventbus.sinks",
    "eventbus.catalogs",
    "eventbus.readers",
    "eventbus.presets",
    "pytest11",
)


def ours() -> list[EntryPoint]:
    return [
        point
        for group in GROUPS
        for point in entry_points(group=group)
        if point.dist is not None and point.dist.name == "eventbus"
    ]


def test_the_installed_version_is_the_declared_one() -> None:
    assert version("eventbus") == PROJECT["version"]


def test_the_change_log_knows_the_version() -> None:
    assert f"## [{PROJECT['version']}]" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("point", ours(), ids=lambda p: f"{p.group}:{p.name}")
def test_an_entry_point_leads_somewhere(point: EntryPoint) -> None:
    assert point.load() is not None


def test_every_declared_entry_point_is_installed() -> None:
    declared = {
        (group, name)
        for group, points in PROJECT["entry-points"].items()
        for name in points
    }
    assert {(point.group, point.name) for point in ours()} == declared


def test_the_extras_are_the_promised_ones() -> None:
    extras = set(PROJECT["optional-dependencies"])
    assert extras == {"otlp", "prometheus", "kafka", "cli", "testing", "all"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation"]
    subprocess.run(
        [*build, "--outdir", str(folder), str(ROOT)], check=True, capture_output=True
    )
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_every_package_and_its_marker_of_types(wheel: set[str]) -> None:
    for package in PACKAGES:
        assert {f"{package}/__init__.py", f"{package}/py.typed"} <= wheel


def test_the_wheel_holds_nothing_but_packages_and_metadata(wheel: set[str]) -> None:
    tops = {name.partition("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES


def test_no_file_of_the_tree_names_a_package_registry() -> None:
    tracked = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=True
    ).stdout.split()
    hosts = ("files.pythonhosted" + ".org", "registry.npmjs" + ".org", "proxy.golang")
    guilty = [
        name
        for name in tracked
        if (ROOT / name).is_file()
        for text in [(ROOT / name).read_bytes()]
        if any(host.encode() in text for host in hosts)
    ]
    assert guilty == ["tests/test_packaging.py"] or guilty == []
