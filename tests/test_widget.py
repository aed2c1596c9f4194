"""TaskInspector: when it looks at the loop, and at which."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any, Iterator

import pytest
import qt
from inspector_support import until
from qt import QApplication, QDockWidget, QMainWindow
from support import run_coroutine, run_qt

from asyncslot import AsyncSlotEventLoop, run_task
from asyncslot._inspector import widget
from asyncslot._inspector.widget import TaskInspector
from asyncslot._qt import QtCore


@pytest.fixture
def inspector(app: Any) -> Iterator[TaskInspector]:
    inspector = TaskInspector()
    yield inspector
    if not widget._watch._users:
        assert widget._watch.loop is None
    inspector.close()
    assert widget._watch.loop is None
    widget._watch.ended.clear()
    widget._watch.delays.clear()


def status(inspector: TaskInspector) -> str:
    return inspector._status.text()


def names(inspector: TaskInspector) -> list[str]:
    return [row.task_name for row in inspector._task_pane.model.rows]


async def wait(event: asyncio.Event) -> None:
    await event.wait()


def test_inspector_looks_only_while_it_is_visible(loop: AsyncSlotEventLoop, inspector: TaskInspector) -> None:
    """Hidden: no timer, no hook in the loop, no done callback. Shown again it goes on."""

    async def main() -> None:
        event = asyncio.Event()
        task = run_task(wait(event), name="a")
        callbacks = len(task._callbacks)
        assert (inspector.is_watching, loop._watch) == (False, None)
        for _ in range(2):
            inspector.show()
            await until(lambda: "a" in names(inspector))
            assert inspector.is_watching
            assert loop._watch is widget._watch
            assert len(task._callbacks) == callbacks + 1
            assert inspector._delay_pane.frames.is_running
            inspector.hide()
            assert (inspector.is_watching, loop._watch) == (False, None)
            assert len(task._callbacks) == callbacks
            assert not inspector._delay_pane.frames.is_running
        event.set()
        await task

    loop.run_until_complete(main())


def test_minimized_window_does_not_look(loop: AsyncSlotEventLoop, inspector: TaskInspector) -> None:
    """Nor one behind another tab."""

    async def main() -> None:
        inspector.show()
        await until(lambda: inspector.is_watching)
        inspector.showMinimized()
        await until(lambda: not inspector.is_watching)
        assert loop._watch is None
        inspector.showNormal()
        await until(lambda: inspector.is_watching)

    loop.run_until_complete(main())


def test_inspector_in_a_dock(loop: AsyncSlotEventLoop, inspector: TaskInspector) -> None:
    """It looks while the dock is visible, in front of the docks that share its place."""

    async def main() -> None:
        window = QMainWindow()
        docks = [QDockWidget("one"), QDockWidget("two")]
        docks[0].setWidget(inspector)
        for dock in docks:
            window.addDockWidget(QtCore.Qt.DockWidgetArea.RightDockWidgetArea, dock)
        window.tabifyDockWidget(*docks)
        docks[0].raise_()
        window.show()
        await until(lambda: inspector.is_watching and names(inspector))
        docks[1].raise_()
        await until(lambda: not inspector.is_watching)
        assert loop._watch is None
        docks[0].raise_()
        await until(lambda: inspector.is_watching)
        window.close()
        await until(lambda: not inspector.is_watching)
        docks[0].setWidget(None)
        inspector.setParent(None)

    loop.run_until_complete(main())


def test_two_inspectors_share_what_they_see(loop: AsyncSlotEventLoop, inspector: TaskInspector) -> None:
    """When one is hidden, the other goes on."""

    async def main() -> None:
        other = TaskInspector()
        inspector.show()
        other.show()
        await until(lambda: names(inspector) and names(other))
        other.hide()
        assert loop._watch is widget._watch
        inspector.hide()
        assert loop._watch is None
        other.deleteLater()

    loop.run_until_complete(main())


def test_inspector_that_is_deleted_while_visible_looks_no_more(loop: AsyncSlotEventLoop, app: Any) -> None:
    """And nothing keeps it alive."""

    async def main() -> None:
        inspector = TaskInspector()
        inspector.show()
        await until(inspector._task_pane.model.rowCount)
        reference = weakref.ref(inspector)
        qt.delete(inspector)
        assert loop._watch is None
        del inspector
        await asyncio.sleep(0.01)  # PyQt deletes what belongs to its connections later.
        gc.collect()
        assert reference() is None

    loop.run_until_complete(main())


def test_no_loop_says_so_and_the_next_one_is_found(inspector: TaskInspector) -> None:
    """No loop; one that comes; one that closes; another one."""
    inspector.show()
    assert status(inspector) == "No loop runs on this thread."
    for _ in range(2):
        loop = AsyncSlotEventLoop()
        loop.run_until_complete(until(lambda: len(names(inspector)) == 1))
        assert status(inspector).startswith("AsyncSlotEventLoop, blocking: 1 running, ")
        loop.close()
        run_qt(lambda end: _wait_for(lambda: not names(inspector), end))
        assert status(inspector) == "No loop runs on this thread."


def _wait_for(condition: Any, end: Any) -> None:
    timer = QtCore.QTimer(QApplication.instance())

    def look() -> None:
        if condition():
            timer.stop()
            timer.deleteLater()
            end()

    timer.timeout.connect(look)
    timer.start(5)


def test_attached_loop(attached: AsyncSlotEventLoop, inspector: TaskInspector) -> None:
    """Its state is in the first line."""

    async def main() -> None:
        inspector.show()
        await until(lambda: status(inspector).startswith("AsyncSlotEventLoop, attached: 1 running"))

    run_coroutine(main())


def test_loop_that_is_not_ours_is_said_to_be(app: Any, inspector: TaskInspector) -> None:
    """Qt runs now and then in it, by processEvents()."""

    async def main() -> None:
        inspector.show()
        while len(names(inspector)) != 2:
            QApplication.processEvents()
            await asyncio.sleep(0.005)
        assert "which is not asyncslot's" in status(inspector)
        inspector.hide()

    async def both() -> None:
        event = asyncio.Event()
        task = asyncio.ensure_future(wait(event))
        await main()
        assert not [each for each in task._callbacks or () if "LoopWatch" in repr(each)]
        event.set()
        await task

    loop = asyncio.SelectorEventLoop()
    loop.run_until_complete(both())
    loop.close()


def test_nested_qt_loop_is_shown_while_it_runs(loop: AsyncSlotEventLoop, inspector: TaskInspector) -> None:
    """The inspector's own timer runs in it."""
    seen: list[str] = []

    async def nest() -> None:
        inspector.show()
        qt_loop = QtCore.QEventLoop()
        timer = QtCore.QTimer()

        def look() -> None:
            rows = inspector._task_pane.model.rows
            if rows and rows[0].state == "running":
                seen.append(rows[0].name.rpartition(".")[2])
                qt_loop.quit()

        timer.timeout.connect(look)
        timer.start(5)
        qt_loop.exec()

    loop.run_until_complete(nest())
    assert seen == ["nest"]


