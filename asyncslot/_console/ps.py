"""``ps`` at the prompt: the table of the loop's tasks, as the inspector shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Sequence

from asyncslot._inspector.cell_text import format_age, shorten_name
from asyncslot._inspector.loop_watch import list_rows
from asyncslot._inspector.task_model import describe_waiter
from asyncslot._task.waiter import find_waiters

if TYPE_CHECKING:
    from asyncslot._inspector.task_row import TaskRow

__all__ = ["TaskTable", "format_rows"]

_HEADER = ("TASK", "COROUTINE", "STATE", "AGE", "OWNER", "AWAITED BY", "AT")


def format_rows(rows: Sequence[TaskRow]) -> str:
    """Return the rows as a table; one line says so if there are none."""
    if not rows:
        return "no tasks"
    cells = [_HEADER, *map(_format_row, rows)]
    widths = [max(map(len, column)) for column in zip(*cells)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in cells)


def _format_row(row: TaskRow) -> tuple[str, ...]:
    task, place = row.task, row.place
    return (
        row.task_name,
        shorten_name(row.name),
        row.state,
        format_age(row.age_s) if row.is_age_known else "-",
        row.owner,
        "" if task is None else ", ".join(map(describe_waiter, find_waiters(task))),
        # With the whole path, which a terminal may make a link of.
        "" if place is None else f"{place.file}:{place.line} in {shorten_name(place.name)}()",
    )


class TaskTable:
    """``ps``: its repr is the table, as that of ``exit`` is a hint, so that it needs no parentheses."""

    def __repr__(self) -> str:
        return format_rows(list_rows())

    def __call__(self) -> None:
        """Print the tasks of the running loop."""
        print(self)
