"""Runs a program of the tutorial and uses its window: drive_tutorial.py FILE SCENARIO [URL]."""

import asyncio
import sys
import tempfile
import threading
import traceback
from pathlib import Path

import qt
from qt import BINDING, QApplication, Qt, QTest, QTimer

import asyncslot
from asyncslot import dialogs

path, scenario, *urls = sys.argv[1:]
LEFT = Qt.MouseButton.LeftButton


def windows():
    return [window for window in QApplication.topLevelWidgets() if window.isVisible()]


def find_dialog(window):
    return next((other for other in windows() if isinstance(other, qt.QDialog) and other is not window), None)


async def until(condition):
    while not condition():
        await asyncio.sleep(0.005)


def click(button):
    assert button.isEnabled()
    QTest.mouseClick(button, LEFT)


def enter(edit, text):
    edit.selectAll()
    QTest.keyClicks(edit, text)


def calls(window, slot):
    return asyncslot.scope(window, slot=getattr(type(window), slot)).tasks


def items(window):
    return [window.list.item(row).text() for row in range(window.list.count())]


async def check_to_end(window):
    click(window.check)
    print("in the click:", window.check.isEnabled(), window.status.text())
    await until(window.check.isEnabled)
    print("at the end:", window.status.text())


async def drive_end(window):
    if urls:
        enter(window.address, urls[0])
    await check_to_end(window)


async def drive_work_goes_on(window):
    click(window.check)
    enter(window.address, "typed meanwhile")
    print(window.status.text(), window.address.text())
    await until(window.check.isEnabled)


async def drive_wrong_page(window):
    enter(window.address, f"{urls[0]}nothing.html")
    await check_to_end(window)


async def drive_wrong_address(window):
    enter(window.address, "not an address")
    await check_to_end(window)


async def drive_list(window):
    await drive_end(window)
    print(len(items(window)), items(window)[0])


async def drive_broken(window):
    await drive_end(window)
    print(items(window), window.bar.text(), window.cancel.isEnabled())


async def drive_cancel(window):
    enter(window.address, urls[0])
    click(window.check)
    await until(lambda: window.bar.value() > 0)
    click(window.cancel)
    await until(window.check.isEnabled)
    print(window.status.text(), window.bar.value() < 30, window.cancel.isEnabled())


async def drive_close(window):
    if urls:
        enter(window.address, urls[0])
    click(window.check)


async def drive_typing(window):
    """Type an address whose answer takes a minute, and go on typing: that answer is never shown."""
    shown = []

    def set_text(text):
        shown.append(text)
        qt.QLabel.setText(window.hint, text)

    window.hint.setText = set_text
    enter(window.address, f"{urls[0]}pages/13.html")
    await until(lambda: len(calls(window, "on_edited")) == 1)
    await asyncio.sleep(0.5)  # Past the pause: the request is on its way, unless this machine is slow.
    for _ in ".html":
        QTest.keyClick(window.address, Qt.Key.Key_Backspace)
    QTest.keyClicks(window.address, ".html?again")
    for _ in "13.html?again":
        QTest.keyClick(window.address, Qt.Key.Key_Backspace)
    QTest.keyClicks(window.address, "7.html")
    await until(lambda: not calls(window, "on_edited"))
    print({text for text in shown if text != "…"}, window.hint.text())


async def drive_return(window):
    enter(window.address, urls[0])
    await until(lambda: window.hint.text() == "200 OK")
    for _ in range(2):
        QTest.keyClick(window.address, Qt.Key.Key_Return)
    print("calls:", len(calls(window, "on_check")))
    await until(window.check.isEnabled)
    print(window.status.text())


async def drive_ask(window):
    enter(window.address, urls[0])
    click(window.check)
    for button, is_open in (("No", True), ("Yes", False)):
        window.close()
        await until(lambda: find_dialog(window))
        box = find_dialog(window)
        print(box.text(), button)
        window.close()
        assert len(windows()) == 2
        click(box.button(getattr(qt.QMessageBox.StandardButton, button)))
        if is_open:
            # Until the coroutine has its answer, and has ended.
            await until(lambda: asyncslot.scope(window).tasks == calls(window, "on_check"))
            print("open:", window.isVisible(), "checking:", not window.check.isEnabled())


def use_own_dialogs(directory):
    """Have Qt's own file dialogs, in that directory: a test cannot use those of the system."""
    for name in ("get_save_file_name", "get_existing_directory"):
        setattr(dialogs, name, with_directory(getattr(dialogs, name), directory))


