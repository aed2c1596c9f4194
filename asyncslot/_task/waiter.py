"""Who waits for a task: what its done callbacks tell."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Iterator

__all__ = ["find_waiters"]


def find_waiters(task: asyncio.Future[Any]) -> list[asyncio.Task[Any]]:
    """
    Return the tasks that wait for *task*: by ``await``, gather(), wait(), wait_for(), shield(), or a TaskGroup.

    A task that asks for the results in their order of completion, by as_completed(), is not found.

    Returns:
        The tasks, in the order in which they began to wait; each once.
    """
    # asyncio keeps such a list itself only from Python 3.14 on.
    found: dict[asyncio.Task[Any], None] = {}
    _collect(task, found, {task})
    return list(found)


def _collect(future: Any, found: dict[asyncio.Task[Any], None], seen: set[object]) -> None:
    for callback, _ in getattr(future, "_callbacks", None) or ():
        for subject in _subjects(callback):
            # shield()'s callback refers to the task itself, too.
            if not asyncio.isfuture(subject) or subject in seen:
                continue
            if isinstance(subject, asyncio.Task):
                found[subject] = None
                continue
            # A future between the two, such as the one that gather() returns.
            seen.add(subject)
            _collect(subject, found, seen)


def _subjects(callback: Any) -> Iterator[object]:
    """Yield what one of asyncio's own done callbacks would wake, among other objects."""
    # A task wakes by a bound method of its own. A TaskGroup has one, too.
    owner = getattr(callback, "__self__", None)
    yield owner
    yield getattr(owner, "_parent_task", None)
    # Only asyncio's own: in a program's functions, a task that they refer to need not wait.
    function = getattr(callback, "func", callback)
    if not str(getattr(function, "__module__", None)).startswith("asyncio."):
        return
    yield from getattr(callback, "args", ())
    for cell in getattr(function, "__closure__", None) or ():
        with contextlib.suppress(ValueError):  # The variable has no value yet.
            yield cell.cell_contents
