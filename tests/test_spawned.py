"""Processes that run the program once more by mistake: they say what to write."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import process_functions as functions
import pytest
from qt import BINDING
from support import CEILING_S, run_coroutine

from asyncslot import AsyncSlotEventLoop, run_in_process
from asyncslot._loop.spawned import is_importing_main


def test_main_module_is_imported_before_a_process_works(attached: AsyncSlotEventLoop) -> None:
    """What works in a spawned process may run loops of its own."""
    assert not is_importing_main()
    assert run_coroutine(run_in_process(functions.run_loop)) == "ran"


@pytest.mark.parametrize("start", ["slot", "run", "asyncio_run"])
def test_program_without_main_guard_is_told(start: str, tmp_path: Path) -> None:
    """The process that would run the program once more says once what to write, and ends; so does the program."""
    program = tmp_path / "program.py"
    program.write_text(UNGUARDED.replace("PySide6", BINDING) + STARTS[start])
    command = [sys.executable, "-X", "dev", "-W", "error", str(program)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=CEILING_S)
    assert len(run.stdout.splitlines()) == 1
    assert run.stdout.startswith("BrokenProcessPool: run_in_process(): the process ended before it could call")
    assert "'if __name__ == \"__main__\":' is missing there" in run.stdout
    # Python 3.8 starts a process for each core at once, and each says it.
    times = run.stderr.count("write 'if __name__ == \"__main__\":'")
    assert times == 1 if sys.version_info >= (3, 9) else times >= 1
    for noise in ("During handling", "never awaited", "was destroyed", "ResourceWarning"):
        assert noise not in run.stderr


def test_process_that_dies_at_work_is_not_explained(attached: AsyncSlotEventLoop) -> None:
    """A process that had begun to work has imported the program's file: the error is the standard library's."""
    with pytest.raises(BrokenProcessPool) as caught:
        run_coroutine(run_in_process(functions.die))
    assert "__main__" not in str(caught.value)


UNGUARDED = """
import asyncio
import sys
from PySide6.QtCore import QCoreApplication, QObject, QTimer
import asyncslot

def double(number):
    return 2 * number

async def work():
    try:
        print(await asyncslot.run_in_process(double, 21))
    except Exception as exc:
        print(f"{type(exc).__name__}: {exc}")

class Receiver(QObject):
    @asyncslot.AsyncSlot()
    async def work(self):
        await work()
        app.quit()

app = QCoreApplication([])
"""

STARTS = {
    "slot": """
receiver = Receiver()
QTimer.singleShot(0, receiver.work)
sys.exit(app.exec() if hasattr(app, "exec") else app.exec_())
""",
    "run": "asyncslot.run(work())",
    "asyncio_run": """
import asyncslot_policy
asyncslot_policy.install()
asyncio.run(work())
""",
}
