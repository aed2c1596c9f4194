"""How tasks end: cancelling all, describing those that do not end, running Qt until a condition holds."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from asyncslot import AsyncSlotEventLoop
from asyncslot._qt import QtCore, process_events_until
from asyncslot._task.cancellation import CancelReason, cancel, cancel_all, cancel_reason
from asyncslot._task.description import describe_task


def test_cancel_all_requests_each(loop: AsyncSlotEventLoop) -> None:
    """Each of the tasks is cancelled."""

    async def main() -> list[Any]:
        tasks = [loop.create_task(asyncio.sleep(3600)) for _ in range(3)]
        cancel_all(tasks)
        return await asyncio.gather(*tasks, return_exceptions=True)

    results = loop.run_until_complete(main())
    assert [type(result) for result in results] == [asyncio.CancelledError] * 3


def test_describe_task_names_each_coroutine(loop: AsyncSlotEventLoop) -> None:
    """The description has the task's name and the file and line of each coroutine that it is in."""
    future = loop.create_future()

    async def inner() -> None:
        await future

    async def outer() -> None:
        await inner()

    task = loop.create_task(outer(), name="the name")
    loop.run_until_complete(asyncio.sleep(0))
    text = describe_task(task)
    assert text.startswith("'the name' in ")
    assert text.index("outer() at") < text.index("inner() at")
    assert text.count(__file__) == 2
    future.set_result(None)
    loop.run_until_complete(task)


def test_describe_task_closing_generator_names_it(loop: AsyncSlotEventLoop) -> None:
    """The task that closes an async generator, which is in no coroutine of its own, is where the generator is."""
    future = loop.create_future()

    async def generate() -> Any:
        try:
            yield 1
        finally:
            await future

    generator = generate()
    loop.run_until_complete(generator.__anext__())
    task = loop.create_task(generator.aclose())
    loop.run_until_complete(asyncio.sleep(0))
    assert f"generate() at {__file__}" in describe_task(task)
    future.set_result(None)
    loop.run_until_complete(task)


def test_process_events_until_condition_by_event(app: Any) -> None:
    """Events are processed, without a Qt loop, until one of them makes the condition true."""
    seen: list[int] = []
    levels: list[int] = []

    def see() -> None:
        seen.append(1)
        levels.append(QtCore.QThread.currentThread().loopLevel())

    QtCore.QTimer.singleShot(10, see)
    process_events_until(lambda: bool(seen))
    assert levels == [0]


@pytest.mark.skipif(sys.version_info < (3, 11), reason="a task cannot tell of a second request")
def test_cancel_reason_of_a_later_request(loop: AsyncSlotEventLoop) -> None:
    """The reason of a cancellation that was swallowed is not that of the next one, and none after uncancel()."""
    reasons: list[Any] = []

    async def swallow() -> None:
        for _ in range(2):
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError as exc:
                reasons.append(cancel_reason(exc))
        try:
            raise asyncio.CancelledError
        except asyncio.CancelledError as exc:
            task = asyncio.current_task()
            task.uncancel()
            task.uncancel()
            reasons.append(cancel_reason(exc))

    async def main() -> None:
        task = asyncio.ensure_future(swallow())
        await asyncio.sleep(0)
        cancel(task, CancelReason.SUPERSEDED)
        await asyncio.sleep(0)
        task.cancel()
        await task

    loop.run_until_complete(main())
    assert reasons == [CancelReason.SUPERSEDED, CancelReason.REQUESTED, None]


@pytest.mark.parametrize("subject", [3, None, "task"])
def test_reason_of_no_task_refused(subject: Any) -> None:
    """What is neither a task nor an exception is a TypeError that says what to pass."""
    with pytest.raises(TypeError, match="takes a task or a CancelledError, got "):
        cancel_reason(subject)
