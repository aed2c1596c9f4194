"""Scopes: all tasks of one owner at once."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest
from support import run_qt

from asyncslot import AsyncSlot, AsyncSlotEventLoop, CancelReason, cancel_reason, run_task, scope, tasks
from asyncslot._qt import QtCore, Signal


class Owner(QtCore.QObject):
    @AsyncSlot()
    async def wait(self) -> None:
        await asyncio.sleep(3600)


def test_scope_lists_and_cancels_tasks_of_owner(attached: AsyncSlotEventLoop) -> None:
    """A scope has its owner's tasks, of slots and its own, oldest first, until they are done."""
    owner, other = Owner(), Owner()
    tasks = [owner.wait(), scope(owner).run_task(asyncio.sleep(3600)), owner.wait()]
    elsewhere = other.wait()
    assert scope(owner).tasks == tasks
    scope(owner).cancel()
    run_qt(lambda quit_qt: tasks[-1].add_done_callback(lambda _: attached.call_soon(quit_qt)))
    assert scope(owner).tasks == []
    assert [cancel_reason(task) for task in tasks] == [CancelReason.REQUESTED] * 3
    assert scope(other).tasks == [elsewhere]
    scope(other).cancel()
    run_qt(lambda quit_qt: elsewhere.add_done_callback(lambda _: quit_qt()))


def test_scope_of_collected_owner_refuses(attached: AsyncSlotEventLoop) -> None:
    """A scope does not keep its owner alive; without it no task can be run, and none is there."""
    owner = QtCore.QObject()
    its_scope = scope(owner)
    del owner
    assert its_scope.tasks == []
    with pytest.raises(RuntimeError, match="has been destroyed"):
        its_scope.run_task(asyncio.sleep(0))


def test_scope_of_no_qobject_refused(attached: AsyncSlotEventLoop) -> None:
    """Only a QObject has a scope."""
    with pytest.raises(TypeError, match="must be a QObject"):
        scope("text")


def test_tasks_lists_what_runs(attached: AsyncSlotEventLoop) -> None:
    """Each task of ours is listed with its slot's name, its owner, its age and its place, until it is done."""
    owner = Owner()
    slot_task, other_task = owner.wait(), run_task(asyncio.sleep(3600))
    slot_info, other_info = tasks()
    assert slot_info.task is slot_task
    assert slot_info.name == "Owner.wait"
    assert slot_info.owner is owner
    assert slot_info.age_s >= other_info.age_s >= 0
    assert __file__ in slot_info.place
    assert (other_info.name, other_info.owner) == ("sleep", None)
    assert [info.task for info in tasks(owner)] == [slot_task]
    slot_task.cancel()
    other_task.cancel()
    run_qt(lambda quit_qt: other_task.add_done_callback(lambda _: attached.call_soon(quit_qt)))
    assert tasks() == []


class Downloads(QtCore.QObject):
    @AsyncSlot(when_busy="queue")
    async def download(self) -> None:
        await asyncio.sleep(3600)

    @AsyncSlot()
    async def refresh(self) -> None:
        await asyncio.sleep(3600)

    def pause(self) -> None: ...


class MoreDownloads(Downloads):
    @AsyncSlot()
    async def refresh(self) -> None:
        await super().refresh()


def end_all(attached: AsyncSlotEventLoop, *owners: Any) -> None:
    left = [task for owner in owners for task in scope(owner).tasks]
    for owner in owners:
        scope(owner).cancel()
    gathered = asyncio.gather(*left, return_exceptions=True)
    run_qt(lambda quit_qt: gathered.add_done_callback(lambda _: attached.call_soon(quit_qt)))


def test_scope_of_a_slot_has_its_calls_only(attached: AsyncSlotEventLoop) -> None:
    """Those that wait, too; the slot is named by the class or by the object."""
    owner, other = Downloads(), Downloads()
    calls = [owner.download(), owner.download()]
    others = [owner.refresh(), other.download(), scope(owner).run_task(asyncio.sleep(3600))]
    for slot in (Downloads.download, owner.download):
        assert scope(owner, slot=slot).tasks == calls
        assert scope(owner, slot=slot).is_running
    scope(owner, slot=Downloads.download).cancel()
    run_qt(lambda quit_qt: calls[-1].add_done_callback(lambda _: attached.call_soon(quit_qt)))
    assert not scope(owner, slot=Downloads.download).is_running
    assert [cancel_reason(task) for task in calls] == [CancelReason.REQUESTED] * 2
    assert not any(task.done() for task in others)
    end_all(attached, owner, other)


def test_scope_of_an_overridden_slot(attached: AsyncSlotEventLoop) -> None:
    """Named by its class or by its base, it has the calls of the override, and those that the override makes."""
    owner = MoreDownloads()
    call = owner.refresh()
    for slot in (MoreDownloads.refresh, Downloads.refresh):
        tasks = scope(owner, slot=slot).tasks
        assert call in tasks
        assert len(tasks) == 2
    end_all(attached, owner)


def test_scope_can_be_connected(attached: AsyncSlotEventLoop) -> None:
    """It lives as long as its owner: the binding alone would not keep it."""

    class Source(QtCore.QObject):
        emitted = Signal()

    owner, source = Downloads(), Source()
    source.emitted.connect(scope(owner, slot=Downloads.download).cancel)
    gc.collect()
    assert scope(owner, slot=owner.download) is scope(owner, slot=Downloads.download) is not scope(owner)
    tasks = [owner.download()]
    source.emitted.emit()
    run_qt(lambda quit_qt: tasks[0].add_done_callback(lambda _: attached.call_soon(quit_qt)))
    assert tasks[0].cancelled()
    reference = weakref.ref(owner)
    tasks.clear()  # They refer to their frames, in which the owner is.
    del owner
    gc.collect()
    assert reference() is None


@pytest.mark.parametrize("slot", [Owner.wait, Downloads.pause, print, "download", lambda: None])
def test_scope_of_what_is_no_slot_of_the_owner(app: Any, slot: Any) -> None:
    """The error says what to pass."""
    with pytest.raises(ValueError, match=r"is no slot of Downloads; pass a method"):
        scope(Downloads(), slot=slot)
