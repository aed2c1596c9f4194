"""
What a slot does when it is called while it runs: start another, drop, restart, queue.

This module knows nothing of Qt. A gate is what calls of one slot of one object, or of
one group of slots, pass through.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import defaultdict, deque
from typing import Any, Coroutine, Hashable, NamedTuple

from asyncslot._identity import IdentityDict
from asyncslot.lifetime import CancelReason, cancel, remember_reason

__all__ = ["Busy", "Gate", "Passage", "find_gate"]

MODES = ("start", "drop", "restart", "queue", "latest")


class Busy(NamedTuple):
    """How one slot's calls share what runs: see `AsyncSlot`."""

    mode: str = "start"
    limit: int = 1
    group: Hashable = None
    on_quit: str = "cancel"

    @property
    def needs_gate(self) -> bool:
        """Whether calls must pass a gate at all."""
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
            msg = f"limit={self.limit!r} is not the number of calls that may run at once; pass 1 or more"
            raise ValueError(msg)
        if self.mode == "start" and self.limit != 1:
            msg = f"limit={self.limit} limits nothing with when_busy='start', which always starts; choose another"
            raise ValueError(msg)
        if self.on_quit not in ("cancel", "finish"):
            msg = f"on_quit={self.on_quit!r} is unknown; it is 'cancel' or 'finish'"
            raise ValueError(msg)


class Gate:
    """
    The calls that run, and those that wait for their turn, oldest first.

    `enter` decides what becomes of a new call. When one is done, the gate lets the
    next one in.
    """

    def __init__(self) -> None:
        # Weakly: a task whose loop was closed before it could tell that it is done does
        # not keep its object for ever.
        self._running: weakref.WeakKeyDictionary[asyncio.Future[Any], None] = weakref.WeakKeyDictionary()
        self._waiting: deque[WaitingPassage] = deque()
        # How many have been let in, and take their first step on the loop's next turn.
        self._coming = 0

    def enter(self, busy: Busy, coro: Coroutine[Any, Any, Any]) -> Passage:
        """Decide what becomes of a new call, *coro*."""
        if busy.mode == "start":
            return Passage(self, coro)
        running = [task for task in self._running if not task.done()]
        has_room = len(running) < busy.limit
        if busy.mode == "drop":
            return Passage(self, coro) if has_room and not self._waiting else DroppedPassage(self, coro)
        if has_room and not self._waiting and not self._coming:
            return Passage(self, coro)
        if busy.mode == "latest":
            self._cancel_waiting(CancelReason.DROPPED)
        elif busy.mode == "restart" and not self._cancel_waiting(CancelReason.SUPERSEDED) and not has_room:
            # Nobody waited: no place is being made yet.
            cancel(running[0], CancelReason.SUPERSEDED)
        passage = WaitingPassage(self, coro, busy.limit)
        self._waiting.append(passage)
        return passage

    def add_running(self, task: asyncio.Future[Any]) -> None:
        """Count *task* among those that run, until it is done."""
        self._running[task] = None
        task.add_done_callback(self._on_done)

    def leave(self, passage: WaitingPassage) -> None:
        """Forget a call that waits."""
        if passage in self._waiting:
            self._waiting.remove(passage)
            self._let_in()

    def begin(self) -> None:
        """Take note that one of those let in takes its first step, or never will; let in who waited for that."""
        self._coming -= 1
        self._let_in()

    def is_awaited_by_running(self, task: asyncio.Future[Any]) -> bool:
        """Tell whether a call that runs waits for *task*, which waits for it."""
        return any(getattr(running, "_fut_waiter", None) is task for running in self._running)

    def _cancel_waiting(self, reason: CancelReason) -> bool:
        waiting, self._waiting = self._waiting, deque()
        for passage in waiting:
            if passage.task is not None:
                cancel(passage.task, reason)
        return bool(waiting)

    def _on_done(self, task: asyncio.Future[Any]) -> None:
        self._running.pop(task, None)
        self._let_in()

    def _let_in(self) -> None:
        """Let in whoever is first in the queue, as far as each one's own limit goes."""
        while self._waiting and len(self._running) < self._waiting[0].limit:
            passage = self._waiting.popleft()
            if passage.task is not None and not passage.task.done():
                self.add_running(passage.task)
                self._coming += 1
                passage.come()


class Passage:
    """
    A call's way through a gate: it runs at once.

    Args:
        gate: The gate.
        body: The call's own coroutine.
    """

    def __init__(self, gate: Gate, body: Coroutine[Any, Any, Any]) -> None:
        self._gate = gate
        self._body = body
        # What the call's task is to run.
        self.coro = body

    def take(self, task: asyncio.Task[Any]) -> None:
        """Take the task that will run the call, before it does."""
        self._gate.add_running(task)

    def give_up(self) -> None:
        """Undo what was done for a call that cannot run."""
        self._body.close()


class DroppedPassage(Passage):
    """The call is dropped: its task is cancelled in its first step, without running any of the body."""

    def __init__(self, gate: Gate, body: Coroutine[Any, Any, Any]) -> None:
        super().__init__(gate, body)
        body.close()
        self.coro = _cancel_itself()

    def take(self, task: asyncio.Task[Any]) -> None:
        """Remember why the task will be cancelled."""
        remember_reason(task, CancelReason.DROPPED)


class WaitingPassage(Passage):
    """
    The call waits for its turn, and runs then.

    Args:
        gate: The gate.
        body: The call's own coroutine.
        limit: How many may run, it included.
    """

    def __init__(self, gate: Gate, body: Coroutine[Any, Any, Any], limit: int) -> None:
        super().__init__(gate, body)
        self.limit = limit
        self.coro = self._wait_and_run()
        # For lists of tasks: it stands for the call.
        self.coro.__qualname__ = body.__qualname__  # type: ignore[attr-defined]
        self.task: asyncio.Task[Any] | None = None
        self._has_come = False
        self._waiter: asyncio.Future[None] | None = None

    def take(self, task: asyncio.Task[Any]) -> None:
        """Take the task that waits."""
        self.task = task

    def give_up(self) -> None:
        """Leave the gate."""
        self._gate.leave(self)
        super().give_up()

    def come(self) -> None:
        """Let the call run."""
        self._has_come = True
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
            if self._has_come:
                self._gate.begin()
        return await self._body

    async def _wait(self) -> None:
        if self._has_come:
            return
        if self.task is not None and self._gate.is_awaited_by_running(self.task):
            msg = "a call that runs awaits one that waits for it to end; call the slot without 'await' there"
            raise RuntimeError(msg)
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter


async def _cancel_itself() -> None:
    raise asyncio.CancelledError


def find_gate(receiver: Any, key: Hashable) -> Gate:
    """
    Return the gate of one slot, or one group of slots, of one object.

    Args:
        receiver: The object; a slot that is no method is its own.
        key: The slot, or the name of the group.
    """
    return _gates[receiver][key]


def _no_gates(_: object) -> defaultdict[Hashable, Gate]:
    return defaultdict(Gate)


_gates = IdentityDict(_no_gates)
