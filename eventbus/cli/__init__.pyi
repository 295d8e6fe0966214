"""The public names, and where each of them lives."""

from eventbus.cli._main import main as main
from eventbus.cli._program import program as program
