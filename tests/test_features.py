"""benchmarks/features.py, and README's table of features, which it prints: what they say of asyncslot is so."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytest.importorskip("resource", reason="the benchmarks ask it for CPU time, and Windows has none")

# At the end: asyncslot itself is the one that is installed.
sys.path.append(str(ROOT))

from benchmarks.features import TRIALS, measure  # noqa: E402 - where it is found has just been said.

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_readme_table_says_what_asyncslot_does() -> None:
    """In the table of features, asyncslot has a yes in each row that `python -m benchmarks.features` tries."""
    for row in TRIALS:
        assert f"| {row} | yes |" in README


@pytest.mark.parametrize("row", TRIALS)
def test_feature_is_there(row: str) -> None:
    """What the table of features says of asyncslot is what a trial shows."""
    assert measure("asyncslot", row)
