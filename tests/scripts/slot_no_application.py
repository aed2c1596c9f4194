"""run_task() before and after a QCoreApplication is created."""

import asyncio
import inspect

from qt import QCoreApplication

from asyncslot import run_task
from asyncslot.loop import thread_loop


async def work() -> str:
    return "worked"


coro = work()
try:
    run_task(coro)
except RuntimeError as exc:
    print(exc)
print("coroutine:", inspect.getcoroutinestate(coro))
print("loops:", thread_loop(), asyncio._get_running_loop())
app = QCoreApplication([])
print(run_task(work()).result())
