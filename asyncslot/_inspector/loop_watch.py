"""What happens in a loop while it is watched: its tasks, slow callbacks, nested Qt loops."""

from __future__ import annotations

import asyncio
import functools
import math
import types
import weakref
from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from asyncslot._inspector.naming import name_callable, name_task
from asyncslot._inspector.task_row import TaskRow
from asyncslot._loop.handles import run_locked
from asyncslot._slot.start import find_record
from asyncslot._task.asyncio_private import get_running_loop
from asyncslot._task.description import Place, find_own_place, find_places
from asyncslot.loop import GuestEventLoop, thread_loop

if TYPE_CHECKING:
    from asyncslot._task.registry import TaskRecord

__all__ = ["SLOW_S", "Delay", "LoopWatch", "current_loop", "list_rows"]

# Seconds from which on a callback is slow. Arbitrary: at 60 Hz it costs three frames.
SLOW_S = 0.05

# How many tasks that have ended are kept, and how many delays. Arbitrary: more than anyone reads.
KEPT_TASKS = 500
KEPT_DELAYS = 200


class Delay(NamedTuple):
    """
    Something that kept the loop, or the code that called it, waiting.

    Attributes:
        when_s: When it was over, by ``time.monotonic()``.
        kind: "slow callback", "slow first step" or "nested Qt loop".
        name: The qualified name of the function or coroutine.
        place: Where it is: for a task that goes on, the line at which it is suspended now. None if nobody knows.
        duration_s: Seconds that it took. Those of nested Qt loops do not count for a slow one.
    """

    when_s: float
    kind: str
    name: str
    place: Place | None
    duration_s: float


class LoopWatch:
    """
    The tasks of this thread's loop, and its delays.

    Tasks of `run_task` and of slots are seen when they begin. Nobody tells of other tasks: `refresh`
    finds them, so those that end between two calls of it are missed.

    A loop tells one watch only, so several inspectors share one: each calls `join`, and `leave` when it is hidden.
    While nobody has joined it costs the loop nothing.

    Attributes:
        running: The row of each task that has not ended, in the order in which they were seen.
        ended: The rows of the tasks that have ended, newest first.
        delays: What was slow, newest first.
        slow_s: Seconds from which on a callback or a first step is slow.
    """

    def __init__(self, slow_s: float = SLOW_S) -> None:
        self.slow_s = slow_s
        self.running: dict[int, TaskRow] = {}
        self.ended: deque[TaskRow] = deque(maxlen=KEPT_TASKS)
        self.delays: deque[Delay] = deque(maxlen=KEPT_DELAYS)
        # Those who look at it.
        self._users: set[object] = set()
        # Weakly: a closed loop is freed.
        self._loop: weakref.ref[asyncio.AbstractEventLoop] | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop that is watched; None if there is none, or while closed."""
        return None if self._loop is None else self._loop()

    def join(self, user: object) -> None:
        """Begin to watch for *user*, any hashable object; a no-op if it has joined."""
        self._users.add(user)
        self.refresh()

    def leave(self, user: object) -> None:
        """Watch no longer for *user*; close if it was the last one. A no-op if it has not joined."""
        self._users.discard(user)
        if not self._users:
            self.close()

    def refresh(self) -> None:
        """Watch this thread's loop, whichever it is now, and look for tasks that are new."""
        loop = current_loop()
        if loop is not self.loop:
            self.close()
            self._open(loop)
        if loop is None:
            return
        # First: the place in memory of a task that was lost may be another task's by now.
        for key, row in list(self.running.items()):
            if row.task is None:
                self._end(key, row.lose)
        for task in sorted((each for each in asyncio.all_tasks(loop) if id(each) not in self.running), key=_order):
            self._add(task, find_record(task))

    def close(self) -> None:
        """Watch nothing any more. What has ended stays known."""
        loop, self._loop = self.loop, None
        if isinstance(loop, GuestEventLoop) and loop._watch is self:
            loop._watch = None
        for row in self.running.values():
            if row.task is not None:
                row.task.remove_done_callback(self._on_done)
        self.running.clear()

    def _open(self, loop: asyncio.AbstractEventLoop | None) -> None:
        if loop is None:
            return
        self._loop = weakref.ref(loop)
        if isinstance(loop, GuestEventLoop):
            loop._watch = self

    def _add(self, task: asyncio.Task[Any], record: TaskRecord | None) -> None:
        lost = self.running.get(id(task))
        if lost is not None:
            self._end(id(task), lost.lose)
        self.running[id(task)] = TaskRow(task, record)
        task.add_done_callback(self._on_done)

    def _on_done(self, task: asyncio.Task[Any]) -> None:
        row = self.running.get(id(task))
        if row is not None:
            self._end(id(task), functools.partial(row.end, task))

    def _end(self, key: int, end: Callable[[], object]) -> None:
        row = self.running.pop(key)
        end()
        self.ended.appendleft(row)

    # -- what the loop tells: see `asyncslot._loop.timed_run.Watch` --

    def on_task(self, task: asyncio.Task[Any], record: TaskRecord) -> None:
        """Take note of a task of `run_task` or of a slot, which begins now."""
        self._add(task, record)

    def on_slow(self, handle: Any, elapsed_s: float, *, is_first_step: bool) -> None:
        """Take note of a callback, or a task's first step, that has kept everything else waiting."""
        self._note("slow first step" if is_first_step else "slow callback", handle, elapsed_s)

    def on_nested_loop(self, handle: Any, elapsed_s: float) -> None:
        """Take note of a callback in which a Qt loop has run, for *elapsed_s* seconds at least."""
        self._note("nested Qt loop", handle, elapsed_s)

    def _note(self, kind: str, handle: Any, elapsed_s: float) -> None:
        try:
            name, place = _describe_handle(handle)
        except Exception:  # noqa: BLE001 - of the program's own callable. It must not reach the program's loop.
            name, place = f"<{type(handle._callback).__name__}>", None
        self.delays.appendleft(Delay(monotonic(), kind, name, place, elapsed_s))


