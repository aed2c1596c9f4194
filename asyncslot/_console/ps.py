"""``ps`` at the prompt: the table of the loop's tasks."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple, Optional, Sequence

from asyncslot._slot.records import tasks
from asyncslot._task.asyncio_private import get_running_loop
from asyncslot._task.description import describe_place

__all__ = ["TaskRow", "TaskTable", "format_rows", "list_rows"]

_HEADER = ("TASK", "COROUTINE", "AGE", "OWNER", "AT")


class TaskRow(NamedTuple):
    """
    One task that is not done.

    Attributes:
        name: The task's name.
        coroutine: The qualified name of its coroutine function.
        age_s: Seconds since it was started; None if that is not known: ``create_task()`` has made it.
        owner: The QObject to whose life it is bound, in words; empty if there is none.
        place: Where it is suspended, innermost; empty if it has not begun.
    """

    name: str
    coroutine: str
    age_s: Optional[float]
    owner: str
    place: str


def list_rows() -> list[TaskRow]:
    """Return a row for each task of the running loop: first those of asyncslot, oldest first, then by name."""
    loop = get_running_loop()
    if loop is None:
        return []
    infos = tasks()
    known = {info.task for info in infos}
    rows = [
        TaskRow(info.task.get_name(), info.name, info.age_s, _describe_owner(info.owner), _shorten(info.place))
        for info in infos
    ]
    others = sorted(asyncio.all_tasks(loop) - known, key=lambda task: task.get_name())
    rows += [
        TaskRow(task.get_name(), _name_coroutine(task), None, "", _shorten(describe_place(task))) for task in others
    ]
    return rows


def _name_coroutine(task: asyncio.Task[Any]) -> str:
    coro = task.get_coro()
    return str(getattr(coro, "__qualname__", coro))


def _describe_owner(owner: Any) -> str:
    if owner is None:
        return ""
    name = owner.objectName()
    return f"{type(owner).__name__} {name!r}" if name else type(owner).__name__


def _shorten(place: str) -> str:
    return place.rpartition(" -> ")[2]


def format_rows(rows: Sequence[TaskRow]) -> str:
    """Return the rows as a table; one line says so if there are none."""
    if not rows:
        return "no tasks"
    cells = [_HEADER, *((row.name, row.coroutine, _format_age(row.age_s), row.owner, row.place) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in cells)


def _format_age(age_s: float | None) -> str:
    if age_s is None:
        return "-"
    minutes, seconds = divmod(age_s, 60)
    return f"{int(minutes)}:{int(seconds):02}" if minutes else f"{seconds:.1f} s"


class TaskTable:
    """``ps``: its repr is the table, as that of ``exit`` is a hint, so that it needs no parentheses."""

    def __repr__(self) -> str:
        return format_rows(list_rows())

    def __call__(self) -> None:
        """Print the tasks of the running loop."""
        print(self)
