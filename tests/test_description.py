"""Where a task is suspended, in words. Its coroutines, and a generator that is closed: test_cancellation."""

from __future__ import annotations

import asyncio
import inspect
import re
import types
from typing import Any, AsyncIterator, Iterator

from asyncslot import AsyncSlotEventLoop
from asyncslot._task.description import describe_place, describe_task


def suspend(loop: AsyncSlotEventLoop, coro: Any) -> asyncio.Task[Any]:
    """Run *coro* up to where it waits."""
    task = loop.create_task(coro, name="the task")
    loop.run_until_complete(asyncio.sleep(0))
    assert not task.done()
    return task


def finish(loop: AsyncSlotEventLoop, future: asyncio.Future[None], task: asyncio.Task[Any]) -> None:
    future.set_result(None)
    loop.run_until_complete(task)


def names(place: str) -> list[str]:
    """Return which coroutines a place names, outermost first."""
    return [part.partition("() at ")[0].rpartition(".")[2] for part in place.split(" -> ")]


def test_describe_place_has_line_of_the_await(loop: AsyncSlotEventLoop) -> None:
    """The line is that of the await at which the coroutine waits, not that of its first line."""
    future = loop.create_future()

    async def wait() -> None:
        await asyncio.sleep(0)
        await future

    task = suspend(loop, wait())
    loop.run_until_complete(asyncio.sleep(0))
    lines, first = inspect.getsourcelines(wait)
    line = first + next(index for index, text in enumerate(lines) if "await future" in text)
    assert describe_place(task).endswith(f"wait() at {__file__}:{line}")
    finish(loop, future, task)


def test_describe_place_not_begun_has_first_line(loop: AsyncSlotEventLoop) -> None:
    """A task whose first step has not run is where its coroutine begins."""

    async def work() -> None: ...

    task = loop.create_task(work())
    assert re.search(rf"work\(\) at .*:{work.__code__.co_firstlineno}$", describe_place(task))
    loop.run_until_complete(task)


def test_describe_place_stepped_async_generator_is_named(loop: AsyncSlotEventLoop) -> None:
    """An async generator that a coroutine iterates over is in the chain, with what it awaits itself."""
    future = loop.create_future()

    async def wait() -> None:
        await future

    async def generate() -> AsyncIterator[int]:
        await wait()
        yield 1

    async def iterate() -> None:
        async for _ in generate():
            pass

    task = suspend(loop, iterate())
    assert names(describe_place(task)) == ["iterate", "generate", "wait"]
    finish(loop, future, task)


class Referrer:
    """Is awaited until a future is done, and refers to an async generator meanwhile."""

    __slots__ = ("future", "generator")

    def __init__(self, future: asyncio.Future[None], generator: Any) -> None:
        self.future = future
        self.generator = generator

    def __await__(self) -> Referrer:
        return self

    def __iter__(self) -> Referrer:
        return self

    def __next__(self) -> Any:
        if self.future.done():
            raise StopIteration
        self.future._asyncio_future_blocking = True
        return self.future


def test_describe_place_awaitable_refers_to_generator_is_not_in_it(loop: AsyncSlotEventLoop) -> None:
    """An awaitable that merely refers to an async generator does not step it: the generator is left out."""
    future = loop.create_future()

    async def generate() -> AsyncIterator[int]:
        yield 1

    async def wait() -> None:
        await Referrer(future, generate())

    task = suspend(loop, wait())
    assert names(describe_place(task)) == ["wait"]
    finish(loop, future, task)


def test_describe_place_generator_based_coroutine_is_named(loop: AsyncSlotEventLoop) -> None:
    """A generator that is awaited, and the one that it yields from, are in the chain."""
    future = loop.create_future()

    def inner() -> Iterator[Any]:
        yield from future

    @types.coroutine
    def awaitable() -> Iterator[Any]:
        yield from inner()

    async def wait() -> None:
        await awaitable()

    task = suspend(loop, wait())
    assert names(describe_place(task)) == ["wait", "awaitable", "inner"]
    finish(loop, future, task)


def test_describe_place_of_other_task_awaited_is_left_out(loop: AsyncSlotEventLoop) -> None:
    """A chain ends at a task that is awaited: that one has a description of its own."""
    future = loop.create_future()

    async def wait() -> None:
        await future

    async def outer() -> None:
        await inner_task

    inner_task = suspend(loop, wait())
    task = suspend(loop, outer())
    assert names(describe_place(task)) == ["outer"]
    finish(loop, future, task)


def test_describe_place_of_plain_future_is_empty(loop: AsyncSlotEventLoop) -> None:
    """A future that is no task is nowhere."""
    assert describe_place(loop.create_future()) == ""


def test_describe_task_done_shows_its_coroutine(loop: AsyncSlotEventLoop) -> None:
    """A task that is done is nowhere: its description has the coroutine itself instead."""

    async def work() -> None: ...

    task = loop.create_task(work(), name="the task")
    loop.run_until_complete(task)
    assert describe_place(task) == ""
    assert describe_task(task) == f"'the task' in {task.get_coro()!r}"
    assert "work" in describe_task(task)
