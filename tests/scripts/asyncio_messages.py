"""What asyncio says in a plain slot, with and without a loop that is attached: asyncio_messages.py attached|bare."""

import asyncio
import sys

from qt import QCoreApplication, QTimer

import asyncslot


async def work():
    return 1


def attempt(function):
    coro = work()
    try:
        print(function.__name__, "->", function(coro))
    except RuntimeError as exc:
        print(function.__name__, "!!", exc)
    coro.close()


def other_loop(coro):
    loop = asyncslot.AsyncSlotEventLoop()
    try:
        return loop.run_until_complete(coro)
    finally:
        loop.close()


def run_task(coro):
    return asyncslot.run_task(coro).result()


def slot():
    for function in (asyncio.create_task, asyncio.run, other_loop, asyncslot.run, run_task):
        if sys.argv[1] == "bare" or function is not asyncio.create_task:
            attempt(function)
    app.quit()


app = QCoreApplication([])
if sys.argv[1] == "attached":
    asyncslot.AsyncSlotEventLoop().attach()
QTimer.singleShot(0, slot)
app.exec()
