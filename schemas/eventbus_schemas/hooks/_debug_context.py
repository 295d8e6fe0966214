"""What the headers of a refusal tell about it, for those who ask the provider."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final

import msgspec

from eventbus._verdict import brief
from eventbus_schemas.hooks._client_errors import headers_of


class DebugContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a refusal's headers told; what they did not tell is ``None``.

    Each is one line of at most 256 characters.

    Args:
        request_id: The provider's name for the request: ``x-request-id``, else
            ``x-oai-request-id``.
        cf_ray: The name its front end gave it: ``cf-ray``.
        auth_error: The error about credentials: ``x-openai-authorization-error``.
        auth_error_code: Its code: ``error.code`` of the base64 JSON in
            ``x-error-json``.
    """

    request_id: str | None = None
    cf_ray: str | None = None
    auth_error: str | None = None
    auth_error_code: str | None = None


class _Error(msgspec.Struct):
    code: str


class _ErrorBody(msgspec.Struct):
    error: _Error


_error_body: Final = msgspec.json.Decoder(_ErrorBody)
_NOTHING: Final = DebugContext()


def debug_context(error: BaseException | None) -> DebugContext:
    """Return what the headers of the answer behind *error* tell.

    Only an error that carries a status has such headers, a client's own too; of any
    other error, and of none, everything is ``None``. What cannot be decoded is absent.
    """
    headers = headers_of(error)
    if not headers:
        return _NOTHING
    return DebugContext(
        request_id=_first(headers, "x-request-id", "x-oai-request-id"),
        cf_ray=_first(headers, "cf-ray"),
        auth_error=_first(headers, "x-openai-authorization-error"),
        auth_error_code=_code_in(headers),
    )


def _first(headers: Mapping[str, str], *names: str) -> str | None:
    told = (brief(headers.get(name, "")) for name in names)
    return next(filter(None, told), None)


def _code_in(headers: Mapping[str, str]) -> str | None:
    try:
        body = base64.b64decode(headers.get("x-error-json", ""), validate=True)
        return brief(_error_body.decode(body).error.code) or None
    except (ValueError, RecursionError):
        return None
