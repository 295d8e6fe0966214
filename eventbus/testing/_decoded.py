"""What a compressed body says, up to a bound."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import Any, Final

from eventbus.testing._needs import need

MAX_BODY_BYTES: Final = 64 * 1024 * 1024
"""The longest body taken, and the longest that comes of it."""

_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS


def decoded(body: bytes, encoding: str) -> bytes:
    """Return *body* without its compression.

    Args:
        body: As it came.
        encoding: The header ``content-encoding``: ``gzip``, ``deflate``, ``zstd``,
            several of them, or empty.

    Raises:
        ValueError: It is no such thing, or longer than 64 MiB.
        PluginError: It is zstd, and nothing is installed that reads it.
    """
    names = [name.strip().lower() for name in encoding.split(",")]
    for name in reversed(names):
        if name in ("", "identity"):
            continue
        decode = _DECODERS.get(name)
        if decode is None:
            raise ValueError(
                f"content-encoding must be one of {', '.join(_DECODERS)}, got {name!r}"
            )
        body = decode(body)
    return body


def _inflated(body: bytes) -> bytes:
    reader = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        text = reader.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise ValueError(f"the body is not compressed as it says: {error}") from error
    return _whole(text, ended=reader.eof)


def _unpacked(body: bytes) -> bytes:
    zstd = _zstd()
    reader = zstd.ZstdDecompressor()
    try:
        text: bytes = reader.decompress(body, MAX_BODY_BYTES + 1)
    except zstd.ZstdError as error:
        raise ValueError(f"the body is not compressed as it says: {error}") from error
    return _whole(text, ended=reader.eof)


def _zstd() -> Any:
    # Any: from 3.14 on it is in the standard library, before it is a package.
    if sys.version_info >= (3, 14):
        return need("compression.zstd", by="a zstd body", package="compression.zstd")
    return need("backports.zstd", by="a zstd body", package="backports.zstd")


def _whole(text: bytes, *, ended: bool) -> bytes:
    if len(text) > MAX_BODY_BYTES:
        raise ValueError(f"a body must have at most {MAX_BODY_BYTES} bytes, got more")
    if not ended:
        raise ValueError("the compressed body breaks off")
    return text


_DECODERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": _inflated,
    "deflate": _inflated,
    "zstd": _unpacked,
}
