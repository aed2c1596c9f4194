"""What a slot does when it is called while it runs."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from typing import Any, Callable

import pytest
from support import CEILING_S, run_qt, run_script

import asyncslot
from asyncslot import AsyncSlot, AsyncSlotEventLoop, CancelReason, cancel_reason
from asyncslot._qt import QtCore
from asyncslot._slot.call_queue import MODES


class Journal(QtCore.QObject):
    """A receiver whose slots note what their calls do, by number, and wait for `go`."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.running = 0
        self.most_running = 0
        self.go = asyncio.Event()

    async def body(self, number: int, manner: str) -> int:
        self.begun.append(number)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            if manner == "held":
                await self.go.wait()
            elif manner != "immediate":
                await asyncio.sleep(0.001)
            if manner == "failing":
                raise ValueError(number)
            if manner == "cancelled":
                raise asyncio.CancelledError
            if manner == "swallowing":
                try:
                    await asyncio.sleep(0.001)
                except asyncio.CancelledError:
                    await asyncio.sleep(0)
            return number
        finally:
            self.running -= 1
            self.ended.append(number)


for mode in MODES:

    def make(mode: str) -> Any:
        @AsyncSlot(int, str, when_busy=mode)
        async def slot(self: Journal, number: int, manner: str) -> int:
            return await self.body(number, manner)

        return slot

    setattr(Journal, f"on_{mode}", make(mode))
    getattr(Journal, f"on_{mode}").__name__ = f"on_{mode}"


def wait_all(loop: AsyncSlotEventLoop, tasks: list[asyncio.Task[Any]]) -> list[object]:
    """Run Qt until all tasks are done; return what became of each: its result, exception, or reason."""
    gathered = asyncio.gather(*tasks, return_exceptions=True)
    run_qt(lambda quit_qt: gathered.add_done_callback(lambda _: loop.call_soon(quit_qt)))
    return [
        cancel_reason(task) if isinstance(result, asyncio.CancelledError) else result
        for task, result in zip(tasks, gathered.result())
    ]


@pytest.mark.parametrize("count", [1, 3, 100])
@pytest.mark.parametrize("manner", ["immediate", "suspended", "failing", "cancelled", "swallowing"])
@pytest.mark.parametrize("mode", MODES)
def test_rapid_calls_each_mode(attached: AsyncSlotEventLoop, mode: str, manner: str, count: int) -> None:
    """Of calls in quick succession, just those run that the mode says, never more at once than it says."""
    journal = Journal()
    tasks = [getattr(journal, f"on_{mode}")(number, manner) for number in range(count)]
    outcomes = wait_all(attached, tasks)
    last = count - 1
    if manner == "immediate" or mode in ("start", "queue"):
        expected = list(range(count))
    elif mode == "drop":
        expected = [0]
    else:
        expected = sorted({0, last})
    assert journal.begun == expected
    assert sorted(journal.ended) == expected
    if mode != "start":
        assert journal.most_running == 1
    for number, outcome in enumerate(outcomes):
        if number in expected and (mode != "restart" or number == last):
            if manner == "failing":
                assert isinstance(outcome, ValueError)
            else:
                assert outcome == (CancelReason.REQUESTED if manner == "cancelled" else number)
        elif number not in expected:
            assert outcome is (CancelReason.SUPERSEDED if mode == "restart" else CancelReason.DROPPED)


def test_drop_task_is_cancelled_on_return(attached: AsyncSlotEventLoop) -> None:
    """A dropped call's task is cancelled when the call returns."""
    journal = Journal()
    first = journal.on_drop(0, "suspended")
    dropped = journal.on_drop(1, "suspended")
    assert dropped.cancelled()
    assert cancel_reason(dropped) is CancelReason.DROPPED
    wait_all(attached, [first])
    again = journal.on_drop(2, "suspended")
    wait_all(attached, [again])
    assert journal.begun == [0, 2]


def test_restart_waits_for_clean_up(attached: AsyncSlotEventLoop) -> None:
    """The call that takes over begins when the clean-up of the one before has ended, however long it takes."""
    order: list[str] = []

    class Receiver(QtCore.QObject):
        @AsyncSlot(when_busy="restart")
        async def search(self, text: str) -> str:
            order.append(f"begin {text}")
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                await asyncio.sleep(0.01)
                order.append(f"clean {text}")
                raise
            return text

    receiver = Receiver()
    tasks = [receiver.search(text) for text in ("a", "ab", "abc")]
    assert wait_all(attached, tasks) == [CancelReason.SUPERSEDED, CancelReason.SUPERSEDED, "abc"]
    assert order == ["begin a", "clean a", "begin abc"]


