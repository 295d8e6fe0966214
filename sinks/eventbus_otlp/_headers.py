"""Which headers may be sent along, and how the environment writes them.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/#specifying-headers-via-environment-variables
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final
from urllib.parse import unquote

from eventbus._bounds import WrongSetting
from eventbus._expected import shown
from eventbus._secret import plain_text
from eventbus.config import Secret, SecretText
from eventbus_otlp._signal import Protocol

HeaderSource = Callable[[], Mapping[str, str] | Awaitable[Mapping[str, str]]]
"""Returns the headers that hold now, or something to await for them."""

HeaderPairs = tuple[tuple[str, str], ...]

# https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2, #section-5.5
_name: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_is_value: Final = re.compile(r"[\t\x20-\x7e]*").fullmatch
# https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#requests
_is_grpc_name: Final = re.compile(r"[0-9a-z_.\-]+").fullmatch

_OWN: Final = frozenset(
    (
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)


def checked_headers(
    headers: Mapping[str, str | Secret], *, protocol: Protocol | None = None
) -> HeaderPairs:
    """Return *headers* as they are sent: names in lower case, values without margins.

    The values are :class:`SecretText`, which a client takes.

    Args:
        headers: Names and values.
        protocol: gRPC takes fewer names than HTTP does. ``None`` checks what holds
            for both.

    Raises:
        WrongSetting: One cannot be sent; the text has its name, or its number where
            the name may be a secret, and never a value.
    """
    found: dict[str, str] = {}
    for number, (name, value) in enumerate(headers.items(), start=1):
        reason = _fault(name, value) or _grpc_fault(name, protocol)
        key = str(name).lower()
        if reason is None and key in found:
            reason = "is there twice, in other letters"
        if reason is not None:
            called = f"header {_visible(name, value) or f'number {number}'}"
            raise WrongSetting(f"{called} {reason}", "headers")
        found[key] = SecretText(plain_text(value).strip(" \t"))
    return tuple(found.items())


def _visible(name: object, value: object) -> str:
    """Return what a message may show of *name*; "" for nothing.

    Who writes ``name: value`` where ``name=value`` belongs has a secret in the name;
    beside what is no text, all of the name may be one.
    """
    if not isinstance(name, str) or not isinstance(value, str | Secret):
        return ""
    start = _name.match(name)
    if start is None:
        return ""
    return shown(start[0] if start[0] == name else f"{start[0]}…")


def _fault(name: object, value: object) -> str | None:
    if not isinstance(name, str) or not _name.fullmatch(name):
        return "is refused: a name has letters, digits and !#$%&'*+-.^_`|~ only"
    if name.lower() in _OWN:
        return "is refused: the sink sets it itself"
    if not isinstance(value, str | Secret):
        return f"must have a text as its value, got one of type {type(value).__name__}"
    if not _is_value(plain_text(value)):
        return (
            "is refused: its value has a character other than visible ASCII, space "
            "and tab"
        )
    return None


def _grpc_fault(name: str, protocol: Protocol | None) -> str | None:
    if protocol != "grpc":
        return None
    lower = name.lower()
    if not _is_grpc_name(lower):
        return "is refused: over gRPC a name has letters, digits and _.- only"
    if lower.startswith("grpc-"):
        return "is refused: grpc keeps names that begin with 'grpc-' for itself"
    if lower.endswith("-bin"):
        return "is refused: over gRPC names that end with '-bin' have bytes as values"
    return None


def hidden(headers: Mapping[str, str | Secret]) -> dict[str, Secret]:
    """Return *headers* so that no print shows a value."""
    return {name: Secret(value) for name, value in headers.items()}


def headers_from_text(
    text: str, protocols: Iterable[Protocol] = ()
) -> tuple[dict[str, str], list[str]]:
    """Return the headers that *text* lists, and what is wrong with the others.

    ``name=value,name=value``, percent-decoded, as W3C baggage without its properties:
    a ``;`` belongs to the value. Of two with one name the later one counts. What is
    wrong is said with the name as far as it can be one, or with the number of the pair.
    """
    found: dict[str, str] = {}
    wrong: list[str] = []
    for number, part in enumerate(text.split(","), start=1):
        try:
            name, value = _pair(part, number)
            ((key, sent),) = checked_headers({name: value})
            for protocol in protocols:
                checked_headers({name: value}, protocol=protocol)
        except ValueError as error:
            wrong.append(str(error))
        else:
            found[key] = sent
    return found, wrong


def _pair(part: str, number: int) -> tuple[str, str]:
    if not part.strip():
        raise ValueError(f"pair {number} is empty")
    name, equals, value = part.partition("=")
    if not equals:
        raise ValueError(f"pair {number} has no '='")
    if not _name.match(unquote(name.strip())):
        raise ValueError(f"pair {number} has no name before its '='")
    try:
        return unquote(name.strip(), errors="strict"), unquote(
            value.strip(), errors="strict"
        )
    except UnicodeDecodeError:
        raise ValueError(f"pair {number} is not UTF-8 once decoded") from None
