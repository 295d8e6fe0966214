"""Where requests go: what an endpoint may be, and what of it may be shown.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/#endpoint-urls-for-otlphttp
"""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Final, NamedTuple
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from eventbus._bounds import WrongSetting
from eventbus._expected import shown
from eventbus._records import REDACTED
from eventbus._secret import plain_text
from eventbus.config import SecretText
from eventbus_otlp._signal import Protocol, Signal

DEFAULT_HTTP_ENDPOINT: Final = "http://localhost:4318"
DEFAULT_GRPC_ENDPOINT: Final = "http://localhost:4317"

_SECURE: Final = {"http": False, "https": True}
_PORTS: Final = {"http": 80, "https": 443}
_MAX_PORT: Final = 65_535

# What grpc's own name resolution takes beside "host:port":
# https://github.com/grpc/grpc/blob/master/doc/naming.md
_GRPC_SCHEMES: Final = (
    *("dns:", "ipv4:", "ipv6:", "unix:", "unix-abstract:", "vsock:", "xds:"),
)

_host: Final = re.compile(r"[\w.~%:\-\[\]]+").fullmatch
_host_and_port: Final = re.compile(r"(\[[0-9A-Fa-f:.%\w]+\]|[^:/\[\]@]+):(\d+)")


class Endpoint(NamedTuple):
    """An endpoint that was understood.

    Args:
        target: The URL, or the name that a gRPC channel takes; no credentials in it.
        is_secure: Whether it says itself that TLS is wanted; ``None`` where it does
            not say.
        authorization: The header that its user and password become.
    """

    target: str
    is_secure: bool | None = None
    authorization: str | None = None


class WrongEndpoint(WrongSetting):
    """An endpoint that cannot be used.

    Attributes:
        expected: What one must be, in words that follow its name.
    """

    def __init__(self, name: str, expected: str, text: str) -> None:
        """Say it with what may be shown of *text*."""
        self.expected = expected
        super().__init__(f"{name} {expected}, got {shown(visible(text))}", name)


class EndpointText(SecretText):
    """An endpoint with credentials or a query, which print as ``[REDACTED]``.

    That holds for ``str()`` and ``format()`` of it too; ``reveal()`` returns the
    endpoint itself.
    """

    __slots__ = ()

    @property
    def shown(self) -> str:
        """The endpoint without them."""
        return visible(plain_text(self))

    def __repr__(self) -> str:
        """Show the endpoint without them."""
        return repr(self.shown)

    def __str__(self) -> str:
        """Show the endpoint without them."""
        return self.shown

    def __format__(self, spec: str) -> str:
        """Show the endpoint without them."""
        return format(self.shown, spec)


def guarded(text: str) -> str:
    """Return *text* so that no ``repr`` shows a secret in it."""
    return text if visible(text) == text else EndpointText(text)


def visible(text: str) -> str:
    """Return the endpoint *text* as it may stand in a message.

    Credentials and queries are ``[REDACTED]``; of what cannot be told apart, all is.
    """
    if not any(mark in text for mark in "@?#"):
        return text
    scheme, separator, _ = text.partition("://")
    if not separator or scheme.lower() not in _SECURE:
        return REDACTED
    hidden = f"{scheme}://{REDACTED}"
    try:
        parts = urlsplit(text)
        if not parts.hostname or parts.port == 0 or _has_stray_at(text, parts):
            return hidden
    except ValueError:
        return hidden
    user, at, host = parts.netloc.rpartition("@")
    query = f"?{REDACTED}" if parts.query or parts.fragment else ""
    return f"{scheme}://{REDACTED if user else ''}{at}{host}{parts.path}{query}"


