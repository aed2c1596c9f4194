"""
How a quit ends the guest: all tasks are cancelled once, and are then given time to clean up.

A quit begins when Qt says so (``aboutToQuit``, a thread's ``finished``, ``exec()`` that returns),
and when `shutdown` is called. It drains when no frame of the guest is on the stack any more.

What was tried and does not work
- Draining on a nested QEventLoop: after ``exit()`` every QEventLoop returns at once. So events
  are processed, which works both before and after ``exit()``.
- Cancelling a task a second time if it does not end: this cuts off clean-up that only takes long.
- Waiting for tasks that slots start meanwhile: the slot of a timer can start new ones for ever.
- Leaving tasks that did not end in ``asyncio.all_tasks()``: the clean-up of `asyncio.run` would
  cancel them once more, and wait for them for ever.
"""

from __future__ import annotations

import asyncio
import enum
import weakref
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator

from asyncslot._loop.first_step import dispose
from asyncslot._qt import QUIT_EVENT, QtCore, process_events, process_events_until, require_application
from asyncslot._task.asyncio_private import awaited_future, logger, mute, unlist
from asyncslot._task.cancellation import CancelReason, cancel, cancel_all, is_being_cancelled, is_cancelled_for
from asyncslot._task.description import describe_task

if TYPE_CHECKING:
    from asyncslot._task.registry import TaskRegistry

__all__ = ["Quit", "QuitPhase"]


# How often Qt's events are processed, at most, until the guest has run. Arbitrary.
MAX_PASSES = 100


