"""What docs/migrating.md shows and says: its tables have each name."""

from __future__ import annotations

from pathlib import Path

import pytest

from asyncslot.compat import QtAsyncio, qasync, qtinter

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGE = (DOCS / "migrating.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("title", "module"), [("qasync", qasync), ("qtinter", qtinter), ("QtAsyncio", QtAsyncio)])
def test_tables_have_each_name(title: str, module: object) -> None:
    """Each name of the module's list is in its section; the policies and loops of one kind stand for the others."""
    section = PAGE.split(f"## From {title}\n")[1].split("\n## ")[0]
    rows = "\n".join(line for line in section.splitlines() if line.startswith("|"))
    names = [name for name in module.__all__ if not name.startswith("Qi")]  # type: ignore[attr-defined]
    assert [name for name in [*names, "run" * (title == "QtAsyncio")] if name not in rows] == []
