"""Frames that the window would have missed: a 60 Hz timer tells when Qt was kept from its turn."""

from __future__ import annotations

import time
from typing import Any

from asyncslot._qt import QtCore

__all__ = ["FrameClock", "FrameCount"]

# Seconds between two frames at 60 Hz.
FRAME_S = 1 / 60


class FrameCount:
    """
    Counts frames that were missed. Pure: it is told the time.

    A frame is missed if no tick came in its time. What comes half a frame late has missed nothing.

    Attributes:
        missed: How many.
        longest_s: The longest time between two ticks, in seconds.
        since_s: When counting began, by ``time.time()``.
    """

    def __init__(self, now_s: float) -> None:
        self.missed = 0
        self.longest_s = 0.0
        self.since_s = now_s
        self._last_s: float | None = None

    def tick(self, now_s: float) -> None:
        """Note that a frame could have been drawn at *now_s*, by any clock that runs evenly."""
        if self._last_s is not None:
            gap_s = now_s - self._last_s
            self.longest_s = max(self.longest_s, gap_s)
            self.missed += max(0, int(gap_s / FRAME_S + 0.5) - 1)
        self._last_s = now_s

    def pause(self) -> None:
        """Do not count the time until the next tick."""
        self._last_s = None


class FrameClock(QtCore.QObject):
    """
    Ticks while it runs, and counts.

    Attributes:
        count: What was counted since the last `reset`.
    """

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.count = FrameCount(time.time())
        # Precise: a coarse timer may be 5 % late by itself. Started with a little less than a frame: Qt rounds up.
        self._timer = QtCore.QTimer(self)
        self._timer.setTimerType(QtCore.Qt.TimerType.PreciseTimer)
        self._timer.setInterval(int(FRAME_S * 1000))
        self._timer.timeout.connect(self._on_timeout)

    def start(self) -> None:
        """Tick from now on."""
        self._timer.start()

    def stop(self) -> None:
        """Tick no more; the time until the next `start` does not count."""
        self._timer.stop()
        self.count.pause()

    def reset(self) -> None:
        """Count from zero."""
        self.count = FrameCount(time.time())

    @property
    def is_running(self) -> bool:
        """Whether it ticks."""
        return bool(self._timer.isActive())

    def _on_timeout(self) -> None:
        self.count.tick(time.perf_counter())
