"""The application of the console: which kind, and what a program gets that makes one itself."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from qt import BINDING
from support import CEILING_S, SCRIPTS, is_noise

from asyncslot._console.single_application import choose_kind, end_exec


@pytest.mark.parametrize(
    ("environment", "platform", "missing", "kind", "why"),
    [
        ({"DISPLAY": ":0"}, "linux", (), "widgets", ""),
        ({"QT_QPA_PLATFORM": "offscreen"}, "linux", (), "widgets", ""),
        ({}, "linux", (), "core", "there is no display"),
        ({}, "darwin", (), "widgets", ""),
        ({}, "win32", ("QtWidgets",), "gui", "no QtWidgets"),
        ({"WAYLAND_DISPLAY": "w"}, "linux", ("QtWidgets", "QtGui"), "core", "no QtWidgets"),
    ],
)
def test_kind_is_the_best_that_can_be_had(environment: Any, platform: str, missing: Any, kind: str, why: str) -> None:
    """Widgets, unless there is no display or the module is missing; then the reason is told."""
    chosen = choose_kind(environment, platform, lambda name: f"no {name}" if name in missing else None)
    assert chosen[0] == kind
    assert chosen[1].startswith(why)
    assert bool(chosen[1]) == bool(why)


def test_end_exec_without_one_does_nothing() -> None:
    """It tells whether there was one."""
    assert not end_exec()


def run(code: str, *arguments: str) -> tuple[int, list[str], list[str]]:
    finished = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-m", "asyncslot", *arguments, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=CEILING_S,
        env=None,
    )
    errors = [line for line in finished.stderr.splitlines() if not is_noise(line)]
    return finished.returncode, finished.stdout.splitlines(), errors


BEGIN = f"import asyncio, sys; sys.path.append({str(SCRIPTS)!r}); from qt import QApplication, QLabel, QTimer, QtCore; "


def test_program_with_await_gets_the_application_that_there_is() -> None:
    """QApplication() in a program with a top-level await gives the one that was made, of the kind that it asks for."""
    code = BEGIN + "a = QtCore.QCoreApplication.instance(); await asyncio.sleep(0); print(a is QApplication(sys.argv))"
    assert run(code) == (0, ["True"], [])


def test_program_with_await_that_needs_another_kind_is_told_the_option() -> None:
    """With --app core, QApplication() is an error that names the option."""
    code, lines, errors = run(BEGIN + "await asyncio.sleep(0); QApplication([])", "--app", "core")
    assert (code, lines) == (1, [])
    assert "start python -m asyncslot with --app widgets" in errors[-1]


def test_program_with_await_waits_in_exec() -> None:
    """`app.exec()` after a top-level await waits until the application quits, and returns its code."""
    execute = "app.exec_()" if BINDING == "PySide2" else "app.exec()"
    begin = BEGIN + "await asyncio.sleep(0); app = QApplication([]); label = QLabel('x'); label.show(); "
    assert run(begin + f"QTimer.singleShot(50, label.close); sys.exit({execute})") == (0, [], [])
    assert run(begin + f"QTimer.singleShot(50, lambda: app.exit(3)); sys.exit({execute})") == (3, [], [])
