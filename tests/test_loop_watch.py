"""What happens in a loop while it is watched."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import Any, Iterator
from unittest.mock import Mock

import pytest
from support import run_coroutine

from asyncslot import AsyncSlot, AsyncSlotEventLoop, run_task
from asyncslot._inspector.loop_watch import LoopWatch, current_loop
from asyncslot._qt import QtCore


@pytest.fixture
def watch() -> Iterator[LoopWatch]:
    watch = LoopWatch()
    yield watch
    watch.close()


def names(watch: LoopWatch) -> list[str]:
    return [row.name.rpartition(".")[2] for row in watch.running.values()]


def test_tasks_come_and_go(loop: AsyncSlotEventLoop, watch: LoopWatch) -> None:
    """Those of run_task by themselves, others when it looks."""

    async def wait() -> None:
        await event.wait()

    async def other() -> None:
        await event.wait()

    async def main() -> None:
        global event
        event = asyncio.Event()
        watch.refresh()
        assert watch.loop is loop
        tasks = [run_task(wait()), asyncio.ensure_future(other())]
        assert names(watch) == ["main", "wait"]
        watch.refresh()
        assert names(watch) == ["main", "wait", "other"]
        event.set()
        await asyncio.wait(tasks)
        assert names(watch) == ["main"]
        assert {row.outcome for row in watch.ended} == {"returned"}

    loop.run_until_complete(main())


def test_short_tasks_of_slots_are_seen(attached: AsyncSlotEventLoop, watch: LoopWatch) -> None:
    """Even if they end in their first step, between two looks."""

    class Receiver(QtCore.QObject):
        @AsyncSlot()
        async def work(self) -> None: ...

    async def main() -> None:
        watch.refresh()
        await Receiver().work()
        await asyncio.sleep(0)
        assert [row.name.rpartition(".")[2] for row in watch.ended] == ["work"]

    run_coroutine(main())


def test_closed_watch_leaves_nothing_behind(loop: AsyncSlotEventLoop, watch: LoopWatch) -> None:
    """No done callback, and no hook in the loop. What has ended stays known."""

    async def main() -> None:
        event = asyncio.Event()
        tasks = [asyncio.ensure_future(event.wait()) for _ in range(3)]
        watch.refresh()
        assert loop._watch is watch
        assert all(len(task._callbacks) == 1 for task in tasks)
        watch.close()
        assert loop._watch is None
        assert not any(task._callbacks for task in tasks)
        assert (watch.loop, watch.running) == (None, {})
        event.set()
        await asyncio.wait(tasks)

    loop.run_until_complete(main())


def test_watch_is_open_while_anyone_has_joined(loop: AsyncSlotEventLoop, watch: LoopWatch) -> None:
    """A loop tells one watch only, so inspectors share one."""

    async def main() -> None:
        watch.join("one")
        watch.join("two")
        watch.join("two")
        watch.leave("one")
        assert watch.loop is loop
        watch.leave("two")
        watch.leave("two")
        assert watch.loop is None

    loop.run_until_complete(main())


def test_failing_slot_is_reported_once(loop: AsyncSlotEventLoop, watch: LoopWatch) -> None:
    """Watched or not."""
    reports: list[Any] = []
    handler = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: reports.append(context))
    loop.attach()

    class Receiver(QtCore.QObject):
        @AsyncSlot(int)
        async def fail(self, turns: int) -> None:
            for _ in range(turns):
                await asyncio.sleep(0)
            raise ValueError

    async def main() -> None:
        watch.refresh()
        receiver = Receiver()
        for turns in (0, 3):
            receiver.fail(turns)
            reports_before = len(reports)
            while len(reports) == reports_before:
                await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)
        gc.collect()
        assert len(reports) == 2
        assert [row.outcome for row in watch.ended] == ["failed: ValueError"] * 2

    run_coroutine(main())
    loop.set_exception_handler(handler)


def test_failing_plain_task_is_reported_as_before(loop: AsyncSlotEventLoop, watch: LoopWatch) -> None:
    """By asyncio, when it is collected: nobody has retrieved its exception."""
    reports: list[Any] = []
    handler = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: reports.append(context["message"]))

    async def fail() -> None:
        raise ValueError

    async def main() -> None:
        task = asyncio.ensure_future(fail())
        watch.refresh()
        await asyncio.wait([task])
        await asyncio.sleep(0)
        del task
        gc.collect()
        assert reports == ["Task exception was never retrieved"]

    loop.run_until_complete(main())
    loop.set_exception_handler(handler)


def test_lost_task_ends(loop: AsyncSlotEventLoop, watch: LoopWatch) -> None:
    """Nothing refers to it, so it will never end by itself."""
    handler = loop.get_exception_handler()
    loop.set_exception_handler(lambda *_: None)

    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        task = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        watch.refresh()
        del task
        gc.collect()
        watch.refresh()
        assert [row.outcome for row in watch.ended] == ["lost: nothing referred to it"]

    loop.run_until_complete(main())
    loop.set_exception_handler(handler)


def test_slow_callbacks_first_steps_and_nested_loops(loop: AsyncSlotEventLoop, watch: LoopWatch) -> None:
    """With name and place. The time of a nested Qt loop is not the callback's."""
    watch.slow_s = 0.03

    def block() -> None:
        time.sleep(0.04)

    async def slow_start() -> None:
        time.sleep(0.04)
        await asyncio.sleep(0)

    async def nest() -> None:
        await asyncio.sleep(0)
        qt_loop = QtCore.QEventLoop()
        QtCore.QTimer.singleShot(60, qt_loop.quit)
        qt_loop.exec()

    async def main() -> None:
        watch.refresh()
        await asyncio.sleep(0.01)  # From the next turn of Qt on, callbacks are watched.
        asyncio.get_running_loop().call_soon(block)
        await asyncio.sleep(0.01)
        await asyncio.ensure_future(nest())
        await asyncio.sleep(0)
        await run_task(slow_start())

    loop.run_until_complete(main())
    found = {(delay.kind, delay.name.rpartition(".")[2]) for delay in watch.delays}
    assert {("slow callback", "block"), ("nested Qt loop", "nest"), ("slow first step", "slow_start")} <= found
    assert ("slow callback", "nest") not in found
    for delay in watch.delays:
        assert delay.place is not None
        assert delay.place.file == __file__
        assert delay.duration_s >= 0.03


