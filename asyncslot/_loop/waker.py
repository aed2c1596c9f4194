"""
The waker: the Qt objects that call the guest. They are a zero timer, a deadline timer and a notifier.

Qt enters Python through their signals. No QObject is created per callback, and no virtual
method is overridden: signals of long-lived objects are the cheapest way for Qt to call Python.

What was tried and does not work
- Posting an event per wake-up: a chain of posted events starves Qt's timers and the input.
- Restarting the zero timer whenever the guest runs, also in first steps: beside an application's
  timer of 0 ms the guest starves. It is restarted only inside the waker's own signals.
"""

from __future__ import annotations

import math
from typing import Any, Callable

from asyncslot._qt import QtCore, is_alive, make_target

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
    # min() and max() return their first argument if it is NaN, and ceil() refuses it with a ValueError.
    return math.ceil(max(min(delay_s * 1000, MAX_TIMER_MS), 0))


class Waker:
    """
    The Qt objects that call one guest, on the thread that made them.

    After `wake`, *on_wake* is called on every pass of Qt's loop until `rest`. `wake` may be called
    again in between. *on_wake* must call it each time, or a nested Qt loop would not call the guest:
    a QTimer does not fire inside its own timeout unless it is restarted.

    Args:
        on_wake: Qt calls it without arguments. It must not raise.
        selector: It has a ``fileno()`` that Qt can watch. If it needs to know when the guest
            waits, it also has ``watch()`` and ``unwatch()``.
        urgent_fd: The descriptor by which signals arrive. It is watched during a pause, too. None if
            they arrive by the selector only, which then is watched.
    """

    def __init__(self, on_wake: Callable[[], None], selector: Any, urgent_fd: int | None) -> None:
        # Fires on every pass of Qt's loop and lets all other events through, unlike posted events.
        self._zero = QtCore.QTimer()
        self._zero.setInterval(0)
        self._deadline = QtCore.QTimer()
        self._deadline.setSingleShot(True)
        # Qt's default, CoarseTimer, may be 5 % early or late.
        self._deadline.setTimerType(QtCore.Qt.TimerType.PreciseTimer)
        # When the deadline timer fires, in seconds of the loop's clock; meaningless while it is not active.
        self._deadline_s = math.inf
        self._notifier = QtCore.QSocketNotifier(selector.fileno(), QtCore.QSocketNotifier.Type.Read)
        self._urgent_fd = urgent_fd
        # Watches that descriptor; None but during a pause.
        self._urgent: Any = None
        # The receiver, on bindings that need one.
        target, self._receiver = make_target(on_wake)
        self._target = target
        self._zero.timeout.connect(target)
        self._deadline.timeout.connect(target)
        self._notifier.activated.connect(target)
        # A `WaiterSelector` has these two; a selector with a descriptor of its own needs neither.
        self._watch = getattr(selector, "watch", None)
        self._unwatch = getattr(selector, "unwatch", None)
        # The method of Qt itself, which saves a Python call per wake-up. On a running timer it is a restart.
        self.wake: Callable[[], None] = self._zero.start

    def rest(self) -> None:
        """Stop calling until a descriptor is ready, the deadline is due, or `wake` is called."""
        self._zero.stop()
        if self._watch is not None:
            self._watch()

    def pause(self) -> None:
        """Call for signals only, until `resume`."""
        self._deadline.stop()
        if self._urgent_fd is None:
            self.rest()
            return
        self._zero.stop()
        self._notifier.setEnabled(False)
        if self._unwatch is not None:
            self._unwatch()
        # Two notifiers for one descriptor are not allowed; the other one watches the selector's.
        self._urgent = QtCore.QSocketNotifier(self._urgent_fd, QtCore.QSocketNotifier.Type.Read)
        self._urgent.activated.connect(self._target)

    def resume(self) -> None:
        """Call again, on every pass of Qt's loop, as after `wake`."""
        self._end_urgent()
        self._notifier.setEnabled(True)
        self._zero.start()

    def wake_by(self, deadline_s: float, now_s: float) -> None:
        """
        Call the guest at *deadline_s* at the latest.

        An earlier deadline that is armed already stays: re-arming the timer costs more
        than one early call.

        Args:
            deadline_s: In seconds, on the clock of *now_s*.
            now_s: The present time, in seconds.
        """
        if deadline_s < self._deadline_s or not self._deadline.isActive():
            self._deadline_s = deadline_s
            self._deadline.start(timer_interval_ms(deadline_s - now_s))

    def _end_urgent(self) -> None:
        urgent, self._urgent = self._urgent, None
        if urgent is not None:
            urgent.setEnabled(False)
            urgent.activated.disconnect()
            # This may run inside its signal.
            urgent.deleteLater()

    def close(self, *, later: bool) -> None:
        """
        Stop calling, and free the Qt objects. Must run on their own thread.

        Args:
            later: Free them when control is back in Qt's loop. This is needed if the
                guest may be inside a signal of one of them.
        """
        # A loop that is detached leaves no thread behind (test_attach_detach_leaves_nothing).
        if self._unwatch is not None:
            self._unwatch()
        # The binding destroys its Qt objects with the application.
        if is_alive(self._zero):
            self._stop(later=later)
        # The binding frees an object with its last reference. `wake` is one: a bound method of the zero timer.
        del self.wake, self._zero, self._deadline, self._notifier, self._receiver, self._target

    def _stop(self, *, later: bool) -> None:
        self._end_urgent()
        self._notifier.setEnabled(False)
        self._zero.stop()
        self._deadline.stop()
        for signal in (self._zero.timeout, self._deadline.timeout, self._notifier.activated):
            signal.disconnect()
        if later:
            for qt_object in (self._zero, self._deadline, self._notifier, self._receiver):
                if qt_object is not None:
                    qt_object.deleteLater()
