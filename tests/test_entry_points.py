from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from importlib import metadata
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

from eventbus._entry_points import EntryPoint, Owner, entry_points
from tests.config._installed import Site

GROUP = "eventbus.fakes"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    directory = tmp_path / "site-packages"
    directory.mkdir()
    return Site(directory, monkeypatch)


def values(group: str = GROUP) -> list[str]:
    return [entry.value for entry in entry_points(group)]


@pytest.mark.parametrize(
    "group", ["eventbus.sinks", "eventbus.readers", "pytest11", "console_scripts"]
)
def test_they_are_those_that_the_standard_library_finds(group: str) -> None:
    said = [
        (e.name, e.value, e.owner.name, e.owner.version) for e in entry_points(group)
    ]
    found = metadata.entry_points(group=group)
    assert sorted(said) == sorted(
        (e.name, e.value, e.dist.name, e.dist.version) for e in found if e.dist
    )
    assert said


def test_finding_them_does_not_ask_the_standard_library(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "entry_points", None)
    points = {GROUP: {"one": "fake.one:Thing.part [more]"}, "others": {"two": "x:y"}}
    site.install("Dist.One", points, version="2.0", extras=("more", "most"))
    assert entry_points(GROUP) == [
        EntryPoint(
            GROUP,
            "one",
            "fake.one:Thing.part [more]",
            Owner("Dist.One", "2.0", ("more", "most")),
        )
    ]


def test_a_distribution_that_another_one_shadows_has_none(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.install("dist-one", {GROUP: {"old": "fake:old"}})
    (tmp_path / "first").mkdir()
    first = Site(tmp_path / "first", monkeypatch)
    first.install("Dist_One", {GROUP: {"new": "fake:new"}}, version="2.0")
    assert values() == ["fake:new"]


def test_those_in_an_archive_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "dist.zip"
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("zipped-1.0.dist-info/METADATA", "Name: zipped\nVersion: 1.0")
        points = f"[{GROUP}]\nzipped = fake:zipped\n"
        written.writestr("zipped-1.0.dist-info/entry_points.txt", points)
    monkeypatch.syspath_prepend(str(archive))
    (found,) = entry_points(GROUP)
    assert (found.value, found.owner) == ("fake:zipped", Owner("zipped", "1.0"))


def test_those_that_another_finder_knows_are_found(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        Site(elsewhere, patch).install("dist-e", {GROUP: {"e": "fake:elsewhere"}})

    class Finder(metadata.MetadataPathFinder):
        @classmethod
        def find_spec(cls, *_: object) -> None:
            return None

        @classmethod
        def find_distributions(
            cls, context: metadata.DistributionFinder.Context | None = None
        ) -> Iterator[metadata.PathDistribution]:
            inside = metadata.DistributionFinder.Context(path=[str(elsewhere)])
            return PathFinder.find_distributions(inside)

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    assert values() == ["fake:elsewhere"]


def test_metadata_that_is_not_all_text_names_its_distribution(site: Site) -> None:
    site.install("dist-b", {GROUP: {"b": "fake:b"}})
    (info,) = site.directory.glob("*.dist-info")
    (info / "METADATA").write_bytes(b"Name: dist-b\nVersion: 1.0\nAuthor: \xff\n")
    assert [entry.owner for entry in entry_points(GROUP)] == [Owner("dist-b", "1.0")]


def test_a_distribution_that_does_not_say_whose_it_is_has_unknown_names(
    site: Site,
) -> None:
    site.install("dist-n", {GROUP: {"n": "fake:n"}})
    (info,) = site.directory.glob("*.dist-info")
    (info / "METADATA").unlink()
    assert [entry.owner for entry in entry_points(GROUP)] == [Owner("?", "?")]


def test_a_value_that_names_no_object_is_refused_when_it_is_loaded() -> None:
    entry = EntryPoint(GROUP, "odd", "fake thing", Owner())
    with pytest.raises(ValueError, match="expected module:object, got 'fake thing'"):
        entry.load()
    assert entry.module == "fake thing"


def test_an_attribute_of_an_attribute_is_loaded() -> None:
    entry = EntryPoint(GROUP, "dots", "os : path.join", Owner())
    assert entry.load() is __import__("os").path.join
    assert entry.module == "os"
