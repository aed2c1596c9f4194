"""asyncslot.run(), and the application that it, or a loop's factory, makes."""

from __future__ import annotations

import pytest
from support import run_script

NO_APPLICATION = "there is no QCoreApplication, which Qt needs; create one first: app = QApplication(sys.argv)"
LOOP = "AsyncSlotEventLoop"

# What scripts/run_program.py does, what it prints, and its exit code.
PROGRAMS = {
    "twice": ([f"{LOOP} QApplication"] * 2, 0),
    "own_application": ([f"{LOOP} QCoreApplication", "True"], 0),
    "no_widgets": ([f"{LOOP} QGuiApplication"], 0),
    "core_only": ([f"{LOOP} QCoreApplication"], 0),
    "factory": ([f"{LOOP} QCoreApplication"], 0),
    "factory_elsewhere": ([f"{LOOP} QCoreApplication"], 0),
    "factory_attached": ([f"{LOOP} QCoreApplication"], 0),
    "factory_of_instance": ([f"{LOOP} QCoreApplication"], 0),
    "factory_makes_none": ([NO_APPLICATION], 0),
    "worker_thread": ([NO_APPLICATION, f"{LOOP} QCoreApplication"], 0),
    "debug": (["[True, False]"], 0),
    "clean_up": (["True ['executor', 'task', 'generator']"], 0),
    "late_failure": (["unhandled exception during asyncslot.run() shutdown"], 0),
    "raises": (["x"], 0),
    "exits": ([], 5),
    "ctrl_c": (["cleaned up", "KeyboardInterrupt"], 0),
    "no_coroutine": (["a coroutine was expected", "None"], 0),
    "other_loop": (["asyncslot.run() cannot be called while another event loop runs on this thread"], 0),
    "in_coroutine": (["This event loop is already running"], 0),
    "nested": ([f"{LOOP} QApplication", "True", "3"], 0),
}


@pytest.mark.parametrize("what", PROGRAMS)
def test_run_program(what: str) -> None:
    """One call makes what is missing, runs the coroutine, and leaves nothing behind; see scripts/run_program.py."""
    lines, code = PROGRAMS[what]
    finished = run_script("run_program", what)
    assert finished.errors == ""
    assert finished.lines == lines
    assert finished.code == code
