"""Qt's event loops on this thread: how many run, and how to process events without one."""

from __future__ import annotations

from typing import Callable

from asyncslot._qt.binding import QtCore

__all__ = ["loop_level", "process_events_until"]


def loop_level() -> int:
    """Return how many Qt event loops run on this thread's stack, 0 or more; ``processEvents()`` is not counted."""
    level: int = QtCore.QThread.currentThread().loopLevel()
    return level


def process_events_until(is_over: Callable[[], bool]) -> None:
    """
    Process Qt's events until a condition holds, without a QEventLoop.

    After ``QCoreApplication.exit()`` each ``QEventLoop.exec()`` returns at once, but events can
    still be processed. The condition is checked after each batch of events, so whatever makes
    it true must be an event.

    Args:
        is_over: The condition. What it raises is passed on.
    """
    # WaitForMoreEvents blocks until there is an event. Without it, this would poll at full CPU.
    flags = QtCore.QEventLoop.ProcessEventsFlag.AllEvents | QtCore.QEventLoop.ProcessEventsFlag.WaitForMoreEvents
    while not is_over():
        QtCore.QCoreApplication.processEvents(flags)
