"""What asyncslot imports when it is first used: each part once."""

import asyncio
import multiprocessing
import os
import sys

from PySide6 import QtCore, QtTest, QtWidgets

import asyncslot
from asyncslot import (
    AsyncSlot,
    Progress,
    TaskHandle,
    compat,
    dialogs,
    run_in_process,
    run_in_qt_thread,
    run_in_thread,
    signal_stream,
    wait_signal,
)


def find_process():
    return os.getpid()


def count(progress):
    return sum(progress.track(range(10)))


class Handled(QtCore.QObject):
    @AsyncSlot(result=TaskHandle)
    async def work(self):
        await asyncio.sleep(0)


async def answer_the_question(button):
    """Click a button of the message box, when there is one."""
    while not (box := QtWidgets.QApplication.activeModalWidget()):
        await asyncio.sleep(0.01)
    box.button(button).click()


async def press_inspector_keys(window):
    # The dialog has had the keyboard.
    window.activateWindow()
    while QtWidgets.QApplication.focusWindow() is not window.windowHandle():
        await asyncio.sleep(0.01)
    modifier = QtCore.Qt.KeyboardModifier
    keys = modifier.ControlModifier | modifier.ShiftModifier
    QtTest.QTest.keyClick(window.windowHandle(), QtCore.Qt.Key.Key_F12, keys)
    inspector = None
    while inspector is None:
        await asyncio.sleep(0.01)
        windows = QtWidgets.QApplication.topLevelWidgets()
        inspector = next((each for each in windows if each.isVisible() and each is not window), None)
    print("inspector", type(inspector).__name__)
    inspector.close()


async def main():
    window = QtWidgets.QWidget()
    window.show()

    timer = QtCore.QTimer(interval=1)
    timer.start()
    await wait_signal(timer.timeout)
    async with signal_stream(timer.timeout) as stream:
        async for _ in stream:
            break
    timer.stop()
    print("signals")

    button = QtWidgets.QMessageBox.StandardButton.Yes
    clicking = asyncio.ensure_future(answer_the_question(button))
    print("dialog", await dialogs.question(window, "Question", "Yes?") == button)
    await clicking

    print("thread", await run_in_thread(os.getpid) == os.getpid())
    thread = QtCore.QThread()
    thread.start()
    print("Qt thread", await run_in_qt_thread(thread, asyncio.sleep(0.01, "slept")))
    thread.quit()
    thread.wait()
    print("process", await run_in_process(find_process) != os.getpid())
    print("progress", await run_in_process(count, progress=Progress()))
    print("subprocess", await (await asyncio.create_subprocess_exec("true")).wait())

    handled = Handled()
    handle = handled.work()
    await wait_signal(handle.finished)
    print("handle", type(handle).__name__)

    if os.environ.get("ASYNCSLOT_INSPECTOR"):
        await press_inspector_keys(window)
    asyncslot.inspector.show().close()
    print("tasks", len(asyncslot.tasks()))
    window.close()


def leave_qasync():
    compat.replace("qasync")
    import qasync

    async def wait():
        await asyncio.sleep(0.01)
        print("qasync", qasync.__name__)

    loop = qasync.QEventLoop(QtWidgets.QApplication.instance())
    asyncio.set_event_loop(loop)
    with loop:
        loop.run_until_complete(wait())


if __name__ == "__main__":
    multiprocessing.freeze_support()
    asyncslot.run(main())
    leave_qasync()
    sys.exit(3)