class QuitPhase(enum.Enum):
    """
    How far a quit has come.

    Attributes:
        IDLE: There is no quit.
        BEGUN: Tasks are cancelled. They clean up whenever Qt calls the guest.
        DRAINING: Qt's events are processed until the tasks are done.
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
        # Weakly: the loop refers to this object, and a closed loop is freed at once.
        self._loop_reference = weakref.ref(loop)
        self._registry = registry
        self.phase = QuitPhase.IDLE
        # How many `pump_events` are on the stack: inside `drain`, and inside blocking calls made during the quit.
        self.pumps = 0
        # The program was told again to end, so every `pump_events` returns.
        self._is_abandoned = False
        # When the quit is over at the latest, in seconds of the loop's clock.
        self._end_s = 0.0
        # We have switched quitOnLastWindowClosed off, and `end` must switch it on again.
        self._holds_last_window = False
        # The tasks that foreign code started during the quit. Nobody waits for them.
        self._latecomers: weakref.WeakSet[asyncio.Future[Any]] = weakref.WeakSet()
        # The futures of blocking calls made during the quit.
        self._late_futures: weakref.WeakSet[asyncio.Future[Any]] = weakref.WeakSet()
        # The tasks that were being cancelled already when the quit began.
        self._cleaning_up: weakref.WeakSet[asyncio.Future[Any]] = weakref.WeakSet()
        # The task that `drain` waits for, and the one of the last drain.
        self.ending: asyncio.Task[None] | None = None
        self._left: asyncio.Task[None] | None = None

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        loop = self._loop_reference()
        assert loop is not None  # It is what calls this object.
        return loop

    @property
    def is_quitting(self) -> bool:
        """Whether a quit has begun and is not over."""
        return self.phase is not QuitPhase.IDLE

    def begin(self, futures: Iterable[asyncio.Future[Any]], *, timeout_s: float, holds_last_window: bool) -> None:
        """
        Cancel all tasks once, except those that may finish. A no-op if a quit has begun.

        Args:
            futures: The futures that blocking calls wait for.
            timeout_s: How long blocking calls that are made from now on may take, in seconds.
            holds_last_window: Whether closing the last window is no quit until `end`. Clean-up
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
            # They may need tasks that are not in `roots`, such as those that wait_for() and gather() make.
            # Those are left alone here; _end_all() cancels them later.
            self._cancel_once(task for task in roots if task not in spared)
        else:
            # A blocking call may wait for a future that is no task.
            self._cancel_once({*roots, *asyncio.all_tasks(self._loop)})

    def cancel_everything(self, *, timeout_s: float, holds_last_window: bool) -> None:
        """
        Begin a quit that is not the application's: cancel all tasks, also those that may finish in other quits.

        Args:
            timeout_s: As for `begin`.
            holds_last_window: As for `begin`.
        """
        self.phase = QuitPhase.BEGUN
        self._end_s = self._loop.time() + timeout_s
        if holds_last_window:
            self._hold_last_window()
        self._cancel_once(asyncio.all_tasks(self._loop))

    def _cancel_once(self, tasks: Iterable[asyncio.Future[Any]]) -> None:
        """Cancel the tasks that are not being cancelled already: a second time would cut their clean-up off."""
        tasks = set(tasks)
        self._cleaning_up.update(task for task in tasks if is_being_cancelled(task))
        cancel_all(tasks - set(self._cleaning_up))

    def _cancel_again(self) -> None:
        """Cancel what goes on although it was cancelled before the quit: it may have swallowed that."""
        cancel_all(task for task in self._cleaning_up if not task.done())

    def add_call(self, future: asyncio.Future[Any]) -> None:
        """Cancel *future*, which a blocking call made during the quit waits for, when all else has ended."""
        self._late_futures.add(future)

    def add_latecomer(self, task: asyncio.Task[Any]) -> None:
        """Cancel a task that foreign code has started during the quit. Nobody waits for it."""
        record = self._registry.find(task)
        if task.done() or (record is not None and record.finishes_on_quit):
            return
        self._latecomers.add(task)
        cancel(task, CancelReason.QUIT)

    def drain(self, timeout_s: float) -> None:
        """
        Process Qt's events until all tasks are done and the async generators are closed.

        Tasks that have not ended when the time is over, or at `abandon`, are logged and
        removed from ``asyncio.all_tasks()``.

        Args:
            timeout_s: The longest time that this takes, in seconds.
        """
        self.phase = QuitPhase.DRAINING
        self._is_abandoned = False
        self._end_s = self._loop.time() + timeout_s
        # Not by the program's task factory, which may fail: clean-up has to go on.
        ending = self.ending = asyncio.Task(self._end_all(), loop=self._loop, name="asyncslot shutdown")
        # Half of the time is for clean-up that was under way, the other half for what has swallowed its cancellation.
        second_cancel = self._loop.call_later(timeout_s / 2, self._cancel_again)
        try:
            self.pump_events(ending.done)
        finally:
            second_cancel.cancel()
            self.ending = None
            # Not IDLE: the loop is still to be closed, which is part of the quit. The caller calls `end`.
            self.phase = QuitPhase.BEGUN
        survivors = asyncio.all_tasks(self._loop) - {ending}
        ending.cancel()
        self._left = ending
        # Although it is cancelled, it still waits for a generator that does not close.
        _forget(ending)
        limit = "before the program was told again to end" if self._is_abandoned else f"within {timeout_s:g} s"
        for task in survivors:
            _forget(task)
            # No error: nobody has waited for it, so it may have had no time at all.
            if task in self._latecomers:
                logger.warning("Task was started during the quit, and abandoned: %s", describe_task(task))
            else:
                logger.error("Task did not end %s: %s", limit, describe_task(task))

    def pump_events(self, is_over: Callable[[], bool]) -> None:
        """
        Process events until a condition holds, the time of the quit is over, or the quit is abandoned.

        Args:
            is_over: The condition. It is checked after events only, so an event must make it true.
        """
        # Without this timer no event might come when the time is over, and the check would come too late.
        timer = self._loop.call_at(self._end_s, int)
        self.pumps += 1
        try:
            self._let_all_take_a_step()
            process_events_until(lambda: is_over() or self._is_over())
        finally:
            self.pumps -= 1
            timer.cancel()

    def _let_all_take_a_step(self) -> None:
        """Process events until what is ready now has run, so that a time of 0 lets each task take a step."""
        stepped: list[None] = []
        marker = self._loop.call_soon(stepped.append, None)
        # One pass of Qt's is enough unless other events come before the waker's. The bound is for a guest that
        # does not run now.
        for _ in range(MAX_PASSES):
            process_events()
            if stepped:
                return
        marker.cancel()

    def _is_over(self) -> bool:
        has_ended = self.ending is not None and self.ending.done()
        return has_ended or self._is_abandoned or self._loop.time() >= self._end_s

    def abandon(self) -> None:
        """Stop waiting for anything: the program was told again to end. A no-op if there is no quit."""
        if self.is_quitting:
            self._is_abandoned = True

    def end(self) -> None:
        """End the quit: let the next one begin, and let Qt quit again when the last window closes."""
        self.phase = QuitPhase.IDLE
        self._is_abandoned = False
        self._cleaning_up.clear()
        if self._holds_last_window:
            self._holds_last_window = False
            require_application().setProperty("quitOnLastWindowClosed", True)

    def forget(self) -> None:
        """Note that there is no quit any more, without touching the application."""
        self.phase = QuitPhase.IDLE
        self.pumps = 0

    def release(self) -> None:
        """Close a coroutine of ours that has not begun: the loop is closed, and Python would warn."""
        if self._left is not None:
            dispose(self._left.get_coro())
            self._left = None

    def _hold_last_window(self) -> None:
        application = require_application()
        # QApplication.quit() closes the windows first, and the last of them posts a second quit.
        # It would come in the middle of this one.
        QtCore.QCoreApplication.removePostedEvents(application, QUIT_EVENT)
        # By the property, for which QtGui need not be imported. A QCoreApplication has none: None.
        if application.property("quitOnLastWindowClosed"):
            self._holds_last_window = True
            application.setProperty("quitOnLastWindowClosed", False)

    async def _end_all(self) -> None:
        """Wait for the tasks that may finish, cancel the others, wait for these, then close the async generators."""
        this: Any = asyncio.current_task()
        finishing = [task for task in asyncio.all_tasks() if self._is_finishing(task)]
        if finishing:
            await asyncio.wait(finishing)
            # Not those that `begin` has cancelled, or left alone, as they clean up.
            rest = asyncio.all_tasks() - {this} - set(self._cleaning_up) - set(self._late_futures)
            cancel_all(task for task in rest if not is_cancelled_for(task, CancelReason.QUIT))
        while True:
            # When a task ends, the async generator that it was iterating over is finalized. One iteration
            # later asyncio makes a task that closes the generator, so look for new tasks after that.
            await asyncio.sleep(0)
            others: set[Any] = asyncio.all_tasks() - {this} - set(self._latecomers) - set(self._late_futures)
            if not others:
                # The blocking calls made meanwhile have had as long as the others have taken.
                others = {future for future in self._late_futures if not future.done()}
                cancel_all(others)
            if not others:
                break
            await asyncio.wait(others)
            # The tasks refer to their exceptions, these to the frames, and these to the generators.
            del others
        await self._loop.shutdown_asyncgens()

    def _is_finishing(self, task: asyncio.Future[Any]) -> bool:
        record = self._registry.find(task)
        return record is not None and record.finishes_on_quit

    def _find_spared(self, tasks: list[asyncio.Future[Any]]) -> set[asyncio.Future[Any]]:
        """Return the tasks that may finish, what they await, and who awaits them."""
        # Cancelling a task cancels what it awaits. So a task that awaits a spared one must be spared, too.
        spared: set[asyncio.Future[Any]] = set()
        for task in tasks:
            chain = list(_follow_awaits(task))
            if any(map(self._is_finishing, chain)):
                spared.update(chain)
        return spared


def _follow_awaits(task: asyncio.Future[Any] | None) -> Iterator[asyncio.Future[Any]]:
    """Yield a task, then the future that it awaits, then the future that this one awaits, and so on."""
    while task is not None:
        yield task
        task = awaited_future(task)


def _forget(task: asyncio.Task[Any]) -> None:
    """Keep asyncio from waiting for a task that has not ended, and from complaining about it."""
    mute(task)
    unlist(task)
