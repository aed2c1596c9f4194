"""Calling a function on another Qt thread, by the thread's Qt loop."""

from __future__ import annotations

from typing import Any, Callable

from asyncslot._qt.binding import QtCore
from asyncslot._qt.qobject import is_alive
from asyncslot._qt.slot import Signal, declare_slot

__all__ = ["ThreadCall"]


class ThreadCall(QtCore.QObject):
    """
    Has a function called once, on another thread, when that thread's Qt loop comes to it.

    The object is freed on its own thread. On another one, it could be freed while its thread calls it.

    Args:
        thread: The QThread. Its loop may run already or later.
        function: Called without arguments. It must not raise.
    """

    _asked = Signal()

    def __init__(self, thread: Any, function: Callable[[], object]) -> None:
        super().__init__()
        _forget_ended()
        self._function: Callable[[], object] | None = function
        self._asked.connect(self._call, QtCore.Qt.ConnectionType.QueuedConnection)
        # The slot of a queued connection runs on the thread of its receiver.
        self.moveToThread(thread)
        # A tuple, and no attribute of this object, which other threads would look at.
        _calls[id(self)] = (self, thread)
        self._asked.emit()

    def close(self) -> None:
        """Have nothing called any more."""
        self._function = None

    def _call(self) -> None:
        function, self._function = self._function, None
        if function is not None:
            function()
        self.destroyed.connect(_make_removal(id(self)))
        self.deleteLater()

    # PyQt calls a method that is no declared slot on the thread on which it was connected.
    _call = declare_slot(_call, (), None, 1)


# The calls whose C++ objects exist, and their threads, by id. Qt refers to the C++ objects only, so PySide would
# delete them.
_calls: dict[int, tuple[ThreadCall, Any]] = {}


def _make_removal(ident: int) -> Callable[..., None]:
    def remove(*_: object) -> None:
        _calls.pop(ident, None)

    return remove


def _forget_ended() -> None:
    """Free the calls that will never come, because their thread has ended."""
    for ident, (_, thread) in list(_calls.items()):
        if not is_alive(thread) or thread.isFinished():
            _calls.pop(ident, None)
