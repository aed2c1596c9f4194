"""
What becomes of a call of a slot that is busy: it starts another, is dropped, waits, or takes over.

A call queue belongs to one slot of one object, or to one group of slots. It knows the calls
that run, and those that wait for their turn.

What was tried and does not work
- Starting a waiting call from the done callback of the one before: it would run its first step
  inside that callback. It is admitted instead, and begins on the loop's next turn.
- Cancelling again at each call of a "restart": clean-up that runs would be cut off.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import defaultdict, deque
from typing import Any, Coroutine, Hashable, NamedTuple

from asyncslot._qt import IdentityDict
from asyncslot._task.asyncio_private import awaited_future
from asyncslot._task.cancellation import CancelReason, cancel, remember_reason

__all__ = ["MODES", "CallQueue", "CallSettings", "QueuedCall", "find_queue"]

MODES = ("start", "drop", "restart", "queue", "latest")


class CallSettings(NamedTuple):
    """
    How one slot's calls share what runs: see `AsyncSlot`.

    Attributes:
        mode: Its ``when_busy``: one of `MODES`.
        limit: How many calls may run at once.
        group: The group of slots that share one queue; None for the slot's own queue.
        on_quit: ``"cancel"`` or ``"finish"``.
    """

    mode: str = "start"
    limit: int = 1
    group: Hashable = None
    on_quit: str = "cancel"

    @property
    def needs_queue(self) -> bool:
        """Whether calls must pass through a queue at all."""
        return self.mode != "start" or self.group is not None

    def check(self) -> None:
        """
        Refuse settings that contradict each other.

        Raises:
            ValueError: If one has no meaning, or none together with another.
        """
        if self.mode not in MODES:
            msg = f"when_busy={self.mode!r} is unknown; it is one of {', '.join(map(repr, MODES))}"
            raise ValueError(msg)
        if not isinstance(self.limit, int) or self.limit < 1:
            msg = f"limit must be an int of 1 or more, got {self.limit!r}; it is how many calls may run at once"
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
    The calls that run, and those that wait for their turn, oldest first.

    `add` decides what becomes of a new call. When a call is done, the next one is admitted.
    """

    def __init__(self) -> None:
        # Weakly: a task whose loop was closed before it could tell that it is done must
        # not keep its object for ever.
        self._running: weakref.WeakKeyDictionary[asyncio.Future[Any], None] = weakref.WeakKeyDictionary()
        self._waiting: deque[WaitingCall] = deque()
        # How many have been admitted, and take their first step on the loop's next turn.
        self._admitted = 0

    def add(self, settings: CallSettings, coro: Coroutine[Any, Any, Any]) -> QueuedCall:
        """Decide what becomes of a new call, *coro*."""
        if settings.mode == "start":
            return QueuedCall(self, coro)
        running = [task for task in self._running if not task.done()]
        has_room = len(running) < settings.limit
        if settings.mode == "drop":
            return QueuedCall(self, coro) if has_room and not self._waiting else DroppedCall(self, coro)
        if has_room and not self._waiting and not self._admitted:
            return QueuedCall(self, coro)
        if settings.mode == "latest":
            self._cancel_waiting(CancelReason.DROPPED)
        elif settings.mode == "restart" and not self._cancel_waiting(CancelReason.SUPERSEDED) and not has_room:
            # Nobody waited, so no earlier call has asked for this.
            cancel(running[0], CancelReason.SUPERSEDED)
        call = WaitingCall(self, coro, settings.limit)
        self._waiting.append(call)
        return call

    def add_running(self, task: asyncio.Future[Any]) -> None:
        """Count *task* among those that run, until it is done."""
        self._running[task] = None
        task.add_done_callback(self._on_done)

    def remove_waiting(self, call: WaitingCall) -> None:
        """Forget a call that waits."""
        if call in self._waiting:
            self._waiting.remove(call)
            self._admit()

    def on_started(self) -> None:
        """Note that an admitted call has started, or was cancelled first; admit the next."""
        self._admitted -= 1
        self._admit()

    def is_awaited_by_running(self, task: asyncio.Future[Any]) -> bool:
        """Tell whether a call that runs awaits *task*, which waits for that call to end."""
        return any(awaited_future(running) is task for running in self._running)

    def _cancel_waiting(self, reason: CancelReason) -> bool:
        waiting, self._waiting = self._waiting, deque()
        for call in waiting:
            if call.task is not None:
                cancel(call.task, reason)
        return bool(waiting)

    def _on_done(self, task: asyncio.Future[Any]) -> None:
        self._running.pop(task, None)
        self._admit()

    def _admit(self) -> None:
        """Admit whoever is first, as far as each one's own limit goes."""
        while self._waiting and len(self._running) < self._waiting[0].limit:
            call = self._waiting.popleft()
            if call.task is not None and not call.task.done():
                self.add_running(call.task)
                self._admitted += 1
                call.admit()


