"""A module that is there, and imports one that is not."""

import no_such_dependency  # type: ignore[import-not-found]  # noqa: F401
