"""The error box: what fails is logged as ever, and shown."""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import Any, Callable, Iterator

import pytest
from support import run_qt, run_script

from asyncslot import AsyncSlot, AsyncSlotEventLoop, run_task
from asyncslot._qt import QtCore, import_qt
from asyncslot._slot.error_box import error_handler

QtWidgets = import_qt("QtWidgets")


class Window(QtWidgets.QWidget):
    @AsyncSlot()
    async def fail(self, text: str) -> None:
        await asyncio.sleep(0)
        raise ValueError(text)


@pytest.fixture
def window(loop: AsyncSlotEventLoop) -> Iterator[Any]:
    """A visible window, and a loop that shows errors; no box is left at the end."""
    loop.set_exception_handler(error_handler)
    loop.attach()
    window = Window()
    window.show()
    yield window
    for box in find_boxes():
        box.close()
    QtCore.QCoreApplication.sendPostedEvents(None, 52)


def find_boxes() -> list[Any]:
    return [box for box in QtWidgets.QApplication.topLevelWidgets() if isinstance(box, QtWidgets.QMessageBox)]


def run_until_logged(caplog: pytest.LogCaptureFixture, count: int, start: Callable[[], object]) -> None:
    """Run Qt until *count* errors have been logged, and two turns more."""

    def begin(quit_qt: Callable[[], None]) -> None:
        async def wait() -> None:
            while len(caplog.records) < count:
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.02)
            quit_qt()

        start()
        run_task(wait())

    run_qt(begin)
    assert len(caplog.records) == count


def test_error_handler_shows_and_logs(window: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A slot's failure is logged, and shown in a box of its owner's window that nobody waits for."""
    run_until_logged(caplog, 1, lambda: window.fail("no disk"))
    (box,) = find_boxes()
    assert box.isVisible()
    assert box.parentWidget() is window
    assert box.text() == "Exception in slot Window.fail()\n\nValueError: no disk"
    assert box.textFormat() == QtCore.Qt.TextFormat.PlainText
    assert "raise ValueError(text)" in box.detailedText()
    assert caplog.records[0].levelno == logging.ERROR


def test_error_handler_adds_to_an_open_box(window: Any, caplog: pytest.LogCaptureFixture) -> None:
    """However much fails, there is one box: it shows the newest error, and the last twenty in its details."""
    run_until_logged(caplog, 30, lambda: [window.fail(f"number {number};") for number in range(30)])
    (box,) = find_boxes()
    assert box.text().endswith("ValueError: number 29;\n\nBefore that: 29 more, see the details.")
    assert "number 10;" in box.detailedText()
    assert "number 9;" not in box.detailedText()


def test_error_handler_new_box_after_the_first_is_closed(window: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A closed box is deleted, and the next error begins anew."""
    run_until_logged(caplog, 1, lambda: window.fail("first"))
    (box,) = find_boxes()
    run_until_logged(caplog, 2, lambda: (box.buttons()[0].click(), window.fail("second")))
    (box,) = find_boxes()
    assert box.text().endswith("\n\nValueError: second")


def test_error_handler_without_owner_or_exception(window: Any, caplog: pytest.LogCaptureFixture) -> None:
    """An error that no window has caused is shown all the same, and one without an exception."""
    loop = asyncio.get_running_loop()
    run_until_logged(caplog, 1, lambda: loop.call_exception_handler({"message": "Something is odd"}))
    gc.collect()
    (box,) = find_boxes()
    assert box.text() == "Something is odd"


def test_error_handler_of_another_thread(window: Any, caplog: pytest.LogCaptureFixture) -> None:
    """An error in a thread's loop is shown on the application's thread."""

    async def fail() -> None:
        asyncio.get_running_loop().call_exception_handler({"message": "of the thread"})

    class Thread(QtCore.QThread):
        def run(self) -> None:
            loop = AsyncSlotEventLoop()
            loop.set_exception_handler(error_handler)
            loop.run_until_complete(fail())
            loop.close()

    thread = Thread()
    run_until_logged(caplog, 1, thread.start)
    assert thread.wait(10_000)
    (box,) = find_boxes()
    assert box.text() == "of the thread"
    assert box.thread() == window.thread()


@pytest.mark.parametrize("case", ["quitting", "core"])
def test_error_handler_only_logs_where_no_box_can_be(case: str) -> None:
    """While the application quits, and without widgets, errors are logged, and the exit code is the program's."""
    finished = run_script("error_handler", case)
    assert finished.lines == ["boxes: 0"]
    assert "ValueError: bad" in finished.errors
    assert finished.code == 7
