"""Decide which servers the tests run against, where they lie, and get the missing ones.

``make services`` runs this file as a program, so that it needs nothing but the
standard library. The tests ask it what is here.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parent.parent / ".services"
STAMP = "stamp"


class GetError(Exception):
    """A server could not be had; the text is the reason, in one line."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """What a server is made of; a change of any field or source gets it anew.

    Attributes:
        sources: Files, beside this one, that fix the versions.
        commands: Run one after the other in the folder that becomes the server's,
            which ``{target}`` stands for. ``{here}`` is the folder of this file.
        tools: Programs that the commands need.
        runtime: Programs that the server itself needs.
        programs: On ``PATH`` already, these make getting the server unnecessary.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    tools: tuple[str, ...]
    sources: tuple[str, ...] = ()
    runtime: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()

    def stamp(self) -> str:
        """Digest of everything that decides what the commands produce."""
        digest = hashlib.sha256(repr(self.commands).encode())
        for source in self.sources:
            digest.update((HERE / source).read_bytes())
        return digest.hexdigest()

    def is_here(self, folder: Path = FOLDER) -> bool:
        """Whether *folder* or ``PATH`` has this very version, ready to run."""
        if not has_all(self.runtime):
            return False
        return self.is_installed() or self.is_in(folder)

    def is_installed(self) -> bool:
        """Whether ``PATH`` has the server's programs."""
        return bool(self.programs) and has_all(self.programs)

    def is_in(self, folder: Path) -> bool:
        """Whether a finished fetch of this very version lies in *folder*."""
        stamp = folder / self.name / STAMP
        return stamp.is_file() and stamp.read_text() == self.stamp()


KAFKA = Service(
    name="kafka",
    sources=("kafka/pom.xml",),
    commands=(
        (
            *("mvn", "--batch-mode", "--quiet", "--strict-checksums"),
            *("--file", "{here}/kafka/pom.xml", "dependency:copy-dependencies"),
            "-DoutputDirectory={target}/lib",
        ),
    ),
    tools=("java", "mvn"),
    runtime=("java",),
)

COLLECTOR = Service(
    name="collector",
    sources=("collector/main.go", "collector/go.mod", "collector/go.sum"),
    commands=(
        (
            *("env", "CGO_ENABLED=0", "go", "build", "-C", "{here}/collector"),
            *("-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags=-s -w"),
            *("-o", "{target}/collector", "."),
        ),
    ),
    tools=("go",),
)

# A package list of its own, so that neither root nor a change to the system is needed.
_APT = (
    *("apt-get", "-qq", "-o", "Acquire::Retries=3", "-o", "Dir::Cache={target}/apt"),
    *("-o", "Dir::State::lists={target}/apt/lists"),
)

PROMETHEUS = Service(
    name="prometheus",
    commands=(
        ("mkdir", "-p", "apt/lists/partial", "apt/archives/partial"),
        (*_APT, "update"),
        (*_APT, "download", "prometheus"),
        ("sh", "-c", "dpkg-deb --extract prometheus_*.deb . && rm -r *.deb apt"),
    ),
    tools=("apt-get", "dpkg-deb"),
    programs=("prometheus", "promtool"),
)

SERVICES = (KAFKA, COLLECTOR, PROMETHEUS)


def has_all(programs: tuple[str, ...]) -> bool:
    """Whether every one of *programs* is on ``PATH``."""
    return all(shutil.which(program) for program in programs)


def kafka_jars(folder: Path = FOLDER) -> str:
    """Return the class path of the broker and its tools; Java expands the star."""
    return str(folder / KAFKA.name / "lib" / "*")


def collector_program(folder: Path = FOLDER) -> Path:
    """Return the Collector's binary."""
    return folder / COLLECTOR.name / "collector"


def prometheus_program(name: str, folder: Path = FOLDER) -> Path:
    """Return ``prometheus`` or ``promtool``: the installed, else the fetched one."""
    installed = shutil.which(name) if PROMETHEUS.is_installed() else None
    return Path(installed or folder / PROMETHEUS.name / "usr" / "bin" / name)


def get(service: Service, folder: Path = FOLDER) -> str:
    """Make sure that *service* is in *folder*; return what was done, for people.

    Raises:
        GetError: A tool is missing, or one of them failed.
    """
    if service.is_here(folder):
        return "present"
    missing = [tool for tool in service.tools if not shutil.which(tool)]
    if missing:
        raise GetError(f"getting it needs {' and '.join(missing)}, not found on PATH")
    started = time.monotonic()
    building = folder / f"{service.name}.part"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    for command in service.commands:
        run(command, building, folder / f"{service.name}.log")
    (building / STAMP).write_text(service.stamp())
    shutil.rmtree(folder / service.name, ignore_errors=True)
    building.rename(folder / service.name)
    return f"fetched in {time.monotonic() - started:.0f} s"


def run(command: tuple[str, ...], target: Path, log: Path) -> None:
    """Run *command* in *target*, its output into *log*."""
    filled = [part.format(here=HERE, target=target) for part in command]
    with log.open("wb") as output:
        status = subprocess.run(
            filled,
            cwd=target,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if status:
        where = os.path.relpath(log)
        raise GetError(f"{filled[0]} ended with {status}: {reason(log)} (see {where})")


def reason(log: Path) -> str:
    """Return the line of *log* that most likely says what went wrong."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    said = [line for line in lines if line] or ["it said nothing"]
    errors = [line for line in said if line.startswith(("[ERROR]", "E:"))]
    return (errors or said[-1:])[0]


@contextmanager
def alone(folder: Path) -> Generator[None]:
    """Let one program at a time work in *folder*; a second one waits."""
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Get every server that is missing, a line each; 1 when one could not be had."""
    status = os.EX_OK
    with alone(FOLDER):
        for service in SERVICES:
            try:
                sys.stdout.write(f"{service.name}: {get(service)}\n")
            except GetError as error:
                sys.stderr.write(f"{service.name}: {error}\n")
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
