"""Which names of keys say that what stands under them is a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

KEY_NAMES: Final = (
    "access_key",
    "accesskey",
    "accesstoken",
    "account_key",
    "accountkey",
    "admin_pass",
    "admin_pwd",
    "api_key",
    "apikey",
    "apitoken",
    "authorization",
    "authtoken",
    "bearer",
    "client_secret",
    "clientsecret",
    "cookie",
    "cookies",
    "credential",
    "credentials",
    "database_pass",
    "database_pwd",
    "db_pass",
    "db_pwd",
    "encryption_key",
    "mysql_pass",
    "mysql_pwd",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "pgpassword",
    "private_key",
    "privatekey",
    "redis_pass",
    "refreshtoken",
    "root_pass",
    "root_pwd",
    "secret",
    "secret_key",
    "secret_key_base",
    "secretkey",
    "secrets",
    "session_token",
    "signing_key",
    "smtp_pass",
    "token",
    "tokens",
    "user_pass",
    "user_pwd",
)
"""Names of secrets, whole or at the end of a longer name after ``_``."""

SIGNATURES: Final = (
    "shared_access_signature",
    "x_amz_signature",
    "x_goog_signature",
    "x_obs_signature",
    "x_oss_signature",
)
"""Likewise, but as names of keys alone: texts are searched for ``-Signature``."""

URL_PARAMETERS: Final = ("AWSAccessKeyId", "Signature", "sig")
"""Names of secrets only as a whole and spelled just so: those of signed URLs.

With what the others have they are what OpenTelemetry redacts in ``url.query``.
In any other spelling they are words of programs: ``sig = signature(f)``.
"""

NAME_KEYS: Final = ("name", "key", "Name", "Key")
VALUE_KEYS: Final = frozenset({"value", "Value"})
"""Where a table of two says a name, and what it is the name of."""

SAFE_KEY_NAMES: Final = (
    "accepted_prediction_tokens",
    "audio_tokens",
    "budget_tokens",
    "cache_creation_tokens",
    "cache_read_tokens",
    "cached_tokens",
    "completion_tokens",
    "context_tokens",
    "first_token",
    "has_secret",
    "image_tokens",
    "input_tokens",
    "is_secret",
    "max_tokens",
    "new_tokens",
    "num_tokens",
    "output_tokens",
    "per_token",
    "prompt_tokens",
    "reasoning_tokens",
    "rejected_prediction_tokens",
    "remaining_tokens",
    "span_token",
    "text_tokens",
    "thinking_tokens",
    "tool_tokens",
    "total_tokens",
    "used_tokens",
)
"""Counters of tokens and the like, whole or at the end likewise: no secrets."""

_MAX_LENGTH: Final = 128
_MAX_REMEMBERED: Final = 4096
_hump: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_other: Final = re.compile(r"[^a-z0-9]+")


def spelled(name: str) -> str:
    """Return *name* as names are compared: ``x-apiKey`` as ``x_api_key``."""
    return _other.sub("_", _hump.sub("_", name).lower()).strip("_")


class KeyNames:
    """Decides of each name of a key whether it is that of a secret.

    Spelling does not matter: ``apiKey``, ``api-key``, ``API_KEY`` and ``APIkey`` are
    one name.
    What ends otherwise, as ``token_id`` and ``secret_refs`` do, is no secret.

    Args:
        more: Names beside :data:`KEY_NAMES`.
        safe: Names beside :data:`SAFE_KEY_NAMES`; they win over all others.
    """

    def __init__(self, more: Iterable[str] = (), safe: Iterable[str] = ()) -> None:
        """Remember how they are spelled."""
        own = {spelled(name) for name in more}
        self._own_safe: Final = frozenset(spelled(name) for name in safe)
        self._own: Final = frozenset(own)
        self.names: Final = frozenset({*own, *KEY_NAMES})
        """What texts are searched for, as names are compared."""
        every = (*self.names, *SIGNATURES, *URL_PARAMETERS)
        self._last: Final = frozenset("".join(n[-1] + n[-1].upper() for n in every))
        self._remembered: Final[dict[str, bool]] = {}

    def is_secret(self, name: str) -> bool:
        """Return whether what stands under *name* is a secret; long names by their end.

        Names do not vary much: the last 4,096 answers are remembered.
        """
        last = name[-1:]
        if last not in self._last and last.isalnum():
            return False
        known = self._remembered.get(name)
        if known is None:
            own = name in _OF_URLS and not _ends(spelled(name), self._own_safe)
            known = own or self._decided(name[-_MAX_LENGTH:])
            if len(name) <= _MAX_LENGTH:
                if len(self._remembered) >= _MAX_REMEMBERED:
                    self._remembered.clear()
                self._remembered[name] = known
        return known

    def _decided(self, name: str) -> bool:
        """Decide of *name* with its capitals as the beginnings of words and without."""
        read = {spelled(name), spelled(name.lower())}
        if any(_ends(one, self._own_safe) for one in read):
            return False
        if any(_ends(one, self._own) for one in read):
            return True
        is_counter = any(_ends(one, _SAFE) for one in read)
        return not is_counter and any(_ends(one, _SECRET) for one in read)


_OF_URLS: Final = frozenset(URL_PARAMETERS)
_SECRET: Final = frozenset((*KEY_NAMES, *SIGNATURES))
_SAFE: Final = frozenset(SAFE_KEY_NAMES)


def _ends(name: str, names: frozenset[str]) -> bool:
    """Return whether *name*, or an end of it after ``_``, is one of *names*."""
    while name:
        if name in names:
            return True
        name = name.partition("_")[2]
    return False
