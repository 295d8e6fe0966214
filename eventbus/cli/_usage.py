"""What wrong usage of the command line is."""

from __future__ import annotations

from eventbus._errors import EventBusError


class UsageError(EventBusError, ValueError):
    """An argument cannot be used; the text names it. Exit status 2."""
