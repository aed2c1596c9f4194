"""What README and docs say is what the project does."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from support import run_script

from asyncslot import AsyncSlotEventLoop
from asyncslot._qt.system_library import SYSTEM_LIBRARIES, WAYLAND_LIBRARIES, X11_LIBRARIES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODES, LIFETIMES, DIFFERENCES = (
    (ROOT / f"docs/{name}.md").read_text(encoding="utf-8") for name in ("modes", "lifetimes", "differences")
)
EXAMPLE = ROOT / "examples/fetch.py"


def test_readme_example_is_the_one_that_runs() -> None:
    """The README's program is examples/fetch.py, to the letter."""
    assert f"```python\n{EXAMPLE.read_text(encoding='utf-8')}```" in README


@pytest.mark.parametrize(
    ("end", "lines"),
    [
        ("finish", ["disabled: True", "received: 400000 of 400000"]),
        ("close", ["disabled: True", "closed, enabled: False"]),
    ],
)
def test_readme_example_downloads(end: str, lines: list[str]) -> None:
    """The example fills its bar; closed in the middle, it ends the download and exits with 0."""
    finished = run_script("drive_fetch", end, options=("-W", "error"))
    assert finished.errors == ""
    assert finished.code == 0
    assert finished.lines == lines


def test_readme_example_fails_with_a_report() -> None:
    """If the server refuses, the example logs the error once, and its button can be clicked again."""
    finished = run_script("drive_fetch", "fail", options=("-W", "error"))
    assert finished.errors.count("ClientResponseError: 404") == 1
    assert finished.code == 0
    assert finished.lines == ["disabled: True", "received: -1 of 100"]


def test_readme_names_the_system_libraries_of_the_error() -> None:
    """README and the error for a missing library name the same packages."""
    for packages in (SYSTEM_LIBRARIES, X11_LIBRARIES, WAYLAND_LIBRARIES):
        assert f"apt-get install {packages}\n" in README


def test_docs_states_table_is_the_docstrings() -> None:
    """The table of states in docs/modes.md says the same as the class's docstring."""

    def rows(text: str) -> list[list[str]]:
        return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines() if re.match(r"\s*[A-Z]{5,}\s{2}", line)]

    documented = rows(MODES)
    assert documented == rows(inspect.getdoc(AsyncSlotEventLoop))
    assert len(documented) == 5


def test_docs_numbers_are_the_codes() -> None:
    """The times that the documents give are the class's defaults."""
    assert f"`AsyncSlotEventLoop.shutdown_timeout_s` ({AsyncSlotEventLoop.shutdown_timeout_s:g} s)" in LIFETIMES
    assert f"`AsyncSlotEventLoop.time_slice_s` ({AsyncSlotEventLoop.time_slice_s * 1000:g} ms)" in DIFFERENCES