def list_rows() -> list[TaskRow]:
    """Return a row for each task of this thread's loop: first those whose age is known, oldest first."""
    loop = current_loop()
    tasks = [] if loop is None else sorted(asyncio.all_tasks(loop), key=_order)
    return [TaskRow(task, find_record(task)) for task in tasks]


def _order(task: asyncio.Task[Any]) -> tuple[float, int, str]:
    """Return what sorts tasks by when they began: by our record, else by asyncio's own numbers ("Task-12")."""
    record, name = find_record(task), name_task(task)
    return (math.inf if record is None else record.began_s, len(name), name)


def current_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop that runs on this thread, else the one of ours that it has; None if there is none."""
    loop: asyncio.AbstractEventLoop | None = get_running_loop() or thread_loop()
    return loop


def _describe_handle(handle: Any) -> tuple[str, Place | None]:
    """Return the name of what a handle has called, and where it is."""
    callback = handle._callback
    if callback is run_locked:
        callback = handle._args[0]._callback
    if callback is None:  # Handle.cancel() has forgotten it.
        return "a callback that has cancelled itself", None
    task = getattr(callback, "__self__", None)
    if isinstance(task, asyncio.Task):
        coro = task.get_coro()
        return name_callable(coro), find_own_place(find_places(task)) or _defined_at(coro)
    while isinstance(callback, functools.partial):
        callback = callback.func
    return name_callable(callback), _defined_at(callback)


def _defined_at(function: Any) -> Place | None:
    """Return the first line of a function or coroutine; None for one that is not written in Python."""
    function = getattr(function, "__func__", function)
    code = getattr(function, "__code__", None) or getattr(function, "cr_code", None)
    # A mock, or a proxy, has each attribute that it is asked for.
    if not isinstance(code, types.CodeType):
        return None
    return Place(name_callable(function), code.co_filename, code.co_firstlineno)
