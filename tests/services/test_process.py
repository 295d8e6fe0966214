"""Decide that a server process starts, stops and dies as the tests rely on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ._loopback import accepts, free_ports, is_free
from ._process import MARK, Server, ServerError, processes_of, supervised
from ._waiting import until

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open("ready", "w").close()
time.sleep(600)
"""

# Ends on SIGTERM, which its child was told to ignore.
PARENT = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "600")
signal.signal(signal.SIGTERM, signal.SIG_DFL)
open("ready", "w").close()
time.sleep(600)
"""

# A test run that starts a server and then hangs; its death is what is tested.
TEST_RUN = """
import subprocess, sys
subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)
sys.stdin.read()
"""


def python(folder: Path, program: str) -> Server:
    """Return a server that is ready when the program has made the file ``ready``."""
    return Server(
        "program",
        [sys.executable, "-c", program],
        folder=folder,
        answers=(folder / "ready").exists,
    )


def web_command(port: int) -> list[str]:
    return [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]


def web_server(folder: Path, port: int) -> Server:
    return Server(
        "web", web_command(port), folder=folder, answers=lambda: accepts(port)
    )


def test_server_answers_while_open_and_leaves_nothing_behind(folder: Path) -> None:
    (port,) = free_ports(1)

    with web_server(folder, port) as server:
        assert server.is_running()
        assert accepts(port)

    assert not server.is_running()
    assert not accepts(port)
    assert processes_of(folder) == []
    assert not folder.exists()


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_server_starts_again_on_its_data(folder: Path, how: str) -> None:
    (port,) = free_ports(1)
    with web_server(folder, port) as server:
        (folder / "data").write_text("kept")
        getattr(server, how)()
        assert processes_of(folder) == []
        assert not accepts(port)

        server.start()

        assert accepts(port)
        assert (folder / "data").read_text() == "kept"


def test_stopping_twice_is_stopping_once(folder: Path) -> None:
    (port,) = free_ports(1)
    with web_server(folder, port) as server:
        server.stop()
        server.stop()
        server.kill()

        assert not server.is_running()


def test_server_that_ignores_sigterm_is_killed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{Server.__module__}.STOP_SECONDS", 0.1)

    with python(folder, STUBBORN):
        pass

    assert processes_of(folder) == []


def test_children_of_the_server_end_with_it(folder: Path) -> None:
    with python(folder, PARENT) as server:
        whole = "supervisor, server and its child run"
        until(lambda: len(processes_of(folder)) == 3, what=whole)

        server.stop()

        until(lambda: not processes_of(folder), what="no process is left")
        assert not server.is_running()


def test_error_of_a_server_that_ends_has_its_status_and_last_words(
    folder: Path,
) -> None:
    server = python(folder, "import sys; print('the port is taken'); sys.exit(3)")

    with pytest.raises(ServerError) as caught:
        server.start()

    assert str(caught.value) == (
        "program ended with status 3 before it answered\nthe port is taken"
    )
    assert processes_of(folder) == []


def test_error_of_a_server_that_never_answers_has_the_limit(folder: Path) -> None:
    def answers() -> bool:
        until(lambda: server.log_tail() == "thinking", what="it runs")
        return False

    server = Server(
        "program",
        ["sh", "-c", "echo thinking; exec sleep 600"],
        folder=folder,
        answers=answers,
        start_seconds=0.0,
    )

    with pytest.raises(ServerError) as caught:
        server.start()

    assert str(caught.value) == (
        "program answers: not within 0 s, last answer False\nthinking"
    )
    assert processes_of(folder) == []


def test_a_killed_test_run_takes_its_server_and_its_data_along(folder: Path) -> None:
    (port,) = free_ports(1)
    test_run = subprocess.Popen(
        [sys.executable, "-c", TEST_RUN, *supervised(web_command(port), folder)],
        env={**os.environ, MARK: str(folder)},
        stdin=subprocess.PIPE,
    )
    with test_run:
        until(lambda: accepts(port), what="the server answers")

        test_run.kill()

    until(lambda: not processes_of(folder), what="no process is left")
    assert not folder.exists()


def test_a_killed_supervisor_takes_its_server_along(folder: Path) -> None:
    (port,) = free_ports(1)
    command = supervised(web_command(port), folder)
    environment = {**os.environ, MARK: str(folder)}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as run:
        until(lambda: accepts(port), what="the server answers")

        run.send_signal(signal.SIGKILL)

    until(lambda: not processes_of(folder), what="no process is left")
    until(lambda: not accepts(port), what="the port is free")
    assert is_free(port)


def test_free_ports_are_different_and_free() -> None:
    ports = free_ports(20)

    assert len(set(ports)) == 20
    assert all(is_free(port) for port in ports)
