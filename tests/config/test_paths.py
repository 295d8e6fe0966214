from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from eventbus.config import load_config
from eventbus.config._explain import in_force
from tests.config._files import Files
from tests.config._installed import SINK, Site

STRANGER = SINK.replace(
    "class FakeSink:",
    """
from eventbus.config import FilePath, PathPattern

class Tls(msgspec.Struct, frozen=True, kw_only=True):
    ca: FilePath | None = None
    root: FilePath = "root.pem"

class Server(msgspec.Struct, frozen=True, kw_only=True):
    ca: FilePath = "standard.pem"
    name: str = ""

class FakeSink:""",
).replace(
    '        topic: str = "events"\n',
    '        topic: str = "events"\n'
    "        tls: Tls = Tls()\n"
    "        servers_by_name: dict[str, Server] = {}\n"
    "        all_servers: tuple[Server, ...] = ()\n"
    "        optional: Server | None = None\n"
    "        file: FilePath | None = None\n"
    "        files: list[FilePath] = []\n"
    "        by_name: dict[str, FilePath] = {}\n"
    '        standard: FilePath = "standard.pem"\n'
    "        pattern: PathPattern | None = None\n"
    "        either: FilePath | list[FilePath] | None = None\n",
)


@pytest.fixture
def stranger(site: Site) -> Site:
    site.sink("stranger", "fake_with_paths", STRANGER)
    return site


def settings_of(files: Files, **options: Any) -> Any:
    return files.load(strict=True, **options).sinks["stranger"].settings


