"""Quits in the very step in which a task has started a subprocess."""

import asyncio
import sys

from qt import QCoreApplication, QTimer

from asyncslot import run_task

app = QCoreApplication([])
sleeper = [sys.executable, "-c", "import time; time.sleep(3600)"] if sys.platform == "win32" else ["sleep", "3600"]


async def work() -> None:
    try:
        await asyncio.create_subprocess_exec(*sleeper, stdout=asyncio.subprocess.PIPE)
    except asyncio.CancelledError:
        print("cancelled")
        raise


def start_and_quit() -> None:
    app.task = run_task(work())
    app.exit(4)


QTimer.singleShot(0, start_and_quit)
code = app.exec()
print("exec", code)
sys.exit(code)
