"""
How Qt, the host, wakes the guest: a zero timer, a deadline timer, a notifier.

All three are signals of long-lived objects, the cheapest way for Qt to call
Python. This module decides nothing: the guest says when it wants to be woken.
"""

from __future__ import annotations

import math
from typing import Any, Callable

from asyncslot._qt import QtCore

__all__ = ["MAX_TIMER_MS", "Host", "timer_interval_ms"]

# Longest interval one QTimer takes, in milliseconds (about 24.8 days).
# Source: QTimer::setInterval takes a C++ int (Qt 6 QTimer reference).
MAX_TIMER_MS = 2**31 - 1


def timer_interval_ms(delay_s: float) -> int:
    """
    Convert an asyncio delay to a QTimer interval, rounding up.

    Rounding down would wake the guest before its deadline and make it spin.

    Args:
        delay_s: Seconds until the deadline. Zero or less means "now".

    Returns:
        Milliseconds in ``0..MAX_TIMER_MS``; longer delays are clamped, so the
        caller re-arms the timer when it fires early.

    Raises:
        ValueError: If *delay_s* is NaN.
    """
    # In this order NaN comes through, and ceil() refuses it.
    return math.ceil(max(min(delay_s * 1000, MAX_TIMER_MS), 0))


class Host:
    """
    The Qt objects that wake one guest, on the thread that made them.

    ``wake()`` has the guest called as soon as Qt gets to it, again and again,
    until ``rest()``. It may be called again while it is in force; inside the
    guest's own callback it must be, or a nested Qt loop would not call the guest:
    a QTimer does not fire inside its own timeout unless it is restarted.

    Args:
        on_wake: Called without arguments, by Qt. Must not raise.
        selector: Has a ``fileno()`` that Qt can watch, and, if it needs to know
            when the guest waits, ``watch()`` and ``unwatch()``.
    """

    def __init__(self, on_wake: Callable[[], None], selector: Any) -> None:
        self._zero = QtCore.QTimer()
        self._zero.setInterval(0)
        self._deadline = QtCore.QTimer()
        self._deadline.setSingleShot(True)
        self._deadline.setTimerType(QtCore.Qt.TimerType.PreciseTimer)
        self._deadline_s = math.inf
        self._notifier = QtCore.QSocketNotifier(selector.fileno(), QtCore.QSocketNotifier.Type.Read)
        self._zero.timeout.connect(on_wake)
        self._deadline.timeout.connect(on_wake)
        self._notifier.activated.connect(on_wake)
        self._watch = getattr(selector, "watch", None)
        self._unwatch = getattr(selector, "unwatch", None)
        self.wake: Callable[[], None] = self._zero.start

    def rest(self) -> None:
        """Call the guest no more until something is ready, its deadline is due, or `wake`."""
        self._zero.stop()
        if self._watch is not None:
            self._watch()

    def wake_by(self, deadline_s: float, now_s: float) -> None:
        """
        Call the guest at *deadline_s* at the latest.

        An earlier deadline that is armed already stays: re-arming costs more
        than the one early call.

        Args:
            deadline_s: In seconds, on the clock of *now_s*.
            now_s: The present time, in seconds.
        """
        if deadline_s < self._deadline_s or not self._deadline.isActive():
            self._deadline_s = deadline_s
            self._deadline.start(timer_interval_ms(deadline_s - now_s))

    def close(self, *, later: bool) -> None:
        """
        Call the guest no more and free the Qt objects. Belongs to their own thread.

        Args:
            later: Free them when control is back in Qt's loop: needed if the
                guest may be inside a signal of one of them.
        """
        if self._unwatch is not None:
            self._unwatch()
        self._notifier.setEnabled(False)
        self._zero.stop()
        self._deadline.stop()
        for signal in (self._zero.timeout, self._deadline.timeout, self._notifier.activated):
            signal.disconnect()
        if later:
            for waker in (self._zero, self._deadline, self._notifier):
                waker.deleteLater()
        del self.wake, self._zero, self._deadline, self._notifier
