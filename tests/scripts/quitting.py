"""
A plain slot calls the loop while the application quits: quitting.py MODE CALL.

Prints what the call did, "cleaned" when the task has cleaned up, and how the program ended.
"""

import asyncio
import sys

from qt import QCoreApplication, QTimer

import asyncslot
from asyncslot import AsyncSlotEventLoop, LoopState

mode, call = sys.argv[1:]
app = QCoreApplication([])
loop = AsyncSlotEventLoop()


async def sub() -> str:
    await asyncio.sleep(0.01)
    return "nested"


async def endless() -> None:
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        print("endless cancelled")
        raise


def run_task() -> object:
    task = loop.run_task(asyncio.sleep(3600))
    assert task.cancelling() if sys.version_info >= (3, 11) else True
    return "cancelled"


def stop() -> None:
    loop.stop()


def run_forever() -> None:
    loop.call_soon(loop.stop)
    loop.run_forever()


CALLS = {
    "run_forever()": run_forever,
    "run_until_complete()": lambda: loop.run_until_complete(sub()),
    "asyncslot.run()": lambda: asyncslot.run(sub()),
    "endless": lambda: asyncslot.run(endless()),
    "attach()": loop.attach,
    "detach()": loop.detach,
    "run_task()": run_task,
    "call_soon()": lambda: loop.call_soon(print, "called"),
    "stop()": stop,
    "shutdown()": loop.shutdown,
    "close()": loop.close,
}


def slot() -> None:
    assert loop.is_quitting()
    assert loop.state is LoopState.QUITTING
    try:
        result = CALLS[call]()
    except (RuntimeError, asyncio.CancelledError) as exc:
        print(f"{type(exc).__name__}: {exc}")
    else:
        print("returned", result if isinstance(result, str) else "")
    assert loop.state is LoopState.QUITTING or call == "endless"


async def job() -> None:
    try:
        # Not before: a task that is cancelled before its first step has nothing to clean up.
        QTimer.singleShot(20, quit_it)
        await asyncio.sleep(3600)
    finally:
        QTimer.singleShot(10, slot)
        await asyncio.sleep(0.1)
        print("cleaned")


def quit_it() -> None:
    if mode == "shutdown":
        loop.shutdown()
        app.exit(4)
    else:
        app.exit(4)


if call == "endless":
    AsyncSlotEventLoop.shutdown_timeout_s = 0.5
try:
    if mode == "blocking":
        loop.run_until_complete(job())
    else:
        loop.attach()
        loop.run_task(job())
        print("exec", app.exec())
except SystemExit as exc:
    print("SystemExit", exc.code)
finally:
    if not loop.is_closed():
        loop.close()
