"""What a task does at this moment."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support import run_coroutine

from asyncslot import AsyncSlot, AsyncSlotEventLoop, run_task
from asyncslot._inspector.state import TaskState, find_state
from asyncslot._qt import QtCore


def look_in_nested_loop(look: Any) -> None:
    """Run a nested Qt loop, and call *look* in it."""
    qt_loop = QtCore.QEventLoop()
    QtCore.QTimer.singleShot(0, lambda: (look(), qt_loop.quit()))
    qt_loop.exec()


@pytest.fixture(params=["blocking", "attached", "debug"])
def running(request: Any, loop: AsyncSlotEventLoop) -> Any:
    """Runs a coroutine in each of the modes."""
    if request.param == "debug":
        loop.set_debug(True)
    if request.param == "blocking":
        return loop.run_until_complete
    loop.attach()
    return run_coroutine


def test_suspended_waiting_done(running: Any) -> None:
    """A task that has not begun, and one whose future is done, wait for their turn."""

    async def main() -> None:
        future = asyncio.get_running_loop().create_future()

        async def wait() -> None:
            await future

        task = asyncio.ensure_future(wait())
        states = [find_state(task)]
        await asyncio.sleep(0)
        states.append(find_state(task))
        future.set_result(None)
        states.append(find_state(task))
        await task
        states.append(find_state(task))
        assert states == [TaskState.WAITING, TaskState.SUSPENDED, TaskState.WAITING, TaskState.DONE]

    running(main())


def test_cleaning_up(running: Any) -> None:
    """From the request on, until the task has ended."""
    from asyncslot._task.cancellation import CancelReason, cancel

    async def main() -> None:
        cleaning, may_end = asyncio.Event(), asyncio.Event()

        async def wait() -> None:
            try:
                await asyncio.sleep(3600)
            finally:
                cleaning.set()
                await may_end.wait()

        task = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        cancel(task, CancelReason.REQUESTED)
        states = [find_state(task)]
        await cleaning.wait()
        states.append(find_state(task))
        may_end.set()
        await asyncio.wait([task])
        states.append(find_state(task))
        assert states == [TaskState.CLEANING_UP, TaskState.CLEANING_UP, TaskState.DONE]

    running(main())


def test_first_step_and_running_with_a_nested_qt_loop(running: Any) -> None:
    """Seen from a slot that Qt calls meanwhile."""
    states: list[TaskState] = []
    tasks: list[asyncio.Task[Any]] = []

    async def work() -> None:
        this = asyncio.current_task()
        assert this is not None
        look_in_nested_loop(lambda: states.append(find_state(this)))
        await asyncio.sleep(0)
        look_in_nested_loop(lambda: states.append(find_state(this)))

    async def main() -> None:
        tasks.append(run_task(work()))
        await tasks[0]

    running(main())
    assert states == [TaskState.FIRST_STEP, TaskState.RUNNING]


def test_queued_call_waits_for_its_turn(running: Any) -> None:
    """Until the call before it has ended; then it is suspended like any other."""

    async def main() -> None:
        events = [asyncio.Event(), asyncio.Event()]

        class Receiver(QtCore.QObject):
            @AsyncSlot(int, when_busy="queue")
            async def work(self, number: int) -> None:
                await events[number].wait()

        receiver = Receiver()
        first, second = receiver.work(0), receiver.work(1)
        await asyncio.sleep(0.01)
        assert [find_state(first), find_state(second)] == [TaskState.SUSPENDED, TaskState.WAITING]
        events[0].set()
        await first
        while find_state(second) is TaskState.WAITING:
            await asyncio.sleep(0)
        assert find_state(second) is TaskState.SUSPENDED
        events[1].set()
        await second

    running(main())
