"""docs/conformance.md: how the script that writes it replaces a row."""

from __future__ import annotations

from write_report import replace_row


def test_row_is_replaced_or_added_in_order() -> None:
    """A row takes the place of its predecessor; a new one stands in the order of versions; all else stays."""
    head = "# Title\n\n| Python | binding | system | passed |\n|---|---|---|---|\n"
    rows = [f"| 3.{minor}.1 | PySide6 6.11.3, Qt 6.11.3 | Linux x86_64 | 1 |" for minor in (9, 13)]
    text = head + "\n".join(rows) + "\n\nMore.\n"
    new = "| 3.9.1 | PySide6 6.11.3, Qt 6.11.3 | Linux x86_64 | 2 |"
    assert replace_row(text, new) == head + "\n".join([new, rows[1]]) + "\n\nMore.\n"
    added = "| 3.13.1 | PyQt6 6.11.0, Qt 6.11.1 | Linux x86_64 | 3 |"
    assert replace_row(text, added) == head + "\n".join([rows[0], added, rows[1]]) + "\n\nMore.\n"


def test_first_row_is_added() -> None:
    """The table may be empty."""
    text = "|---|\n\nMore.\n"
    row = "| 3.9.1 | PySide6 6.11.3, Qt 6.11.3 | Linux x86_64 | 1 |"
    assert replace_row(text, row) == f"|---|\n{row}\n\nMore.\n"
