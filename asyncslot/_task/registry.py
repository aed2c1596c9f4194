"""The registry of running tasks: a strong reference to each, and a record of it."""

from __future__ import annotations

import asyncio
import weakref
from time import monotonic
from typing import TYPE_CHECKING, Any, Callable, Iterator, NamedTuple, Optional

from asyncslot._task.asyncio_private import is_unretrieved
from asyncslot._task.description import describe_place

if TYPE_CHECKING:
    from asyncslot._task.owner import OwnedTasks

    # Called with a task that has failed and whose exception nobody has retrieved, and
    # with the task's owner, if that is alive.
    FailureHandler = Callable[[asyncio.Task[Any], Any], object]

__all__ = ["TaskInfo", "TaskRecord", "TaskRegistry"]


class TaskInfo(NamedTuple):
    """
    One task that is not done.

    Attributes:
        task: The task.
        name: The qualified name of its coroutine function: for a slot, the slot's.
        owner: The QObject to whose life it is bound; None if there is none.
        age_s: Seconds since it was started.
        place: Each coroutine that it is in, with file and line, outermost first.
    """

    task: asyncio.Task[Any]
    name: str
    owner: Any
    age_s: float
    place: str


class TaskRecord:
    """
    What a task begins with, and what is known of it while it runs.

    Whoever starts a task makes its record, once, and hands it down.

    Args:
        owned: The tasks of its owner, if it has one.
        sender: Who emitted the signal that it begins with, if a signal did.
        on_failure: Called when it has failed and nobody has retrieved the exception: on the
            loop's next turn at the earliest.
        finishes_on_quit: Whether a quit waits for it instead of cancelling it.
        on_created: Called with the task before its first step.
    """

    __slots__ = ("began_s", "finishes_on_quit", "on_created", "on_failure", "owned", "sender")

    def __init__(
        self,
        owned: OwnedTasks | None = None,
        sender: weakref.ref[Any] | None = None,
        on_failure: FailureHandler | None = None,
        *,
        finishes_on_quit: bool = False,
        on_created: Callable[[asyncio.Task[Any]], object] | None = None,
    ) -> None:
        self.began_s = monotonic()
        self.owned = owned
        self.sender = sender
        self.finishes_on_quit = finishes_on_quit
        self.on_created = on_created
        self.on_failure = on_failure

    @property
    def owner(self) -> Any:
        """The QObject to whose life the task is bound; None if there is none, or it is gone."""
        return None if self.owned is None or self.owned.is_destroyed else self.owned.owner()


class TaskRegistry:
    """
    Strong references to tasks until they are done.

    asyncio itself refers to tasks weakly: one that waits for something that only
    it refers to would be collected in the middle.
    """

    def __init__(self) -> None:
        self._records: dict[asyncio.Task[Any], TaskRecord] = {}

    def __iter__(self) -> Iterator[asyncio.Task[Any]]:
        return iter(list(self._records))

    def find(self, task: asyncio.Future[Any]) -> TaskRecord | None:
        """Return the record of *task*, None if it is not registered here."""
        return self._records.get(task)  # type: ignore[call-overload, no-any-return]

    def add(self, task: asyncio.Task[Any], record: TaskRecord) -> None:
        """Refer to *task* until `release`."""
        self._records[task] = record
        if record.owned is not None:
            record.owned.tasks[task] = None
        if record.on_created is not None:
            record.on_created(task)

    def release_when_done(self, task: asyncio.Task[Any]) -> None:
        """Let go of *task* when it is done: now, if it is. A failure is reported on the loop's next turn."""
        if not task.done():
            task.add_done_callback(self.release)
            return
        record = self._records.pop(task, None)
        if record is None:
            return
        if record.owned is not None:
            record.owned.remove(task)
        if record.on_failure is not None and task._log_traceback:
            task.get_loop().call_soon(record.on_failure, task, record.owner)

    def release(self, task: asyncio.Task[Any]) -> None:
        """Let go of *task*, which is done; report its failure."""
        record = self._records.pop(task, None)
        if record is None:
            return
        if record.owned is not None:
            record.owned.remove(task)
        if record.on_failure is not None and is_unretrieved(task):
            record.on_failure(task, record.owner)

    def disown_all(self) -> None:
        """Bind no task to its owner any more: their loop is closed, and would never tell the owner of their end."""
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
