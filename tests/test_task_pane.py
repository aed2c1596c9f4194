"""The pane of tasks."""

from __future__ import annotations

import asyncio
from typing import Any, Iterator

import pytest
from inspector_support import until
from qt import QApplication, Qt, QTest

from asyncslot import AsyncSlotEventLoop, run_task
from asyncslot._inspector import task_pane
from asyncslot._inspector.loop_watch import LoopWatch
from asyncslot._inspector.task_pane import TaskPane
from asyncslot._qt import QtCore


class Window(QtCore.QObject):
    """An owner."""


async def wait() -> None:
    await asyncio.sleep(3600)


async def other() -> None:
    await wait()


@pytest.fixture
def pane(app: Any) -> Iterator[TaskPane]:
    watch = LoopWatch()
    pane = TaskPane(watch)

    def refresh() -> None:
        watch.refresh()
        pane.refresh()

    pane.refresh_wanted.connect(refresh)
    pane.show()
    yield pane
    watch.close()
    pane.close()


def run(loop: AsyncSlotEventLoop, coro: Any) -> None:
    loop.run_until_complete(coro)


def shown(pane: TaskPane) -> list[str]:
    return [row.task_name for row in pane.model.rows]


def select(pane: TaskPane, *names: str) -> None:
    flags = QtCore.QItemSelectionModel.SelectionFlag
    selection = pane.view.selectionModel()
    selection.clear()
    for name in names:
        (number,) = [number for number, row in enumerate(pane.model.rows) if row.task_name == name]
        selection.select(pane.model.index(number, 0), flags.Select | flags.Rows)
        selection.setCurrentIndex(pane.model.index(number, 0), flags.NoUpdate)


def focus(pane: TaskPane) -> None:
    pane.activateWindow()
    pane.view.setFocus()
    assert QTest.qWaitForWindowActive(pane)


async def end(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)


def test_filter_and_boxes(loop: AsyncSlotEventLoop, pane: TaskPane) -> None:
    """What is typed, the owner that is chosen, and the box for what has ended."""
    owners: list[Any] = []

    async def main() -> None:
        this = asyncio.current_task()
        assert this is not None
        one, two = Window(), Window()
        one.setObjectName("one")
        two.setObjectName("two")
        owners.extend((one, two))
        tasks = [
            run_task(wait(), name="a", owner=one),
            run_task(other(), name="b", owner=two),
            run_task(wait(), name="c"),
        ]
        pane.refresh_wanted.emit()
        assert sorted(shown(pane)) == sorted(["a", "b", "c", this.get_name()])
        QTest.keyClicks(pane.filter_edit, "other")
        await until(lambda: shown(pane) == ["b"])
        pane.filter_edit.clear()
        await until(lambda: len(shown(pane)) == 4)
        pane.owner_box.showPopup()
        texts = [pane.owner_box.itemText(number) for number in range(pane.owner_box.count())]
        assert texts == ["All owners", "No owner", "Window 'one'", "Window 'two'"]
        pane.owner_box.hidePopup()
        pane.owner_box.setCurrentIndex(2)
        assert shown(pane) == ["a"]
        tasks[0].cancel()
        await until(lambda: not shown(pane) or pane.refresh_wanted.emit())
        # The owner that is chosen stays in the list, although it has no task any more.
        pane.ended_box.setChecked(True)
        pane.owner_box.showPopup()
        pane.owner_box.hidePopup()
        assert pane.owner_box.currentText() == "Window 'one'"
        assert shown(pane) == ["a"]
        pane.owner_box.setCurrentIndex(0)
        assert len(shown(pane)) == 4
        select(pane, "b")
        pane.show_only_owner()
        assert shown(pane) == ["b"]
        select(pane, "b")
        await end(tasks[1:])

    run(loop, main())


def test_delete_cancels_the_selected_tasks(loop: AsyncSlotEventLoop, pane: TaskPane) -> None:
    """Several at once. The action says how many, and is off without any."""

    async def main() -> None:
        tasks = [run_task(wait(), name=name) for name in "abc"]
        pane.refresh_wanted.emit()
        assert not pane.cancel_action.isEnabled()
        select(pane, "a")
        assert pane.cancel_action.text() == "Cancel task"
        select(pane, "a", "c")
        assert pane.cancel_action.text() == "Cancel 2 tasks"
        focus(pane)
        QTest.keyClick(pane.view, Qt.Key.Key_Delete)
        await asyncio.wait([tasks[0], tasks[2]])
        assert [task.cancelled() for task in tasks] == [True, False, True]
        await end(tasks[1:2])

    run(loop, main())


