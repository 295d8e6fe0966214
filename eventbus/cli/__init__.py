"""The command line: ``eventbus run``, ``check``, ``events``, ``demo`` and others."""

from eventbus.cli._main import main as main

__all__ = ["main"]