def test_no_loop_is_no_error(app: Any, watch: LoopWatch) -> None:
    """There is nothing to show."""
    assert current_loop() is None
    watch.refresh()
    assert (watch.loop, watch.running) == (None, {})


def test_next_loop_is_watched(app: Any, watch: LoopWatch) -> None:
    """When one has been closed, and another one runs."""

    async def look(loop: asyncio.AbstractEventLoop) -> None:
        watch.refresh()
        assert watch.loop is loop
        assert len(watch.running) == 1

    for _ in range(2):
        loop = AsyncSlotEventLoop()
        loop.run_until_complete(look(loop))
        loop.close()
    watch.refresh()
    assert watch.loop is None


def test_loop_that_is_not_ours_has_its_tasks(watch: LoopWatch) -> None:
    """By asyncio's own list."""

    async def main() -> None:
        task = asyncio.ensure_future(asyncio.sleep(3600))
        await asyncio.sleep(0)
        watch.refresh()
        assert sorted(names(watch)) == ["main", "sleep"]
        task.cancel()
        await asyncio.wait([task])
        await asyncio.sleep(0)
        assert [row.name for row in watch.ended] == ["sleep"]

    loop = asyncio.SelectorEventLoop()
    loop.run_until_complete(main())
    watch.close()
    loop.close()


def test_callback_without_a_name_breaks_nothing(loop: AsyncSlotEventLoop, watch: LoopWatch) -> None:
    """Its repr() raises."""
    watch.slow_s = 0.0

    class Hostile:
        def __call__(self) -> None: ...

        def __repr__(self) -> str:
            raise ZeroDivisionError

    async def main() -> None:
        watch.refresh()
        await asyncio.sleep(0.01)
        asyncio.get_running_loop().call_soon(Hostile())
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    loop.run_until_complete(main())
    assert "<Hostile>" in [delay.name for delay in watch.delays]


class Proxy:
    """Forwards what it is asked for, as the proxies of RPC libraries do; RuntimeError if nothing is behind it."""

    def __call__(self) -> None:
        time.sleep(0.02)

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


class NamelessTask(asyncio.Task):
    def get_name(self) -> str:
        raise RuntimeError("no name")


def test_watch_survives_what_the_program_calls(attached: AsyncSlotEventLoop) -> None:
    """Mocks, proxies, callbacks that cancel themselves, tasks without names: each has a row, and nothing is raised."""
    watch = LoopWatch(slow_s=0.01)
    handles: list[asyncio.TimerHandle] = []

    def cancel_itself() -> None:
        handles[0].cancel()
        time.sleep(0.02)

    async def main() -> None:
        watch.join(main)
        attached.call_soon(Mock(side_effect=lambda: time.sleep(0.02)))
        attached.call_soon(Proxy())
        handles.append(attached.call_later(0, cancel_itself))
        task = NamelessTask(asyncio.sleep(0.05), loop=attached)
        await asyncio.sleep(0.01)
        watch.refresh()
        assert "<NamelessTask>" in [row.task_name for row in watch.running.values()]
        await task

    run_coroutine(main())
    watch.leave(main)
    names = [delay.name for delay in watch.delays]
    assert "a callback that has cancelled itself" in names
    assert len(names) == 3
    assert all(delay.place is None for delay in watch.delays)
