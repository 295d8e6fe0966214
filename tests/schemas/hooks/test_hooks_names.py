"""The public names of the hooks, and what naming them imports."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

from eventbus_schemas import hooks


@pytest.mark.parametrize("name", hooks.__all__)
def test_a_public_name_is_there_and_says_what_it_is(name: str) -> None:
    value = getattr(hooks, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert inspect.getdoc(value)


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_clients_are_imported_by_those_who_name_their_hooks() -> None:
    code = """
import sys
from eventbus_schemas import hooks
hooks.EventHooks(print), hooks.read_sse, hooks.run_with_request_telemetry
print(sorted({"httpx", "websockets"} & set(sys.modules)))
hooks.HookedAsyncClient
print(sorted({"httpx", "websockets"} & set(sys.modules)))
hooks.HookedConnection
print(sorted({"httpx", "websockets"} & set(sys.modules)))
"""
    assert run(code).splitlines() == ["[]", "['httpx']", "['httpx', 'websockets']"]


@pytest.mark.parametrize(
    ("client", "name", "command"),
    [
        ("httpx", "HookedAsyncClient", "pip install httpx"),
        ("websockets", "connect_websocket", "pip install 'websockets>=14'"),
    ],
)
def test_a_client_that_is_missing_is_one_clear_sentence(
    client: str, name: str, command: str
) -> None:
    code = f"""
import sys
sys.modules[{client!r}] = None
from eventbus_schemas import hooks
try:
    hooks.{name}
except ImportError as error:
    print(error)
hooks.read_sse
"""
    said = run(code)
    assert f"needs {client}" in said
    assert said.strip().endswith(command)


def test_versions_of_websockets_without_the_newer_names_will_do() -> None:
    code = """
import websockets.asyncio.client, websockets.typing
vars(websockets.typing).pop("DataLike", None)
from eventbus_schemas.hooks import HookedConnection
print(HookedConnection.__name__)
"""
    assert run(code) == "HookedConnection\n"
