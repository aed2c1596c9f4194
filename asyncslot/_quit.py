"""
How a quit ends the guest's tasks: all are cancelled, then given time to clean up.

This module knows nothing of modes: `loop` says when to begin, and when to drain.
"""

from __future__ import annotations

import asyncio
import weakref
from typing import Any, Iterator

from asyncslot._qt import QtCore, require_application
from asyncslot._stdlib import logger, mute, unlist
from asyncslot.lifetime import (
    CancelReason,
    cancel,
    cancel_all,
    describe_task,
    is_cancelled_for,
    is_finishing,
    process_events_until,
)

__all__ = ["Quit"]


class Quit:
    """
    The quit of one guest's application or thread; there may be several, one after the other.

    Args:
        loop: The guest.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        # Between `begin` and `end`.
        self.has_begun = False
        # Inside `drain`.
        self.is_draining = False
        self._is_abandoned = False
        self._holds_last_window = False
        self._latecomers: weakref.WeakSet[asyncio.Future[Any]] = weakref.WeakSet()

    def begin(self, roots: list[asyncio.Future[Any]], *, holds_last_window: bool) -> None:
        """
        Cancel all tasks, once; but let those finish that are to.

        Args:
            roots: The futures of blocking calls, and the tasks of `run_task` and slots.
            holds_last_window: Until `end`, the last window's closing is no quit. Clean-up
                often closes it, and Qt would quit again, with another exit code.
        """
        if self.has_begun:
            return
        self.has_begun = True
        if holds_last_window:
            self._hold_last_window()
        spared = _find_spared(roots)
        if spared:
            # They may need tasks that are no roots, such as those of wait_for(): see _end_all().
            cancel_all(task for task in roots if task not in spared)
        else:
            cancel_all(asyncio.all_tasks(self._loop))

    def _hold_last_window(self) -> None:
        application = require_application()
        # QApplication.quit() closes the windows first, and the last of them asks for a
        # quit of its own, which would come in the middle of this one.
        QtCore.QCoreApplication.removePostedEvents(application, QtCore.QEvent.Type.Quit.value)
        if application.property("quitOnLastWindowClosed"):
            self._holds_last_window = True
            application.setProperty("quitOnLastWindowClosed", False)

    def add_latecomer(self, task: asyncio.Future[Any]) -> None:
        """Cancel a task that foreign code started during the quit, and do not wait for it: there may always be more."""
        self._latecomers.add(task)
        cancel(task, CancelReason.QUIT)

    def drain(self, timeout_s: float) -> None:
        """
        Let the guest run until its tasks are done and its async generators closed.

        What has not ended when the time is over, or at `abandon`, is logged, and no more
        in ``asyncio.all_tasks()``: whoever cleans up after a blocking call, such as
        ``asyncio.run``, would cancel it once more and wait for it for ever.

        Args:
            timeout_s: The longest time that this takes, in seconds.
        """
        self.is_draining = True
        self._is_abandoned = False
        ending = self._loop.create_task(self._end_all(), name="asyncslot shutdown")
        end_s = self._loop.time() + timeout_s
        timer = self._loop.call_at(end_s, int)  # An event, for the condition to be checked.
        try:
            process_events_until(
                lambda: self._is_abandoned or ending.done() or self._loop.time() >= end_s,
            )
        finally:
            self.is_draining = False
            timer.cancel()
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

    def abandon(self) -> None:
        """Have `drain` return at once."""
        self._is_abandoned = True

    def end(self) -> None:
        """Let Qt quit as before."""
        self.has_begun = False
        if self._holds_last_window:
            self._holds_last_window = False
            require_application().setProperty("quitOnLastWindowClosed", True)

    async def _end_all(self) -> None:
        """Wait for what is to finish, cancel what was left for it, wait for the rest; close the generators."""
        this = asyncio.current_task()
        finishing = [task for task in asyncio.all_tasks() if is_finishing(task)]
        if finishing:
            await asyncio.wait(finishing)
            # Those that were cancelled at the beginning are cleaning up: they are not to be cancelled again.
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


def _find_spared(tasks: list[asyncio.Future[Any]]) -> set[asyncio.Future[Any]]:
    """Return which are to finish, what these await, and who awaits them: cancelling one cancels what it awaits."""
    spared: set[asyncio.Future[Any]] = set()
    for task in tasks:
        chain = list(_follow_awaits(task))
        if any(map(is_finishing, chain)):
            spared.update(chain)
    return spared


def _follow_awaits(task: asyncio.Future[Any] | None) -> Iterator[asyncio.Future[Any]]:
    """Yield a task, the one that it awaits, and so on."""
    while task is not None:
        yield task
        task = getattr(task, "_fut_waiter", None)


def _forget(task: asyncio.Task[Any]) -> None:
    """Have asyncio neither wait for a task that has not ended nor complain of it."""
    mute(task)
    unlist(task)
