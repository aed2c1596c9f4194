"""What docs/migrating.md shows and says: its programs run, and its tables have each name."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from qt import BINDING
from support import CEILING_S, is_noise

from asyncslot.compat import QtAsyncio, qasync, qtinter
from asyncslot.compat._policy import HAS_POLICIES

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGE = (DOCS / "migrating.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SAID = re.compile(r"^ *print\(.*\)  # (.*)$", re.MULTILINE)


@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_program_prints_what_it_says(program: str) -> None:
    """Each program runs with the imports that it shows, and standard error is empty."""
    if "using_qt_from_asyncio" in program and not HAS_POLICIES:
        pytest.skip("this Python has no policies")
    # Before Python 3.10, an Event belongs to the loop that is set when it is made; qasync's users set it.
    if sys.version_info < (3, 10):
        program = program.replace("loop = QEventLoop(app)", "loop = QEventLoop(app); asyncio.set_event_loop(loop)")
    # But for the name of the module that replace() is told.
    code = re.sub(r"PySide6(?=\.Qt(Core|Widgets))", BINDING, program)
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=CEILING_S,
    )
    assert [line for line in run.stderr.splitlines(keepends=True) if not is_noise(line)] == []
    assert run.stdout.splitlines() == SAID.findall(program)
    assert run.stdout
    assert run.returncode == 0


@pytest.mark.parametrize(("title", "module"), [("qasync", qasync), ("qtinter", qtinter), ("QtAsyncio", QtAsyncio)])
def test_tables_have_each_name(title: str, module: object) -> None:
    """Each name of the module's list is in its section; the policies and loops of one kind stand for the others."""
    section = PAGE.split(f"## From {title}\n")[1].split("\n## ")[0]
    rows = "\n".join(line for line in section.splitlines() if line.startswith("|"))
    names = [name for name in module.__all__ if not name.startswith("Qi")]  # type: ignore[attr-defined]
    assert [name for name in [*names, "run" * (title == "QtAsyncio")] if name not in rows] == []


def test_links_exist() -> None:
    """Every relative link leads to a file."""
    targets = re.findall(r"\]\((?!http)([^)#]+)\)", PAGE)
    assert targets
    for target in targets:
        assert (DOCS / target).exists(), target
