"""
Run CPython's own asyncio tests, on our loop and on the stock one, and note the figures in docs/conformance.md.

    python tests/conformance/write_report.py

It replaces the row of this Python, binding and system, and leaves the other rows alone.
"""

from __future__ import annotations

import datetime as dt
import platform
import re
import sys
from pathlib import Path
from typing import Any

from cpython_modules import find_modules, run_module

from asyncslot._qt import QtCore, binding_name, binding_version

PAGE = Path(__file__).parent.parent.parent / "docs" / "conformance.md"

# A row of the table, by what identifies it: Python, binding and system.
ROW = re.compile(r"^\| (\d+\.\d+\.\d+\w*) \| (\w+ [\d.]+, Qt [\d.]+) \| ([^|]+) \|.*$", re.MULTILINE)


def run_all(*options: str) -> dict[str, Any]:
    """Run all modules; return the sums of their figures."""
    total: dict[str, Any] = {"passed": 0, "skipped": 0, "inside_qt": 0, "failed": []}
    for module in find_modules():
        code, summary, errors = run_module(module, *options)
        if not summary:
            sys.exit(f"{module} ended with code {code}:\n{errors}")
        print(module, *options, {name: summary[name] for name in total}, flush=True)
        for name in total:
            total[name] += summary[name]
    return total


def make_row(ours: dict[str, Any], stock: dict[str, Any]) -> str:
    """Return the row of the table for this Python, binding and system."""
    cells = [
        platform.python_version(),
        f"{binding_name()} {binding_version()}, Qt {QtCore.qVersion()}",
        f"{platform.system()} {platform.machine()}",
        ours["passed"],
        ours["inside_qt"],
        ours["skipped"],
        len(ours["failed"]),
        len(stock["failed"]),
        dt.datetime.now(tz=dt.timezone.utc).date(),
    ]
    return f"| {' | '.join(map(str, cells))} |"


def replace_row(text: str, row: str) -> str:
    """Return the page's text with *row* in place of the row for the same Python, binding and system."""
    rows = {match.groups(): match.group() for match in ROW.finditer(text)}
    new = ROW.match(row)
    assert new is not None
    rows[new.groups()] = row
    ordered = sorted(rows, key=lambda key: [int(part) for part in re.findall(r"\d+", key[0])[:3]] + [key[1]])
    table = "\n".join(rows[key] for key in ordered)
    start = text.index("\n", text.index("|---|")) + 1
    rest = ROW.sub("", text[start:]).lstrip("\n")
    return f"{text[:start]}{table}\n\n{rest}"


def main() -> int:
    """Run, note, return the exit code."""
    if not find_modules():
        sys.exit("this Python has no tests of its own: the package test.test_asyncio is missing")
    ours, stock = run_all(), run_all("--stock")
    PAGE.write_text(replace_row(PAGE.read_text(encoding="utf-8"), make_row(ours, stock)), encoding="utf-8")
    for name in ours["failed"]:
        print("failed:", name)
    return 1 if ours["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
