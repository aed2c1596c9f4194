"""The table of tasks."""

from __future__ import annotations

import asyncio
from typing import Any, Iterator

import pytest

from asyncslot import AsyncSlotEventLoop, run_task
from asyncslot._inspector.loop_watch import LoopWatch
from asyncslot._inspector.task_model import TaskModel
from asyncslot._qt import QtCore

DISPLAY = QtCore.Qt.ItemDataRole.DisplayRole
ASCENDING = QtCore.Qt.SortOrder.AscendingOrder


@pytest.fixture
def watch() -> Iterator[LoopWatch]:
    watch = LoopWatch()
    yield watch
    watch.close()


class Window(QtCore.QObject):
    """An owner."""


async def alpha(event: asyncio.Event) -> None:
    await event.wait()


async def beta(event: asyncio.Event) -> None:
    await alpha(event)


async def fail() -> None:
    raise ValueError("two\nlines")


def shown(model: TaskModel) -> list[str]:
    return [row.name for row in model.rows]


def test_filters(loop: AsyncSlotEventLoop, watch: LoopWatch) -> None:
    """By text, in several columns; by owner; ended or not."""

    async def main() -> None:
        model, event = TaskModel(), asyncio.Event()
        watch.refresh()
        one, two = Window(), Window()
        two.setObjectName("two")
        tasks = [run_task(alpha(event), owner=one), run_task(beta(event), owner=two)]
        failed = asyncio.ensure_future(fail())
        watch.refresh()
        await asyncio.wait([failed])
        failed.exception()
        await asyncio.sleep(0)
        wanted = {
            "": ["alpha", "beta", "main"],
            "ALPHA": ["alpha", "beta"],  # The second is suspended inside the first.
            "two": ["beta"],
            "suspended": ["alpha", "beta"],
            "running": ["main"],
            "test_task_model.py": ["alpha", "beta", "main"],
            "nowhere": [],
        }
        for text, names in wanted.items():
            model.text = text
            model.refresh(watch)
            assert sorted(name.rpartition(".")[2] for name in shown(model)) == names, text
        model.text, model.owner = "", "Window 'two'"
        model.refresh(watch)
        assert shown(model) == ["beta"]
        model.text, model.owner, model.with_ended = "valueerror", None, True
        model.failed_brush = object()  # type: ignore[assignment]
        model.refresh(watch)
        assert shown(model) == ["fail"]
        texts = model.texts(model.rows[0])
        assert texts[1] == "failed: ValueError: two lines"
        assert model.find_brush(model.rows[0]) is model.failed_brush
        event.set()
        await asyncio.wait(tasks)

    loop.run_until_complete(main())


@pytest.mark.parametrize("column", range(8))
def test_each_column_sorts(loop: AsyncSlotEventLoop, watch: LoopWatch, column: int) -> None:
    """Also with tasks that have no place, owner or sender."""

    async def main() -> None:
        model, event = TaskModel(), asyncio.Event()
        watch.refresh()
        tasks = [run_task(alpha(event), owner=Window()), asyncio.ensure_future(beta(event))]
        done = asyncio.ensure_future(asyncio.sleep(0))
        watch.refresh()
        await done
        await asyncio.sleep(0)
        model.with_ended = True
        model.sort(column, ASCENDING)
        model.refresh(watch)
        assert len(model.rows) == 4
        keys = [model.columns[column].key(row) for row in model.rows]
        assert keys == sorted(keys)
        for number in range(4):
            assert isinstance(model.data(model.index(number, column), DISPLAY), str)
            assert isinstance(model.data(model.index(number, column), QtCore.Qt.ItemDataRole.ToolTipRole), str)
        event.set()
        await asyncio.wait(tasks)

    loop.run_until_complete(main())


def test_cells_say_what_the_task_does(loop: AsyncSlotEventLoop, watch: LoopWatch) -> None:
    """File and line first; an age that is not known is marked; who awaits it."""

    async def main() -> Any:
        model, event = TaskModel(), asyncio.Event()
        inner = asyncio.ensure_future(alpha(event))
        inner.set_name("inner")

        async def wait() -> None:
            await inner

        outer = asyncio.ensure_future(wait())
        outer.set_name("outer")
        await asyncio.sleep(0)
        watch.refresh()
        model.text = "inner"
        model.refresh(watch)
        (row,) = model.rows
        code = alpha.__code__
        assert model.texts(row) == [
            "alpha",
            "suspended",
            f"test_task_model.py:{code.co_firstlineno + 1} in alpha()",
            "",
            "",
            "> 0 s",
            "inner",
            "wait (outer)",
        ]
        event.set()
        await outer

    loop.run_until_complete(main())


def test_ended_task_keeps_the_place_where_it_was_seen(loop: AsyncSlotEventLoop, watch: LoopWatch) -> None:
    """If it was visible."""

    async def main() -> None:
        model, event = TaskModel(), asyncio.Event()
        task = asyncio.ensure_future(alpha(event))
        await asyncio.sleep(0)
        watch.refresh()
        model.text, model.with_ended = "alpha", True
        model.refresh(watch)
        model.see(0, 0)
        event.set()
        await task
        await asyncio.sleep(0)
        model.text = ""
        model.refresh(watch)
        (row,) = [row for row in model.rows if not row.is_running]
        assert row.place is not None
        assert row.place.name == "alpha"

    loop.run_until_complete(main())
