"""What is known of one task: while it runs, from the task itself; when it has ended, how it ended."""

from __future__ import annotations

import asyncio
import traceback
import weakref
from time import monotonic
from typing import TYPE_CHECKING, Any

from asyncslot._inspector.naming import describe_object, name_callable, name_task
from asyncslot._inspector.state import find_state
from asyncslot._slot import call_queue
from asyncslot._slot.start import find_record
from asyncslot._task.asyncio_private import find_exception
from asyncslot._task.cancellation import CancelReason, cancel, cancel_reason
from asyncslot._task.description import Place, find_own_place, find_places, trace_awaits
from asyncslot._task.waiter import find_waiters

if TYPE_CHECKING:
    from asyncslot._task.registry import TaskRecord

__all__ = ["TaskRow"]

# What a reader sees for each reason.
_REASONS = {
    CancelReason.OWNER_DESTROYED: "its owner was destroyed",
    CancelReason.SUPERSEDED: "a later call took its place",
    CancelReason.DROPPED: "the slot was busy",
    CancelReason.QUIT: "the application quit",
    CancelReason.REQUESTED: "cancel() was called",
}


class TaskRow:
    """
    One task, for a list that people read. It keeps neither the task nor its owner alive.

    Args:
        task: A task of this thread's loop that is not done.
        record: What is known of a task of `run_task` or of a slot; None for others: their age counts from now on.

    Attributes:
        name: The qualified name of its coroutine function; for a slot, the slot's.
        task_name: What ``get_name()`` returned when the row was made.
        owner: The QObject to whose life it is bound, in words; empty if there is none.
        sender: Whose signal started it, in words; empty if no signal did.
        began_s: When it began, by ``time.monotonic()``.
        is_age_known: False if *began_s* is only when the task was first seen.
        ended_s: When it ended; None while it runs.
        outcome: How it ended, in words; empty while it runs.
        traceback: The traceback of its failure; empty if it has not failed.
    """

    def __init__(self, task: asyncio.Task[Any], record: TaskRecord | None) -> None:
        coro = task.get_coro()
        self._task = weakref.ref(task)
        self._last_place: Place | None = None
        self.name = name_callable(coro)
        self.task_name = name_task(task)
        self.owner = "" if record is None else describe_object(record.owner)
        self.sender = "" if record is None else describe_object(record.sender)
        self.is_age_known = record is not None
        self.began_s = monotonic() if record is None else record.began_s
        self.ended_s: float | None = None
        self.outcome = ""
        self.traceback = ""

    @property
    def task(self) -> asyncio.Task[Any] | None:
        """The task; None if it has ended, or was lost: nothing referred to it any more."""
        return self._task() if self.ended_s is None else None

    @property
    def is_running(self) -> bool:
        """Whether the task has not ended."""
        return self.ended_s is None

    @property
    def state(self) -> str:
        """What the task does, or how it ended, in words."""
        if self.ended_s is not None:
            return self.outcome
        task = self._task()
        return "lost" if task is None else find_state(task).value

    @property
    def places(self) -> list[Place]:
        """Where each coroutine that the task is in has come to, outermost first; [] if it has ended."""
        task = self.task
        if task is None:
            return []
        record = find_record(task)
        waiting = None if record is None else record.waiting_coro
        # Of a call that waits for its turn, the slot's first line. It has not begun, and our own lines tell nothing.
        places = find_places(task) if waiting is None else trace_awaits(waiting)
        return [place for place in places if place.file != call_queue.__file__]

    @property
    def place(self) -> Place | None:
        """The innermost line of the program's own code; of an ended task, where it was last suspended, if known."""
        return find_own_place(self.places) or self._last_place

    @property
    def waiters(self) -> list[asyncio.Task[Any]]:
        """The tasks that wait for this one."""
        task = self.task
        return [] if task is None else find_waiters(task)

    @property
    def age_s(self) -> float:
        """Seconds since it began, or that it took."""
        return self.age_at(monotonic())

    def age_at(self, now_s: float) -> float:
        """Return how many seconds old it was at *now_s*, by ``time.monotonic()``; if it has ended, how long it took."""
        return (now_s if self.ended_s is None else self.ended_s) - self.began_s

    def cancel(self) -> None:
        """Request the task's cancellation; a no-op if it has ended."""
        task = self.task
        if task is not None:
            # Ours, so that its state is known on each Python.
            cancel(task, CancelReason.REQUESTED)

    def see(self) -> Place | None:
        """Return `place`, and remember it: once the task has ended, nothing tells."""
        self._last_place = self.place
        return self._last_place

    def end(self, task: asyncio.Task[Any]) -> None:
        """Note how *task*, which is done, has ended. Its exception stays unretrieved."""
        self.ended_s = monotonic()
        self.outcome = _describe_end(task)
        exc = find_exception(task)
        if exc is None:
            return
        # As text: the exception refers to the frames, and so to all of their variables.
        self.traceback = _format(exc)
        frames = traceback.extract_tb(exc.__traceback__)
        places = [Place(frame.name, frame.filename, frame.lineno or 0) for frame in frames]
        self._last_place = find_own_place(places) or self._last_place

    def lose(self) -> None:
        """Note that nothing refers to the task any more, so it will never end."""
        self.ended_s = monotonic()
        self.outcome = "lost: nothing referred to it"


def _describe_end(task: asyncio.Task[Any]) -> str:
    if task.cancelled():
        reason = cancel_reason(task)
        return "cancelled" if reason is None else f"cancelled: {_REASONS[reason]}"
    # Not by exception(): that would count as retrieving it.
    exc = find_exception(task)
    if exc is None:
        return "returned"
    return f"failed: {_format(exc, with_traceback=False)}"


def _format(exc: BaseException, *, with_traceback: bool = True) -> str:
    """Return what Python prints of an exception, whose own methods may raise."""
    try:
        if with_traceback:
            return "".join(traceback.format_exception(type(exc), exc, exc.__traceback__))
        return "".join(traceback.format_exception_only(type(exc), exc)).strip()
    except Exception:  # noqa: BLE001 - the program's own, which must not break a list.
        return type(exc).__name__
