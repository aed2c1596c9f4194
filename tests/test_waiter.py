"""Who waits for a task, whichever of asyncio's functions it waits by."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Awaitable, Callable

import pytest

from asyncslot import AsyncSlotEventLoop
from asyncslot._task.waiter import find_waiters

WAYS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    "await": lambda task: task,
    "gather": asyncio.gather,
    "nested gather": lambda task: asyncio.gather(asyncio.gather(task)),
    "wait": lambda task: asyncio.wait([task]),
    "wait_for": lambda task: asyncio.wait_for(task, 20),
    "shield": asyncio.shield,
}


@pytest.mark.parametrize("way", WAYS)
def test_find_waiters_finds_the_task_that_waits(loop: AsyncSlotEventLoop, way: str) -> None:
    """However it waits."""

    async def wait(task: Any) -> None:
        await WAYS[way](task)

    async def main() -> None:
        event = asyncio.Event()
        task = asyncio.ensure_future(event.wait())
        waiter = asyncio.ensure_future(wait(task))
        await asyncio.sleep(0)
        assert find_waiters(task) == [waiter]
        assert find_waiters(waiter) == []
        event.set()
        await waiter
        assert find_waiters(task) == []

    loop.run_until_complete(main())


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio has no TaskGroup")
def test_find_waiters_task_group_is_its_task(loop: AsyncSlotEventLoop) -> None:
    """The task that has entered a TaskGroup waits for the group's tasks."""

    async def main() -> None:
        event = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(event.wait())
            assert find_waiters(task) == [asyncio.current_task()]
            event.set()

    loop.run_until_complete(main())


def test_find_waiters_own_callback_is_none(loop: AsyncSlotEventLoop) -> None:
    """A function of the program's that refers to a task does not wait by it."""

    async def main() -> None:
        event = asyncio.Event()
        task = asyncio.ensure_future(event.wait())
        me = asyncio.current_task()
        task.add_done_callback(lambda _: me)
        assert find_waiters(task) == []
        event.set()
        await task
        assert find_waiters(loop.create_future()) == []

    loop.run_until_complete(main())


def test_find_waiters_several_are_in_order(loop: AsyncSlotEventLoop) -> None:
    """The one that has waited longest comes first, and each comes once."""

    async def wait(*tasks: Any) -> None:
        await asyncio.gather(*tasks)

    async def main() -> None:
        event = asyncio.Event()
        task = asyncio.ensure_future(event.wait())
        waiters = [asyncio.ensure_future(wait(task)) for _ in range(3)]
        await asyncio.sleep(0)
        assert find_waiters(task) == waiters
        event.set()
        await asyncio.gather(*waiters)

    loop.run_until_complete(main())
