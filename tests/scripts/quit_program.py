"""
Ends in one of ENDINGS while one of ALIVE goes on, in one of MODES: quit_program.py MODE ENDING ALIVE.

Prints "ready", then what happens; "stubborn" once for each thing that a stubborn one was to end by and did not. The
signals are for the caller to send.
"""

import asyncio
import signal
import subprocess
import sys
import time

from qt import QApplication, QTimer, QWidget

import asyncslot
import asyncslot_policy
from asyncslot import AsyncSlot, AsyncSlotEventLoop, run_task

# How long the job in the executor takes, in seconds.
JOB_S = 2

AsyncSlotEventLoop.shutdown_timeout_s = 0.3


async def sleep():
    await asyncio.sleep(3600)


async def clean_up():
    try:
        await asyncio.sleep(3600)
    finally:
        await asyncio.sleep(0.05)
        print("clean")


async def swallow():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            announce_stubborn()


def announce_stubborn():
    """Print from a Qt slot, so that a signal finds Qt waiting."""
    QTimer.singleShot(20, lambda: print("stubborn"))


def work():
    time.sleep(JOB_S)
    print("job done")


async def wait_for_job():
    await asyncio.get_running_loop().run_in_executor(None, work)


async def count():
    try:
        yield 1
    finally:
        await asyncio.sleep(0.05)
        print("clean")


async def iterate():
    async for _ in count():
        await asyncio.sleep(3600)


async def abandon_generator():
    generators.append(count())
    await generators[0].__anext__()
    await asyncio.sleep(3600)


async def stay_open():
    try:
        yield 1
    finally:
        announce_stubborn()
        await swallow()


async def abandon_stubborn_generator():
    generators.append(stay_open())
    await generators[0].__anext__()
    await asyncio.sleep(3600)


async def start_process():
    pipe = asyncio.subprocess.PIPE  # What the process inherited, its reader would wait for.
    sleeper = [sys.executable, "-c", "import time; time.sleep(30)"] if sys.platform == "win32" else ["sleep", "30"]
    # A group of its own: on Windows, Ctrl-C is for the program only, as the signal is elsewhere.
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    process = await asyncio.create_subprocess_exec(*sleeper, stdout=pipe, stderr=pipe, creationflags=flags)
    started.set()
    return process


async def end_process():
    process = await start_process()
    try:
        await asyncio.sleep(3600)
    finally:
        process.terminate()
        print("process ended", await process.wait())


async def leave_process():
    process = await start_process()
    await asyncio.sleep(3600)
    await process.wait()


ALIVE = {
    "sleep": sleep,
    "clean-up": clean_up,
    "stubborn": swallow,
    "executor": wait_for_job,
    "generator": iterate,
    "open-generator": abandon_generator,
    "stubborn-generator": abandon_stubborn_generator,
    "process": end_process,
    "open-process": leave_process,
}


async def exit_in_task():
    sys.exit(3)


def end():
    print("ready")
    ENDINGS[ending]()


async def main():
    global started
    started = asyncio.Event()
    tasks.append(asyncio.ensure_future(ALIVE[alive]()))
    tasks[0].set_name("the one in the background")
    if alive.endswith("process"):
        await started.wait()
    QTimer.singleShot(50, end)
    await asyncio.sleep(3600)


class Window(QWidget):
    @AsyncSlot()
    async def on_start(self):
        await main()


def run_attached():
    run_task(main())
    sys.exit(app.exec())


def run_slot():
    QTimer.singleShot(0, window.on_start)
    sys.exit(app.exec())


def run_until_complete():
    loop = AsyncSlotEventLoop()
    try:
        loop.run_until_complete(main())
    finally:
        loop.shutdown()


def run_by_policy():
    asyncslot_policy.install()
    asyncio.run(main())


MODES = {
    "run_task": run_attached,
    "AsyncSlot": run_slot,
    "loop_factory": lambda: asyncio.run(main(), loop_factory=AsyncSlotEventLoop),
    "run_until_complete": run_until_complete,
    "asyncslot.run": lambda: asyncslot.run(main()),
    "policy": run_by_policy,
}

mode, ending, alive = sys.argv[1:]
tasks = []
generators = []
app = QApplication([])
app.aboutToQuit.connect(lambda: print("aboutToQuit"))
if ending == "SIGTERM-exit":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
if ending == "SIGTERM-quit":
    signal.signal(signal.SIGTERM, lambda *_: app.quit())
window = Window()
window.show()
ENDINGS = {
    "quit": app.quit,
    "exit": lambda: app.exit(7),
    "window": window.close,
    "system-exit": lambda: tasks.append(asyncio.ensure_future(exit_in_task())),
    "SIGINT": lambda: None,
    "SIGTERM-exit": lambda: None,
    "SIGTERM-quit": lambda: None,
}
MODES[mode]()
