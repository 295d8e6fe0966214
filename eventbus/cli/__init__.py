"""The command line: ``eventbus run``, ``check``, ``events``, ``demo`` and others."""

from eventbus.cli._main import main as main
from eventbus.cli._program import program as program

__all__ = ["main", "program"]
