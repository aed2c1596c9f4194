"""Qt's event loops on this thread: how many run, and how to process events without one."""

from __future__ import annotations

import sys
from typing import Any, Callable

from asyncslot._qt.binding import QtCore

__all__ = [
    "BETWEEN_PASSES",
    "EXIT_TELLS_AT_ONCE",
    "exec_application",
    "exec_loop",
    "loop_level",
    "process_events",
    "process_events_until",
]

# From Qt 6.5 on, QCoreApplication.exit() emits aboutToQuit by itself. Before, exec() does when it returns.
EXIT_TELLS_AT_ONCE = tuple(map(int, QtCore.qVersion().split(".")[:2])) >= (6, 5)

# The signals that a dispatcher emits between two passes of a Qt loop. On Windows, aboutToBlock does not come while a
# timer of 0 ms runs, but `awake` comes at the beginning of each pass. On other systems, `awake` may come at its end.
BETWEEN_PASSES = ("aboutToBlock", "awake") if sys.platform == "win32" else ("aboutToBlock",)

# Qt 5's bindings were made for Python 2, where "exec" is a keyword. PyQt5 has both names, PySide2 only this one.
_EXEC = "exec" if hasattr(QtCore.QEventLoop, "exec") else "exec_"


def exec_application() -> int:
    """Run ``QCoreApplication.exec()``; return the exit code."""
    code: int = getattr(QtCore.QCoreApplication, _EXEC)()
    return code


def exec_loop(qt_loop: Any) -> int:
    """Run a QEventLoop, or a dialog; return the code that it was ended with, -1 if the application quits already."""
    code: int = getattr(qt_loop, _EXEC)()
    return code


def loop_level() -> int:
    """Return how many Qt event loops run on this thread's stack, 0 or more; ``processEvents()`` is not counted."""
    level: int = QtCore.QThread.currentThread().loopLevel()
    return level


def process_events() -> None:
    """Process the events that there are, without waiting for more."""
    QtCore.QCoreApplication.processEvents()


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