def test_instances_do_not_share(attached: AsyncSlotEventLoop) -> None:
    """Each object is busy by itself."""
    one, other = Journal(), Journal()
    tasks = [one.on_drop(1, "suspended"), other.on_drop(2, "suspended"), one.on_drop(3, "suspended")]
    assert wait_all(attached, tasks) == [1, 2, CancelReason.DROPPED]


def test_limit_so_many_at_once(attached: AsyncSlotEventLoop) -> None:
    """With a limit of 3, three run at once, and the rest in their order."""
    running = most = 0
    order: list[int] = []

    class Receiver(QtCore.QObject):
        @AsyncSlot(when_busy="queue", limit=3)
        async def work(self, number: int) -> None:
            nonlocal running, most
            running += 1
            most = max(most, running)
            order.append(number)
            await asyncio.sleep(0.001)
            running -= 1

    receiver = Receiver()
    wait_all(attached, [receiver.work(number) for number in range(20)])
    assert most == 3
    assert order == list(range(20))


@pytest.mark.parametrize("mode", ["queue", "latest"])
def test_call_waits_for_one_let_in_before_it(attached: AsyncSlotEventLoop, mode: str) -> None:
    """A call that comes when one before it is let in, but has not taken its first step, does not overtake it."""
    begun: list[str] = []

    class Receiver(QtCore.QObject):
        @AsyncSlot(str, when_busy=mode, limit=2)
        async def load(self, name: str) -> None:
            begun.append(name)
            await asyncio.sleep(0.001 if name == "a" else 0.005)

    async def main() -> None:
        receiver = Receiver()
        tasks = [receiver.load(name) for name in "abc"]
        tasks[0].add_done_callback(lambda _: tasks.append(receiver.load("d")))
        await asyncio.wait(tasks)
        await asyncio.wait(tasks)

    attached.run_until_complete(main())
    assert begun == ["a", "b", "c", "d"]


def test_group_call_waits_by_its_own_limit(attached: AsyncSlotEventLoop) -> None:
    """A call that waits begins when no more run than its own slot allows, whatever a later one's does."""
    beside: list[int] = []

    class Receiver(QtCore.QObject):
        running = 0

        async def work(self) -> None:
            self.running += 1
            await asyncio.sleep(0.002)
            self.running -= 1

        @AsyncSlot(when_busy="queue", group="g")
        async def alone(self) -> None:
            beside.append(self.running)
            await self.work()

        @AsyncSlot(when_busy="queue", limit=3, group="g")
        async def load(self) -> None:
            await self.work()

    async def main() -> None:
        receiver = Receiver()
        await asyncio.wait([receiver.load(), receiver.load(), receiver.alone(), receiver.load()])

    attached.run_until_complete(main())
    assert beside == [0]


@pytest.mark.parametrize("mode", ["drop", "start"])
def test_group_call_that_does_not_wait_leaves_the_limit(attached: AsyncSlotEventLoop, mode: str) -> None:
    """A call that is dropped, or runs beside the others, does not change how many of those that wait run at once."""
    most: list[int] = []

    class Receiver(QtCore.QObject):
        running = 0

        @AsyncSlot(when_busy="queue", limit=3, group="g")
        async def load(self) -> None:
            self.running += 1
            most.append(self.running)
            await asyncio.sleep(0.005)
            self.running -= 1

        @AsyncSlot(when_busy=mode, group="g")
        async def other(self) -> None: ...

    async def main() -> None:
        receiver = Receiver()
        tasks = [receiver.load() for _ in range(6)]
        receiver.other()
        await asyncio.wait(tasks)

    attached.run_until_complete(main())
    assert max(most[3:]) == 3


