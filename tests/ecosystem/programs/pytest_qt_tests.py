"""What tests written for pytest-qt and pytest-asyncio do with widgets: run in a session of its own."""

import asyncio

import pytest
from qt import QApplication, QDialog, QLineEdit, QObject, QPushButton, Qt, QTimer, Signal

from asyncslot import AsyncSlot, run_task


class Window(QPushButton):
    done = Signal(str)

    def __init__(self):
        super().__init__("start")
        self.clicked.connect(self.on_click)

    @AsyncSlot()
    async def on_click(self):
        self.setText("runs")
        await asyncio.sleep(0.001)
        self.done.emit("done")


@pytest.fixture
def _ends_loop():
    """End the loop that run_task or a slot has attached: the tests that are coroutines run loops of their own."""
    yield
    asyncio.get_running_loop().shutdown()


@pytest.fixture
def window(qtbot):
    window = Window()
    qtbot.addWidget(window)
    return window


@pytest.mark.usefixtures("_ends_loop")
def test_slot(qtbot, window):
    with qtbot.waitSignal(window.done) as received:
        qtbot.mouseClick(window, Qt.MouseButton.LeftButton)
        assert window.text() == "runs"
    assert received.args == ["done"]


@pytest.mark.usefixtures("_ends_loop")
def test_wait_until(qtbot):
    finished = []

    async def work():
        await asyncio.sleep(0.001)
        finished.append(True)

    run_task(work())
    qtbot.waitUntil(lambda: bool(finished))


@pytest.mark.usefixtures("_ends_loop")
def test_dialog(qtbot, window):
    dialog = QDialog()
    qtbot.addWidget(dialog)
    window.done.connect(dialog.accept)
    QTimer.singleShot(0, window.click)
    assert dialog.exec() == QDialog.DialogCode.Accepted


def test_error_in_slot(qtbot):
    class Sender(QObject):
        sent = Signal()

    def fail():
        raise ValueError

    sender = Sender()
    sender.sent.connect(fail)
    with qtbot.captureExceptions() as errors:
        sender.sent.emit()
    assert [error[0] for error in errors] == [ValueError]


@pytest.mark.asyncio
async def test_keys(qtbot, qapp):
    edit = QLineEdit()
    qtbot.addWidget(edit)
    typed = asyncio.Event()
    edit.returnPressed.connect(typed.set)
    qtbot.keyClicks(edit, "hello")
    QTimer.singleShot(0, lambda: qtbot.keyClick(edit, Qt.Key.Key_Return))
    await typed.wait()
    assert edit.text() == "hello"
    assert QApplication.instance() is qapp
    assert type(asyncio.get_running_loop()).__name__ == "AsyncSlotEventLoop"
