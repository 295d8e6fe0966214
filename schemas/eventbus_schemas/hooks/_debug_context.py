"""What the headers of a refusal tell about it, for those who ask the provider."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Final

import msgspec

from eventbus_schemas.hooks._client_errors import as_api_error
from eventbus_schemas.hooks._errors import HttpError


class DebugContext(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a refusal's headers told; what they did not tell is ``None``.

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
    known = None if error is None else as_api_error(error)
    if not isinstance(known, HttpError) or not known.headers:
        return _NOTHING
    headers = {name.lower(): value for name, value in known.headers.items()}
    return DebugContext(
        request_id=headers.get("x-request-id", headers.get("x-oai-request-id")),
        cf_ray=headers.get("cf-ray"),
        auth_error=headers.get("x-openai-authorization-error"),
        auth_error_code=_code_in(headers),
    )


def _code_in(headers: Mapping[str, str]) -> str | None:
    try:
        body = base64.b64decode(headers.get("x-error-json", ""), validate=True)
        return _error_body.decode(body).error.code
    except (ValueError, RecursionError):
        return None