@pytest.mark.proves("F8")
def test_each_path_counts_from_the_file_that_it_stands_in(
    files: Files, stranger: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    files.user(
        """
        [sinks.stranger]
        file = "user.pem"
        tls = { ca = "ca.pem" }
        """,
        "etc/user.toml",
    )
    files.user('[sinks.stranger]\nfiles = ["a", "../b", "./c"]\n', "home/own.toml")
    settings = settings_of(files)
    here = files.directory
    assert settings.file == f"{here}/etc/user.pem"
    assert settings.tls.ca == f"{here}/etc/ca.pem"
    assert settings.files == [f"{here}/home/a", f"{here}/home/../b", f"{here}/home/c"]


@pytest.mark.proves("F8")
@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("file", '"/etc/ca.pem"', "/etc/ca.pem"),
        ("file", '"~/ca.pem"', "{home}/ca.pem"),
        ("file", '"./~/ca.pem"', "{here}/~/ca.pem"),
        ("file", '".//ca.pem"', "{here}/ca.pem"),
        ("file", '"~me/ca.pem"', "{here}/~me/ca.pem"),
        ("pattern", '"~/{a}.pem"', "{home_as_pattern}/{a}.pem"),
        ("file", '"${DIR_A}/ca.pem"', "{here}/sub/ca.pem"),
        ("file", '"${DIR_B:-/etc}/ca.pem"', "/etc/ca.pem"),
        ("by_name", '{ a = "x" }', {"a": "{here}/x"}),
        ("either", '"x"', "{here}/x"),
        ("either", '["x"]', ["{here}/x"]),
        ("topic", '"x"', "x"),
        ("servers", '["x"]', ["x"]),
    ],
)
def test_what_is_a_path_is_said_by_the_settings_and_nothing_else(
    files: Files,
    stranger: Site,
    key: str,
    value: str,
    expected: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/home/{me}")
    files.user(f"[sinks.stranger]\n{key} = {value}\n")
    found = getattr(settings_of(files, environ={"DIR_A": "sub"}), key)
    assert found == _filled(expected, str(files.directory))


def _filled(expected: Any, here: str) -> Any:
    text = msgspec.json.encode(expected).decode()
    for name, path in {
        "{here}": here,
        "{home}": "/home/{me}",
        "{home_as_pattern}": "/home/{{me}}",
    }.items():
        text = text.replace(name, path)
    return msgspec.json.decode(text)


@pytest.mark.proves("F8")
def test_a_mapping_and_an_argument_count_from_the_working_directory(
    files: Files, stranger: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config({"sinks": {"stranger": {"file": "x"}}})
    assert config.sinks["stranger"].settings.file == f"{tmp_path}/x"  # type: ignore[union-attr]
    files.user('[sinks.stranger]\nfile = "x"\n', "etc/user.toml")
    found = settings_of(files, overrides={("sinks", "stranger", "file"): "y"})
    assert found.file == f"{tmp_path}/y"


def test_a_relative_name_of_the_file_itself_is_seen_from_the_working_directory(
    files: Files, stranger: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.user('[sinks.stranger]\nfile = "x"\n', "etc/user.toml")
    monkeypatch.chdir(tmp_path)
    for name in ("etc/user.toml", Path("etc/user.toml")):
        config = load_config(name)
        assert config.sinks["stranger"].settings.file == f"{tmp_path}/etc/x"  # type: ignore[union-attr]


def test_a_linked_file_counts_from_where_the_link_is(
    files: Files, stranger: Site
) -> None:
    path = files.user('[sinks.stranger]\nfile = "x"\n', "store/user.toml")
    link = files.directory / "linked.toml"
    link.symlink_to(path)
    config = load_config(link)
    assert config.sinks["stranger"].settings.file == f"{files.directory}/x"  # type: ignore[union-attr]


def test_braces_of_a_directory_are_no_placeholders(
    files: Files, stranger: Site
) -> None:
    files.user('[sinks.stranger]\npattern = "{a}.jsonl"\nfile = "x"\n', "{b}/c.toml")
    settings = settings_of(files)
    assert settings.pattern == f"{files.directory}/{{{{b}}}}/{{a}}.jsonl"
    assert settings.file == f"{files.directory}/{{b}}/x"


def test_an_empty_path_is_refused_as_ever(files: Files, stranger: Site) -> None:
    files.user('[sinks.stranger]\nfile = ""\n')
    assert files.refusal(strict=True) == [
        "Expected `str` of at least 1 character, got '' - at `$.sinks.stranger.file`"
    ]


@pytest.mark.proves("F8")
def test_the_check_shows_where_a_path_leads(files: Files, stranger: Site) -> None:
    files.user('[sinks.stranger]\ntls = { ca = "ca.pem" }\n')
    files.managed("[bus]\nstrict = true\n")
    (row,) = [one for one in in_force(files.load()) if one.place.endswith(".ca")]
    assert row.value == f'"{files.directory}/ca.pem"'
    assert row.origin == f"{files.directory}/user.toml:2"


def test_a_default_stays_as_it_is(files: Files, stranger: Site) -> None:
    """It may be shared by all that is made of the class."""
    files.user("[sinks.stranger]\ntls = {}\n")
    assert settings_of(files).standard == "standard.pem"
    assert settings_of(files).tls.root == "root.pem"


def test_dead_letters_have_paths_too(files: Files, stranger: Site) -> None:
    files.user('[sinks.console]\ndead_letters = { type = "stranger", file = "x" }\n')
    letters: Any = files.load(strict=True).sinks["console"].dead_letters
    assert letters.settings.file == f"{files.directory}/x"


@pytest.mark.proves("F8")
def test_tables_inside_of_arrays_and_tables_have_paths_too(
    files: Files, stranger: Site
) -> None:
    files.user(
        """
        [sinks.stranger]
        optional = { ca = "a.pem" }
        servers_by_name = { x = { ca = "b.pem", name = "b.pem" }, y = {} }
        all_servers = [{ ca = "c.pem" }, { name = "z" }]
        """
    )
    settings, here = settings_of(files), files.directory
    assert settings.optional.ca == f"{here}/a.pem"
    by_name = settings.servers_by_name
    assert (by_name["x"].ca, by_name["x"].name) == (f"{here}/b.pem", "b.pem")
    assert by_name["y"].ca == "standard.pem"
    assert [one.ca for one in settings.all_servers] == [
        f"{here}/c.pem",
        "standard.pem",
    ]
    assert type(settings.all_servers) is tuple


def test_settings_that_hold_other_items_than_were_written_are_left_alone(
    files: Files, site: Site
) -> None:
    """A class may add items in ``__post_init__``, which come from no file."""
    adding = STRANGER.replace(
        "        pattern:",
        "        def __post_init__(self):\n"
        "            more = [*self.files, '/own.pem']\n"
        "            msgspec.structs.force_setattr(self, 'files', more)\n"
        "            named = {**self.by_name, 'own': '/own.pem'}\n"
        "            msgspec.structs.force_setattr(self, 'by_name', named)\n\n"
        "        pattern:",
    )
    site.sink("stranger", "fake_with_more_paths", adding)
    files.user("[sinks.stranger]\nfiles = ['x']\nby_name = { a = 'y' }\n")
    settings = settings_of(files)
    assert settings.files == [f"{files.directory}/x", "/own.pem"]
    assert settings.by_name == {"a": f"{files.directory}/y", "own": "/own.pem"}
