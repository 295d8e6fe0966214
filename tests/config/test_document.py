from __future__ import annotations

import logging
import os
import traceback
from pathlib import Path

import pytest

from eventbus import ConfigError, load_config
from eventbus.config import Layer
from eventbus.config._document import (
    MAX_FILE_BYTES,
    MAX_UNTRUSTED_BYTES,
    Unusable,
    read_document,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "eventbus.toml"


def refusal(path: Path | str | Layer) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return str(caught.value)


def test_a_file_is_read_by_its_path_as_text_too(path: Path) -> None:
    path.write_text('[bus]\nresource = { "service.name" = "checkout" }\n')
    for source in (path, str(path)):
        assert load_config(source).bus.resource == {"service.name": "checkout"}


def test_a_missing_file_is_named(path: Path) -> None:
    assert refusal(path) == f"Cannot read {str(path)!r}: No such file or directory"


def test_a_directory_is_no_configuration(tmp_path: Path) -> None:
    assert "Is a directory" in refusal(tmp_path)


@pytest.mark.skipif(os.name != "posix", reason="links are POSIX")
@pytest.mark.parametrize("trusted", [True, False])
def test_a_file_that_cannot_be_read_says_so_once(
    tmp_path: Path, path: Path, trusted: bool
) -> None:
    path.symlink_to(tmp_path if trusted else __file__)
    text = refusal(Layer(path, trusted=trusted))
    assert text.count("Cannot read") == 1


def test_a_mistake_in_toml_has_its_line_and_column(path: Path) -> None:
    path.write_text("[bus]\nstrict = yes\n")
    text = refusal(path)
    assert text.startswith(f"{str(path)!r} is not TOML: ")
    assert text.endswith("(at line 2, column 10)")


@pytest.mark.proves("fault-132")
def test_a_key_given_twice_is_refused(path: Path) -> None:
    path.write_text("[sinks.console]\n[sinks.console]\n")
    assert "is not TOML: Cannot declare" in refusal(path)


@pytest.mark.proves("fault-132")
def test_a_file_over_its_bound_is_refused_unread(path: Path) -> None:
    path.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    assert "Expected at most 1048576 bytes" in refusal(path)


def test_a_file_that_is_not_utf_8_is_refused_at_the_byte(path: Path) -> None:
    path.write_bytes(b"# caf\xe9\n")
    assert "got byte 0xe9 at offset 5" in refusal(path)


def test_a_byte_order_mark_is_nothing(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbf[bus]\nstrict = true\n")
    assert load_config(path).bus.strict is True


def test_a_file_that_is_nested_too_deeply_is_refused(path: Path) -> None:
    path.write_text(f"a = {'[' * 100_000}{']' * 100_000}\n")
    assert refusal(path)


def test_a_path_with_a_nul_is_refused() -> None:
    assert "Cannot read 'a\\x00b'" in refusal("a\0b")


@pytest.mark.proves("fault-132")
@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_a_file_that_everybody_may_write_is_read_with_a_warning(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text("")
    path.chmod(0o666)
    load_config(path)
    (line,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert line.startswith(f"{path} can be written by everybody on this machine")
    assert "(mode 0666)" in line


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_a_file_that_only_its_owner_may_write_is_read_without(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text("")
    path.chmod(0o664)
    load_config(path)
    assert caplog.records == []


def test_a_place_has_the_line_of_its_key_or_of_what_holds_it(path: Path) -> None:
    path.write_text("# first\n[sinks.a]\n\nselect = [\n  'x',\n  'y',\n]\n")
    document = read_document(path)
    assert document.where(("sinks", "a", "select", 1)) == f"{path}:6"
    assert document.where(("sinks", "a", "path")) == f"{path}:2"
    assert document.where(("bus",)) == str(path)


SECRET = b'[sinks.otlp]\nheaders = { authorization = "Bearer s3cret" }\n'


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (SECRET, b"[bus\n"),
        (SECRET, None),
        (SECRET + b"[bus\n", b""),
        (SECRET + b"x = 1\n[x]\n", b""),
        (SECRET + b"\xff", b""),
        (SECRET + b"x = " + b"[" * 5000, b""),
        (SECRET + b"#" * MAX_FILE_BYTES, b""),
        (SECRET + b"[bus]\nstrict = 1\n", b""),
    ],
)
def test_no_traceback_shows_what_is_in_a_file(
    path: Path, first: bytes, second: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where its frames are printed with their locals, as rich and Sentry do."""
    monkeypatch.setenv("ANY_TOKEN", "s3cret")
    path.write_bytes(first)
    other = path.with_name("other.toml")
    if second is not None:
        other.write_bytes(second)
    with pytest.raises(ConfigError) as caught:
        load_config([path, other])
    shown = traceback.TracebackException.from_exception(
        caught.value, capture_locals=True
    )
    ours = [
        told
        for one in (shown, shown.__cause__, shown.__context__)
        for frame in (one.stack if one else ())
        if "tests" not in frame.filename
        for told in (frame.locals or {}).values()
    ]
    assert ours
    assert "s3cret" not in "".join(ours)


def test_a_document_does_not_show_what_is_in_it(path: Path) -> None:
    path.write_bytes(SECRET)
    assert repr(read_document(path)) == f"<Document {path}, user>"
    assert repr(read_document({"a": "s3cret"})) == "<Document argument, user>"


@pytest.mark.parametrize(
    ("trusted", "size"), [(True, MAX_FILE_BYTES), (False, MAX_UNTRUSTED_BYTES)]
)
def test_a_file_may_be_as_large_as_its_bound(
    path: Path, trusted: bool, size: int
) -> None:
    path.write_bytes(b"#" * size)
    assert read_document(Layer(path, trusted=trusted)).tree == {}
    path.write_bytes(b"#" * (size + 1))
    with pytest.raises(ConfigError, match=f"Expected at most {size} bytes"):
        read_document(Layer(path, trusted=trusted))


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX")
def test_what_is_no_file_is_read_without_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Everybody may write to such a thing, as to a pipe from a shell."""
    assert load_config(os.devnull).sinks == {}
    assert caplog.records == []


def test_a_reason_may_have_the_word_that_stands_for_the_file() -> None:
    error = Unusable("Cannot read FILE: no FILE", "FILE.toml")
    assert str(error) == "Cannot read 'FILE.toml': no FILE"
    assert error.reason == "Cannot read it: no FILE"
