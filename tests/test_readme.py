"""What README and docs say is what the project does."""

from __future__ import annotations

import inspect
import os
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from support import run_script

from asyncslot import AsyncSlotEventLoop
from asyncslot._qt.binding import SYSTEM_LIBRARIES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODES, LIFETIMES, DIFFERENCES = (
    (ROOT / f"docs/{name}.md").read_text(encoding="utf-8") for name in ("modes", "lifetimes", "differences")
)
PACKAGES = ROOT / "examples/packages.py"


def test_readme_example_is_the_one_that_runs() -> None:
    """The README's program is examples/packages.py, to the letter."""
    assert f"```python\n{PACKAGES.read_text(encoding='utf-8')}```" in README


@pytest.mark.skipif(find_spec("pip") is None, reason="the example asks pip")
@pytest.mark.parametrize("end", ["finish", "close"])
def test_readme_example_lists_packages(end: str) -> None:
    """The example fills its window; closed in the middle, it ends its subprocess and exits with 0."""
    finished = run_script("drive_example", str(PACKAGES), end, options=("-W", "error"))
    assert finished.errors == ""
    assert finished.code == 0
    assert finished.lines == ["disabled: True", "pytest listed: True" if end == "finish" else "closed"]


def test_readme_example_shows_what_is_not_utf8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line in another encoding, which programs for Windows write, does not end the list or the button."""
    package = tmp_path / "pip"
    package.mkdir()
    (package / "__main__.py").write_text("import sys; sys.stdout.buffer.write(b'caf\\xe9\\npytest 1.0\\n')")
    before = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *([before] if before else [])]))
    finished = run_script("drive_example", str(PACKAGES), "finish", options=("-W", "error"))
    assert finished.errors == ""
    assert finished.lines == ["disabled: True", "pytest listed: True"]


def test_readme_names_the_system_libraries_of_the_error() -> None:
    """README and the error for a missing library name the same packages."""
    assert f"apt-get install {SYSTEM_LIBRARIES}" in README


def test_readme_links_exist() -> None:
    """Every relative link of the README leads to a file."""
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


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
