"""What README and docs say is what the project does."""

from __future__ import annotations

import inspect
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from support import run_script

from asyncslot import AsyncSlotEventLoop
from asyncslot._qt.binding import SYSTEM_LIBRARIES

ROOT = Path(__file__).parent.parent


def test_readme_example_is_the_one_that_runs() -> None:
    """The README's program is examples/packages.py, to the letter."""
    assert f"```python\n{(ROOT / 'examples/packages.py').read_text()}```" in (ROOT / "README.md").read_text()


@pytest.mark.skipif(find_spec("pip") is None, reason="the example asks pip")
@pytest.mark.parametrize("end", ["finish", "close"])
def test_readme_example_lists_packages(end: str) -> None:
    """The example fills its window; closed in the middle, it ends its subprocess and exits with 0."""
    finished = run_script("drive_example", str(ROOT / "examples/packages.py"), end, options=("-W", "error"))
    assert finished.errors == ""
    assert finished.code == 0
    assert finished.lines == ["disabled: True", "pytest listed: True" if end == "finish" else "closed"]


def test_readme_names_the_system_libraries_of_the_error() -> None:
    """README and the error for a missing library name the same packages."""
    assert f"apt-get install {SYSTEM_LIBRARIES}" in (ROOT / "README.md").read_text()


def test_readme_links_exist() -> None:
    """Every relative link of the README leads to a file."""
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / "README.md").read_text()):
        assert (ROOT / target).exists(), target


def test_docs_states_table_is_the_docstrings() -> None:
    """The table of states in docs/behaviour.md says the same as the class's docstring."""

    def rows(text: str) -> list[list[str]]:
        return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines() if re.match(r"\s*[A-Z]{5,}\s{2}", line)]

    documented = rows((ROOT / "docs/behaviour.md").read_text())
    assert documented == rows(inspect.getdoc(AsyncSlotEventLoop))
    assert len(documented) == 5


def test_docs_numbers_are_the_codes() -> None:
    """The times that the documents give are the class's defaults."""
    text = (ROOT / "docs/behaviour.md").read_text()
    assert f"`AsyncSlotEventLoop.shutdown_timeout_s` ({AsyncSlotEventLoop.shutdown_timeout_s:g} s)" in text
    assert f"`AsyncSlotEventLoop.time_slice_s` ({AsyncSlotEventLoop.time_slice_s * 1000:g} ms)" in text
