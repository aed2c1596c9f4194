"""What is said of one task on demand: its coroutines, who waits for it, how it failed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Iterator, NamedTuple

from asyncslot._inspector.cell_text import shorten_name
from asyncslot._inspector.task_model import describe_waiter
from asyncslot._task.description import Place, find_own_place, find_places
from asyncslot._task.waiter import find_waiters

if TYPE_CHECKING:
    import asyncio

    from asyncslot._inspector.task_row import TaskRow

__all__ = ["DetailLine", "describe_row"]

# How many levels of tasks that await each other are shown. Arbitrary: more than anyone reads.
MAX_LEVELS = 20

# Such a line of a traceback.
_FRAME = re.compile(r'\s*File "(?P<file>.+)", line (?P<line>\d+)')


class DetailLine(NamedTuple):
    """A line of text, and the line of source that it is about; None for none."""

    text: str
    place: Place | None = None


def describe_row(row: TaskRow) -> list[DetailLine]:
    """Return what is known of a task, line by line."""
    lines = [DetailLine(f"{row.name}()   {row.task_name}")]
    lines += [DetailLine(line) for line in row.state.splitlines()]
    lines += _describe_places(row)
    task = row.task
    if task is not None:
        lines += _describe_waiters(task)
    if row.traceback:
        lines += [DetailLine(""), *map(_mark_frame, row.traceback.splitlines())]
    return lines


def _describe_places(row: TaskRow) -> Iterator[DetailLine]:
    places = row.places
    if not places:
        if row.place is not None:
            yield DetailLine("")
            yield DetailLine("Last seen at:" if not row.traceback else "Failed at:")
            yield _describe_place(row.place)
        return
    yield DetailLine("")
    yield DetailLine("Coroutines, outermost first:")
    yield from map(_describe_place, places)


def _describe_place(place: Place) -> DetailLine:
    return DetailLine(f"    {place.file}:{place.line} in {shorten_name(place.name)}()", place)


def _describe_waiters(task: asyncio.Task[Any]) -> Iterator[DetailLine]:
    lines = list(_follow(task, 1, {task}))
    if lines:
        yield DetailLine("")
        yield DetailLine("Awaited by:")
        yield from lines


def _follow(task: asyncio.Task[Any], level: int, seen: set[asyncio.Task[Any]]) -> Iterator[DetailLine]:
    """Yield the tasks that wait for *task*, each followed by those that wait for it."""
    for waiter in find_waiters(task):
        place = find_own_place(find_places(waiter))
        where = "" if place is None else f"   {place.file}:{place.line}"
        yield DetailLine(f"{'    ' * level}{describe_waiter(waiter)}{where}", place)
        # Several may wait for one; a deadlock is a circle.
        if waiter not in seen and level < MAX_LEVELS:
            seen.add(waiter)
            yield from _follow(waiter, level + 1, seen)


def _mark_frame(text: str) -> DetailLine:
    match = _FRAME.match(text)
    return DetailLine(text, None if match is None else Place("", match["file"], int(match["line"])))