def test_task_that_refuses_to_be_cancelled_breaks_nothing(loop: AsyncSlotEventLoop, pane: TaskPane) -> None:
    """The others are cancelled, and the user is told."""

    class Stubborn(asyncio.Task):  # type: ignore[type-arg]
        def cancel(self, *args: Any, **kwargs: Any) -> bool:
            raise ZeroDivisionError

    async def main() -> None:
        said: list[str] = []
        pane.said.connect(said.append)
        event = asyncio.Event()
        stubborn = Stubborn(event.wait(), loop=loop)
        task = run_task(wait(), name="a")
        pane.refresh_wanted.emit()
        pane.view.selectAll()
        select(pane, stubborn.get_name(), "a")
        pane.cancel_selected()
        await asyncio.wait([task])
        assert task.cancelled()
        assert said == ["Event.wait could not be cancelled: ZeroDivisionError"]
        event.set()
        await stubborn

    run(loop, main())


def test_copy_has_cells_and_chain(loop: AsyncSlotEventLoop, pane: TaskPane) -> None:
    """Cells separated by tabs; then the details, line by line."""

    async def main() -> None:
        tasks = [run_task(other(), name="b")]
        pane.refresh_wanted.emit()
        select(pane, "b")
        focus(pane)
        QTest.keyClick(pane.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
        lines = QApplication.clipboard().text().splitlines()
        assert lines[0].split("\t")[:2] == ["other", "suspended"]
        assert len(lines[0].split("\t")) == 8
        assert lines[1] == "Coroutines, outermost first:"
        assert lines[2].endswith("in other()")
        await end(tasks)

    run(loop, main())


def test_return_and_double_click_open_the_source(
    loop: AsyncSlotEventLoop, pane: TaskPane, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line where the task is suspended; in the details, that of the line which is clicked."""
    opened: list[tuple[str, int]] = []
    monkeypatch.setattr(task_pane, "open_line", lambda file, line: opened.append((file, line)) or "")

    async def main() -> None:
        tasks = [run_task(other(), name="b")]
        pane.refresh_wanted.emit()
        select(pane, "b")
        focus(pane)
        QTest.keyClick(pane.view, Qt.Key.Key_Return)
        inner = (__file__, wait.__code__.co_firstlineno + 1)
        assert opened == [inner]
        QApplication.processEvents()
        at = pane.view.visualRect(pane.view.currentIndex()).center()
        QTest.mouseClick(pane.view.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
        QTest.mouseDClick(pane.view.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
        assert opened == [inner] * 2
        number = next(n for n, text in enumerate(pane.details.toPlainText().splitlines()) if "in other()" in text)
        cursor = pane.details.textCursor()
        cursor.setPosition(pane.details.document().findBlockByNumber(number).position())
        at = pane.details.cursorRect(cursor).center()
        QTest.mouseDClick(pane.details.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
        assert opened[2] == (__file__, other.__code__.co_firstlineno + 1)
        await end(tasks)

    run(loop, main())


def test_details_of_the_current_task(loop: AsyncSlotEventLoop, pane: TaskPane) -> None:
    """They are not touched while they stay the same, so that text can be selected."""

    async def main() -> None:
        assert pane.details.toPlainText() == ""
        tasks = [run_task(other(), name="b")]
        pane.refresh_wanted.emit()
        select(pane, "b")
        text = pane.details.toPlainText()
        assert text.startswith("other()   b\nsuspended")
        pane.details.selectAll()
        pane.refresh_wanted.emit()
        assert pane.details.textCursor().hasSelection()
        pane.view.selectionModel().clear()
        assert pane.details.toPlainText() == ""
        await end(tasks)

    run(loop, main())


def test_palette_decides_on_colours(pane: TaskPane) -> None:
    """Of failed and ended tasks; a dark palette gets lighter ones."""
    light = pane.model.failed_brush.color().lightness()  # type: ignore[union-attr]
    palette = pane.palette()
    palette.setColor(palette.ColorRole.Base, Qt.GlobalColor.black)
    palette.setColor(palette.ColorRole.Text, Qt.GlobalColor.white)
    pane.setPalette(palette)
    assert pane.model.failed_brush.color().lightness() > light  # type: ignore[union-attr]
    assert 128 < pane.model.ended_brush.color().lightness() < 255  # type: ignore[union-attr]
