"""``ps``: the table of the tasks."""

from __future__ import annotations

import asyncio
import re

from qt import QObject
from support import run_coroutine

import asyncslot
from asyncslot import AsyncSlotEventLoop
from asyncslot._console.ps import TaskTable, format_rows
from asyncslot._inspector.loop_watch import list_rows


def test_table_tells_both_kinds_of_task(attached: AsyncSlotEventLoop) -> None:
    """A task of run_task() has an age and an owner, one of create_task() has none; both say where they wait."""
    owner = QObject()
    owner.setObjectName("door")

    async def wait() -> None:
        await asyncio.Event().wait()

    async def follow(task: asyncio.Task[None]) -> None:
        await task

    async def look() -> list[str]:
        ours = asyncslot.run_task(wait(), name="ours", owner=owner)
        other = asyncio.get_running_loop().create_task(follow(ours), name="other")
        await asyncio.sleep(0)
        lines = repr(TaskTable()).splitlines()
        ours.cancel()
        await asyncio.wait([other])
        return lines

    header, *lines = run_coroutine(look())
    ours, other = ([cell for cell in re.split("  +", line) if cell] for line in lines if "look" not in line)
    assert re.split("  +", header) == ["TASK", "COROUTINE", "STATE", "AGE", "OWNER", "AWAITED BY", "AT"]
    line = wait_line()
    assert ours == [
        "ours",
        "wait",
        "suspended",
        "< 1 s",
        "QObject 'door'",
        "follow (other)",
        f"{__file__}:{line} in wait()",
    ]
    assert other[:4] == ["other", "follow", "suspended", "-"]


def wait_line() -> int:
    """Return the number of the line at which the first test's tasks wait."""
    with open(__file__, encoding="utf-8") as file:  # noqa: PTH123 - a line number, no path, is asked for.
        return next(number for number, text in enumerate(file, 1) if "await asyncio.Event().wait()" in text)


def test_table_without_a_loop_says_so() -> None:
    """Where there is no loop, there are no tasks."""
    assert list_rows() == []
    assert repr(TaskTable()) == "no tasks"


def test_table_has_aligned_columns(attached: AsyncSlotEventLoop) -> None:
    """Each column is as wide as its widest cell."""

    async def look() -> list[str]:
        tasks = [asyncslot.run_task(asyncio.sleep(60), name=name) for name in ("a", "a long name")]
        lines = format_rows([row for row in list_rows() if row.task in tasks]).splitlines()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        return lines

    lines = run_coroutine(look())
    assert len({line.index("sleep") for line in lines[1:]}) == 1
    assert lines[0].index("COROUTINE") == lines[1].index("sleep")