def test_error_in_the_inspector_leaves_the_program_alone(
    loop: AsyncSlotEventLoop, inspector: TaskInspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so in its first line, and tries again."""

    async def main() -> None:
        inspector.show()
        with monkeypatch.context() as patch:

            def fail(*_: object) -> None:
                raise ZeroDivisionError

            patch.setattr(inspector._task_pane.model, "refresh", fail)
            await until(lambda: status(inspector) == "The inspector failed: ZeroDivisionError: ")
        await until(lambda: names(inspector))
        assert inspector.is_watching

    loop.run_until_complete(main())


def test_message_to_the_user_goes_again(
    loop: AsyncSlotEventLoop, inspector: TaskInspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while."""
    monkeypatch.setattr(widget, "MESSAGE_MS", 50)

    async def main() -> None:
        inspector.show()
        inspector._task_pane.said.emit("There is no file.")
        assert status(inspector) == "There is no file."
        await until(lambda: status(inspector).startswith("AsyncSlotEventLoop"))

    loop.run_until_complete(main())


def test_delays_tab(loop: AsyncSlotEventLoop, inspector: TaskInspector) -> None:
    """Only the pane in front is refreshed; the tab of the other tells how many there are."""

    async def main() -> None:
        inspector.show()
        inspector._delay_pane.limit_box.setValue(1)
        inspector._tabs.setCurrentIndex(1)
        await until(lambda: status(inspector))
        import time

        await asyncio.sleep(0.01)
        time.sleep(0.02)
        await until(inspector._delay_pane.model.rowCount)
        await until(lambda: inspector._tabs.tabText(1).startswith("Delays ("))
        inspector._delay_pane.limit_box.setValue(50)
        inspector._delay_pane.reset()

    loop.run_until_complete(main())
