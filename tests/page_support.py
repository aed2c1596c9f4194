"""The pages of the documentation: their text, their fences, and the marks that stand before a fence."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).parent.parent

FENCE = re.compile(r"^ *(?P<ticks>`{3,}) *(?P<language>.*?) *$")

# An HTML comment on the line before a fence, which readers do not see: its name, and what it says after a colon.
MARK = re.compile(r"^ *<!-- (continues|needs|not run)(?:: (.*))? -->$")


@dataclass
class Fence:
    """A fenced block of a page; `line` is that of its opening fence, `mark` is None if it has none."""

    page: Path
    line: int
    language: str
    text: str
    mark: str | None
    reason: str

    @property
    def place(self) -> str:
        """Where it is: for messages, and for the names of tests."""
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"


def find_pages() -> list[Path]:
    """Return README.md and all pages of docs/, but for what is built there."""
    pages = sorted((ROOT / "docs").rglob("*.md"))
    return [ROOT / "README.md", *(page for page in pages if "_build" not in page.parts)]


def read_fences(page: Path) -> list[Fence]:
    """Return the fenced blocks of a page, in its order."""
    fences: list[Fence] = []
    begin, lines = 0, page.read_text(encoding="utf-8").splitlines()
    opening = None
    for number, line in enumerate(lines, 1):
        found = FENCE.match(line)
        if opening is None and found:
            begin, opening = number, found
        elif opening is not None and line.strip() == opening["ticks"]:
            text = textwrap.dedent("\n".join(lines[begin : number - 1])) + "\n"
            mark = MARK.match(lines[begin - 2]) if begin > 1 else None
            name, reason = (mark[1], mark[2] or "") if mark else (None, "")
            fences.append(Fence(page, begin, opening["language"], text, name, reason))
            opening = None
    assert opening is None, f"{page}:{begin}: this block has no end"
    return fences


def read_prose(page: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a page that are in no fence, with their numbers."""
    inside = {
        number for fence in read_fences(page) for number in range(fence.line, fence.line + fence.text.count("\n") + 2)
    }
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if number not in inside:
            yield number, line