def test_group_counts_slots_together(attached: AsyncSlotEventLoop) -> None:
    """Slots of one group of one object keep each other busy; the new call's settings rule."""

    class Receiver(QtCore.QObject):
        @AsyncSlot(group="document", when_busy="queue")
        async def save(self) -> str:
            await asyncio.sleep(0.001)
            return "saved"

        @AsyncSlot(group="document", when_busy="drop")
        async def check(self) -> str:
            await asyncio.sleep(0.001)
            return "checked"

        @AsyncSlot(when_busy="drop")
        async def other(self) -> str:
            await asyncio.sleep(0.001)
            return "other"

    receiver, another = Receiver(), Receiver()
    tasks = [receiver.save(), receiver.check(), receiver.save(), receiver.other(), another.check()]
    assert wait_all(attached, tasks) == ["saved", CancelReason.DROPPED, "saved", "other", "checked"]


def test_queued_call_cancelled_while_it_waits(attached: AsyncSlotEventLoop) -> None:
    """A call cancelled before its turn never begins, and those behind it still do."""
    journal = Journal()
    tasks = [journal.on_queue(number, "suspended") for number in range(3)]
    tasks[1].cancel()
    assert wait_all(attached, tasks) == [0, CancelReason.REQUESTED, 2]
    assert journal.begun == [0, 2]


def test_queued_call_awaited_by_the_one_it_waits_for_refused(attached: AsyncSlotEventLoop) -> None:
    """A call that awaits one behind it in the queue would wait for ever: RuntimeError instead."""

    class Receiver(QtCore.QObject):
        @AsyncSlot(when_busy="queue")
        async def work(self, again: bool) -> None:
            if again:
                await self.work(False)

    receiver = Receiver()
    (outcome,) = wait_all(attached, [receiver.work(True)])
    assert isinstance(outcome, RuntimeError)
    assert "without 'await'" in str(outcome)


def test_owner_destroyed_while_calls_wait(attached: AsyncSlotEventLoop) -> None:
    """Calls that wait are cancelled with their owner, too, and none begins."""
    journal = Journal()
    begun = journal.begun
    tasks = [journal.on_queue(number, "held") for number in range(3)]
    journal.deleteLater()
    assert wait_all(attached, tasks) == [CancelReason.OWNER_DESTROYED] * 3
    assert begun == [0]


def test_function_is_busy_by_itself(attached: AsyncSlotEventLoop) -> None:
    """A slot that is no method has one queue."""

    @AsyncSlot(when_busy="drop")
    async def work(number: int) -> int:
        await asyncio.sleep(0.001)
        return number

    assert wait_all(attached, [work(1), work(2)]) == [1, CancelReason.DROPPED]


def test_waiting_call_cancelled_before_its_first_step_leaves_the_queue(app: Any) -> None:
    """On a loop of another kind, which takes first steps later, too: its coroutine is closed, and the next one runs."""
    seen: list[int] = []

    @AsyncSlot(when_busy="queue")
    async def work(number: int) -> None:
        await asyncio.sleep(0)
        seen.append(number)

    async def main() -> None:
        calls = [work(number) for number in range(3)]
        calls[1].cancel()
        await asyncio.wait(calls)
        assert calls[1].cancelled()

    stock = asyncio.SelectorEventLoop()
    try:
        stock.run_until_complete(asyncio.wait_for(main(), CEILING_S))
    finally:
        stock.close()
    assert seen == [0, 2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"when_busy": "never"}, "when_busy='never' is unknown"),
        ({"limit": 0, "when_busy": "drop"}, "limit must be an int of 1 or more, got 0"),
        ({"limit": 2}, "limit=2 has no effect with when_busy='start'"),
        ({"limit": True, "when_busy": "drop"}, "limit must be an int of 1 or more, got True"),
        ({"on_quit": "wait"}, "on_quit='wait' is unknown"),
        ({"group": []}, r"group must be hashable, because it names a group, got \[\]"),
    ],
)
def test_settings_without_meaning_refused(settings: dict[str, Any], message: str) -> None:
    """A setting that means nothing, or contradicts another, is a ValueError at decoration."""
    decorate: Callable[..., Any] = AsyncSlot
    with pytest.raises(ValueError, match=message):
        decorate(**settings)


@pytest.mark.parametrize("mode", ["attached", "blocking"])
def test_on_quit_finish_is_awaited(mode: str) -> None:
    """A quit lets a slot finish that is to, with what it awaits and who awaits it; the others are cancelled at once."""
    finished = run_script("finish", mode)
    assert finished.errors == ""
    assert finished.lines == ["other cancelled: quit", "saved", "told", "background cancelled"]
    assert finished.code == 4


