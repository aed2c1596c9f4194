"""Runs an example and uses its window, by pointer and keyboard: drive_window.py FILE end|cancel|close|away."""

import asyncio
import os
import runpy
import sys
import tempfile
import traceback
from pathlib import Path

import qt
from qt import QApplication, Qt, QTest

import asyncslot
from asyncslot import dialogs

path, end = sys.argv[1:]
LEFT = Qt.MouseButton.LeftButton


def windows():
    return [window for window in QApplication.topLevelWidgets() if window.isVisible()]


def find_window():
    return next((window for window in windows() if type(window).__name__ == "Window"), None)


async def until(condition):
    while not condition():
        await asyncio.sleep(0.005)


def click(button):
    assert button.isEnabled()
    QTest.mouseClick(button, LEFT)


def screenshot(window, name):
    if os.environ.get("SCREENSHOTS"):
        window.grab().save(f"{os.environ['SCREENSHOTS']}/{name}.png")


async def drive_downloads(window):
    click(window.start)
    print(window.status.text(), window.start.isEnabled(), window.cancel.isEnabled())
    await until(lambda: all(bar.value() > 0 for bar in window.bars.values()))
    screenshot(window, "downloads")
    if end == "cancel":
        window.cancel.setFocus()
        QTest.keyClick(window.cancel, Qt.Key.Key_Space)
    if end != "close":
        await until(window.start.isEnabled)
        full = [bar.value() == bar.maximum() for bar in window.bars.values()]
        print(window.status.text(), all(full), window.cancel.isEnabled())


async def drive_primes(window):
    window.limit.selectAll()
    QTest.keyClicks(window.limit, "100000" if end == "end" else "9000000")
    click(window.start)
    print(window.result.text(), window.start.isEnabled())
    await until(window.cancel.isEnabled)
    await until(lambda: all(progress.done for progress in window.progresses))
    screenshot(window, "primes")
    if end == "cancel":
        click(window.cancel)
    if end != "close":
        await until(window.start.isEnabled)
        print(window.result.text(), window.cancel.isEnabled())


async def drive_chat(window):
    await until(window.line.isEnabled)
    if end == "away":
        server = example.cr_frame.f_locals["server"]
        port = server.runner.addresses[0][1]
        await server.runner.cleanup()
        await until(lambda: not window.line.isEnabled())
        print("away")
        await server.start(port)
        await until(window.line.isEnabled)
    (other,) = set(windows()) - {window}
    await until(other.line.isEnabled)
    for line in ("one", "two"):
        QTest.keyClicks(window.line, line)
        QTest.keyClick(window.line, Qt.Key.Key_Return)
    await until(lambda: other.text.toPlainText() == window.text.toPlainText() == "one\ntwo")
    screenshot(window, "chat")
    other.close()
    await until(lambda: len(windows()) == 1)
    print("heard")


async def drive_watch(window):
    real = dialogs.get_open_file_name

    def open_own(*arguments):
        options = qt.QFileDialog.Option.DontUseNativeDialog
        return real(*arguments, dir=directory, options=options)

    dialogs.get_open_file_name = open_own
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "notes.txt")
        file.write_text("one\n")
        click(window.choose)
        await until(lambda: len(windows()) > 1)
        (dialog,) = set(windows()) - {window}
        edit = next(edit for edit in dialog.findChildren(qt.QLineEdit) if edit.isVisible())
        QTest.keyClicks(edit, "notes.txt")
        QTest.keyClick(edit, Qt.Key.Key_Return)
        await until(lambda: window.label.text() == "notes.txt: 1 lines")
        for text, shown in (("one\ntwo\n", "2 lines"), ("", "0 lines")):
            file.write_text(text)
            await until(lambda shown=shown: window.label.text() == f"notes.txt: {shown}")
        other = Path(directory, "other.txt")
        other.write_text("a\nb\nc\n")
        other.replace(file)
        await until(lambda: window.label.text() == "notes.txt: 3 lines")
        print(window.label.text())
        screenshot(window, "watch")


async def drive():
    await until(find_window)
    window = find_window()
    await globals()[f"drive_{Path(path).stem}"](window)
    print("closing")
    window.close()


async def both(main):
    task = asyncio.ensure_future(drive())
    task.add_done_callback(check)
    await main


def check(task):
    # A driver that fails would let the program wait for ever.
    if not task.cancelled() and task.exception() is not None:
        traceback.print_exception(None, task.exception(), task.exception().__traceback__)
        QApplication.exit(1)


def run(main):
    global example
    example = main
    real_run(both(main))


if __name__ == "__main__":
    real_run, asyncslot.run = asyncslot.run, run
    sys.argv[:] = [path]
    runpy.run_path(path, run_name="__main__")
