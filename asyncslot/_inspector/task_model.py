"""The table of tasks."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any, Sequence

from asyncslot._inspector.cell_text import format_age, format_duration, format_place, shorten_name
from asyncslot._inspector.naming import name_callable, name_task
from asyncslot._inspector.row_model import Column, RowModel

if TYPE_CHECKING:
    import asyncio

    from PySide6 import QtGui

    from asyncslot._inspector.loop_watch import LoopWatch
    from asyncslot._inspector.task_row import TaskRow

__all__ = ["TaskModel", "describe_waiter"]


def describe_waiter(task: asyncio.Task[Any]) -> str:
    """Return the name of a task's coroutine, and its own."""
    return f"{shorten_name(name_callable(task.get_coro()))} ({name_task(task)})"


def _flatten(text: str) -> str:
    # A message may have several lines, and a cell has one.
    return " ".join(text.split())


def _age(row: TaskRow) -> str:
    return (format_age if row.is_running else format_duration)(row.age_s, is_known=row.is_age_known)


def _age_tip(row: TaskRow) -> str:
    if row.is_age_known:
        return "How long the task has run" if row.is_running else "How long the task took"
    return "It began before the inspector saw it: asyncio does not keep when"


def _waiters(row: TaskRow) -> str:
    return ", ".join(map(describe_waiter, row.waiters))


def _place_key(row: TaskRow) -> tuple[str, int]:
    place = row.place
    return ("", 0) if place is None else (place.file, place.line)


class _Clock:
    """The time for which rows are sorted, in seconds by ``time.monotonic()``: the same for all of them."""

    now_s = 0.0


def _make_columns(clock: _Clock) -> tuple[Column, ...]:
    # "Awaited by" last: most tasks are awaited by nobody.
    return (
        Column("Coroutine", lambda row: shorten_name(row.name), lambda row: row.name.lower(), lambda row: row.name),
        Column("State", lambda row: _flatten(row.state), lambda row: row.state, lambda row: row.state),
        Column("Place", lambda row: format_place(row.see()), _place_key, lambda row: str(row.place or "")),
        Column("Owner", lambda row: row.owner, lambda row: row.owner.lower(), lambda row: row.owner),
        Column("Sender", lambda row: row.sender, lambda row: row.sender.lower(), lambda row: row.sender),
        Column("Age", _age, lambda row: row.age_at(clock.now_s), _age_tip),
        # asyncio numbers its names: Task-9 comes before Task-10.
        Column(
            "Task",
            lambda row: row.task_name,
            lambda row: (len(row.task_name), row.task_name),
            lambda row: row.task_name,
        ),
        Column("Awaited by", _waiters, _waiters, _waiters),
    )


class TaskModel(RowModel):
    """
    The tasks of a loop that is watched.

    Attributes:
        text: Only tasks are shown that have this text in their name, owner, place or state; "" for all.
        owner: Only tasks of this owner are shown; None for all.
        with_ended: Whether tasks that have ended are shown, too.
        failed_brush: The colour of tasks that have failed; None for the usual one.
        ended_brush: The colour of other tasks that have ended.
    """

    failed_brush: QtGui.QBrush | None = None
    ended_brush: QtGui.QBrush | None = None

    def __init__(self, parent: Any = None) -> None:
        self._clock = _Clock()
        super().__init__(_make_columns(self._clock), parent)
        self.text = ""
        self.owner: str | None = None
        self.with_ended = False

    def refresh(self, watch: LoopWatch) -> None:
        """Show the tasks that *watch* knows now."""
        rows: Sequence[TaskRow] = list(watch.running.values())
        self.set_rows([*rows, *watch.ended] if self.with_ended else rows)

    def set_rows(self, source: Sequence[TaskRow]) -> None:
        """Do as `RowModel.set_rows`."""
        self._clock.now_s = monotonic()
        super().set_rows(source)

    def is_wanted(self, row: TaskRow) -> bool:
        """Tell whether a task passes the filter."""
        if self.owner is not None and row.owner != self.owner:
            return False
        text = self.text.lower()
        # The state and the place last: they are looked up each time.
        return (
            not text
            or text in row.name.lower()
            or text in row.task_name.lower()
            or text in row.owner.lower()
            or text in row.state.lower()
            or text in str(row.place or "").lower()
        )

    def find_brush(self, row: TaskRow) -> QtGui.QBrush | None:
        """Return the colour of a task that has ended."""
        if row.is_running:
            return None
        return self.failed_brush if row.traceback else self.ended_brush
