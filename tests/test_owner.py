"""Owners: when the C++ object of one is destroyed, its tasks are cancelled."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import weakref
from typing import Any, Callable

import pytest
from qt import IS_PYQT, delete
from support import CEILING_S, run_coroutine, run_qt, run_script

import asyncslot
from asyncslot import AsyncSlot, AsyncSlotEventLoop, CancelReason, cancel_reason, run_task, tasks
from asyncslot._qt import QtCore, import_qt
from asyncslot._task import owner as owner_module

QtWidgets = import_qt("QtWidgets")


def destroy_later(owner: Any) -> None:
    owner.deleteLater()


def destroy_by_parent(owner: Any) -> None:
    parent = QtWidgets.QWidget() if owner.isWidgetType() else QtCore.QObject()
    owner.setParent(parent)
    delete(parent)


class Owner(QtCore.QObject):
    def __init__(self) -> None:
        super().__init__()
        self.order: list[object] = []

    @AsyncSlot()
    async def wait(self) -> None:
        order = self.order
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError as exc:
            order.append(cancel_reason(exc))
            raise


def run_until_done(task: asyncio.Task[Any], then: Callable[[], object] = lambda: None) -> None:
    def start(quit_qt: Callable[[], None]) -> None:
        task.add_done_callback(lambda _: quit_qt())
        then()

    run_qt(start)


@pytest.mark.parametrize("destroy", [destroy_later, destroy_by_parent, delete])
def test_owner_destroyed_cancels_its_slots_task(attached: AsyncSlotEventLoop, destroy: Callable[[Any], None]) -> None:
    """However the C++ object goes, a slot's task resumes by CancelledError, with the reason."""
    owner = Owner()
    order = owner.order
    task = owner.wait()
    run_until_done(task, lambda: destroy(owner))
    assert task.cancelled()
    assert order == [CancelReason.OWNER_DESTROYED]
    assert cancel_reason(task) is CancelReason.OWNER_DESTROYED


def test_owner_window_deleted_on_close_cancels(attached: AsyncSlotEventLoop) -> None:
    """A window with WA_DeleteOnClose ends its tasks when it is closed."""

    class Window(QtWidgets.QWidget):
        @AsyncSlot()
        async def wait(self) -> None:
            await asyncio.sleep(3600)

    window = Window()
    window.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
    window.show()
    task = window.wait()
    run_until_done(task, window.close)
    assert task.cancelled()


def test_owner_collected_cancels(attached: AsyncSlotEventLoop) -> None:
    """An owner that only Python holds is not kept alive by its tasks; when it is collected they are cancelled."""
    owner = QtCore.QObject()
    reference = weakref.ref(owner)
    task = run_task(asyncio.sleep(3600), owner=owner)
    del owner
    gc.collect()
    assert reference() is None
    run_until_done(task)
    assert cancel_reason(task) is CancelReason.OWNER_DESTROYED


def test_owner_destroyed_result_does_not_resume(attached: AsyncSlotEventLoop) -> None:
    """A task whose future has its result already resumes by CancelledError all the same, not into a dead object."""
    resumed: list[str] = []
    future = attached.create_future()

    class Receiver(QtCore.QObject):
        @AsyncSlot()
        async def wait(self) -> None:
            await future
            resumed.append(self.objectName())

    receiver = Receiver()
    task = receiver.wait()
    run_until_done(task, lambda: (future.set_result(None), delete(receiver)))
    assert task.cancelled()
    assert resumed == []


def test_owner_other_tasks_go_on(attached: AsyncSlotEventLoop) -> None:
    """Only the tasks of the destroyed owner are cancelled."""
    owner, other = Owner(), Owner()
    task, other_task = owner.wait(), other.wait()
    run_until_done(task, lambda: delete(owner))
    assert not other_task.done()
    other_task.cancel()
    run_until_done(other_task)
    assert other.order == [CancelReason.REQUESTED]


