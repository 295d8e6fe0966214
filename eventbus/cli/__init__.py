"""The command line: ``eventbus run``, ``check``, ``sinks``, ``events``, ``demo``."""

from eventbus.cli._main import main as main

__all__ = ["main"]
