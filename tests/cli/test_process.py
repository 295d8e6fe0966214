"""The command line as a process: pipes, signals, sockets, a closed output."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli._command import finished, program, record_lines

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and signals of POSIX")

RECORDS = record_lines(3).encode()


@contextmanager
def running(*arguments: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the command line with pipes at all its ends."""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        program(*arguments), stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_pipe_is_read_without_being_asked_for() -> None:
    done = finished(program("run", "--json"), given=RECORDS)
    assert done.status == 0
    assert done.json["records"] == 3


def test_a_dash_is_the_standard_input_and_is_called_by_its_name() -> None:
    done = finished(program("run", "--input", "-"), given=b"{}\n")
    assert done.status == 1
    assert "stdin:1: " in done.err


def test_an_empty_input_is_an_empty_run() -> None:
    done = finished(program("run", "--json"))
    assert done.status == 0
    assert done.json["complete"] is True


def test_what_comes_through_a_pipe_is_delivered_as_it_comes() -> None:
    with running("run") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(RECORDS)
        process.stdin.flush()
        shown = [process.stdout.readline() for _ in range(3)]
        assert all(b"agent.turn_started" in line for line in shown)
        assert process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_with_its_account(number: signal.Signals) -> None:
    with running("run", "--json") as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(RECORDS)
        process.stdin.flush()
        process.stderr.readline()
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    account = json.loads(out)
    assert account["stopped"] == number.name
    assert account["complete"] is True
    assert account["attachments"]["console"]["delivered"] == 3
    assert process.returncode == 0
    assert b"Traceback" not in err


