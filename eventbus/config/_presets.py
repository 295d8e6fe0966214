"""What a vendor fixes about a sink, by a name: data, registered and never on by itself.

``preset = "statsig"`` in a table ``[sinks.NAME]`` stands for what the preset of that
name says; the key is always the user's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import msgspec

from eventbus._errors import PluginError
from eventbus._expected import shown
from eventbus._place import Place, inside, written
from eventbus._plugins import load_preset, wrong_kind
from eventbus._records import REDACTED
from eventbus.config._problems import Problems
from eventbus.config._reference import toml
from eventbus.config._secrets import Secrets, is_secret
from eventbus.config._settings import Origin
from eventbus.config._tree import as_table, leaves, present, put, value_at

# Any in this module: a configuration holds values of any type.

API_KEY: Final = "api_key"

_OWN_KEY: Final = f'{API_KEY} = "${{NAME_OF_A_VARIABLE}}"'
_LEAVE_OUT: Final = "Leave it out"


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """A sink as a vendor wants it, but for the user's own key.

    Args:
        type: The sink, by the name of its plugin.
        settings: What is fixed of its settings, a table.
        key: Where in its settings the user's ``api_key`` goes, as in
            ``("headers", "x-api-key")``; ``None`` for a vendor who wants none.
        closed: Settings that must not be said beside it, since they would say
            otherwise where what goes.
        reason: Said where somebody says otherwise: what the vendor takes, as a
            sentence without its full stop.

    Raises:
        TypeError: *key* or *closed* is no tuple of texts, or *settings* no table.
        ValueError: *key* is empty.
    """

    type: str
    settings: Mapping[str, Any]
    key: Place | None = None
    closed: tuple[str, ...] = ()
    reason: str = ""

    def __post_init__(self) -> None:
        """Refuse what stands for no setting; a text would be taken for its letters."""
        key = (API_KEY,) if self.key is None else self.key
        for name, several in (("key", key), ("closed", self.closed)):
            if not _are_names(several):
                raise TypeError(f"{name} must be a tuple of names, got {several!r}")
        if not key:
            raise ValueError("key must have at least one name, or be None, got ()")
        if as_table(self.settings) is None:
            kind = type(self.settings).__name__
            raise TypeError(f"settings must be a table, got one of type {kind}")


def _are_names(several: object) -> bool:
    return isinstance(several, tuple) and all(
        isinstance(name, str) for name in cast("tuple[object, ...]", several)
    )


class Presets:
    """The presets that a configuration may name.

    Args:
        given: By name, from the program; they win over installed ones.
        problems: Where what is wrong is noted.
        secrets: What must not be repeated, as a name that came from a variable.
        origins: Where it is noted which value is a preset's.
    """

    def __init__(
        self,
        given: Mapping[str, Preset],
        problems: Problems,
        secrets: Secrets,
        origins: dict[Place, Origin],
    ) -> None:
        """Keep the parts."""
        self._given: Final = given
        self._problems: Final = problems
        self._secrets: Final = secrets
        self._origins: Final = origins

    def applied(
        self, table: Mapping[str, Any], place: Place
    ) -> Mapping[str, Any] | None:
        """Return *table* with what its preset says; itself where it names none.

        ``None``: there is none of its name, and the problem is noted.
        """
        if "preset" not in table:
            return table
        name = table["preset"]
        preset = self._named(name, place)
        if preset is None:
            return None
        rest = {k: v for k, v in table.items() if k not in ("preset", API_KEY)}
        is_secret_name = self._secrets.covers((*place, "preset"))
        called = REDACTED if is_secret_name else str(name)
        self._refuse_others(preset, called, rest, place)
        return self._filled(preset, called, table, rest, place)

    def _named(self, name: object, place: Place) -> Preset | None:
        inner = (*place, "preset")
        if not isinstance(name, str) or not name:
            got = REDACTED if self._secrets.covers(inner) else shown(name)
            self._problems.add(f"Expected `str`, got {got}", inner)
            return None
        found = self._given.get(name)
        try:
            if found is None:
                return _installed(name, self._given)
        except PluginError as error:
            self._problems.add(self._secrets.scrubbed(str(error)), inner)
            return None
        if not isinstance(cast("object", found), Preset):
            raise TypeError(
                f"presets[{name!r}] must be a Preset, got {type(found).__name__}"
            )
        return found

    def _refuse_others(
        self, preset: Preset, name: str, table: Mapping[str, Any], place: Place
    ) -> None:
        said = f"The preset {name!r} fixes this"
        reason = f"{said}: {preset.reason}" if preset.reason else said
        fixed = {"type": preset.type, **preset.settings}
        for inner in _others(preset, fixed, table):
            instead = _instead(preset, fixed, inner)
            self._problems.add(f"{reason}. {instead}", (*place, *inner))

    def _filled(
        self,
        preset: Preset,
        name: str,
        given: Mapping[str, Any],
        rest: dict[str, Any],
        place: Place,
    ) -> Mapping[str, Any]:
        for inner, value in leaves({"type": preset.type, **preset.settings}):
            put(rest, inner, value)
            self._origins[(*place, *inner)] = Origin(f"preset {name!r}")
        at = (*place, API_KEY)
        if preset.key is None:
            if API_KEY in given:
                said = f"The preset {name!r} takes no key. {_LEAVE_OUT}"
                self._problems.add(said, at)
            return rest
        key = given.get(API_KEY)
        if not isinstance(key, str) or not key:
            said = f"The preset {name!r} needs your own key: {_OWN_KEY}"
            self._problems.add(said, at)
            return rest
        put(rest, preset.key, key)
        self._origins[(*place, *preset.key)] = self._origins.get(at, Origin(API_KEY))
        return rest


def _others(
    preset: Preset, fixed: Mapping[str, Any], table: Mapping[str, Any]
) -> Iterator[Place]:
    """Yield the places where *table* says otherwise than *preset*."""
    for key, value in table.items():
        is_other = key in fixed and value != fixed[key]
        is_for_key = preset.key is not None and key == preset.key[0]
        is_said = (is_other or is_for_key) and as_table(value) is None
        if key in preset.closed or is_said:
            yield (key,)
    for inner, value in leaves(table):
        if len(inner) > 1 and _is_other(fixed, preset.key, inner, value):
            yield inner


def _instead(preset: Preset, fixed: Mapping[str, Any], inner: Place) -> str:
    """Return what to write instead of what stands at *inner*."""
    if preset.key is not None and inside(inner, preset.key):
        return f"Write {_OWN_KEY} instead"
    if not present(fixed, inner) or is_secret(inner):
        return _LEAVE_OUT
    value = toml(value_at(fixed, inner))
    return f"{_LEAVE_OUT}, or write {written(inner)[2:]} = {value}"


def _is_other(
    fixed: Mapping[str, Any], key: Place | None, place: Place, value: Any
) -> bool:
    is_on_its_way = key is not None and (inside(place, key) or inside(key, place))
    if is_on_its_way and as_table(value) is None:
        return True
    return present(fixed, place) and value_at(fixed, place) != value


def _installed(name: str, given: Mapping[str, Preset]) -> Preset:
    plugin, loaded = load_preset(name, given)
    if not isinstance(loaded, Preset):
        raise wrong_kind(plugin, "an eventbus.config.Preset", loaded)
    return loaded
