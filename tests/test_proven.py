"""The line that says what is proven on this system."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from asyncslot._qt.proven import describe_platform

PLATFORMS = (Path(__file__).parents[1] / "docs/platforms.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("platform", "claim", "row"),
    [
        ("linux", "proven by running", "| Linux, x86-64 |"),
        ("win32", "run in Wine 8, never on real Windows", "| Windows, in Wine 8 only |"),
        ("darwin", "written, never run", "| macOS | | | nothing: [more](#macos) |"),
    ],
)
def test_line_says_what_the_page_says(monkeypatch: pytest.MonkeyPatch, platform: str, claim: str, row: str) -> None:
    """The line and the table of docs/platforms.md agree."""
    monkeypatch.setattr(sys, "platform", platform)
    assert claim in describe_platform()
    assert row in PLATFORMS


def test_other_system_was_never_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that no table names is said to be unproven."""
    monkeypatch.setattr(sys, "platform", "freebsd14")
    assert describe_platform() == "freebsd14: never run"