def http_endpoint(text: str, name: str, *, signal: Signal | None = None) -> Endpoint:
    """Return where requests over HTTP go.

    The scheme, the host, the port, the path and the query are honoured, a fragment is
    left out, a user and a password become a header ``authorization: Basic …``.

    Args:
        text: A URL.
        name: The setting that says it.
        signal: Whose path, as in ``v1/logs``, is appended to that of *text*. ``None``
            takes *text* as it is; without a path in it that is ``/``.

    Raises:
        WrongEndpoint: It is no such URL.
    """
    parts = _split(text, name)
    if parts.scheme not in _SECURE:
        raise WrongEndpoint(
            name,
            "must begin with http:// or https://, unless protocol is 'grpc'",
            text,
        )
    path = parts.path or "/"
    if signal is not None:
        path = f"{path}{'' if path.endswith('/') else '/'}v1/{signal}"
    query = f"?{parts.query}" if parts.query else ""
    address = _address(parts, name, text)
    return Endpoint(
        f"{parts.scheme}://{address}{path}{query}",
        _SECURE[parts.scheme],
        _authorization(parts),
    )


def grpc_endpoint(text: str, name: str) -> Endpoint:
    """Return where calls over gRPC go.

    A URL with ``http`` or ``https`` says whether TLS is wanted, and its path and query
    mean nothing; ``host:port`` and the forms of grpc itself, ``dns:///host:port`` or
    ``unix:/path``, do not say and go to grpc as they are.

    Args:
        text: The URL or the target.
        name: The setting that says it.

    Raises:
        WrongEndpoint: It is neither.
    """
    _refuse_spaces(text, name)
    if text.lower().startswith(_GRPC_SCHEMES):
        return Endpoint(text)
    if "://" not in text:
        return _plain_target(text, name)
    parts = _split(text, name)
    if parts.scheme not in _SECURE:
        raise WrongEndpoint(
            name,
            "must be a URL with http or https, host:port, or a target of grpc such "
            "as dns:///host:port",
            text,
        )
    address = _address(parts, name, text)
    if parts.port is None:
        address = f"{address}:{_PORTS[parts.scheme]}"
    return Endpoint(address, _SECURE[parts.scheme], _authorization(parts))


def check_endpoint(text: str, name: str, protocol: Protocol) -> None:
    """Raise :class:`WrongEndpoint` unless *protocol* takes *text*."""
    if protocol == "grpc":
        grpc_endpoint(text, name)
    else:
        http_endpoint(text, name)


def _plain_target(text: str, name: str) -> Endpoint:
    found = _host_and_port.fullmatch(text)
    if found is None:
        raise WrongEndpoint(name, "must be host:port or a URL with http or https", text)
    if not 1 <= int(found[2]) <= _MAX_PORT:
        raise _wrong_port(name, text)
    return Endpoint(text)


def _refuse_spaces(text: str, name: str) -> None:
    if not text:
        raise WrongEndpoint(name, "must be a URL", text)
    if " " in text or not text.isprintable():
        raise WrongEndpoint(name, "must have no spaces and no control characters", text)


def _split(text: str, name: str) -> SplitResult:
    _refuse_spaces(text, name)
    try:
        parts = urlsplit(text)
    except ValueError:
        raise WrongEndpoint(name, "must be a URL", text) from None
    if _has_stray_at(text, parts):
        raise WrongEndpoint(
            name,
            "must have '@' and '/' in credentials, and '@' in a path, as %40 and %2F",
            text,
        )
    return parts


def _has_stray_at(text: str, parts: SplitResult) -> bool:
    """Return whether a password with a ``/`` may have been taken for a host."""
    return bool(parts.netloc) and text.count("@") > parts.netloc.count("@")


def _address(parts: SplitResult, name: str, text: str) -> str:
    """Return host and port."""
    if not parts.hostname or not _host(parts.hostname):
        raise WrongEndpoint(name, "must name a host", text)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise _wrong_port(name, text)
    return parts.netloc.rpartition("@")[2].removesuffix(":")


def _authorization(parts: SplitResult) -> str | None:
    user, at, _ = parts.netloc.rpartition("@")
    if not at:
        return None
    name, _, password = user.partition(":")
    pair = unquote_to_bytes(name) + b":" + unquote_to_bytes(password)
    return f"Basic {b64encode(pair).decode()}"


def _wrong_port(name: str, text: str) -> WrongEndpoint:
    return WrongEndpoint(name, f"must have a port between 1 and {_MAX_PORT}", text)