def test_a_signal_in_the_middle_of_an_input_says_that_it_was_not_read_whole(
    tmp_path: Path,
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(record_lines(400_000).encode())
    with running("run", "--input", path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert b"not all of the input was read. Stopped by SIGINT." in err


def test_a_closed_output_is_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(record_lines(5000).encode())
    with running("run", "--input", path) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        _, err = process.communicate(timeout=20)
    assert process.returncode == 1
    assert b"Traceback" not in err
    assert b"the reader of stdout has gone" in err


OUTPUTS = [
    "sinks",
    "events",
    "events --json-schema",
    "check --schema",
    "demo --seconds 0 --json",
    "run --json",
    "--help",
]


def unwritten(command: str, reason: str) -> bytes:
    name = "report" if command == "run --json" else "output"
    return f"eventbus: Cannot write the {name}: {reason}".encode()


@pytest.mark.parametrize("command", OUTPUTS)
def test_that_nobody_reads_is_one_line_and_costs_the_status(command: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            program(*command.split()),
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
            timeout=20,
            env={**os.environ, "PYTHONUNBUFFERED": ""},
        )
    finally:
        os.close(writing)
    assert done.returncode == 1
    told = [line for line in done.stderr.splitlines() if b"demo." not in line]
    assert told[-1] == unwritten(command, "Broken pipe")
    assert done.stderr.count(b"Cannot write") == 1
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


GUARDED = """
import sys

NETWORK = ("socket.connect", "socket.bind", "socket.sendto", "socket.getaddrinfo")

def guard(event, arguments):
    if event in NETWORK:
        print("REACHED OUT", event, arguments, file=sys.stderr)

sys.addaudithook(guard)
from eventbus.cli import main
raise SystemExit(main(sys.argv[1:]))
"""


@pytest.mark.proves("F10")
def test_nothing_leaves_the_machine_by_default() -> None:
    done = finished(program("run", code=GUARDED), given=RECORDS)
    assert done.status == 0
    assert done.out.count("agent.turn_started") == 3
    assert "REACHED OUT" not in done.err


@pytest.mark.proves("F10")
def test_no_variable_of_opentelemetry_attaches_a_network_sink() -> None:
    done = finished(
        program("run", "--json", code=GUARDED),
        given=RECORDS,
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
        OTEL_LOGS_EXPORTER="otlp",
        OTEL_METRICS_EXPORTER="prometheus",
    )
    assert set(done.json["attachments"]) == {"console"}
    assert "REACHED OUT" not in done.err


def test_the_guard_of_these_tests_sees_a_socket() -> None:
    code = GUARDED.partition("from eventbus")[0]
    code += "import socket; socket.socket(socket.AF_INET).bind(('127.0.0.1', 0))"
    assert "REACHED OUT socket.bind" in finished(program(code=code)).err


def test_without_rich_the_commands_say_the_same_plainly(tmp_path: Path) -> None:
    hidden = "import sys; sys.modules['rich'] = None\n"
    code = (
        f"{hidden}from eventbus.cli import main\nraise SystemExit(main(sys.argv[1:]))"
    )
    for command in ("sinks", "events", "demo --seconds 0 --events 100"):
        done = finished([sys.executable, "-c", code, *command.split()])
        assert done.status == 0, done.err
        assert done.out


def test_rich_is_not_imported_where_nobody_looks() -> None:
    code = (
        "import sys\nfrom eventbus.cli import main\nmain(['demo', '--seconds', '0'])\n"
        "raise SystemExit('rich' in sys.modules)"
    )
    assert finished([sys.executable, "-c", code]).status == 0


def test_the_commands_do_not_import_each_other() -> None:
    code = (
        "import sys\nfrom eventbus.cli import main\nmain(['sinks'])\n"
        "print([m for m in sys.modules if m.startswith('eventbus.cli._demo')])"
    )
    assert finished([sys.executable, "-c", code]).out.endswith("[]\n")


def test_a_named_pipe_without_a_writer_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with running("run", "--input", path, "--json") as process:
        with path.open("wb") as writing:
            writing.write(RECORDS)
        out, _ = process.communicate(timeout=10)
    assert json.loads(out)["records"] == 3


def test_a_growing_file_is_followed_until_ctrl_c(tmp_path: Path) -> None:
    path = tmp_path / "grow.jsonl"
    lines = RECORDS.splitlines(keepends=True)
    path.write_bytes(lines[0])
    with running("run", "--input", path, "--follow") as process:
        assert process.stdout is not None
        process.stdout.readline()
        with path.open("ab") as growing:
            growing.write(lines[1])
        process.stdout.readline()
        path.rename(tmp_path / "grow.jsonl.1")
        path.write_bytes(lines[2])
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    assert process.returncode == 0
    assert b"Read 3 lines" in err
    assert err.rstrip().endswith(b"Everything arrived. Stopped by SIGINT.")


def test_a_file_to_follow_that_is_not_there_yet_is_told(tmp_path: Path) -> None:
    path = tmp_path / "later.jsonl"
    with running("run", "--input", path, "--follow") as process:
        assert process.stderr is not None
        assert process.stdout is not None
        told = process.stderr.readline()
        path.write_bytes(RECORDS)
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    assert told == f"{path} is not there yet: waiting for it\n".encode()
    assert process.returncode == 0


def shell(script: str) -> subprocess.CompletedProcess[bytes]:
    command = ["sh", "-c", script, "sh", *program()]
    return subprocess.run(command, capture_output=True, check=False, timeout=20)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("command", [*OUTPUTS, "--version"])
def test_an_output_that_is_full_is_one_line(command: str) -> None:
    unbuffered = "1" if command == "--version" else ""
    done = shell(f'PYTHONUNBUFFERED={unbuffered} "$@" {command} </dev/null >/dev/full')
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == unwritten(command, "No space left on device")
    assert done.stderr.count(b"Cannot write") == 1
    assert b"Exception ignored" not in done.stderr


@pytest.mark.parametrize("command", OUTPUTS[:-1])
def test_an_output_that_is_closed_is_one_line(command: str) -> None:
    done = shell(f'"$@" {command} </dev/null >&-')
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == unwritten(
        command, "there is no standard output"
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
@pytest.mark.parametrize("command", ["run no.toml --json", "check no.toml --json"])
def test_wrong_usage_is_told_when_its_report_cannot_be_written(command: str) -> None:
    done = shell(f'"$@" {command} </dev/null >/dev/full')
    assert done.returncode == 2
    assert done.stderr == (
        b"eventbus: Cannot write the output: No space left on device\n"
        b"eventbus: Cannot read 'no.toml': No such file or directory\n"
    )


def test_a_process_without_standard_input_is_told_what_to_name() -> None:
    done = shell('"$@" run <&-')
    assert done.returncode == 2
    assert done.stderr == (
        b"eventbus: There is no standard input: name a file with --input\n"
    )


def test_without_a_standard_error_the_account_is_not_among_the_data(
    tmp_path: Path,
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(RECORDS)
    done = shell(f'"$@" run --input {path} 2>&-')
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 3
    assert b"offered" not in done.stdout
