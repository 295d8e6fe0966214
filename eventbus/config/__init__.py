"""Configurations: TOML files, or mappings of the same shape, that become a bus.

::

    bus = eventbus.Bus.from_config("eventbus.toml")

Precedence: argument, then file, then environment, then default.
"""

from eventbus._file_path import FilePath as FilePath
from eventbus._file_path import PathPattern as PathPattern
from eventbus._plugin_choice import restrict_plugins as restrict_plugins
from eventbus._secret import Secret as Secret
from eventbus.config._attach import bus_from_config as bus_from_config
from eventbus.config._attach import bus_of as bus_of
from eventbus.config._environment import EnvironmentValue as EnvironmentValue
from eventbus.config._layers import Layer as Layer
from eventbus.config._load import load_config as load_config
from eventbus.config._presets import Preset as Preset
from eventbus.config._secrets import SecretText as SecretText
from eventbus.config._settings import BusSettings as BusSettings
from eventbus.config._settings import Config as Config
from eventbus.config._settings import LeftOut as LeftOut
from eventbus.config._settings import SinkChoice as SinkChoice
from eventbus.config._settings import SinkConfig as SinkConfig

__all__ = [
    "BusSettings",
    "Config",
    "EnvironmentValue",
    "FilePath",
    "Layer",
    "LeftOut",
    "PathPattern",
    "Preset",
    "Secret",
    "SecretText",
    "SinkChoice",
    "SinkConfig",
    "bus_from_config",
    "bus_of",
    "load_config",
    "restrict_plugins",
]
