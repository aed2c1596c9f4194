"""Frames that were missed."""

from __future__ import annotations

import time
from typing import Any

from support import run_qt

from asyncslot._inspector.frame_clock import FRAME_S, FrameClock, FrameCount
from asyncslot._qt import QtCore


def test_even_ticks_miss_nothing() -> None:
    """Nor does a tick that comes a little early or late."""
    count = FrameCount(0)
    for now_s in (0, 0.016, 0.033, 0.052, 0.064):
        count.tick(now_s)
    assert count.missed == 0
    assert round(count.longest_s, 3) == 0.019


def test_gap_counts_the_frames_in_it() -> None:
    """Six frames long: five were missed."""
    count = FrameCount(0)
    count.tick(0)
    count.tick(6 * FRAME_S)
    count.tick(7 * FRAME_S)
    assert count.missed == 5
    assert count.longest_s == 6 * FRAME_S


def test_pause_does_not_count() -> None:
    """While the window is hidden there are no frames to miss."""
    count = FrameCount(0)
    count.tick(0)
    count.pause()
    count.tick(1000)
    assert (count.missed, count.longest_s) == (0, 0)


def test_clock_sees_a_blocked_qt_loop(app: Any) -> None:
    """And counts from zero after a reset."""
    clock = FrameClock()
    seen = []

    def slot(quit_qt: Any) -> None:
        clock.start()
        timer = QtCore.QTimer(clock)

        def look() -> None:
            # Two ticks at least, so that there is a gap.
            if clock.count.longest_s and not seen:
                seen.append(True)
                time.sleep(0.2)
            elif clock.count.longest_s >= 0.2:
                timer.stop()
                quit_qt()

        timer.timeout.connect(look)
        timer.start(5)

    run_qt(slot)
    assert clock.is_running
    assert clock.count.missed >= 10
    clock.stop()
    assert not clock.is_running
    clock.reset()
    assert clock.count.missed == 0
