"""What the page says about installing and links."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "otlp.md").read_text(encoding="utf-8")


def headings(page: str) -> set[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return {
        re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in text.splitlines()
        if line.startswith("#")
    }


def test_every_link_of_the_page_leads_somewhere() -> None:
    links = re.findall(r"\]\(([\w.]+)#?([^)]*)\)", PAGE)
    assert links
    assert [a for page, a in links if a and a not in headings(page)] == []


def test_pages_install_nothing_from_an_index_that_does_not_have_it() -> None:
    for name in ("otlp.md", "configuration.md"):
        text = (DOCS / name).read_text(encoding="utf-8")
        assert set(re.findall(r"pip install '([^'\[]*)", text)) == {"."}
