"""The tasks of ours that run: strong references, records, failures."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

from asyncslot import AsyncSlotEventLoop
from asyncslot._qt import QtCore
from asyncslot._task.owner import find_owned
from asyncslot._task.registry import TaskRecord, TaskRegistry


def test_registry_holds_until_done(loop: AsyncSlotEventLoop) -> None:
    """A task that only the registry refers to is not collected; when it is done, it is let go, by its owner, too."""

    async def main() -> None:
        registry = TaskRegistry()
        future: Any = loop.create_future()

        async def wait() -> None:
            await future

        owned = find_owned(owner)
        task = loop.create_task(wait())
        record = TaskRecord(owned)
        registry.add(task, record)
        registry.release_when_done(task)
        assert list(registry) == [task]
        assert registry.find(task) is record
        assert list(owned.tasks) == [task]
        assert [(info.task, info.owner) for info in registry.describe()] == [(task, owner)]
        future.set_result(None)
        await task
        assert registry.describe() == []
        await asyncio.sleep(0)
        assert list(registry) == []
        assert list(owned.tasks) == []

    owner = QtCore.QObject()
    loop.run_until_complete(main())


def test_registry_lets_go_of_a_task_that_is_done(loop: AsyncSlotEventLoop) -> None:
    """A task that is done after its first step is let go at once; its failure is reported on the next turn."""
    reported: list[Any] = []

    async def fail() -> None:
        raise LookupError

    async def main() -> None:
        registry = TaskRegistry()
        task = loop.create_task(fail())
        registry.add(task, TaskRecord(None, lambda *args: reported.append(args)))
        await asyncio.wait([task])
        registry.release_when_done(task)
        assert list(registry) == []
        assert reported == []
        await asyncio.sleep(0)
        assert reported == [(task, None)]
        assert isinstance(task.exception(), LookupError)

    loop.run_until_complete(main())


def test_registry_of_closed_loop_disowns_tasks(loop: AsyncSlotEventLoop) -> None:
    """When its loop is closed, a task that will never be done is bound to its owner no more."""
    owner = QtCore.QObject()

    async def wait() -> None:
        await asyncio.sleep(3600)

    task = loop.run_task(wait(), owner=owner)
    assert list(find_owned(owner).tasks) == [task]
    loop.detach()
    task._log_destroy_pending = False
    loop.close()
    assert list(find_owned(owner).tasks) == []
    task.get_coro().close()


def test_run_task_unreferenced_survives_collection(attached: AsyncSlotEventLoop) -> None:
    """A task of ours whose future nobody else knows goes on after a garbage collection."""
    order: list[str] = []

    async def wait_for_forgotten_future() -> None:
        try:
            await attached.create_future()
        finally:
            order.append("ended")

    attached.run_task(wait_for_forgotten_future())
    gc.collect()
    assert order == []
    attached.shutdown()
    assert order == ["ended"]
