"""
Presses Ctrl+Shift+F12 in a program: inspector_keys.py KIND.

The program itself knows nothing of the inspector; ASYNCSLOT_INSPECTOR is in its environment.
"""

import asyncio
import sys

import qt
from qt import Qt, QTest

import asyncslot

kind = sys.argv[1]
# In PyQt6 and PySide6 the modifiers are flags of an enumeration.
KEYS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


def is_imported():
    return "asyncslot._inspector.widget" in sys.modules


def find_inspector():
    windows = qt.QApplication.topLevelWidgets()
    return next((window for window in windows if type(window).__name__ == "TaskInspector"), None)


def is_open():
    inspector = find_inspector()
    return inspector is not None and inspector.isVisible()


async def until(condition):
    while not condition():
        await asyncio.sleep(0.005)


class Edit(qt.QLineEdit):
    def keyPressEvent(self, event):
        if event.key() == Qt.Key.Key_F12:
            print("the program sees F12")
        super().keyPressEvent(event)


async def open_window():
    window = qt.QMainWindow()
    edit = Edit()
    window.setCentralWidget(edit)
    window.show()
    window.activateWindow()
    edit.setFocus()
    await until(lambda: qt.QGuiApplication.focusWindow() is not None)
    return window


def press(window, modifiers=KEYS):
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_F12, modifiers)


async def run_plain():
    window = await open_window()
    press(window, Qt.KeyboardModifier.NoModifier)
    print("imported", is_imported())
    press(window)
    await until(is_open)
    inspector = find_inspector()
    await until(inspector._task_pane.model.rowCount)
    print("open", inspector._task_pane.model.rows[0].name)
    # Closing it is no quit, and the keys open the same one again.
    inspector.close()
    window.activateWindow()
    await until(lambda: qt.QGuiApplication.focusWindow() is window.windowHandle())
    press(window)
    await until(is_open)
    print("same", find_inspector() is inspector)


async def run_dialog():
    window = await open_window()
    dialog = qt.QDialog(window)
    dialog.setModal(True)
    dialog.show()
    dialog.activateWindow()
    await until(lambda: qt.QGuiApplication.focusWindow() is dialog.windowHandle())
    press(dialog)
    await until(is_open)
    inspector = find_inspector()
    print("belongs to the dialog", inspector.windowHandle().transientParent() is dialog.windowHandle())
    QTest.keyClicks(inspector._task_pane.filter_edit, "x")
    print("usable", inspector._task_pane.filter_edit.text())
    dialog.close()
    print("belongs to nobody", inspector.windowHandle().transientParent() is None)
    dialog.deleteLater()
    await asyncio.sleep(0.01)
    print("open", inspector.isVisible())


async def run_destroyed():
    # Windows that have had the filter die while they have the keyboard, and after that.
    for number in range(20):
        window = await open_window()
        if number % 2:
            window.hide()
        if number % 3:
            qt.delete(window)
        else:
            window.deleteLater()
        del window
        await asyncio.sleep(0.001)
    window = await open_window()
    press(window)
    await until(is_open)
    print("open")


async def run_last():
    # The inspector does not keep the program from quitting.
    window = await open_window()
    press(window)
    await until(is_open)
    print("closing")
    window.close()
    await asyncio.sleep(20)
    print("it went on")


async def run_broken():
    # An inspector that cannot be imported.
    sys.modules["asyncslot._inspector.window"] = None
    window = await open_window()
    press(window)
    await asyncio.sleep(0.05)
    print("goes on")


async def run_none():
    print("goes on")


kinds = {"core": qt.QCoreApplication, "gui": qt.QGuiApplication}
app = kinds.get(kind, qt.QApplication)([])
if kind not in ("core", "last"):
    # When the coroutine ends, its window is destroyed.
    app.setQuitOnLastWindowClosed(False)
asyncslot.run(globals().get(f"run_{kind}", run_none)())
print("end")
