"""The tasks of ours that run: they are strongly held, and what is known of each stands here."""

from __future__ import annotations

import asyncio
import weakref
from time import monotonic
from typing import TYPE_CHECKING, Any, Callable, Iterator, NamedTuple, Optional

from asyncslot._stdlib import is_unretrieved
from asyncslot.lifetime import describe_place

if TYPE_CHECKING:
    from asyncslot._owner import OwnedTasks

    # Called with a task that has failed, unheard so far, and with its owner, if that is alive.
    FailureHandler = Callable[[asyncio.Task[Any], Any], object]

__all__ = ["TaskInfo", "TaskKeeper", "TaskRecord"]


class TaskInfo(NamedTuple):
    """One task that is not done."""

    task: asyncio.Task[Any]
    # The qualified name of its coroutine function: for a slot, the slot's.
    name: str
    # The QObject to whose life it is bound; None if there is none.
    owner: Any
    # Seconds since it was started.
    age_s: float
    # Each coroutine that it is in, with file and line, outermost first.
    place: str


class TaskRecord:
    """
    What is known of one task.

    Args:
        owned: The tasks of its owner, if it has one.
        sender: Who emitted the signal that it began with, if one did.
        on_failure: Called when it has failed and nobody has retrieved the exception.
    """

    __slots__ = ("began_s", "on_failure", "owned", "sender")

    def __init__(
        self,
        owned: OwnedTasks | None = None,
        sender: weakref.ref[Any] | None = None,
        on_failure: FailureHandler | None = None,
    ) -> None:
        self.began_s = monotonic()
        self.owned = owned
        self.sender = sender
        self.on_failure = on_failure

    @property
    def owner(self) -> Any:
        """The QObject to whose life the task is bound; None if there is none, or it is gone."""
        return None if self.owned is None or self.owned.is_destroyed else self.owned.owner()


class TaskKeeper:
    """
    Strong references to tasks until they are done.

    asyncio itself refers to tasks weakly: one that waits for something that only
    it refers to would be collected in the middle.
    """

    def __init__(self) -> None:
        self._records: dict[asyncio.Task[Any], TaskRecord] = {}

    def __iter__(self) -> Iterator[asyncio.Task[Any]]:
        return iter(list(self._records))

    def find(self, task: asyncio.Task[Any]) -> TaskRecord | None:
        """Return the record of *task*, None if it is not kept here."""
        return self._records.get(task)

    def keep(self, task: asyncio.Task[Any], record: TaskRecord) -> None:
        """Refer to *task* until `release`."""
        self._records[task] = record
        if record.owned is not None:
            record.owned.add(task)

    def release_when_done(self, task: asyncio.Task[Any]) -> None:
        """Let go of *task* when it is done: now, if it is. A failure is reported on the loop's next turn."""
        if not task.done():
            task.add_done_callback(self.release)
            return
        record = self._drop(task)
        if record is not None and record.on_failure is not None and is_unretrieved(task):
            task.get_loop().call_soon(record.on_failure, task, record.owner)

    def release(self, task: asyncio.Task[Any]) -> None:
        """Let go of *task*, which is done; report its failure."""
        record = self._drop(task)
        if record is not None and record.on_failure is not None and is_unretrieved(task):
            record.on_failure(task, record.owner)

    def disown_all(self) -> None:
        """Have no task bound to its owner: their loop is closed, and would never tell the owner of their end."""
        for task, record in self._records.items():
            if record.owned is not None:
                record.owned.remove(task)
            record.owned = record.sender = None

    def describe(self) -> list[TaskInfo]:
        """Return what there is to know of each task, oldest first."""
        now_s = monotonic()
        return [
            TaskInfo(task, _coroutine_name(task), record.owner, now_s - record.began_s, describe_place(task))
            for task, record in list(self._records.items())
            if not task.done()
        ]

    def _drop(self, task: asyncio.Task[Any]) -> Optional[TaskRecord]:
        record = self._records.pop(task, None)
        if record is not None and record.owned is not None:
            record.owned.remove(task)
        return record


def _coroutine_name(task: asyncio.Task[Any]) -> str:
    coro = task.get_coro()
    return str(getattr(coro, "__qualname__", coro))
