"""``ps``: a row for each task, and the table of them."""

from __future__ import annotations

import asyncio

from qt import QObject
from support import run_coroutine

import asyncslot
from asyncslot import AsyncSlotEventLoop
from asyncslot._console.ps import TaskRow, TaskTable, format_rows, list_rows


def test_rows_tell_both_kinds_of_task(attached: AsyncSlotEventLoop) -> None:
    """A task of run_task() has an age and an owner, one of create_task() has none; both say where they wait."""
    owner = QObject()
    owner.setObjectName("door")

    async def wait() -> None:
        await asyncio.Event().wait()

    async def look() -> list[TaskRow]:
        ours = asyncslot.run_task(wait(), name="ours", owner=owner)
        other = asyncio.get_running_loop().create_task(wait(), name="other")
        await asyncio.sleep(0)
        rows = [row for row in list_rows() if row.name in ("ours", "other")]
        ours.cancel()
        other.cancel()
        await asyncio.wait([ours, other])
        return rows

    ours, other = run_coroutine(look())
    assert ours.coroutine.endswith("wait")
    assert 0 <= ours.age_s < 60
    assert ours.owner == "QObject 'door'"
    assert ours.place.startswith("Event.wait() at ")
    assert (other.name, other.age_s, other.owner) == ("other", None, "")


def test_rows_without_a_running_loop_are_none() -> None:
    """Where no loop runs, there are no tasks."""
    assert list_rows() == []
    assert repr(TaskTable()) == "no tasks"


def test_table_has_aligned_columns() -> None:
    """Each column is as wide as its widest cell."""
    rows = [TaskRow("a", "Window.load", 3.04, "Window", "load() at x.py:1"), TaskRow("Task-12", "f", 125.0, "", "")]
    assert format_rows(rows).splitlines() == [
        "TASK     COROUTINE    AGE    OWNER   AT",
        "a        Window.load  3.0 s  Window  load() at x.py:1",
        "Task-12  f            2:05",
    ]
    assert format_rows([TaskRow("a", "f", None, "", "")]).splitlines()[1].split() == ["a", "f", "-"]
