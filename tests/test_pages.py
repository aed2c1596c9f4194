"""The pages of the documentation: their links lead somewhere, and each line has one sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from page_support import ROOT, find_pages, read_prose

PAGES = [*find_pages(), *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"))]

# A sentence that ends inside a line, and another one that begins there.
TWO_SENTENCES = re.compile(r"[\w`)\"*][.?!]\*{0,2} +[A-Z`]")

# What ends with a full stop, and no sentence with it.
ABBREVIATIONS = re.compile(r"\b(?:e\.g|i\.e|etc|vs|No)\. ")


def read_anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings. Source: GitHub's rule, which myst-parser follows."""
    headings = [line.lstrip("# ") for _, line in read_prose(page) if re.match(r"#{1,6} ", line)]
    plain = [re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading).lower() for heading in headings]
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """Each relative link leads to a file, and each anchor to a heading of its page."""
    for number, line in read_prose(page):
        for target, anchor in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]*))?\)", line):
            linked = page.parent / target if target else page
            assert linked.exists(), f"line {number}: {target}"
            if anchor:
                assert anchor in read_anchors(linked), f"line {number}: {target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_line_has_one_sentence(page: Path) -> None:
    """Outside tables and programs, a line has one sentence: so a change of a sentence is a change of its line."""
    for number, line in read_prose(page):
        if line.lstrip().startswith(("|", "<!--")):
            continue
        text = ABBREVIATIONS.sub("", re.sub(r"`[^`]*`", "`x`", line))
        # The number of a list, and a short title, may stand before the first sentence.
        text = re.sub(r"^(?:- |\d+\. )?(?:\*\*[^*]+\*\* )?", "", text.strip())
        assert not TWO_SENTENCES.search(text), f"line {number}: {line}"
