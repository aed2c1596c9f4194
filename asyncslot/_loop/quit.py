"""
How a quit ends the guest: all tasks are cancelled, once, then given time to clean up.

A quit begins when Qt says so (``aboutToQuit``, a thread's ``finished``, ``exec()`` that returns),
and when `shutdown` is called. It drains when nothing of the guest's is on the stack any more.

What was tried and does not work
- Draining on a nested QEventLoop: after ``exit()`` each of them returns at once. Events are
  processed instead, which works before and after ``exit()`` alike.
- Cancelling a second time what does not end: clean-up is cut off that only takes long.
- Waiting for tasks that slots start meanwhile: a timer's slot can start new ones for ever.
- Leaving what did not end in ``asyncio.all_tasks()``: `asyncio.run`'s own clean-up would
  cancel it once more and wait for it for ever.
"""

from __future__ import annotations

import asyncio
import enum
import weakref
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator

from asyncslot._qt import QtCore, process_events_until, require_application
from asyncslot._task.asyncio_private import awaited_future, logger, mute, unlist
from asyncslot._task.cancellation import CancelReason, cancel, cancel_all, is_cancelled_for
from asyncslot._task.description import describe_task

if TYPE_CHECKING:
    from asyncslot._task.registry import TaskRegistry

__all__ = ["Quit", "QuitPhase"]


class QuitPhase(enum.Enum):
    """
    How far a quit has come.

    Attributes:
        IDLE: There is none.
        BEGUN: Tasks are cancelled, and clean up as far as Qt calls the guest.
        DRAINING: Qt is run until they are done.
    """

    IDLE = enum.auto()
    BEGUN = enum.auto()
    DRAINING = enum.auto()


