"""How a setting says that it is the path of a file: as data on its field.

A configuration makes such a path absolute, from the directory of the file that it
stands in.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

PATH_MARK: Final = "eventbus.path"
"""Under which name ``msgspec.Meta(extra=…)`` says it; ``"file"`` or ``"template"``."""

FilePath = Annotated[str, Meta(min_length=1, extra={PATH_MARK: "file"})]
"""The type of a setting that is a path."""

PathPattern = Annotated[str, Meta(min_length=1, extra={PATH_MARK: "template"})]
"""The type of a path in which ``{`` and ``}`` are placeholders, unless doubled."""
