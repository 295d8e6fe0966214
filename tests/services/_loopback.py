"""Decide how the tests use 127.0.0.1: which ports are free, how a server is asked."""

from __future__ import annotations

import random
import socket
from contextlib import closing
from http.client import HTTPConnection

HOST = "127.0.0.1"

# Below 32768, where Linux takes the ports of outgoing connections from: the port of a
# server that a test stopped for a while is still free when it starts again.
_PORTS = range(20_000, 32_000)
_random = random.SystemRandom()


def free_ports(count: int) -> list[int]:
    """Return *count* different ports that nobody listens on."""
    found: set[int] = set()
    while len(found) < count:
        port = _random.choice(_PORTS)
        if is_free(port):
            found.add(port)
    return list(found)


def is_free(port: int) -> bool:
    """Whether a server could listen on *port* now."""
    with socket.socket() as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def accepts(port: int) -> bool:
    """Whether somebody on *port* takes a connection."""
    try:
        with socket.create_connection((HOST, port), timeout=1.0):
            return True
    except OSError:
        return False


def request(
    port: int,
    path: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    content_type: str = "application/json",
) -> tuple[int, bytes]:
    """Send one HTTP request; return the status and the body of the answer."""
    with closing(HTTPConnection(HOST, port, timeout=10.0)) as connection:
        headers = {} if body is None else {"Content-Type": content_type}
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()
