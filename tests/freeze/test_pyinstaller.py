"""
PyInstaller: programs are frozen and run. A minute for each, so `tox -e freeze`, or ``pytest tests/freeze``.

The package must be installed, and not editable: the hook is found by an entry point.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Mapping

import pytest

PROGRAMS = Path(__file__).parent / "programs"

# In seconds, arbitrary and generous.
CEILING_S = 600

# What Qt's plug-in for no display says on standard error, of windows in any program.
PLUGIN_SAYS = "This plugin does not support "

EVERYTHING = """\
signals
dialog True
thread True
Qt thread slept
process True
progress 45
subprocess 0
handle TaskHandle
inspector TaskInspector
tasks 0
qasync asyncslot.compat.qasync
"""

pytestmark = pytest.mark.timeout(2 * CEILING_S)


def freeze(source: Path, directory: Path, *options: str) -> Path:
    """Return the program that PyInstaller makes."""
    places = [f"--{kind}path={directory / kind}" for kind in ("spec", "work", "dist")]
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level=ERROR", *places, *options, str(source)]
    # Several bindings may be installed.
    environment = {**os.environ, "QT_API": "pyside6"}
    made = subprocess.run(command, env=environment, timeout=CEILING_S, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    program = directory / "dist" / source.stem
    return program / source.stem if program.is_dir() else program


def run(program: Path, *arguments: str, environment: Mapping[str, str] = {}) -> tuple[int, str, str]:
    """Return the exit code, what was printed, and the errors."""
    finished = subprocess.run(
        [str(program), *arguments],
        cwd=program.parent,
        # Nothing of this Python: the program must have all that it needs.
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "QT_QPA_PLATFORM": "offscreen", **environment},
        timeout=CEILING_S,
        capture_output=True,
        text=True,
        check=False,
    )
    errors = [line for line in finished.stderr.splitlines() if not line.startswith(PLUGIN_SAYS)]
    return finished.returncode, finished.stdout, "\n".join(errors)


@pytest.mark.parametrize("layout", ["--onedir", "--onefile"])
def test_demo_runs(tmp_path: Path, layout: str) -> None:
    """It ends with 0 only if every byte arrived."""
    source = tmp_path / "demo.py"
    source.write_text("import sys\nfrom asyncslot.demo.__main__ import main\nsys.exit(main())\n")
    code, output, errors = run(freeze(source, tmp_path, layout))
    assert (code, errors) == (0, "")
    assert output.rstrip().endswith("all is well")


@pytest.mark.parametrize("layout", ["--onedir", "--onefile"])
def test_program_uses_what_is_imported_late(tmp_path: Path, layout: str) -> None:
    """Dialogs, signals, threads, processes, the inspector by its keys, and another library's name."""
    program = freeze(PROGRAMS / "everything.py", tmp_path, layout)
    assert run(program, environment={"ASYNCSLOT_INSPECTOR": "1"}) == (3, EVERYTHING, "")


def test_window_is_run_whatever_binding_the_user_prefers(tmp_path: Path) -> None:
    """Variables that name a binding are not meant for a frozen program, which has one."""
    program = freeze(PROGRAMS / "window.py", tmp_path)
    variables = {"QT_API": "pyqt5", "ASYNCSLOT_QT_API": "pyqt5"}
    assert run(program, environment=variables) == (0, "clicked\nwaited\n", "")


def test_qml_program_runs(tmp_path: Path) -> None:
    """QML follows a task."""
    assert run(freeze(PROGRAMS / "quick.py", tmp_path)) == (0, "2 lines: notes.txt 1\n", "")


def test_installed_policy_works(tmp_path: Path) -> None:
    """In a program that imports neither asyncslot nor Qt, and without metadata."""
    assert run(freeze(PROGRAMS / "policy.py", tmp_path)) == (0, "AsyncSlotEventLoop\n", "")


def test_runtime_hook_heeds_the_variable(tmp_path: Path) -> None:
    """A program that knows nothing of asyncslot obeys ASYNCSLOT_POLICY by a runtime hook."""
    program = freeze(PROGRAMS / "unaware.py", tmp_path, f"--runtime-hook={PROGRAMS / 'policy_hook.py'}")
    code, output, errors = run(program)
    assert (code, errors) == (0, "")
    assert output != "AsyncSlotEventLoop\n"
    variables = {"ASYNCSLOT_POLICY": "qt", "ASYNCSLOT_APPLICATION": "core"}
    assert run(program, environment=variables) == (0, "AsyncSlotEventLoop\n", "")
