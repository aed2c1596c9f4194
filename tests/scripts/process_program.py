"""A program that quits while a process works for it, or begins to: process_program.py quit|sigint|stubborn|early."""

import asyncio
import os
import sys
import time

from listening_work import work
from qt import QApplication, press_ctrl_c

import asyncslot
from asyncslot import AsyncSlotEventLoop, Progress, run_in_process, run_task


def stubborn(progress):
    progress.report(1)
    time.sleep(3600)


async def begin_only():
    task = asyncio.ensure_future(run_in_process(time.sleep, 0))
    await asyncio.sleep(0)
    print(task.done())


def on_report(_):
    print("begun", flush=True)
    progress._on_report = None
    if sys.argv[1] == "sigint":
        press_ctrl_c()
    else:
        app.quit()


if __name__ == "__main__":
    if hasattr(os, "setpgrp"):
        # Ctrl-C comes to the whole group, of which the processes are members, and not to the tests.
        os.setpgrp()
    AsyncSlotEventLoop.shutdown_timeout_s = 0.2 if sys.argv[1] == "stubborn" else 5
    app = QApplication([])
    if sys.argv[1] == "early":
        asyncslot.run(begin_only())
        sys.exit()
    progress = Progress(on_report)
    run_task(run_in_process(stubborn if sys.argv[1] == "stubborn" else work, progress=progress))
    sys.exit(app.exec())
