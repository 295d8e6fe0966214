"""The example plugin: installed like a stranger's, found by its entry point, driven."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import sysconfig
import tomllib
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PLUGIN = ROOT / "examples" / "plugin"

pytestmark = pytest.mark.timeout(120)


def succeed(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with both wheels installed, and this one's packages in sight."""
    folder = tmp_path_factory.mktemp("fresh")
    for project in (ROOT, PLUGIN):
        build = (sys.executable, "-m", "build", "--wheel", "--no-isolation")
        succeed(*build, "--outdir", folder / "wheels", project, cwd=folder)
    succeed(sys.executable, "-m", "venv", "--without-pip", folder / "env", cwd=folder)
    python = folder / "env" / "bin" / "python"
    install = (sys.executable, "-m", "pip", "--python", python, "install")
    wheels = sorted((folder / "wheels").glob("*.whl"))
    succeed(*install, "--quiet", "--no-index", "--no-deps", *wheels, cwd=folder)
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder


@pytest.fixture
def config(fresh: Path, tmp_path: Path) -> Path:
    path = tmp_path / "eventbus.toml"
    database = json.dumps(str(tmp_path / "events.db"))
    path.write_text(
        f"""
        [bus]
        resource = {{ "service.name" = "checkout" }}

        [sinks.audit]
        type = "sqlite"
        path = {database}
        select = ["agent.*", "!agent.noise"]
        batch = {{ max_events = 2 }}
        """
    )
    return path


PROGRAM = """
import asyncio, sys
from eventbus import Bus, Event

class ToolResult(Event, tag="agent.tool_result"):
    n: int

class Noise(Event, tag="agent.noise"):
    pass

async def main():
    async with Bus.from_config(sys.argv[1], strict=True) as bus:
        for n in range(5):
            bus.emit(ToolResult(n=n))
            bus.emit(Noise())
        report = await bus.flush()
    import eventbus, eventbus_sqlite
    audit = report.attachments["audit"]
    print(report.complete, audit.delivered, eventbus.__file__, eventbus_sqlite.__file__)

asyncio.run(main())
"""


@pytest.mark.proves("I5")
def test_a_program_drives_it_from_a_file_that_names_it(
    fresh: Path, config: Path, tmp_path: Path
) -> None:
    python = fresh / "env" / "bin" / "python"
    complete, delivered, *places = succeed(
        python, "-c", PROGRAM, config, cwd=tmp_path
    ).split()
    assert (complete, delivered) == ("True", "5")
    assert all(place.startswith(str(fresh)) for place in places)
    with closing(sqlite3.connect(tmp_path / "events.db")) as database:
        rows = database.execute("SELECT name, event, resource FROM events").fetchall()
    assert [(name, json.loads(event)) for name, event, _ in rows] == [
        ("agent.tool_result", {"n": n}) for n in range(5)
    ]
    assert {resource for _, _, resource in rows} == {'{"service.name":"checkout"}'}


def test_the_command_line_lists_it_with_its_settings(fresh: Path) -> None:
    listed = succeed(fresh / "env" / "bin" / "eventbus", "sinks", cwd=fresh)
    assert "sqlite" in listed
    assert "busy_timeout_seconds" in listed


def test_the_command_line_checks_its_settings(
    fresh: Path, config: Path, tmp_path: Path
) -> None:
    eventbus = fresh / "env" / "bin" / "eventbus"
    succeed(eventbus, "check", config, cwd=tmp_path)
    config.write_text(config.read_text().replace("path =", "paht ="))
    done = subprocess.run(
        [eventbus, "check", config], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "$.sinks.audit" in done.stderr
    assert "path" in done.stderr
    assert not (tmp_path / "events.db").exists()


@pytest.mark.proves("I5", "fault-32")
def test_its_own_tests_pass_where_it_is_installed(fresh: Path, tmp_path: Path) -> None:
    python = fresh / "env" / "bin" / "python"
    left_out = ("cacheprovider", "hypothesispytest", "asyncio")  # not dependencies
    options = ("-q", *(word for name in left_out for word in ("-p", f"no:{name}")))
    where = ("--rootdir", PLUGIN, "-c", PLUGIN / "pyproject.toml", PLUGIN / "tests")
    done = succeed(python, "-m", "pytest", *options, *where, cwd=tmp_path)
    assert "passed" in done


def test_it_has_the_files_of_every_sink() -> None:
    package = PLUGIN / "eventbus_sqlite"
    assert {path.name for path in package.iterdir() if path.is_file()} == {
        "__init__.py",
        "_settings.py",
        "_encode.py",
        "_client.py",
        "_sink.py",
        "py.typed",
    }
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["eventbus.sinks"] == {
        "sqlite": "eventbus_sqlite:SqliteSink"
    }
