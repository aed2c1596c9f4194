"""
What becomes of a call of a slot that is busy: it runs beside the others, is dropped, waits, or takes over.

A call queue belongs to one slot of one object and one loop, or to one group of slots of one object
and one loop. It knows the calls that run, and the calls that wait for their turn.

What was tried and does not work
- Starting a waiting call from the done callback of the call before: its first step would run
  inside that callback. It is admitted instead, and begins on the loop's next turn.
- Cancelling again at each call of a "restart": this would cut off clean-up that runs.
- One queue for all loops: what a closed loop has left would keep the slot busy for ever, and a call
  that ends on one thread would have to wake a call on another.
- Admitting two calls at once: they may begin in the other order, because one of them may still have
  a step queued, while the other is woken by its future.
"""

from __future__ import annotations

import asyncio
import inspect
import weakref
from collections import deque
from typing import Any, Coroutine, Dict, Hashable, NamedTuple

from asyncslot._qt import IdentityDict
from asyncslot._task.asyncio_private import awaited_future
from asyncslot._task.cancellation import CancelReason, cancel, remember_reason

__all__ = ["MODES", "CallQueue", "CallSettings", "QueuedCall", "find_queue"]

# The values of ``when_busy``: see `AsyncSlot`.
MODES = ("start", "drop", "restart", "queue", "latest")


class CallSettings(NamedTuple):
    """
    The settings of one slot: see `AsyncSlot`.

    Attributes:
        mode: The slot's ``when_busy``: one of `MODES`.
        limit: How many calls may run at once, 1 or more.
        group: Names the slots of one object that share one queue; None for a queue of the slot's own.
        on_quit: What a quit does to a call that runs: ``"cancel"`` or ``"finish"``.
    """

    mode: str = "start"
    limit: int = 1
    group: Hashable = None
    on_quit: str = "cancel"

    @property
    def needs_queue(self) -> bool:
        """Whether calls must pass through a queue at all."""
        # In a group, a call of "start", too, keeps the other slots busy.
        return self.mode != "start" or self.group is not None

    def check(self) -> None:
        """
        Check that the settings are valid, and do not contradict each other.

        Raises:
            ValueError: If one is invalid, or has no effect together with another.
        """
        if self.mode not in MODES:
            msg = f"when_busy={self.mode!r} is unknown; it is one of {', '.join(map(repr, MODES))}"
            raise ValueError(msg)
        try:
            hash(self.group)
        except TypeError as exc:
            msg = f"group must be hashable, because it names a group, got {self.group!r}; pass a string, for instance"
            raise ValueError(msg) from exc
        if not isinstance(self.limit, int) or isinstance(self.limit, bool) or self.limit < 1:
            msg = f"limit must be an int of 1 or more, got {self.limit!r}; it says how many calls may run at once"
            raise ValueError(msg)
        if self.mode == "start" and self.limit != 1:
            others = ", ".join(repr(mode) for mode in MODES if mode != "start")
            msg = f"limit={self.limit} has no effect with when_busy='start'; use one of {others}"
            raise ValueError(msg)
        if self.on_quit not in ("cancel", "finish"):
            msg = f"on_quit={self.on_quit!r} is unknown; it is 'cancel' or 'finish'"
            raise ValueError(msg)


