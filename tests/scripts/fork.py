"""Forks while a loop is attached; the child runs asyncio of its own."""

import asyncio
import os
import signal

from qt import QCoreApplication, QTimer

from asyncslot import run_task
from asyncslot.loop import thread_loop

app = QCoreApplication([])


async def answer() -> int:
    await asyncio.sleep(0.01)
    return 42


async def wait() -> None:
    await asyncio.sleep(3600)


def fork() -> None:
    child = os.fork()
    if child == 0:
        fd = signal.set_wakeup_fd(-1)
        default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
        print("child:", asyncio._get_running_loop(), thread_loop(), default, fd)
        loop = asyncio.SelectorEventLoop()
        print("child ran", loop.run_until_complete(answer()))
        os._exit(0)
    os.waitpid(child, 0)
    print("parent:", asyncio._get_running_loop() is thread_loop() is not None)
    app.quit()


task = run_task(wait())
QTimer.singleShot(0, fork)
app.exec()