# -- loops and threads --


@pytest.mark.parametrize("mode", MODES)
def test_call_left_in_a_closed_loop_counts_no_more(app: Any, mode: str) -> None:
    """A call that outlived its loop does not keep the slot busy: in the next loop the slot runs at once."""
    begun: list[int] = []

    class Receiver(QtCore.QObject):
        @AsyncSlot(int, when_busy=mode)
        async def work(self, number: int) -> None:
            begun.append(number)
            if number == 1:
                await asyncio.get_running_loop().create_future()

    async def leave_calls() -> None:
        left.extend(receiver.work(number) for number in (1, 2))

    left: list[Any] = []
    receiver = Receiver()
    first = AsyncSlotEventLoop()
    # asyncio reports tasks that are destroyed while they are pending.
    first.set_exception_handler(lambda *_: None)
    first.run_until_complete(leave_calls())
    first.close()
    with AsyncSlotEventLoop() as second:
        second.attach()
        task = receiver.work(3)
        assert begun[-1] == 3
        assert task.done()
        assert not task.cancelled()
    del first
    left.clear()


def test_calls_of_one_slot_on_two_threads_do_not_wait_for_each_other(attached: AsyncSlotEventLoop) -> None:
    """Each loop has its own queue, so the call on the thread begins while the other one runs."""
    begun = threading.Event()

    @AsyncSlot(when_busy="queue")
    async def work(event: Any) -> None:
        event.set()
        while not begun.is_set():
            await asyncio.sleep(0.001)

    class Thread(QtCore.QThread):
        def run(self) -> None:
            asyncslot.run(self.work())

        async def work(self) -> None:
            await work(begun)

    task = work(threading.Event())
    thread = Thread()
    thread.start()
    wait_all(attached, [task])
    assert begun.is_set()
    assert thread.wait(CEILING_S * 1000)


def test_queue_with_limit_keeps_the_order(attached: AsyncSlotEventLoop) -> None:
    """A call made just when another one ends does not overtake the call that has waited."""
    begun: list[str] = []
    event = asyncio.Event()

    class Gallery(QtCore.QObject):
        @AsyncSlot(str, when_busy="queue", limit=2)
        async def load(self, name: str) -> None:
            begun.append(name)
            if name in "ab":
                await event.wait()

    async def load_late() -> Any:
        await event.wait()
        return await gallery.load("d")

    gallery = Gallery()
    tasks = [*map(gallery.load, "abc"), asyncslot.run_task(load_late())]
    event.set()
    wait_all(attached, tasks)
    assert begun == ["a", "b", "c", "d"]


def test_dropping_call_does_not_overtake_one_that_has_its_turn(attached: AsyncSlotEventLoop) -> None:
    """In a group, a call with room of its own is dropped while another one has its turn and has not begun."""
    begun: list[int] = []
    go = asyncio.Event()

    class Receiver(QtCore.QObject):
        @AsyncSlot(int, group="g", when_busy="queue")
        async def queued(self, number: int) -> None:
            begun.append(number)
            await go.wait()

        @AsyncSlot(int, group="g", when_busy="drop", limit=2)
        async def dropped(self, number: int) -> None:
            begun.append(number)

    receiver = Receiver()
    first, second = receiver.queued(1), receiver.queued(2)
    third: list[asyncio.Task[Any]] = []
    first.add_done_callback(lambda _: third.append(receiver.dropped(3)))
    go.set()
    wait_all(attached, [first, second])
    assert begun == [1, 2]
    assert third[0].cancelled()


def test_object_is_freed_with_calls_that_wait_in_a_closed_loop(app: Any) -> None:
    """A call that waits refers to its object; the queue, which the object has, lets go of it with the loop."""

    class Receiver(QtCore.QObject):
        @AsyncSlot(when_busy="queue")
        async def work(self) -> None:
            await asyncio.get_running_loop().create_future()

    async def leave_calls(receiver: Any) -> None:
        receiver.work()
        receiver.work()

    def use() -> list[Any]:
        receiver = Receiver()
        loop = AsyncSlotEventLoop()
        loop.set_exception_handler(lambda *_: None)
        loop.run_until_complete(leave_calls(receiver))
        loop.close()
        return [weakref.ref(receiver), weakref.ref(loop)]

    references = use()
    gc.collect()
    assert [reference() for reference in references] == [None, None]
