"""Which plugins are installed, and what is accepted as one when it is loaded.

Listing them reads the metadata of distributions and imports nothing; a plugin is
imported when it is asked for by its name. Whatever it does then ends in one
:class:`eventbus.PluginError` with one line.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from eventbus._catalog import Catalog
from eventbus._errors import PluginError, RegistrationError
from eventbus._log import LOGGER_NAME
from eventbus._nearest import listed, suggestion
from eventbus._plugin_choice import refusal_of
from eventbus._reader import AsyncReader, Reader
from eventbus._sink import Sink
from eventbus._verdict import describe_error, was_pressed

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

SINKS: Final = "eventbus.sinks"
CATALOGS: Final = "eventbus.catalogs"
READERS: Final = "eventbus.readers"
PRESETS: Final = "eventbus.presets"

SINK_API: Final = 1
"""The newest ``sink_api`` of a sink class that this version can run."""

_OURS: Final = "eventbus"
_KINDS: Final = {
    SINKS: "sink",
    CATALOGS: "catalog",
    READERS: "reader",
    PRESETS: "preset",
}
_SINK_METHODS: Final = ("start", "write", "aclose")


class Plugin(msgspec.Struct, frozen=True):
    """A plugin that some distribution declares; it may never have been imported.

    Args:
        group: Its group of entry points.
        name: What it is called in configurations and on the command line.
        target: Module and object, as in ``"eventbus_local:JsonlSink"``.
        distribution: Whose it is, as in ``"eventbus"``.
        version: The distribution's.
    """

    group: str
    name: str
    target: str
    distribution: str
    version: str

    @property
    def title(self) -> str:
        """The plugin as the subject of a sentence: ``Sink 'kafka'``."""
        return f"{_KINDS[self.group].capitalize()} {self.name!r}"

    @property
    def origin(self) -> str:
        """Where it comes from, for messages."""
        return f"{self.target} of {self.distribution} {self.version}"


def installed(group: str) -> tuple[Plugin, ...]:
    """Return the plugins of *group* that may be used, by name; imports none of them."""
    return tuple(plugin for plugin, _ in _found(group) if not _refusal(plugin))


def installed_sinks() -> tuple[Plugin, ...]:
    """Return the sinks that may be used, by name; imports none of them."""
    return installed(SINKS)


def load_sink(name: str) -> type[Sink]:
    """Import the sink *name* and return its class.

    Raises:
        PluginError: There is none, there are two, or it does not load.
    """
    plugin, loaded = _load(SINKS, name)
    return _checked_sink(plugin, loaded)


def sink_lacks(name: str, error: ModuleNotFoundError) -> PluginError:
    """Return what to say when the sink *name* missed a module once it was used."""
    for plugin, entry in _found(SINKS):
        if plugin.name == name and not _refusal(plugin):
            return _missing_module(plugin, entry, error)
    return PluginError(f"Sink {name!r} does not load: {describe_error(error)}")


def load_reader(name: str) -> Reader | AsyncReader:
    """Import the reader *name*.

    Raises:
        PluginError: There is none, there are two, or it does not load.
    """
    plugin, loaded = _load(READERS, name)
    if not callable(loaded):
        raise wrong_kind(plugin, "a function of lines", loaded)
    return cast("Reader | AsyncReader", loaded)


def load_preset(name: str, others: Iterable[str] = ()) -> tuple[Plugin, object]:
    """Import the preset *name*, which may be anything yet.

    Args:
        name: Which one.
        others: Names that somebody may have meant beside the installed ones.

    Raises:
        PluginError: There is none, there are two, or it does not load.
    """
    return _load(PRESETS, name, others)


def installed_catalog(*, strict: bool = False) -> Catalog:
    """Return all installed catalogs as one.

    Args:
        strict: Raise for a catalog that does not load, for an event type whose name
            another one has, and for a naming that differs from another catalog's of
            the same name. Without it they are left out, with a warning each.

    Raises:
        PluginError: *strict*, and a catalog cannot be taken as it is.
    """
    merged = Catalog(name="installed")
    origins: dict[str, Plugin] = {}
    for name in dict.fromkeys(plugin.name for plugin in installed(CATALOGS)):
        try:
            plugin, loaded = _load(CATALOGS, name)
            catalog = _checked_catalog(plugin, loaded)
        except PluginError as error:
            _complain(error, strict=strict)
            continue
        _merge(merged, catalog, plugin, strict=strict)
        _merge_namings(merged, catalog, plugin, origins, strict=strict)
        for digest, make in catalog.digests.items():
            merged.digests.setdefault(digest, make)
    return merged


def _merge(merged: Catalog, catalog: Catalog, plugin: Plugin, *, strict: bool) -> None:
    for known in catalog:
        try:
            merged.adopt(known)
        except RegistrationError as error:
            _complain(PluginError(f"{plugin.title}: {error}"), strict=strict)


def _merge_namings(
    merged: Catalog,
    catalog: Catalog,
    plugin: Plugin,
    origins: dict[str, Plugin],
    *,
    strict: bool,
) -> None:
    for name, naming in catalog.namings.items():
        first = origins.setdefault(name, plugin)
        if merged.namings.setdefault(name, naming) != naming:
            error = PluginError(
                f"two namings have the name {name!r}: that of {first.origin} is taken, "
                f"that of {plugin.origin} is refused"
            )
            _complain(error, strict=strict)


def _complain(error: PluginError, *, strict: bool) -> None:
    if strict:
        raise error
    logging.getLogger(LOGGER_NAME).warning("%s", error)


def _found(group: str) -> list[tuple[Plugin, EntryPoint]]:
    from importlib.metadata import entry_points

    found = [(_described(entry), entry) for entry in entry_points(group=group)]
    return sorted(found, key=lambda one: (one[0].name, one[0].distribution))


def _described(entry: EntryPoint) -> Plugin:
    owner = entry.dist
    return Plugin(
        group=entry.group,
        name=entry.name,
        target=entry.value,
        distribution="?" if owner is None else owner.name,
        version="?" if owner is None else owner.version,
    )


def _load(group: str, name: str, others: Iterable[str] = ()) -> tuple[Plugin, Any]:
    # Any: what an entry point names may be anything.
    found = _found(group)
    named = [(plugin, entry) for plugin, entry in found if plugin.name == name]
    if not named:
        raise _unknown(group, name, [*others, *(one.name for one in installed(group))])
    usable = [(plugin, entry) for plugin, entry in named if not _refusal(plugin)]
    if not usable:
        plugin, _ = named[0]
        raise PluginError(
            f"{plugin.title} is not allowed ({plugin.origin}): {_refusal(plugin)}"
        )
    if len(usable) > 1:
        raise _ambiguous([plugin for plugin, _ in usable])
    plugin, entry = usable[0]
    return plugin, _imported(plugin, entry)


def _refusal(plugin: Plugin) -> str:
    return refusal_of(plugin.name, plugin.distribution)


def _imported(plugin: Plugin, entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except ModuleNotFoundError as error:
        raise _missing_module(plugin, entry, error) from error
    except BaseException as error:
        if was_pressed(error):
            raise
        raise PluginError(
            f"{plugin.title} does not load ({plugin.origin}): {describe_error(error)}"
        ) from error


def _missing_module(
    plugin: Plugin, entry: EntryPoint, error: ModuleNotFoundError
) -> PluginError:
    module = (error.name or "a module").partition(".")[0]
    if module == entry.module.partition(".")[0]:
        return PluginError(
            f"{plugin.title} does not load ({plugin.origin}): {describe_error(error)}"
        )
    text = f"{plugin.title} needs {module}, which is not installed."
    if _has_own_extra(plugin, entry):
        return PluginError(f"{text} Try: pip install '{_OURS}[{plugin.name}]'")
    return PluginError(f"{text} It belongs to {plugin.origin}.")


def _has_own_extra(plugin: Plugin, entry: EntryPoint) -> bool:
    if plugin.distribution != _OURS or entry.dist is None:
        return False
    return plugin.name in (entry.dist.metadata.get_all("Provides-Extra") or ())


def _unknown(group: str, name: str, names: Iterable[str]) -> PluginError:
    names = list(dict.fromkeys(names))
    hint = suggestion(name, names)
    if group == SINKS and name in _our_extras():
        hint = f". An extra has this name: pip install --upgrade '{_OURS}[{name}]'"
    return PluginError(
        f"No {_KINDS[group]} {name!r} is installed "
        f"(installed: {listed(names) or 'none'}){hint}"
    )


def _our_extras() -> list[str]:
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        return metadata(_OURS).get_all("Provides-Extra") or []
    except PackageNotFoundError:  # run from its sources
        return []


def _ambiguous(plugins: list[Plugin]) -> PluginError:
    origins = " and ".join(plugin.origin for plugin in plugins)
    return PluginError(
        f"{plugins[0].title} is there more than once: {origins}. Uninstall all but one"
    )


def wrong_kind(plugin: Plugin, expected: str, loaded: object) -> PluginError:
    """Return what to say of *loaded*, which is nothing that was *expected*."""
    return PluginError(
        f"{plugin.title} must be {expected}, got {_kind_of(loaded)} ({plugin.origin})"
    )


def _kind_of(loaded: object) -> str:
    if isinstance(loaded, type):
        return f"the class {loaded.__qualname__}"
    return f"a value of type {type(loaded).__name__}"


def _checked_sink(plugin: Plugin, loaded: Any) -> type[Sink]:
    if not isinstance(loaded, type):
        raise wrong_kind(plugin, "a class of sinks", loaded)
    missing = [m for m in _SINK_METHODS if not callable(getattr(loaded, m, None))]
    if missing:
        raise wrong_kind(plugin, "a sink, with start, write and aclose", loaded)
    if _is_sync(getattr(loaded, "write", None)):
        raise PluginError(
            f"{plugin.title} must have a write that is a coroutine function "
            f"(async def), got a plain one ({plugin.origin})"
        )
    api: object = getattr(loaded, "sink_api", SINK_API)
    if not isinstance(api, int) or api > SINK_API:
        raise PluginError(
            f"{plugin.title} is made for version {api!r} of the sink interface, "
            f"this eventbus has {SINK_API} ({plugin.origin}): upgrade eventbus"
        )
    return cast("type[Sink]", loaded)


def _is_sync(method: object) -> bool:
    if not inspect.isfunction(method):
        return False  # callable in a way of its own: its first call tells
    return not inspect.iscoroutinefunction(inspect.unwrap(method))


def _checked_catalog(plugin: Plugin, loaded: Any) -> Catalog:
    made = loaded
    if not isinstance(loaded, Catalog) and callable(loaded):
        make = cast("Callable[[], object]", loaded)
        try:
            made = make()
        except BaseException as error:
            if was_pressed(error):
                raise
            raise PluginError(
                f"{plugin.title} does not load ({plugin.origin}): "
                f"{describe_error(error)}"
            ) from error
    if not isinstance(made, Catalog):
        raise wrong_kind(
            plugin, "an eventbus.Catalog, or a function that makes one", made
        )
    return made
