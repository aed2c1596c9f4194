"""Processes that run the program once more by mistake: they say what to write."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import process_functions as functions
from qt import BINDING
from support import CEILING_S, run_coroutine

from asyncslot import AsyncSlotEventLoop, run_in_process
from asyncslot._loop.spawned import is_importing_main


def test_main_module_is_imported_before_a_process_works(attached: AsyncSlotEventLoop) -> None:
    """What works in a spawned process may run loops of its own."""
    assert not is_importing_main()
    assert run_coroutine(run_in_process(functions.run_loop)) == "ran"


def test_program_without_main_guard_is_told(tmp_path: Path) -> None:
    """The process that would run the program once more says what to write, and ends."""
    program = tmp_path / "program.py"
    program.write_text(UNGUARDED.replace("PySide6", BINDING))
    command = [sys.executable, "-W", "error", str(program)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=CEILING_S)
    assert run.stdout.splitlines() == ["BrokenProcessPool"]
    assert "write 'if __name__ == \"__main__\":'" in run.stderr


UNGUARDED = """
import sys
from PySide6.QtCore import QCoreApplication, QObject, QTimer
import asyncslot

def double(number):
    return 2 * number

class Receiver(QObject):
    @asyncslot.AsyncSlot()
    async def work(self):
        try:
            print(await asyncslot.run_in_process(double, 21))
        except Exception as exc:
            print(type(exc).__name__)
        app.quit()

app = QCoreApplication([])
receiver = Receiver()
QTimer.singleShot(0, receiver.work)
sys.exit(app.exec() if hasattr(app, "exec") else app.exec_())
"""
