"""
The waker: the Qt objects that call the guest. A zero timer, a deadline timer, a notifier.

Qt enters Python through their signals. No QObject is created per callback, and no virtual
method is overridden: signals of long-lived objects are the cheapest way for Qt to call Python.

What was tried and does not work
- Posting an event per wake-up: a chain of posted events starves timers and input.
- Restarting the zero timer at each entry of the guest: beside an application's timer of 0 ms
  the guest starves. It is restarted only inside the waker's own signals.
"""

from __future__ import annotations

import math
from typing import Any, Callable

from asyncslot._qt import QtCore

__all__ = ["MAX_TIMER_MS", "Waker", "timer_interval_ms"]

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


class Waker:
    """
    The Qt objects that call one guest, on the thread that made them.

    After `wake`, *on_wake* is called on every pass of Qt's loop until `rest`. `wake` may be
    called again meanwhile. Inside *on_wake* it must be, or a nested Qt loop would not call:
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
        """Call no more until a descriptor is ready, the deadline is due, or `wake`."""
        self._zero.stop()
        if self._watch is not None:
            self._watch()

    def wake_by(self, deadline_s: float, now_s: float) -> None:
        """
        Call at *deadline_s* at the latest.

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
        Call no more, and free the Qt objects. Belongs to their own thread.

        Args:
            later: Free them when control is back in Qt's loop. Needed if the
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
            for qt_object in (self._zero, self._deadline, self._notifier):
                qt_object.deleteLater()
        del self.wake, self._zero, self._deadline, self._notifier
