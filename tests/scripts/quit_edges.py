"""Quits, and ends of blocking calls, that meet something else: quit_edges.py CASE. Prints what happens."""

import asyncio
import signal
import sys

from qt import QApplication, QDialog, QObject, QTimer, QWidget, delete

import asyncslot
from asyncslot import AsyncSlot, AsyncSlotEventLoop, run_task

(case,) = sys.argv[1:]
app = QApplication([])
tasks = []


async def clean_up(seconds: float = 0.05) -> None:
    try:
        await asyncio.sleep(3600)
    finally:
        await asyncio.sleep(seconds)
        print("cleaned")


class Receiver(QObject):
    @AsyncSlot(float, when_busy="restart")
    async def clean_up(self, seconds: float) -> None:
        await clean_up(seconds)


class Unwilling(asyncio.Future):
    def cancel(self, msg: object = None) -> bool:
        raise ValueError("not me")


def exit_in_last_iteration() -> None:
    """SystemExit of a callback that runs in the iteration in which the coroutine ends."""

    async def main() -> int:
        tasks.append(asyncio.ensure_future(clean_up()))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(sys.exit, 3)
        return 5

    run(main())


def ctrl_c_in_last_step() -> None:
    async def main() -> int:
        tasks.append(asyncio.ensure_future(clean_up()))
        await asyncio.sleep(0)
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(0)
        return 1

    run(main())


def run(main: object) -> None:
    try:
        asyncslot.run(main)
    except BaseException as error:
        print(repr(error))
    print("blocked", app.signalsBlocked())


def attached(job: object, *, code: int = 4) -> None:
    loop = AsyncSlotEventLoop()
    loop.attach()
    loop.create_task(job)
    QTimer.singleShot(20, lambda: app.exit(code))
    print("exec", app.exec(), loop.state.name)


def future_at_quit() -> None:
    loop = AsyncSlotEventLoop()
    future = loop.create_future()
    QTimer.singleShot(10, lambda: app.exit(4))
    try:
        loop.run_until_complete(future)
    except SystemExit as error:
        print(repr(error), future.cancelled())
    loop.close()


def cancel_raises() -> None:
    AsyncSlotEventLoop.shutdown_timeout_s = 0.3

    async def wait() -> None:
        await Unwilling()

    async def both() -> None:
        tasks.append(asyncio.ensure_future(wait()))
        await clean_up()

    attached(both())


def factory_fails() -> None:
    async def job() -> None:
        asyncio.get_running_loop().set_task_factory(lambda *_, **__: 1 / 0)
        await clean_up()

    attached(job())


def slot_exits() -> None:
    """The binding ends the process at once; nothing else is said but which task was abandoned."""

    async def job() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            QTimer.singleShot(10, lambda: sys.exit(9))
            await asyncio.sleep(1)

    attached(job())


def last_window_in_shutdown() -> None:
    window = QWidget()
    window.show()
    loop = AsyncSlotEventLoop()
    loop.attach()

    async def job() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            window.close()
            await asyncio.sleep(0.05)
            print("cleaned")

    loop.create_task(job())
    QTimer.singleShot(20, lambda: (loop.shutdown(), app.exit(5)))
    print("exec", app.exec())


def cancelled_before(how: str) -> None:
    """A quit that finds a task in its clean-up does not cut it off."""
    receiver = Receiver()
    task = receiver.clean_up(0.3)
    if how == "owner":
        cancel = lambda: delete(receiver)
    elif how == "restart":
        cancel = lambda: receiver.clean_up(0)
    else:
        cancel = task.cancel
    QTimer.singleShot(20, cancel)
    QTimer.singleShot(80, lambda: app.exit(4))
    print("exec", app.exec())


def swallowed_before() -> None:
    """A task that has swallowed an earlier cancellation is cancelled again at half of the time."""
    AsyncSlotEventLoop.shutdown_timeout_s = 0.4

    async def job() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            print("swallowed")
        await clean_up(0)

    task = run_task(job())
    QTimer.singleShot(20, task.cancel)
    QTimer.singleShot(80, lambda: app.exit(4))
    print("exec", app.exec())


def late_call() -> None:
    """A blocking call made during the quit is cancelled when all else has ended."""
    AsyncSlotEventLoop.shutdown_timeout_s = 60

    def slot() -> None:
        try:
            asyncslot.run(clean_up())
        except asyncio.CancelledError:
            print("CancelledError")

    async def job() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            QTimer.singleShot(10, slot)
            await asyncio.sleep(0.05)
            print("job cleaned")

    attached(job())


def result_behind_dialog() -> None:
    """The application quits while a blocking call that has ended waits for a dialog to return."""

    async def main() -> int:
        tasks.append(asyncio.ensure_future(clean_up()))
        QTimer.singleShot(0, lambda: (QTimer.singleShot(50, app.quit), QDialog().exec()))
        await asyncio.sleep(0.02)
        return 7

    loop = AsyncSlotEventLoop()
    print("returned", loop.run_until_complete(main()))
    loop.close()


def exit_in_plain_slot() -> None:
    """sys.exit() in a plain slot ends the process, and the application with it, inside a blocking call."""
    QTimer.singleShot(0, lambda: sys.exit(4))
    asyncslot.run(asyncio.sleep(3600))


def no_time() -> None:
    """With no time at all, each task still takes one step."""
    loop = AsyncSlotEventLoop()
    loop.attach()

    async def job() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            print("cleaned")

    loop.run_task(job())
    loop.shutdown(0)
    print(loop.state.name)


if case.startswith("cancelled_before"):
    cancelled_before(case.rpartition("-")[2])
else:
    globals()[case]()
