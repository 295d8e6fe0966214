"""What the model may call: each tool is its arguments, and what is done with them."""

import asyncio
import os
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec

COMMAND_TIMEOUT_SECONDS: Final = 10.0
MAX_OUTPUT_CHARS: Final = 20_000
MAX_OUTPUT_BYTES: Final = 4 * MAX_OUTPUT_CHARS  # of UTF-8
READ_BYTES: Final = 65_536


class ToolError(Exception):
    """What the model is told instead of an output."""


class Call(msgspec.Struct, frozen=True):
    """A tool the model wants called; the arguments are JSON in a string."""

    call_id: str
    name: str
    arguments: str


class Tool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call whose arguments are what they should be."""

    async def run(self, folder: Path) -> str:
        """Return the output; what it raises, the model is told."""
        raise NotImplementedError


class ListFiles(Tool, frozen=True):
    """List the files of the folder."""

    async def run(self, folder: Path) -> str:
        """Return a name a line."""
        return "\n".join(sorted(await asyncio.to_thread(os.listdir, folder)))


class ReadFile(Tool, frozen=True):
    """Read a file of the folder."""

    path: str

    async def run(self, folder: Path) -> str:
        """Return the beginning of its text."""
        return await asyncio.to_thread(_read, folder, self.path)


class RunCommand(Tool, frozen=True):
    """Run a command in the folder, without a shell."""

    command: Annotated[list[str], msgspec.Meta(min_length=1)]

    async def run(self, folder: Path) -> str:
        """Return how its output begins; kill it when it is slow, or cancelled."""
        process = await asyncio.create_subprocess_exec(
            *self.command,
            cwd=folder,
            env={"PATH": os.environ.get("PATH", os.defpath)},  # no keys, no tokens
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(COMMAND_TIMEOUT_SECONDS):
                printed = await _beginning(process.stdout)
                await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        output = printed.decode(errors="replace")[:MAX_OUTPUT_CHARS]
        if process.returncode:
            raise ToolError(f"exit status {process.returncode}: {output}")
        return output


TOOLS: Final[dict[str, type[Tool]]] = {
    "list_files": ListFiles,
    "read_file": ReadFile,
    "run_command": RunCommand,
}


def tool_of(call: Call) -> Tool:
    """Return what *call* asks for.

    Raises:
        ToolError: There is no such tool, or these are not its arguments.
    """
    if call.name not in TOOLS:
        raise ToolError(f"no tool {call.name!r}; there are {', '.join(TOOLS)}")
    try:
        return msgspec.json.decode(call.arguments, type=TOOLS[call.name])
    except msgspec.DecodeError as error:
        raise ToolError(f"arguments of {call.name}: {error}") from error


def specifications() -> list[dict[str, Any]]:
    """Return the tools as a request names them."""
    # Any: JSON Schema.
    _, schemas = msgspec.json.schema_components(TOOLS.values())
    return [
        {"type": "function", "name": name, "parameters": schemas[tool.__name__]}
        for name, tool in TOOLS.items()
    ]


def _read(folder: Path, path: str) -> str:
    root = folder.resolve()
    found = (root / path).resolve()
    if not found.is_relative_to(root):
        raise ToolError(f"{path} is outside of the folder")
    with found.open(errors="replace") as file:
        return file.read(MAX_OUTPUT_CHARS)


async def _beginning(stream: asyncio.StreamReader | None) -> bytes:
    """Read all of *stream*, and return no more of it than the model is told."""
    assert stream is not None
    kept = bytearray()
    while piece := await stream.read(READ_BYTES):
        kept += piece[: MAX_OUTPUT_BYTES - len(kept)]
    return bytes(kept)
