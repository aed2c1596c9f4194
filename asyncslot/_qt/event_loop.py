"""Qt's event loops on this thread: how many run, and how to go on without one."""

from __future__ import annotations

from typing import Callable

from asyncslot._qt.binding import QtCore

__all__ = ["loop_level", "process_events_until"]


def loop_level() -> int:
    """Return how many Qt event loops run on this thread's stack, 0 or more."""
    level: int = QtCore.QThread.currentThread().loopLevel()
    return level


def process_events_until(is_over: Callable[[], bool]) -> None:
    """
    Let Qt run until a condition holds, without an event loop of Qt's.

    After ``QCoreApplication.exit()`` no QEventLoop runs any more, but events are still
    processed. The condition is checked after each batch of events, so whatever makes it
    true must be an event.

    Args:
        is_over: The condition. It must not raise.
    """
    flags = QtCore.QEventLoop.ProcessEventsFlag.AllEvents | QtCore.QEventLoop.ProcessEventsFlag.WaitForMoreEvents
    while not is_over():
        QtCore.QCoreApplication.processEvents(flags)
