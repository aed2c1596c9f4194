"""The registry of running tasks: a strong reference to each, and a record of it."""

from __future__ import annotations

import asyncio
import weakref
from time import monotonic
from typing import TYPE_CHECKING, Any, Callable, Iterator, NamedTuple

from asyncslot._qt import find_sender
from asyncslot._task.asyncio_private import is_unretrieved
from asyncslot._task.description import describe_place

if TYPE_CHECKING:
    from asyncslot._task.owner import OwnedTasks

    # Called with a task that has failed and whose exception nobody has retrieved, and with the task's
    # owner; None if there is none, or it is gone.
    FailureHandler = Callable[[asyncio.Task[Any], Any], object]

__all__ = ["TaskInfo", "TaskRecord", "TaskRegistry"]


class TaskInfo(NamedTuple):
    """
    What `tasks` tells about one task that is not done.

    Attributes:
        task: The task.
        name: The qualified name of its coroutine function. For a slot this is the slot's name.
        owner: The QObject to whose life the task is bound; None if there is none, or it is gone.
        age_s: Seconds since the task was started.
        place: Each coroutine that the task is in, with file and line, outermost first.
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
        owned: The record of its owner's tasks; None if it has no owner.
        on_failure: Called if the task has failed and nobody has retrieved the exception; on the
            loop's next turn at the earliest.

    Attributes:
        finishes_on_quit: Whether a quit waits for the task instead of cancelling it.
        is_in_slot: Qt calls a slot of the owner's, which has not returned yet, so Qt knows the sender.
        on_created: Called with the task before its first step.
        on_abandoned: Called if the loop is closed before the task is done.
    """

    # Here, because each call of a slot makes a record, and most of these are never set.
    finishes_on_quit = False
    is_in_slot = False
    on_created: Callable[[asyncio.Task[Any]], object] | None = None
    on_abandoned: Callable[[], object] | None = None
    _sender: weakref.ref[Any] | None = None

    def __init__(self, owned: OwnedTasks | None = None, on_failure: FailureHandler | None = None) -> None:
        self.began_s = monotonic()
        self.owned = owned
        self.on_failure = on_failure

    @property
    def owner(self) -> Any:
        """The QObject to whose life the task is bound; None if there is none, or it is gone."""
        return None if self.owned is None or self.owned.is_destroyed else self.owned.owner()

    @property
    def waiting_coro(self) -> Any:
        """The coroutine of the slot's own function, if the task is a call that waits for its turn; else None."""
        # The call queue has left one of its calls here.
        call = getattr(self.on_created, "__self__", None)
        return getattr(call, "waiting_coro", None)

    @property
    def sender(self) -> Any:
        """The object whose signal started the task; None if no signal did, or if the object is gone."""
        if self.is_in_slot:
            owner = self.owner
            return None if owner is None else find_sender(owner)
        return None if self._sender is None else self._sender()

    def leave_slot(self) -> None:
        """Keep the sender, because the slot returns now and Qt forgets it. Weakly: a task does not keep it alive."""
        source = self.sender
        self.is_in_slot = False
        self._sender = None if source is None else weakref.ref(source)

    def forget(self) -> None:
        """Let go of the owner and the sender."""
        self.owned = self._sender = None
        self.is_in_slot = False


class TaskRegistry:
    """
    Strong references to tasks until they are done.

    asyncio itself refers to tasks weakly. A task that waits for a future to which only the task
    refers would be collected before it ends.
    """

    def __init__(self) -> None:
        # In the order in which the tasks began: `describe` relies on it.
        self.records: dict[asyncio.Task[Any], TaskRecord] = {}

    def __iter__(self) -> Iterator[asyncio.Task[Any]]:
        # Of a copy: tasks may begin and end while the caller goes through them.
        return iter(list(self.records))

    def find(self, task: asyncio.Future[Any]) -> TaskRecord | None:
        """Return the record of *task*, None if it is not registered here."""
        return self.records.get(task)  # type: ignore[call-overload, no-any-return]

    def add(self, task: asyncio.Task[Any], record: TaskRecord) -> None:
        """Refer to *task* until `release`."""
        self.records[task] = record
        if record.owned is not None:
            # As OwnedTasks.add() does, without one more call.
            record.owned.tasks[task] = None
        # Before the first step, in which the slot may already be called again.
        if record.on_created is not None:
            record.on_created(task)

    def hold_during(
        self, run: Callable[[asyncio.Handle], object], step: asyncio.Handle, task: asyncio.Task[Any], record: TaskRecord
    ) -> None:
        """Refer to *task* until it is done, and meanwhile call *run* with its first step."""
        # As `add` and `release_when_done` do, without a call for what each call of a slot needs.
        records, owned = self.records, record.owned
        records[task] = record
        if owned is not None:
            owned.tasks[task] = None
        try:
            if record.on_created is not None:
                record.on_created(task)
            run(step)
        finally:
            if task.done() and not task._log_traceback and (owned is None or owned.tasks.get(task) is None):
                records.pop(task, None)
                if owned is not None:
                    owned.tasks.pop(task, None)
            else:
                self.release_when_done(task)

    def release_when_done(self, task: asyncio.Task[Any]) -> None:
        """Let go of *task* when it is done; at once, if it is done now. A failure is reported on the next turn."""
        # For a task that ends in its first step, a done callback would cost one more handle.
        if not task.done():
            task.add_done_callback(self.release)
            record = self.records.get(task)
            if record is not None and record.is_in_slot:
                record.leave_slot()
            if record is not None and record.owned is not None:
                record.owned.end_if_late(task)
            return
        record = self.records.pop(task, None)
        if record is None:
            return
        if record.owned is not None:
            record.owned.remove(task)
        # As is_unretrieved(), without a call. Not reported at once: the caller, who gets the task only now, may
        # retrieve the exception, or await the task.
        if record.on_failure is not None and task._log_traceback:
            task.get_loop().call_soon(record.on_failure, task, record.owner)

    def release(self, task: asyncio.Task[Any]) -> None:
        """Let go of *task*, which is done; report its failure."""
        # This is a done callback, so the loop's next turn has come already.
        record = self.records.pop(task, None)
        if record is None:
            return
        if record.owned is not None:
            record.owned.remove(task)
        if record.on_failure is not None and is_unretrieved(task):
            record.on_failure(task, record.owner)

    def abandon_all(self) -> None:
        """Unbind all tasks from their owners. Their loop is closed, so no done callback would do it."""
        for task, record in self.records.items():
            if record.owned is not None:
                record.owned.remove(task)
            record.forget()
            if record.on_abandoned is not None:
                record.on_abandoned()

    def describe(self) -> list[TaskInfo]:
        """Return what is known of each task, oldest first."""
        now_s = monotonic()
        return [
            TaskInfo(task, _coroutine_name(task), record.owner, now_s - record.began_s, describe_place(task))
            for task, record in list(self.records.items())
            if not task.done()
        ]


def _coroutine_name(task: asyncio.Task[Any]) -> str:
    coro = task.get_coro()
    # Not the task's name, which may be asyncio's "Task-7". A program's own coroutine type may have no name.
    return str(getattr(coro, "__qualname__", coro))
