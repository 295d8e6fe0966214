"""Decide that a server is got once for each version, and that its absence is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from . import get
from ._presence import require
from .get import COLLECTOR, KAFKA, PROMETHEUS, SERVICES, GetError, Service

SENTENCE = "No {} of the wanted version is here. Try: make services"

# Makes what it is asked for, and counts how often in the folder above.
TOY = Service(
    name="toy",
    commands=(("sh", "-c", "echo one >> ../toy.count && echo 1 > {target}/version"),),
    tools=("sh",),
)


@pytest.fixture
def empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def times_fetched(folder: Path) -> int:
    return (folder / "toy.count").read_text().count("one")


def test_what_is_here_is_not_fetched_again(tmp_path: Path) -> None:
    assert get.get(TOY, tmp_path).startswith("fetched in ")
    assert get.get(TOY, tmp_path) == "present"

    assert times_fetched(tmp_path) == 1
    assert (tmp_path / "toy" / "version").read_text() == "1\n"


def test_a_change_of_the_recipe_fetches_again(tmp_path: Path) -> None:
    get.get(TOY, tmp_path)
    ((shell, option, script),) = TOY.commands
    newer = replace(TOY, commands=((shell, option, script.replace("1", "2")),))

    assert not newer.is_here(tmp_path)
    assert get.get(newer, tmp_path).startswith("fetched in ")

    assert (tmp_path / "toy" / "version").read_text() == "2\n"


def test_a_change_of_a_source_fetches_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(get, "HERE", tmp_path)
    source = tmp_path / "versions"
    source.write_text("1")
    service = replace(TOY, sources=("versions",))
    get.get(service, tmp_path)
    assert service.is_here(tmp_path)

    source.write_text("2")

    assert not service.is_here(tmp_path)


def test_an_unfinished_fetch_counts_as_none(tmp_path: Path) -> None:
    broken = replace(TOY, commands=(*TOY.commands, ("sh", "-c", "exit 1")))

    with pytest.raises(GetError, match="sh ended with 1: it said nothing"):
        get.get(broken, tmp_path)

    assert not broken.is_here(tmp_path)
    assert not (tmp_path / "toy").exists()


def test_error_of_a_failing_tool_is_its_own(tmp_path: Path) -> None:
    says = "echo fetching; echo '[ERROR] no such version'; echo see the manual; exit 2"
    service = replace(TOY, commands=(("sh", "-c", says),))

    with pytest.raises(GetError, match=r"sh ended with 2: \[ERROR\] no such version"):
        get.get(service, tmp_path)


@pytest.mark.usefixtures("empty_path")
@pytest.mark.parametrize(
    ("service", "tools"),
    [
        (KAFKA, "java and mvn"),
        (COLLECTOR, "go"),
        (PROMETHEUS, "apt-get and dpkg-deb"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_error_of_a_missing_tool_names_it(
    service: Service, tools: str, tmp_path: Path
) -> None:
    with pytest.raises(GetError) as caught:
        get.get(service, tmp_path)

    assert str(caught.value) == f"getting it needs {tools}, not found on PATH"


@pytest.mark.usefixtures("empty_path")
@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_absent_server_is_a_skip_that_says_how_to_get_it(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception) as caught:
        require(service, tmp_path)

    assert caught.value.msg == SENTENCE.format(service.name)


@pytest.mark.usefixtures("empty_path")
@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_absent_server_is_a_failure_under_ci(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception) as caught:
        require(service, tmp_path)

    assert str(caught.value).startswith(SENTENCE.format(service.name))


def test_prometheus_on_the_path_needs_no_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PROMETHEUS.programs:
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert get.get(PROMETHEUS, tmp_path / "services") == "present"
    assert get.prometheus_program("promtool") == tmp_path / "promtool"