def with_directory(function, directory):
    def call(parent, caption, name=""):
        options = qt.QFileDialog.Option.DontUseNativeDialog
        return function(parent, caption, dir=str(Path(directory, name)), options=options)

    return call


async def choose(window, name):
    await until(lambda: find_dialog(window))
    dialog = find_dialog(window)
    edit = next(edit for edit in dialog.findChildren(qt.QLineEdit) if edit.isVisible())
    if name:
        enter(edit, name)
    QTest.keyClick(edit, Qt.Key.Key_Return)


async def check_and_save(window, name):
    enter(window.address, urls[0])
    click(window.check)
    await until(window.check.isEnabled)
    click(window.save)
    await choose(window, name)


async def drive_save(window):
    with tempfile.TemporaryDirectory() as directory:
        use_own_dialogs(directory)
        await check_and_save(window, "list.txt")
        await until(lambda: window.status.text().startswith("Saved as"))
        print(Path(directory, "list.txt").read_text(encoding="utf-8").rstrip("\n"))


async def drive_save_nowhere(window):
    def write_text(*args, **kwargs):
        raise OSError(28, "No space left on device")

    Path.write_text = write_text
    with tempfile.TemporaryDirectory() as directory:
        use_own_dialogs(directory)
        await check_and_save(window, "list.txt")
        await until(lambda: window.status.text().startswith("The list"))
        print(window.status.text())


async def drive_finish(window):
    """Close the window while a disk is slow: it goes on only when the quit has begun."""
    real, begun, quitting = Path.write_text, threading.Event(), threading.Event()

    def write_text(*args, **kwargs):
        begun.set()
        assert quitting.wait(10)
        return real(*args, **kwargs)

    Path.write_text = write_text
    with tempfile.TemporaryDirectory() as directory:
        use_own_dialogs(directory)
        await check_and_save(window, "list.txt")
        await until(begun.is_set)
        window.close()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print("quitting:", asyncio.get_running_loop().is_quitting(), window.isVisible())
            quitting.set()
            await until(lambda: window.status.text().startswith("Saved as"))
            print("saved:", Path(directory, "list.txt").read_text(encoding="utf-8").startswith("404"))
            raise


async def drive_close_in_dialog(window):
    with tempfile.TemporaryDirectory() as directory:
        use_own_dialogs(directory)
        click(window.save)
        await until(lambda: find_dialog(window))
    print("dialog")


def fill(directory, count):
    """Write files with links to one page each."""
    for number in range(count):
        Path(directory, f"page{number}.md").write_text(f"[A page]({urls[0]}pages/{number % 8 + 1}.html), and more")
    Path(directory, "program.py").write_text(f"# {urls[0]}never-asked.html")


async def drive_folder(window):
    with tempfile.TemporaryDirectory() as directory:
        use_own_dialogs(directory)
        fill(directory, 20)
        click(window.folder)
        await choose(window, None)
        await until(lambda: window.address.text() == str(Path(directory)))
        print("in the check:", window.check.isEnabled(), window.status.text())
        await until(window.check.isEnabled)
        print(items(window), window.status.text())


async def drive_folder_cancel(window):
    """Cancel while the thread reads its first file."""
    real, begun, cancelled, read = Path.read_text, threading.Event(), threading.Event(), []

    def read_text(self, *args, **kwargs):
        read.append(self)
        begun.set()
        assert cancelled.wait(10)
        return real(self, *args, **kwargs)

    with tempfile.TemporaryDirectory() as directory:
        use_own_dialogs(directory)
        fill(directory, 20)
        Path.read_text = read_text
        click(window.folder)
        await choose(window, None)
        await until(begun.is_set)
        click(window.cancel)
        for _ in range(20):  # More turns than the slot takes to tell the thread.
            await asyncio.sleep(0)
        cancelled.set()
        await until(window.check.isEnabled)
        print(window.status.text(), "files read:", len(read))


async def drive():
    await until(windows)
    (window,) = windows()
    await globals()[f"drive_{scenario}"](window)
    print("closing")
    window.close()


def check(task):
    # A driver that fails would let the program wait for ever.
    if not task.cancelled() and task.exception() is not None:
        traceback.print_exception(None, task.exception(), task.exception().__traceback__)
        QApplication.exit(1)


def begin():
    asyncslot.run_task(drive()).add_done_callback(check)


original = QApplication.exec
QApplication.exec = lambda *_: (QTimer.singleShot(0, begin), original())[1]
source = Path(path).read_text(encoding="utf-8").replace("PySide6", BINDING)  # The page shows PySide6's names.
exec(compile(source, path, "exec"), {"__name__": "__main__", "__file__": path})
