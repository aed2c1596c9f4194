"""What a task does at this moment."""

from __future__ import annotations

import asyncio
import enum
from typing import Any

from asyncslot._loop.slicer import Slicer
from asyncslot._slot.start import find_record
from asyncslot._task.asyncio_private import awaited_future
from asyncslot._task.cancellation import is_being_cancelled
from asyncslot.loop import GuestEventLoop

__all__ = ["TaskState", "find_state"]


class TaskState(enum.Enum):
    """
    What a task does at this moment. The value is what people read.

    Attributes:
        FIRST_STEP: It runs its first step, in which a nested Qt loop runs.
        RUNNING: It runs a later step, in which a nested Qt loop runs.
        WAITING: It waits for its turn: for other calls of a busy slot, or for the loop to run its next step.
        SUSPENDED: It awaits something that is not done.
        CLEANING_UP: It was cancelled, and has not ended.
        DONE: It has ended.
    """

    FIRST_STEP = "running its first step"
    RUNNING = "running"
    WAITING = "waiting for its turn"
    SUSPENDED = "suspended"
    CLEANING_UP = "cleaning up"
    DONE = "done"


# The functions that take a task's first step at once. They are right below it on the stack.
_FIRST_STEP_CODES = {Slicer.run_now.__code__, GuestEventLoop._start_task.__code__}


def find_state(task: asyncio.Task[Any]) -> TaskState:
    """Return what *task* does at this moment. It is a task of this thread's loop."""
    if task.done():
        return TaskState.DONE
    if is_being_cancelled(task):
        return TaskState.CLEANING_UP
    coro: Any = task.get_coro()
    if getattr(coro, "cr_running", False):
        return TaskState.FIRST_STEP if _is_first_step(coro) else TaskState.RUNNING
    record = find_record(task)
    if record is not None and record.waiting_coro is not None:
        return TaskState.WAITING
    awaited = awaited_future(task)
    return TaskState.WAITING if awaited is None or awaited.done() else TaskState.SUSPENDED


def _is_first_step(coro: Any) -> bool:
    caller = coro.cr_frame.f_back
    return caller is not None and caller.f_code in _FIRST_STEP_CODES
