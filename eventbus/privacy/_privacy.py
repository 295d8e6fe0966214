"""What a bus takes for a secret, and where it looks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal, cast

import msgspec

from eventbus._bounds import WrongSetting
from eventbus.privacy._key_names import spelled
from eventbus.privacy._known import NO_KNOWN_SECRETS, KnownSecrets

Scan = Literal["sensitive", "all", "off"]

SCANS: Final = ("sensitive", "all", "off")
SENSITIVE_ATTRIBUTES: Final = ("user.email", "user.account_id")


class Privacy(msgspec.Struct, frozen=True, kw_only=True):
    """What a bus takes for a secret; holds for every attachment, also for full content.

    Whatever stands under the name of a secret (``api_key``, ``password``, a name that
    ends in ``_token``, …) is replaced by ``[REDACTED]``: in fields of events, in tables
    inside of them, in bound attributes. In free text, secrets are found by their form:
    ``KEY=value``, ``"key": "value"``, ``--key value``, ``<key>value</key>``,
    ``Authorization`` and ``Cookie`` headers,
    ``Bearer …``, keys of well-known services, private keys, JSON Web Tokens, what
    stands before the host of a URL. Looking takes time linear in the text, whatever
    it is.

    Args:
        scan: Which events are searched: ``"sensitive"`` are those of types that have a
            ``Sensitive`` field, a field that is named as a secret, or a table, or that
            say ``scan=True`` in the class statement; ``"all"`` are all; ``"off"`` are
            none. Bound attributes and texts of errors are searched unless it is
            ``"off"``.
        known_secrets: Values that are secrets. They are looked for in the texts of all
            events, in bound attributes, resources and texts of errors, whatever *scan*
            says.
        key_names: Names of secrets beside the built-in ones, whole or at the end of a
            longer name after ``_``; spelling (``apiKey``, ``API-KEY``) does not matter.
        safe_key_names: Names that are no secrets; they win over all others.
        sensitive_attributes: Bound attributes that are content: left out where an
            attachment does not ask for them.

    Raises:
        ValueError: *scan* is none of these, what should be a list of texts is none, or
            a name has no letter and no digit.
    """

    scan: Scan = "sensitive"
    known_secrets: KnownSecrets = NO_KNOWN_SECRETS
    key_names: tuple[str, ...] = ()
    safe_key_names: tuple[str, ...] = ()
    sensitive_attributes: tuple[str, ...] = SENSITIVE_ATTRIBUTES

    def __post_init__(self) -> None:
        """Refuse what cannot be used."""
        if self.scan not in SCANS:
            raise WrongSetting(
                f"scan must be one of {', '.join(SCANS)}, got {self.scan!r}", "scan"
            )
        known = cast("object", self.known_secrets)
        if not isinstance(known, KnownSecrets):
            kind = type(known).__name__
            del known
            raise WrongSetting(
                f"known_secrets must be an eventbus.KnownSecrets, got a {kind}",
                "known_secrets",
            )
        for setting in ("key_names", "safe_key_names"):
            _check_names(setting, getattr(self, setting))
        check_texts("sensitive_attributes", self.sensitive_attributes)


def check_texts(setting: str, given: object) -> None:
    """Raise ``WrongSetting`` unless *given*, for *setting*, is a list of texts."""
    if not isinstance(given, list | tuple | set | frozenset):
        raise WrongSetting(f"{setting} must be a list, got {given!r}", setting)
    for index, text in enumerate(cast("Iterable[object]", given)):
        if not isinstance(text, str):
            what = f"{setting}[{index}] must be text, got {text!r}"
            raise WrongSetting(what, setting, index)


def _check_names(setting: str, names: Iterable[str]) -> None:
    check_texts(setting, names)
    for index, name in enumerate(names):
        if not spelled(name):
            raise WrongSetting(
                f"{setting}[{index}] must have a letter or a digit, got {name!r}",
                setting,
                index,
            )
