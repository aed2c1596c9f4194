"""
Calling a function on another Qt thread, by the thread's Qt loop.

What was tried and does not work
- An object per call: wherever Python frees it, the other thread may be about to call it. PySide crashes then.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any, Callable

from asyncslot._qt.binding import QtCore, make_types
from asyncslot._qt.qobject import is_alive
from asyncslot._qt.slot import Signal, declare_slot

__all__ = ["call_on_thread"]


def call_on_thread(thread: Any, function: Callable[[], object]) -> None:
    """
    Have a function called once, on another thread, when that thread's Qt loop comes to it. Any thread may call this.

    Args:
        thread: The QThread. Its loop may run already or later. If it never does, nothing is called.
        function: Called without arguments. It must not raise.
    """
    with _lock:
        for ident in [ident for ident, mailbox in _mailboxes.items() if mailbox.is_over()]:
            del _mailboxes[ident]
        mailbox = _mailboxes.get(id(thread))
        if mailbox is None:
            mailbox = _mailboxes[id(thread)] = _Mailbox(thread)
    mailbox.post(function)


class _Mailbox(QtCore.QObject):
    """The one object by which a thread is asked to call functions. It lives on that thread."""

    _asked = Signal()

    def __init__(self, thread: Any) -> None:
        super().__init__()
        # Also so that no other thread gets its id.
        self._its_thread = thread
        self._functions: deque[Callable[[], object]] = deque()
        make_types()  # A thread may be making its loop.
        self._asked.connect(self._call, QtCore.Qt.ConnectionType.QueuedConnection)
        # The slot of a queued connection runs on the thread of its receiver.
        self.moveToThread(thread)

    def post(self, function: Callable[[], object]) -> None:
        self._functions.append(function)
        self._asked.emit()

    def is_over(self) -> bool:
        """Tell whether the thread has ended. Nothing uses this object then, so that any thread may free it."""
        return not is_alive(self._its_thread) or bool(self._its_thread.isFinished())

    def _call(self) -> None:
        self._functions.popleft()()

    # PyQt calls a method that is no declared slot on the thread on which it was connected.
    _call = declare_slot(_call, (), None, 1)


# The mailbox of each thread that was asked for something and has not ended, by the id of its QThread.
_mailboxes: dict[int, _Mailbox] = {}
_lock = threading.Lock()
