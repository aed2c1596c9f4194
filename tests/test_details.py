"""What is said of one task on demand."""

from __future__ import annotations

import asyncio

from asyncslot import AsyncSlotEventLoop
from asyncslot._inspector.details import describe_row
from asyncslot._inspector.task_row import TaskRow


async def inner(event: asyncio.Event) -> None:
    await event.wait()


async def outer(event: asyncio.Event) -> None:
    await inner(event)


async def fail() -> None:
    msg = "no"
    raise ValueError(msg)


def test_chain_of_coroutines_and_of_waiters(loop: AsyncSlotEventLoop) -> None:
    """Outermost coroutine first; of the waiters the nearest first, each level further in."""

    async def main() -> None:
        event = asyncio.Event()
        task = asyncio.ensure_future(outer(event))
        task.set_name("innermost")

        async def wait(other: asyncio.Task[None]) -> None:
            await other

        middle = asyncio.ensure_future(wait(task))
        middle.set_name("middle")
        top = asyncio.ensure_future(wait(middle))
        top.set_name("top")
        for _ in range(2):
            await asyncio.sleep(0)
        lines = describe_row(TaskRow(task, None))
        texts = [line.text for line in lines]
        assert texts[:2] == ["outer()   innermost", "suspended"]
        chain = texts[texts.index("Coroutines, outermost first:") + 1 :]
        assert chain[0].endswith(f"test_details.py:{outer.__code__.co_firstlineno + 1} in outer()")
        assert chain[1].endswith(f"test_details.py:{inner.__code__.co_firstlineno + 1} in inner()")
        waiters = texts[texts.index("Awaited by:") + 1 :]
        assert waiters[0].startswith("    wait (middle)   ")
        assert waiters[1].startswith("        wait (top)   ")
        assert len(waiters) == 2
        # Each line that has a place can be opened.
        assert sum(line.place is not None and line.place.file == __file__ for line in lines) == 4
        event.set()
        await top

    loop.run_until_complete(main())


def test_traceback_of_a_failure(loop: AsyncSlotEventLoop) -> None:
    """Its frames can be opened, too."""

    async def main() -> None:
        task = asyncio.ensure_future(fail())
        row = TaskRow(task, None)
        await asyncio.wait([task])
        row.end(task)
        task.exception()
        lines = describe_row(row)
        assert lines[1].text == "failed: ValueError: no"
        assert "Failed at:" in [line.text for line in lines]
        assert lines[-1].text == "ValueError: no"
        (frame,) = [line for line in lines if line.text.startswith('  File "')]
        assert frame.place is not None
        assert (frame.place.file, frame.place.line) == (__file__, fail.__code__.co_firstlineno + 2)

    loop.run_until_complete(main())


def test_tasks_that_await_each_other_end(loop: AsyncSlotEventLoop) -> None:
    """A circle is a deadlock, and the very thing that somebody looks for."""

    async def main() -> None:
        tasks: list[asyncio.Task[None]] = []

        async def wait(number: int) -> None:
            await asyncio.sleep(0)
            # Without shield(), cancelling would follow the circle for ever.
            await asyncio.shield(tasks[number])

        tasks += [asyncio.ensure_future(wait(1)), asyncio.ensure_future(wait(0))]
        for _ in range(4):
            await asyncio.sleep(0)
        texts = [line.text for line in describe_row(TaskRow(tasks[0], None))]
        assert len(texts[texts.index("Awaited by:") + 1 :]) == 2
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    loop.run_until_complete(main())