def test_owner_survivor_cancelled_again_and_named(
    attached: AsyncSlotEventLoop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A task that swallows the cancellation is cancelled again, and named in a warning."""
    monkeypatch.setattr(owner_module, "SURVIVAL_S", 0.01)

    async def survive() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(3600)

    owner = QtCore.QObject()
    task = run_task(survive(), owner=owner, name="the survivor")
    run_until_done(task, lambda: delete(owner))
    assert task.cancelled()
    assert "'the survivor' in " in caplog.text


def test_owner_dead_object_in_clean_up_is_no_error(
    attached: AsyncSlotEventLoop, caplog: pytest.LogCaptureFixture
) -> None:
    """A slot whose clean-up touches its destroyed object is not reported as failed."""

    class Receiver(QtCore.QObject):
        @AsyncSlot()
        async def wait(self) -> None:
            try:
                await asyncio.sleep(3600)
            finally:
                self.setObjectName("done")

    receiver = Receiver()
    receiver.wait()
    with caplog.at_level("DEBUG"):
        run_qt(lambda quit_qt: (delete(receiver), attached.call_later(0.02, quit_qt)))
    assert "in its clean-up" in caplog.text


@pytest.mark.parametrize("owner", ["text", object()])
def test_owner_must_be_qobject(attached: AsyncSlotEventLoop, owner: object) -> None:
    """Anything else is a TypeError; the coroutine is closed."""
    with pytest.raises(TypeError, match="must be a QObject"):
        run_task(asyncio.sleep(0), owner=owner)


def test_owner_destroyed_before_refused(attached: AsyncSlotEventLoop) -> None:
    """A task cannot be bound to a life that is over; the coroutine is closed."""
    owner = QtCore.QObject()
    delete(owner)
    with pytest.raises(RuntimeError):
        run_task(asyncio.sleep(0), owner=owner)


def test_slot_of_mixin_or_function_has_no_owner(attached: AsyncSlotEventLoop) -> None:
    """A first argument that is a QObject, of a class that does not define the slot, is no owner."""

    @AsyncSlot()
    async def wait(argument: object) -> None:
        await asyncio.sleep(0.01)

    argument = QtCore.QObject()
    task = wait(argument)
    run_until_done(task, lambda: delete(argument))
    assert not task.cancelled()


def test_owner_destroyed_by_another_thread_cancels(attached: AsyncSlotEventLoop) -> None:
    """Wherever the C++ object goes, its tasks are cancelled on their own thread."""
    owner = QtCore.QObject()
    if not IS_PYQT:  # PyQt has an object's own thread delete it, whoever asks.
        owner.moveToThread(None)  # It belongs to none: any may delete it.
    task = run_task(asyncio.sleep(3600), owner=owner)

    def delete_elsewhere() -> None:
        thread = threading.Thread(target=delete, args=(owner,))
        thread.start()
        thread.join()

    run_until_done(task, delete_elsewhere)
    assert cancel_reason(task) is CancelReason.OWNER_DESTROYED


def test_owner_collected_in_a_cycle_cancels(attached: AsyncSlotEventLoop) -> None:
    """An owner that the garbage collector finds, with all that refers to it, cancels its tasks as any other."""
    owners = [QtCore.QObject() for _ in range(20)]
    for one, other in zip(owners, [*owners[1:], owners[0]]):
        one.other = other
    started = [run_task(asyncio.sleep(3600), owner=owner) for owner in owners]
    del one, other, owners
    gc.collect()
    run_coroutine(asyncio.wait(started))
    assert all(task.cancelled() for task in started)


def test_owner_destroyed_is_not_listed(attached: AsyncSlotEventLoop) -> None:
    """A task that goes on without its owner has none any more."""
    owner = QtCore.QObject()

    async def swallow() -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            assert [info.owner for info in tasks()] == [None]

    run_until_done(run_task(swallow(), owner=owner), lambda: delete(owner))


def test_owner_alive_at_the_interpreters_end_is_no_crash() -> None:
    """With an owner and its task alive at the end, the interpreter ends as it should."""
    finished = run_script("owner_at_exit")
    assert finished.code == 0
    assert "Task was abandoned" in finished.errors


def test_owners_by_the_thousand_destroyed_at_random(attached: AsyncSlotEventLoop) -> None:
    """Of ten thousand owners destroyed anyhow, at any moment of their slot, none resumes dead, and nothing is left."""
    random.seed(1)
    gc.collect()
    before = len(owner_module.all_owned)
    touched: list[object] = []
    counts: list[int] = []
    ways = [delete, destroy_later, destroy_by_parent]

    class Widget(QtWidgets.QWidget):
        @AsyncSlot()
        async def work(self) -> None:
            for _ in range(3):
                await asyncio.sleep(random.random() / 500)
                self.setWindowTitle("alive")  # RuntimeError if it is not: reported, and the fixture fails.
            touched.append(1)

    async def main() -> None:
        for turn in range(100):
            tasks = []
            for number in range(100):
                widget = Widget()
                tasks.append(widget.work())
                if number % 10:
                    attached.call_later(random.random() / 100, random.choice(ways), widget)
                else:  # However slow the machine, some come to their end.
                    tasks[-1].add_done_callback(lambda _, widget=widget: delete(widget))
            del widget
            await asyncio.wait(tasks)
            if turn % 45 == 9:
                await asyncio.sleep(0.05)  # Until the last of those that are deleted later.
                del tasks
                gc.collect()
                counts.append(len(gc.get_objects()))
        await asyncio.sleep(0.05)

    run_until_done(attached.run_task(main()))
    gc.collect()
    assert not [owned for owned in owner_module.all_owned if owned.tasks]
    assert len(owner_module.all_owned) <= before
    assert touched
    # What grows with the owners would be 9,000 or more.
    assert counts[-1] - counts[0] < 500, counts


@pytest.mark.parametrize("way", ["slot", "run_task"])
def test_task_of_a_widget_on_another_thread_is_refused(attached: AsyncSlotEventLoop, way: str) -> None:
    """It would run GUI code there; the error names the ways that work. A QObject that is no widget is free to."""

    class Window(QtWidgets.QWidget):
        @AsyncSlot()
        async def work(self) -> None:
            ran.append(threading.get_ident())

    class Thread(QtCore.QThread):
        def run(self) -> None:
            asyncslot.run(self.main())

        async def main(self) -> None:
            try:
                await (window.work() if way == "slot" else run_task(asyncio.sleep(0), owner=window))
            except RuntimeError as exc:
                errors.append(str(exc))
            await run_task(asyncio.sleep(0), owner=plain)
            errors.append("plain ran")

    ran: list[int] = []
    errors: list[str] = []
    window, plain = Window(), QtCore.QObject()
    thread = Thread()
    thread.start()
    assert thread.wait(CEILING_S * 1000)
    assert len(errors) == 2
    assert "is a widget of another thread than this one" in errors[0]
    assert "asyncio.run_coroutine_threadsafe()" in errors[0]
    window.work()
    assert ran == [threading.get_ident()]
