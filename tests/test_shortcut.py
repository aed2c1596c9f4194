"""Ctrl+Shift+F12 opens the inspector, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from support import IS_QT_5, IS_WINDOWS, SCRIPTS, Finished, run_script

from asyncslot._inspector.shortcut import VARIABLE


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch):
    def run(kind: str, value: str = "1") -> Finished:
        monkeypatch.setenv(VARIABLE, value)
        monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
        return run_script("inspector_keys", kind)

    return run


def test_keys_open_the_inspector_and_only_then_it_is_imported(run) -> None:
    """The program does not see the keys, but it sees others. A closed window is opened again."""
    finished = run("plain")
    assert finished.lines == ["the program sees F12", "imported False", "open run_plain", "same True", "end"]
    assert (finished.code, finished.errors) == (0, "")


def test_keys_open_a_usable_inspector_while_a_modal_dialog_is_open(run) -> None:
    """It belongs to the dialog, and to nobody when the dialog has closed."""
    finished = run("dialog")
    assert finished.lines == ["belongs to the dialog True", "usable x", "belongs to nobody True", "open True", "end"]
    assert (finished.code, finished.errors) == (0, "")


def test_windows_that_die_leave_the_keys_working(run) -> None:
    """However they die, and whether they have the keyboard."""
    finished = run("destroyed")
    assert finished.lines == ["open", "end"]
    assert (finished.code, finished.errors) == (0, "")


def test_inspector_keeps_no_program_from_quitting(run) -> None:
    """The program quits when its own last window closes."""
    finished = run("last")
    assert finished.lines == ["closing"]
    assert (finished.code, finished.errors) == (0, "")


@pytest.mark.parametrize(("kind", "name"), [("core", "QCoreApplication"), ("gui", "QGuiApplication")])
def test_application_without_widgets_says_so(run, kind: str, name: str) -> None:
    """In one line; the program goes on."""
    finished = run(kind)
    assert finished.lines == ["goes on", "end"]
    (line,) = finished.errors.splitlines()
    assert line.startswith(f"asyncslot: {VARIABLE} needs a QApplication")
    assert name in line


@pytest.mark.parametrize("value", ["", "0", "off", " Off "])
def test_off_is_off(run, value: str) -> None:
    """No word about it."""
    finished = run("core", value)
    assert (finished.code, finished.lines, finished.errors) == (0, ["goes on", "end"], "")


def test_unknown_value_is_one_line(run) -> None:
    """With the value, and what may stand there."""
    finished = run("core", "maybe")
    assert finished.lines == ["goes on", "end"]
    assert finished.errors == f"asyncslot: {VARIABLE}='maybe' is neither '1' nor 'off'; the inspector is off\n"


def test_error_while_opening_is_one_line(run) -> None:
    """And the program goes on."""
    finished = run("broken")
    assert finished.lines == ["goes on", "end"]
    (line,) = finished.errors.splitlines()
    assert line.startswith("asyncslot: the inspector could not be opened: ")


@pytest.mark.parametrize("option", ["-E", "-I"])
def test_variable_does_not_count_without_environment(option: str) -> None:
    """As no other variable does."""
    code = "import sys; sys.path.insert(0, {!r}); import asyncslot; print(asyncslot.loop.GuestEventLoop.on_first_open)"
    command = [sys.executable, option, "-c", code.format(str(SCRIPTS.parent.parent))]
    finished = subprocess.run(command, env={**os.environ, VARIABLE: "1"}, capture_output=True, text=True, check=True)
    assert finished.stdout == "None\n"


@pytest.mark.skipif(IS_WINDOWS or IS_QT_5, reason="once is enough")
def test_unset_variable_imports_nothing() -> None:
    """`import asyncslot` stays quick."""
    code = "import sys, asyncslot; print([name for name in sys.modules if name.startswith('asyncslot._inspector')])"
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    finished = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert finished.stdout == "[]\n"
