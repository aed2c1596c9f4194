"""What is known of one task."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any, Callable

import pytest
import qt
from support import run_coroutine

from asyncslot import AsyncSlot, AsyncSlotEventLoop, CancelReason, run_task, tasks
from asyncslot._inspector.task_row import TaskRow
from asyncslot._qt import QtCore
from asyncslot._slot.start import find_record
from asyncslot._task.cancellation import cancel


def make_row(task: asyncio.Task[Any]) -> TaskRow:
    return TaskRow(task, find_record(task))


async def end(task: asyncio.Task[Any], row: TaskRow) -> None:
    await asyncio.wait([task])
    row.end(task)


def test_row_of_a_slot_call(attached: AsyncSlotEventLoop) -> None:
    """Name, owner, sender, place, age."""

    class Receiver(QtCore.QObject):
        clicked = qt.Signal()

        @AsyncSlot()
        async def work(self) -> None:
            await asyncio.sleep(3600)

    async def main() -> None:
        receiver, sender = Receiver(), Receiver()
        receiver.setObjectName("receiver")
        sender.setObjectName("sender")
        sender.clicked.connect(receiver.work)
        sender.clicked.emit()
        (info,) = tasks(receiver)
        row = make_row(info.task)
        assert row.name == info.name
        assert (row.owner, row.sender) == ("Receiver 'receiver'", "Receiver 'sender'")
        assert row.place is not None
        assert row.place.file == __file__
        assert row.state == "suspended"
        assert row.is_running
        assert row.is_age_known
        assert 0 <= row.age_s < 20
        row.see()
        info.task.cancel()
        await end(info.task, row)
        assert row.place is not None  # Where it was last seen.
        assert row.place.file == __file__

    run_coroutine(main())


def test_row_of_a_plain_task_does_not_know_its_age(loop: AsyncSlotEventLoop) -> None:
    """asyncio does not keep when a task began. It has no owner either."""

    async def main() -> None:
        task = asyncio.ensure_future(asyncio.sleep(3600))
        row = make_row(task)
        assert (row.is_age_known, row.owner, row.sender) == (False, "", "")
        row.cancel()
        await end(task, row)

    loop.run_until_complete(main())


def test_queued_call_that_waits_is_at_the_slots_first_line(attached: AsyncSlotEventLoop) -> None:
    """Not in our own code that makes it wait; nor is that shown when it runs."""

    async def main() -> None:
        event = asyncio.Event()

        class Receiver(QtCore.QObject):
            @AsyncSlot(when_busy="queue")
            async def work(self) -> None:
                await event.wait()

        receiver = Receiver()
        running = [receiver.work(), receiver.work()]
        waiting = make_row(running[1])
        await asyncio.sleep(0.01)
        code = Receiver.work.__wrapped__.__code__
        (place,) = waiting.places
        assert (place.file, place.line) == (code.co_filename, code.co_firstlineno)
        event.set()
        await running[0]
        while waiting.state == "waiting for its turn" and not running[1].done():
            assert all("call_queue" not in place.file for place in waiting.places)
            await asyncio.sleep(0)
        await running[1]

    run_coroutine(main())


ENDS: dict[str, tuple[Callable[[asyncio.Task[Any]], object], str]] = {
    "cancelled": (lambda task: task.cancel(), "cancelled: cancel() was called"),
    "owner": (lambda task: cancel(task, CancelReason.OWNER_DESTROYED), "cancelled: its owner was destroyed"),
    "superseded": (lambda task: cancel(task, CancelReason.SUPERSEDED), "cancelled: a later call took its place"),
    "quit": (lambda task: cancel(task, CancelReason.QUIT), "cancelled: the application quit"),
    "dropped": (lambda task: cancel(task, CancelReason.DROPPED), "cancelled: the slot was busy"),
}


@pytest.mark.parametrize("name", ENDS)
def test_cancelled_task_says_why(loop: AsyncSlotEventLoop, name: str) -> None:
    """In words."""
    act, outcome = ENDS[name]

    async def main() -> None:
        task = asyncio.ensure_future(asyncio.sleep(3600))
        await asyncio.sleep(0)
        row = make_row(task)
        act(task)
        await end(task, row)
        assert (row.state, row.is_running, row.traceback) == (outcome, False, "")

    loop.run_until_complete(main())


def test_failed_task_keeps_its_traceback_as_text(loop: AsyncSlotEventLoop) -> None:
    """And no frame, so that nothing is kept alive. The exception stays unretrieved."""

    class Big:
        pass

    async def fail() -> None:
        big = Big()
        alive.append(weakref.ref(big))
        msg = "two\nlines"
        raise ValueError(msg)

    alive: list[weakref.ref[Big]] = []

    async def main() -> TaskRow:
        task = asyncio.ensure_future(fail())
        row = make_row(task)
        await end(task, row)
        assert task._log_traceback
        task.exception()
        return row

    row = loop.run_until_complete(main())
    gc.collect()
    assert row.state == "failed: ValueError: two\nlines"
    assert row.traceback.startswith("Traceback (most recent call last):")
    assert row.place is not None
    assert (row.place.name.rpartition(".")[2], row.place.file) == ("fail", __file__)
    assert alive[0]() is None


def test_exception_that_cannot_be_shown_breaks_nothing(loop: AsyncSlotEventLoop) -> None:
    """Neither its text, nor a coroutine without a name, nor an owner whose methods raise."""

    class HostileError(Exception):
        def __str__(self) -> str:
            raise ZeroDivisionError

        __repr__ = __str__

    async def fail() -> None:
        raise HostileError

    async def main() -> TaskRow:
        task = asyncio.ensure_future(fail())
        row = make_row(task)
        await end(task, row)
        task.exception()
        return row

    row = loop.run_until_complete(main())
    assert "HostileError" in row.state


def test_row_keeps_no_task_alive(loop: AsyncSlotEventLoop) -> None:
    """A task to which nothing refers is lost, and its row says so."""
    loop.set_exception_handler(lambda *_: None)  # asyncio reports it.

    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        task = asyncio.ensure_future(wait())
        row = make_row(task)
        await asyncio.sleep(0)
        del task
        gc.collect()
        assert row.task is None
        assert row.state == "lost"
        row.lose()
        assert row.state == "lost: nothing referred to it"
        row.cancel()  # A no-op.

    loop.run_until_complete(main())


def test_waiters_are_those_who_await_it(attached: AsyncSlotEventLoop) -> None:
    """Tasks."""

    async def main() -> None:
        event = asyncio.Event()

        async def wait() -> None:
            await event.wait()

        async def outer() -> None:
            await inner

        inner = run_task(wait())
        waiter = run_task(outer())
        assert make_row(inner).waiters == [waiter]
        event.set()
        await waiter

    run_coroutine(main())