class Quit:
    """
    The quits of one loop's application or thread; there may be several, one after the other.

    ::

        phase     begin()    drain()       abandon()             end()
        IDLE      BEGUN      DRAINING      no effect             no effect
        BEGUN     no effect  DRAINING      ends `pump_events`    IDLE
        DRAINING  no effect  never called  ends it, and `drain`  IDLE

    Args:
        loop: The loop whose tasks are to end.
        registry: The tasks of `run_task` and slots, with what they are to do at a quit.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, registry: TaskRegistry) -> None:
        self._loop = loop
        self._registry = registry
        self.phase = QuitPhase.IDLE
        # How many `pump_events` are on the stack: inside `drain`, and inside blocking calls made during the quit.
        self.pumps = 0
        self._is_abandoned = False
        # When it is over at the latest, by the loop's clock.
        self._end_s = 0.0
        self._holds_last_window = False
        self._latecomers: weakref.WeakSet[asyncio.Future[Any]] = weakref.WeakSet()

    @property
    def is_quitting(self) -> bool:
        """Whether a quit has begun and is not over."""
        return self.phase is not QuitPhase.IDLE

    def begin(self, futures: Iterable[asyncio.Future[Any]], *, timeout_s: float, holds_last_window: bool) -> None:
        """
        Cancel all tasks, once, but let those finish that are to.

        Args:
            futures: What blocking calls wait for.
            timeout_s: How long blocking calls that are made from now on may take, in seconds.
            holds_last_window: Until `end`, the last window's closing is no quit. Clean-up
                often closes it, and Qt would quit again, with another exit code.
        """
        if self.is_quitting:
            return
        self.phase = QuitPhase.BEGUN
        self._end_s = self._loop.time() + timeout_s
        if holds_last_window:
            self._hold_last_window()
        roots = [*futures, *self._registry]
        spared = self._find_spared(roots)
        if spared:
            # They may need tasks that are no roots, such as those of wait_for(): see _end_all().
            cancel_all(task for task in roots if task not in spared)
        else:
            cancel_all(asyncio.all_tasks(self._loop))

    def cancel_everything(self, *, timeout_s: float) -> None:
        """Begin a quit that is not the application's: cancel all tasks, also those that would finish."""
        self.phase = QuitPhase.BEGUN
        self._end_s = self._loop.time() + timeout_s
        cancel_all(asyncio.all_tasks(self._loop))

    def add_latecomer(self, task: asyncio.Task[Any]) -> None:
        """Cancel a task that foreign code started during the quit; nobody waits for it."""
        record = self._registry.find(task)
        if task.done() or (record is not None and record.finishes_on_quit):
            return
        self._latecomers.add(task)
        cancel(task, CancelReason.QUIT)

    def drain(self, timeout_s: float) -> None:
        """
        Run Qt until all tasks are done and the async generators closed.

        What has not ended when the time is over, or at `abandon`, is logged, and no longer
        in ``asyncio.all_tasks()``.

        Args:
            timeout_s: The longest time that this takes, in seconds.
        """
        self.phase = QuitPhase.DRAINING
        self._is_abandoned = False
        self._end_s = self._loop.time() + timeout_s
        ending = self._loop.create_task(self._end_all(), name="asyncslot shutdown")
        try:
            self.pump_events(ending.done)
        finally:
            self.phase = QuitPhase.BEGUN
        survivors = asyncio.all_tasks(self._loop) - {ending}
        ending.cancel()
        _forget(ending)  # Even cancelled, it waits for a generator that does not close.
        limit = "before the program was told again to end" if self._is_abandoned else f"within {timeout_s:g} s"
        for task in survivors:
            _forget(task)
            if task in self._latecomers:
                logger.warning("Task was started during the quit, and abandoned: %s", describe_task(task))
            else:
                logger.error("Task did not end %s: %s", limit, describe_task(task))

    def pump_events(self, is_over: Callable[[], bool]) -> None:
        """
        Process events until a condition holds, or the time of the quit is over, or it is abandoned.

        Args:
            is_over: The condition; whatever makes it true must be an event.
        """
        timer = self._loop.call_at(self._end_s, int)  # An event, for the condition to be checked.
        self.pumps += 1
        try:
            process_events_until(lambda: self._is_abandoned or is_over() or self._loop.time() >= self._end_s)
        finally:
            self.pumps -= 1
            timer.cancel()

    def abandon(self) -> None:
        """Wait for nothing any more: the program was told again to end."""
        if self.is_quitting:
            self._is_abandoned = True

    def end(self) -> None:
        """Let Qt quit as before."""
        self.phase = QuitPhase.IDLE
        self._is_abandoned = False
        if self._holds_last_window:
            self._holds_last_window = False
            require_application().setProperty("quitOnLastWindowClosed", True)

    def _hold_last_window(self) -> None:
        application = require_application()
        # QApplication.quit() closes the windows first, and the last of them posts a
        # second quit, which would come in the middle of this one.
        QtCore.QCoreApplication.removePostedEvents(application, QtCore.QEvent.Type.Quit.value)
        if application.property("quitOnLastWindowClosed"):
            self._holds_last_window = True
            application.setProperty("quitOnLastWindowClosed", False)

    async def _end_all(self) -> None:
        """Wait for what is to finish, cancel what was left for it, wait for the rest, close the generators."""
        this = asyncio.current_task()
        finishing = [task for task in asyncio.all_tasks() if self._is_finishing(task)]
        if finishing:
            await asyncio.wait(finishing)
            # Those that were cancelled at the beginning are cleaning up, and must not be cancelled again.
            rest = asyncio.all_tasks() - {this}
            cancel_all(task for task in rest if not is_cancelled_for(task, CancelReason.QUIT))
        while True:
            # With a task goes the async generator that it was iterating over, for which
            # asyncio makes a task, to close it, one iteration later.
            await asyncio.sleep(0)
            others = asyncio.all_tasks() - {this} - set(self._latecomers)
            if not others:
                break
            await asyncio.wait(others)
            del others  # They hold what they raised, and so their frames, and so the generators.
        await self._loop.shutdown_asyncgens()

    def _is_finishing(self, task: asyncio.Future[Any]) -> bool:
        record = self._registry.find(task)
        return record is not None and record.finishes_on_quit

    def _find_spared(self, tasks: list[asyncio.Future[Any]]) -> set[asyncio.Future[Any]]:
        """Return which are to finish, what these await, and who awaits them: cancelling one cancels what it awaits."""
        spared: set[asyncio.Future[Any]] = set()
        for task in tasks:
            chain = list(_follow_awaits(task))
            if any(map(self._is_finishing, chain)):
                spared.update(chain)
        return spared


def _follow_awaits(task: asyncio.Future[Any] | None) -> Iterator[asyncio.Future[Any]]:
    """Yield a task, the one that it awaits, and so on."""
    while task is not None:
        yield task
        task = awaited_future(task)


def _forget(task: asyncio.Task[Any]) -> None:
    """Have asyncio neither wait for a task that has not ended nor complain about it."""
    mute(task)
    unlist(task)
