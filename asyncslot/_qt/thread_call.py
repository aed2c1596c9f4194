"""Calling a function on another Qt thread, by the thread's Qt loop."""

from __future__ import annotations

from typing import Any, Callable

from asyncslot._qt.binding import QtCore
from asyncslot._qt.slot import Signal, declare_slot

__all__ = ["ThreadCall"]


class ThreadCall(QtCore.QObject):
    """
    Has a function called once, on another thread, when that thread's Qt loop comes to it.

    Args:
        thread: The QThread. Its loop may run already or later.
        function: Called without arguments. It must not raise.
    """

    _asked = Signal()

    def __init__(self, thread: Any, function: Callable[[], object]) -> None:
        super().__init__()
        self._function = function
        self._asked.connect(self._call, QtCore.Qt.ConnectionType.QueuedConnection)
        # The slot of a queued connection runs on the thread of its receiver.
        self.moveToThread(thread)
        _calls.add(self)
        self._asked.emit()

    def close(self) -> None:
        """Let go of a call that will never come, because its thread has ended."""
        _calls.discard(self)

    def _call(self) -> None:
        _calls.discard(self)
        self._function()

    # PyQt calls a method that is no declared slot on the thread on which it was connected.
    _call = declare_slot(_call, (), None, 1)


# The calls that have not come. Qt refers to their C++ objects only, so PySide would delete them.
_calls: set[ThreadCall] = set()