class CallQueue:
    """
    The calls that run, and the calls that wait for their turn, oldest first.

    `add` decides what becomes of a new call. When a call is done, the next one is admitted: it
    counts among those that run from then on, and takes its first step on the loop's next turn.
    """

    def __init__(self) -> None:
        # Weakly: if a loop is closed before its task is done, no done callback removes the task. It must not
        # count, nor keep its object alive, for ever. A WeakSet would lose the order.
        self._running: weakref.WeakKeyDictionary[asyncio.Future[Any], None] = weakref.WeakKeyDictionary()
        self._waiting: deque[WaitingCall] = deque()
        # The call that was admitted and has not begun yet. No other call may overtake it.
        self._admitted: WaitingCall | None = None

    def add(self, settings: CallSettings, coro: Coroutine[Any, Any, Any]) -> QueuedCall:
        """Decide what becomes of a new call, *coro*."""
        if settings.mode == "start":
            return QueuedCall(self, coro)
        # A task that is done stays in the dictionary until its done callback runs, on the loop's next turn.
        running = [task for task in self._running if not task.done()]
        has_room = len(running) < settings.limit
        if settings.mode == "drop":
            return QueuedCall(self, coro) if has_room and not self._is_anyone_before() else DroppedCall(self, coro)
        if has_room and not self._is_anyone_before():
            return QueuedCall(self, coro)
        if settings.mode == "latest":
            self._cancel_waiting(CancelReason.DROPPED)
        elif settings.mode == "restart" and not self._cancel_waiting(CancelReason.SUPERSEDED) and not has_room:
            # Nobody waited, so this is the first request. A second one would cut off the clean-up.
            cancel(running[0], CancelReason.SUPERSEDED)
        call = WaitingCall(self, coro, settings.limit)
        self._waiting.append(call)
        return call

    def _is_anyone_before(self) -> bool:
        """Tell whether a call waits for its turn, or has it and has not begun: a new call must not overtake it."""
        return bool(self._waiting) or self._admitted is not None

    def add_running(self, task: asyncio.Future[Any]) -> None:
        """Count *task* among those that run, until it is done."""
        # This comes before the task's first step, so a call from inside that step finds the slot busy.
        self._running[task] = None
        task.add_done_callback(self._on_done)

    def remove_waiting(self, call: WaitingCall) -> None:
        """Forget a call that waits. For a call that was admitted or forgotten before, this is a no-op."""
        if call in self._waiting:
            self._waiting.remove(call)
            # The one behind it may have a higher limit.
            self._admit()

    def forget(self, call: WaitingCall) -> None:
        """Forget a call whose loop is closed; admit nobody."""
        if call in self._waiting:
            self._waiting.remove(call)
        if self._admitted is call:
            self._admitted = None

    def on_started(self) -> None:
        """Note that an admitted call has started, or was cancelled first; admit the next."""
        self._admitted = None
        self._admit()

    def is_awaited_by_running(self, task: asyncio.Future[Any]) -> bool:
        """Tell whether a call that runs awaits *task*, which itself waits for that call to end."""
        return any(awaited_future(running) is task for running in self._running)

    def _cancel_waiting(self, reason: CancelReason) -> bool:
        # Emptied now: a call leaves the queue only when its cancellation arrives, and must not be admitted before.
        waiting, self._waiting = self._waiting, deque()
        for call in waiting:
            if call.task is not None:
                cancel(call.task, reason)
        return bool(waiting)

    def _on_done(self, task: asyncio.Future[Any]) -> None:
        self._running.pop(task, None)
        self._admit()

    def _admit(self) -> None:
        """Admit the first call that waits, if its limit allows it. It admits the next one when it begins."""
        # Only ever the first: a call behind it with a higher limit must not overtake it.
        while self._admitted is None and self._waiting and len(self._running) < self._waiting[0].limit:
            call = self._waiting.popleft()
            # A task that was cancelled before its first step has never run the code that leaves the queue.
            if call.task is not None and not call.task.done():
                self.add_running(call.task)
                self._admitted = call
                # This only wakes the task, so no first step runs inside the done callback that led here.
                call.admit()


class QueuedCall:
    """
    A call that passes through a queue; this kind runs at once.

    Args:
        queue: The queue.
        body: The coroutine that the slot's own function returned.
    """

    def __init__(self, queue: CallQueue, body: Coroutine[Any, Any, Any]) -> None:
        self._queue = queue
        self._body = body
        # What the call's task runs. Subclasses put another coroutine in front of the body, or in its place.
        self.coro = body

    def take_task(self, task: asyncio.Task[Any]) -> None:
        """Take the task that will run the call, before it does."""
        self._queue.add_running(task)

    def give_up(self) -> None:
        """Undo what was done for a call that cannot run."""
        self._body.close()

    def abandon(self) -> None:
        """Drop a body that has not begun: its loop is closed, so it never will."""
        if inspect.getcoroutinestate(self._body) == inspect.CORO_CREATED:
            self._body.close()


