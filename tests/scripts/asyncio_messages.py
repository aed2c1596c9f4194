"""What asyncio says in a plain slot: asyncio_messages.py attached|bare|get. All but the first have no loop attached."""

import asyncio
import sys
import warnings

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


def get():
    """Ask for the current loop, without a policy of ours; then once more after asyncio.run()."""
    for when in ("before", "after"):
        for function in (lambda coro: asyncio.get_event_loop().create_task(coro), asyncio.ensure_future):
            coro = work()
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                try:
                    task = function(coro)
                except RuntimeError as exc:
                    print(when, "!!", exc)
                    coro.close()
                    continue
            tasks.append(task)
            print(when, "->", type(task.get_loop()).__name__, *{each.category.__name__ for each in warned})
        asyncio.run(work())
    QTimer.singleShot(100, look)


def look():
    print("done:", [task.done() for task in tasks])
    for task in tasks:  # So that nothing is reported of them.
        task.cancel()
        loop = task.get_loop()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks))
        loop.close()
    print("run_task ->", run_task(work()))
    app.quit()


tasks = []
app = QCoreApplication([])
if sys.argv[1] == "attached":
    asyncslot.AsyncSlotEventLoop().attach()
QTimer.singleShot(0, get if sys.argv[1] == "get" else slot)
app.exec()