class QueuedCall:
    """
    A call that passes through a queue; this kind runs at once.

    Args:
        queue: The queue.
        body: The call's own coroutine.
    """

    def __init__(self, queue: CallQueue, body: Coroutine[Any, Any, Any]) -> None:
        self._queue = queue
        self._body = body
        # What the call's task is to run.
        self.coro = body

    def take_task(self, task: asyncio.Task[Any]) -> None:
        """Take the task that will run the call, before it does."""
        self._queue.add_running(task)

    def give_up(self) -> None:
        """Undo what was done for a call that cannot run."""
        self._body.close()


class DroppedCall(QueuedCall):
    """The call is dropped: its task is cancelled in its first step, without running any of the body."""

    def __init__(self, queue: CallQueue, body: Coroutine[Any, Any, Any]) -> None:
        super().__init__(queue, body)
        body.close()
        self.coro = _cancel_itself()

    def take_task(self, task: asyncio.Task[Any]) -> None:
        """Remember why the task will be cancelled."""
        remember_reason(task, CancelReason.DROPPED)


class WaitingCall(QueuedCall):
    """
    The call waits for its turn, and runs then.

    Args:
        queue: The queue.
        body: The call's own coroutine.
        limit: How many may run, this one included.
    """

    def __init__(self, queue: CallQueue, body: Coroutine[Any, Any, Any], limit: int) -> None:
        super().__init__(queue, body)
        self.limit = limit
        self.coro = self._wait_and_run()
        # For lists of tasks: it stands for the call.
        self.coro.__qualname__ = body.__qualname__  # type: ignore[attr-defined]
        self.task: asyncio.Task[Any] | None = None
        self._is_admitted = False
        self._waiter: asyncio.Future[None] | None = None

    def take_task(self, task: asyncio.Task[Any]) -> None:
        """Take the task that waits."""
        self.task = task

    def give_up(self) -> None:
        """Leave the queue."""
        self._queue.remove_waiting(self)
        super().give_up()

    def admit(self) -> None:
        """Let the call run."""
        self._is_admitted = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait_and_run(self) -> Any:
        try:
            await asyncio.sleep(0)  # Now the caller awaits this call, if it does.
            await self._wait()
        except BaseException:  # Cancelled as it waits, or refused: the body is never run.
            self.give_up()
            raise
        finally:
            if self._is_admitted:
                self._queue.on_started()
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
    raise asyncio.CancelledError


def find_queue(receiver: Any, key: Hashable) -> CallQueue:
    """
    Return the queue of one slot, or one group of slots, of one object.

    Args:
        receiver: The object; a slot that is no method is its own.
        key: The slot, or the name of the group.
    """
    return _queues[receiver][key]


def _no_queues(_: object) -> defaultdict[Hashable, CallQueue]:
    return defaultdict(CallQueue)


_queues = IdentityDict(_no_queues)