class DroppedCall(QueuedCall):
    """The call is dropped: its task is cancelled in its first step, without running any of the body."""

    def __init__(self, queue: CallQueue, body: Coroutine[Any, Any, Any]) -> None:
        super().__init__(queue, body)
        body.close()
        self.coro = _cancel_itself()

    def take_task(self, task: asyncio.Task[Any]) -> None:
        """Remember why the task will be cancelled."""
        # The task is not counted as running: it ends in its first step.
        remember_reason(task, CancelReason.DROPPED)


class WaitingCall(QueuedCall):
    """
    The call waits for its turn, and then runs.

    Args:
        queue: The queue.
        body: The coroutine that the slot's own function returned.
        limit: How many calls may run at once, this one included.
    """

    def __init__(self, queue: CallQueue, body: Coroutine[Any, Any, Any], limit: int) -> None:
        super().__init__(queue, body)
        self.limit = limit
        self.coro = self._wait_and_run()
        # tasks() and log messages name the task by its coroutine: they show the slot's name.
        self.coro.__qualname__ = body.__qualname__  # type: ignore[attr-defined]
        self.task: asyncio.Task[Any] | None = None
        self._has_begun = False
        self._is_admitted = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def waiting_coro(self) -> Any:
        """The coroutine of the slot's own function while that has not begun; then None."""
        return self._body if inspect.getcoroutinestate(self._body) == inspect.CORO_CREATED else None

    def take_task(self, task: asyncio.Task[Any]) -> None:
        """Take the task that waits."""
        self.task = task
        task.add_done_callback(self._on_done)

    def give_up(self) -> None:
        """Leave the queue."""
        self._queue.remove_waiting(self)
        super().give_up()

    def abandon(self) -> None:
        """Leave the queue, which belongs to the object, and would keep it alive; drop a body that has not begun."""
        self._queue.forget(self)
        super().abandon()

    def admit(self) -> None:
        """Let the call run."""
        # The flag is for a task that does not wait on its future yet.
        self._is_admitted = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _on_done(self, _: object) -> None:
        # Only on a loop of another kind, which takes the first step later, a task can be cancelled before it.
        if self._has_begun:
            return
        self.give_up()
        if self._is_admitted:
            self._queue.on_started()

    async def _wait_and_run(self) -> Any:
        self._has_begun = True
        try:
            # One turn later the caller awaits this task, if it ever does. Only then a deadlock can be seen.
            await asyncio.sleep(0)
            await self._wait()
        except BaseException:  # Cancelled while it waits, or refused: the body is never run.
            self.give_up()
            raise
        finally:
            # Also if it was cancelled after its admission: the next call waits for this one to begin.
            if self._is_admitted:
                self._queue.on_started()
        # After the try statement: for the queue, a call has started when its body begins, not when it ends.
        return await self._body

    async def _wait(self) -> None:
        if self._is_admitted:
            return
        if self.task is not None and self._queue.is_awaited_by_running(self.task):
            msg = "deadlock: this call waits for the call that awaits it; call the slot without 'await' there"
            raise RuntimeError(msg)
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter


async def _cancel_itself() -> None:
    # Raised, not requested by task.cancel(), so that the task is done when the slot's call returns.
    raise asyncio.CancelledError


def find_queue(receiver: Any, key: Hashable, loop: asyncio.AbstractEventLoop) -> CallQueue:
    """
    Return the queue of one slot, or of one group of slots, of one object in one loop. It is made at the first call.

    Any thread may call this, with its own loop.

    Args:
        receiver: The object; for a slot that is not a method, the slot.
        key: The slot, or what names the group.
        loop: The loop that runs the call.
    """
    of_receiver = _queues[receiver]
    # setdefault(), because two threads may come here at once.
    of_slot = of_receiver.setdefault(key, weakref.WeakKeyDictionary())
    queue = of_slot.get(loop)
    if queue is None:
        # What waits in the queue of a closed loop keeps the loop alive, through its task.
        # By keyrefs(): another thread may add its loop meanwhile.
        for reference in of_slot.keyrefs():
            other = reference()
            if other is not None and other.is_closed():
                of_slot.pop(other, None)
        queue = of_slot[loop] = CallQueue()
    return queue


_Queues = Dict[Hashable, "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, CallQueue]"]


def _no_queues(_: object) -> _Queues:
    return {}


_queues = IdentityDict(_no_queues)
