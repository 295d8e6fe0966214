"""Which files of a configuration the command line names, and whose each of them is."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from eventbus.config._layers import Layer


def layers_in(arguments: argparse.Namespace) -> list[Layer]:
    """Return the layers that CONFIG, ``--project`` and ``--managed`` name."""
    return list(_layers_in(arguments))


def _layers_in(arguments: argparse.Namespace) -> Iterator[Layer]:
    if arguments.config is not None:
        yield Layer(arguments.config)
    for name in arguments.project:
        yield Layer(name, trusted=False)
    for name in arguments.managed:
        yield Layer(name, managed=True)
