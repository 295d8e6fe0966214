"""How much of the content of events an attachment gets, field by field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Final, Literal, cast

import msgspec
from msgspec import Meta

from eventbus._bounds import WrongSetting, at_least, concerning
from eventbus._select import NameTest, name_test
from eventbus.privacy._privacy import check_texts

_ATTRIBUTE: Final = "@"
_MARKS: Final = ("!", _ATTRIBUTE)
_MAY_HOLD_A_DOT: Final = (".", "*", "?", "[")


def _is_attribute(glob: str) -> bool:
    return glob.removeprefix("!").startswith(_ATTRIBUTE)


def _bare(glob: str) -> str:
    return glob.removeprefix("!").removeprefix(_ATTRIBUTE)


class Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which content reaches an attachment, and how much of it.

    Content is what is marked ``Sensitive``, and bound attributes that
    ``Privacy.sensitive_attributes`` names. What is not let through leaves as
    ``[REDACTED]``; such attributes are left out. Secrets are replaced in what is let
    through all the same.

    Args:
        full: Globs on ``"event.field"``, as in ``"agent.user_prompt.prompt"``: such
            fields come as they are. With ``@`` in front they are globs on names of
            bound attributes, as in ``"@user.email"``. A leading ``!`` excludes, and an
            exclusion always wins.
        max_bytes: How long texts may be, by the same globs on fields: longer ones are
            cut, at the boundary of a character in UTF-8. Of several globs that match
            the smallest number holds.

    Raises:
        ValueError: *full* is no list of texts or only excludes, a glob is blank, too
            long, or matches no field whatever its event (``"prompt"`` has no ``.``),
            or a length is no whole number >= 1. A glob that matches no event
            so far is not refused, as types are known when they are first seen: it lets
            nothing through.
    """

    full: tuple[str, ...] = ()
    max_bytes: dict[str, Annotated[int, Meta(ge=1)]] = {}

    def __post_init__(self) -> None:
        """Refuse globs that can match nothing, and lengths of nothing."""
        check_texts("full", self.full)
        for index, glob in enumerate(self.full):
            with concerning("full", index):
                place = f"full[{index}]"
                _check_glob(_bare(glob), place, is_field=not _is_attribute(glob))
        if self.full and all(glob.startswith("!") for glob in self.full):
            raise WrongSetting(
                "full must be a list that includes something beside what it excludes, "
                f"as in '*', got {list(self.full)!r}",
                "full",
            )
        _check_limits(self.max_bytes)


def _check_limits(limits: object) -> None:
    if not isinstance(limits, Mapping):
        raise WrongSetting(f"max_bytes must be a table, got {limits!r}", "max_bytes")
    for glob, limit in cast("Mapping[object, object]", limits).items():
        if not isinstance(glob, str):
            what = f"a key of max_bytes must be text, got {glob!r}"
            raise WrongSetting(what, "max_bytes")
        with concerning("max_bytes", glob):
            _check_glob(glob, "a key of max_bytes", is_field=True)
            place = f"max_bytes[{glob!r}]"
            if not isinstance(limit, int) or isinstance(limit, bool):
                raise ValueError(f"{place} must be a whole number, got {limit!r}")
            at_least(place, limit, 1)


def _check_glob(glob: str, place: str, *, is_field: bool) -> None:
    name_test(glob, place=place)
    may_match = not is_field or any(sign in glob for sign in _MAY_HOLD_A_DOT)
    if glob[0] in _MARKS or not may_match:
        expected = "'event.field', as in 'agent.user_prompt.prompt'"
        raise ValueError(f"{place} must be a glob on {expected}, got {glob!r}")


ContentMode = Literal["redacted", "full"]

REDACTED_CONTENT: Final = Content()
FULL_CONTENT: Final = Content(full=("*", "@*"))


def content_of(asked: object) -> Content | None:
    """Return *asked* as a :class:`Content`, or ``None`` where it is none."""
    if isinstance(asked, Content):
        return asked
    if isinstance(asked, str):
        return {"redacted": REDACTED_CONTENT, "full": FULL_CONTENT}.get(asked)
    return None


def content_mode(content: Content) -> ContentMode | None:
    """Return the word for *content*, or ``None`` where it takes more than one."""
    modes: tuple[ContentMode, ...] = ("redacted", "full")
    return next((mode for mode in modes if content == content_of(mode)), None)


def content_key(content: Content) -> object:
    """Return what is the same for those who get the same, to keep it once for all."""
    return frozenset(content.full), frozenset(content.max_bytes.items())


class ContentRules:
    """A :class:`Content`, compiled."""

    def __init__(self, content: Content) -> None:
        """Compile the globs."""
        self._content = content
        self._limits = [
            (name_test(glob, place="max_bytes"), limit)
            for glob, limit in content.max_bytes.items()
        ]

    @cached_property
    def _fields(self) -> _Globs:
        return _Globs(g for g in self._content.full if not _is_attribute(g))

    @cached_property
    def _attributes(self) -> _Globs:
        return _Globs(
            g.replace(_ATTRIBUTE, "", 1) for g in self._content.full if _is_attribute(g)
        )

    def shows(self, event_name: str, field_name: str) -> bool:
        """Return whether that field of that event is let through."""
        return self._fields.match(f"{event_name}.{field_name}")

    def shows_attribute(self, name: str) -> bool:
        """Return whether the bound attribute *name* is let through."""
        return self._attributes.match(name)

    def max_bytes(self, event_name: str, field_name: str) -> int | None:
        """Return how long that text may be; ``None`` is any length."""
        name = f"{event_name}.{field_name}"
        return min((n for test, n in self._limits if test(name)), default=None)


class _Globs:
    def __init__(self, globs: Iterable[str]) -> None:
        self._included: list[NameTest] = []
        self._excluded: list[NameTest] = []
        for glob in globs:
            tests = self._excluded if glob.startswith("!") else self._included
            tests.append(name_test(glob.removeprefix("!"), place="full"))

    def match(self, name: str) -> bool:
        return any(test(name) for test in self._included) and not any(
            test(name) for test in self._excluded
        )


def cut(text: str, max_bytes: int) -> str:
    """Return what of *text* fits into *max_bytes* in UTF-8, in whole characters."""
    if len(text) * 4 <= max_bytes:
        return text
    if text.isascii():
        return text[:max_bytes]
    encoded = text[:max_bytes].encode("utf-8", "surrogatepass")
    if len(encoded) <= max_bytes:
        return text[:max_bytes]
    return encoded[:max_bytes].decode("utf-8", "ignore")
