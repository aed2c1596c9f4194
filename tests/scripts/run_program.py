"""asyncslot.run() in a process without an application: run_program.py <what>."""

import asyncio
import signal
import sys
import threading
import time
from pathlib import Path

from qt import signal_self

import asyncslot
from asyncslot import AsyncSlotEventLoop, run_task
from asyncslot._qt import QtCore, import_qt


def application():
    return type(QtCore.QCoreApplication.instance()).__name__


async def main():
    await asyncio.sleep(0.001)
    return f"{type(asyncio.get_running_loop()).__name__} {application()}"


def run_in_thread(work):
    """
    Run *work* on another thread, until the system's thread has ended, too.

    Python's join() returns earlier. If the process ends meanwhile, PySide6 6.6 on Python 3.8, which wants to free
    its QThread, aborts it ("terminate called without an active exception"); it does so without asyncslot as well.
    """
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    while Path(f"/proc/self/task/{thread.native_id}").exists():
        time.sleep(0.001)


def twice():
    print(asyncslot.run(main()))
    print(asyncslot.run(main()))


def own_application():
    app = QtCore.QCoreApplication([])
    print(asyncslot.run(main()))
    print(QtCore.QCoreApplication.instance() is app)


def no_widgets():
    sys.modules[QtCore.__name__.replace("QtCore", "QtWidgets")] = None
    print(asyncslot.run(main()))


def core_only():
    for module in ("QtWidgets", "QtGui"):
        sys.modules[QtCore.__name__.replace("QtCore", module)] = None
    print(asyncslot.run(main()))


def factory():
    AsyncSlotEventLoop.application_factory = lambda: QtCore.QCoreApplication([])
    print(asyncslot.run(main()))


def factory_elsewhere():
    AsyncSlotEventLoop.application_factory = lambda: QtCore.QCoreApplication([])
    loop = AsyncSlotEventLoop()
    print(loop.run_until_complete(main()))
    loop.close()


def factory_attached():
    AsyncSlotEventLoop.application_factory = lambda: QtCore.QCoreApplication([])
    task = run_task(main())
    task.get_loop().run_until_complete(task)
    print(task.result())
    task.get_loop().shutdown()


def factory_of_instance():
    loop = AsyncSlotEventLoop()
    loop.application_factory = lambda: QtCore.QCoreApplication([])
    print(loop.run_until_complete(main()))
    loop.close()


def factory_makes_none():
    AsyncSlotEventLoop.application_factory = lambda: None
    try:
        asyncslot.run(main())
    except RuntimeError as error:
        print(error)


def worker_thread():
    def work():
        try:
            print(asyncslot.run(main()))
        except RuntimeError as error:
            print(error)

    for _ in range(2):
        run_in_thread(work)
        QtCore.QCoreApplication.instance() or globals().update(app=QtCore.QCoreApplication([]))


def debug():
    async def get():
        return asyncio.get_running_loop().get_debug()

    print([asyncslot.run(get(), debug=debug) for debug in (True, False)])


def clean_up():
    closed = []

    async def generate():
        try:
            yield 1
        finally:
            closed.append("generator")

    async def background():
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.001)
            closed.append("task")

    async def use():
        task = asyncio.create_task(background())
        generator = generate()
        await generator.__anext__()
        keep.extend([task, generator])
        await asyncio.get_running_loop().run_in_executor(None, closed.append, "executor")
        return asyncio.get_running_loop()

    keep = []
    loop = asyncslot.run(use())
    print(loop.is_closed(), closed)


def late_failure():
    async def fail():
        try:
            await asyncio.sleep(60)
        finally:
            raise ValueError("late")

    async def use():
        keep.append(asyncio.create_task(fail()))
        await asyncio.sleep(0)
        asyncio.get_running_loop().set_exception_handler(lambda _, context: print(context["message"]))

    keep = []
    asyncslot.run(use())


def raises():
    async def fail():
        raise ValueError("x")

    try:
        asyncslot.run(fail())
    except ValueError as error:
        print(error)


def exits():
    async def leave():
        QtCore.QCoreApplication.exit(5)
        await asyncio.sleep(60)

    asyncslot.run(leave())


def ctrl_c():
    async def wait():
        asyncio.get_running_loop().call_soon(signal_self, signal.SIGINT)
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.001)
            print("cleaned up")

    try:
        asyncslot.run(wait())
    except KeyboardInterrupt:
        print("KeyboardInterrupt")


def no_coroutine():
    try:
        asyncslot.run(main)
    except TypeError as error:
        print(str(error).partition(",")[0].partition("<")[0])
    print(QtCore.QCoreApplication.instance())


def other_loop():
    async def inside():
        try:
            asyncslot.run(main())
        except RuntimeError as error:
            print(str(error).partition(";")[0])

    if sys.version_info >= (3, 12):
        asyncio.run(inside(), loop_factory=asyncio.SelectorEventLoop)
    else:
        asyncio.run(inside())


def in_coroutine():
    async def inside():
        try:
            asyncslot.run(main())
        except RuntimeError as error:
            print(str(error).partition(":")[0])

    asyncslot.run(inside())


def nested():
    app = import_qt("QtWidgets").QApplication([])

    def slot():
        print(asyncslot.run(main()))
        print(task.done())
        app.exit(3)

    task = run_task(asyncio.sleep(0))
    QtCore.QTimer.singleShot(0, slot)
    print(app.exec())


globals()[sys.argv[1]]()
