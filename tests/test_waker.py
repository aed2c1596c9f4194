"""Waker: when Qt calls the guest, and when not."""

from __future__ import annotations

import math
import selectors
import socket
import time
from typing import Any

import pytest
from support import run_qt

from asyncslot._loop.selector import make_watchable
from asyncslot._loop.waker import MAX_TIMER_MS, Waker, timer_interval_ms
from asyncslot._qt import QtCore


@pytest.mark.parametrize(
    ("delay_s", "interval_ms"),
    [
        (0, 0),
        (-1, 0),
        (0.001, 1),
        (0.0010001, 2),
        (0.333, 333),
        (0.3331, 334),
        (1e9, MAX_TIMER_MS),
        (math.inf, MAX_TIMER_MS),
    ],
)
def test_timer_interval_rounds_up_and_clamps(delay_s: float, interval_ms: int) -> None:
    """An interval is never shorter than the delay, unless Qt has none so long."""
    assert timer_interval_ms(delay_s) == interval_ms


def test_timer_interval_nan_refused() -> None:
    """NaN is no delay."""
    with pytest.raises(ValueError, match="NaN"):
        timer_interval_ms(math.nan)


def test_waker_wake_calls_until_rest(app: Any) -> None:
    """After wake() the guest is called again and again; after rest() no more."""
    calls: list[int] = []
    with make_watchable(None) as selector:
        waker = Waker(lambda: (calls.append(1), len(calls) == 3 and waker.rest()), selector, -1)
        run_qt(lambda quit_qt: (waker.wake(), QtCore.QTimer.singleShot(30, quit_qt)))
        waker.close(later=False)
    assert len(calls) == 3


def test_waker_wake_by_deadline_keeps_earlier(app: Any) -> None:
    """A later deadline leaves the armed one; an earlier one replaces it; a past one calls at once."""
    calls: list[float] = []
    with make_watchable(None) as selector:
        waker = Waker(lambda: calls.append(time.monotonic()), selector, -1)

        def start(quit_qt: Any) -> None:
            now_s = time.monotonic()
            waker.wake_by(now_s + 0.05, now_s)
            waker.wake_by(now_s + 0.02, now_s)
            waker.wake_by(now_s + 0.09, now_s)
            QtCore.QTimer.singleShot(150, quit_qt)

        began_s = time.monotonic()
        run_qt(start)
        waker.close(later=False)
    assert len(calls) == 1
    assert calls[0] - began_s >= 0.02


def test_waker_ready_descriptor_calls(app: Any) -> None:
    """A descriptor that becomes ready in the selector has the guest called."""
    reader, writer = socket.socketpair()
    with make_watchable(None) as selector, reader, writer:
        selector.register(reader, selectors.EVENT_READ)
        ended: list[Any] = []
        waker = Waker(lambda: (reader.recv(1), ended[0]()), selector, -1)
        waker.rest()
        run_qt(lambda quit_qt: (ended.append(quit_qt), writer.send(b"x")))
        waker.close(later=False)


def test_waker_restarted_inside_own_call_fires_in_nested_loop(app: Any) -> None:
    """wake() inside the guest's own callback has it called in a Qt loop that the callback runs."""
    depths: list[int] = []
    with make_watchable(None) as selector:

        def on_wake() -> None:
            depths.append(len(depths))
            waker.wake()
            if len(depths) == 1:
                nested = QtCore.QEventLoop()
                QtCore.QTimer.singleShot(30, nested.quit)
                nested.exec()
                assert len(depths) > 1
            waker.rest()

        waker = Waker(on_wake, selector, -1)
        run_qt(lambda quit_qt: (waker.wake(), QtCore.QTimer.singleShot(60, quit_qt)))
        waker.close(later=False)
    assert len(depths) == 2


@pytest.mark.parametrize("later", [False, True])
def test_waker_close_frees_qt_objects(app: Any, later: bool) -> None:
    """After close() no object is left, at once or when control is back in Qt's loop."""
    destroyed: list[int] = []
    with make_watchable(None) as selector:
        waker = Waker(int, selector, -1)
        for qt_object in (waker._zero, waker._deadline, waker._notifier):
            qt_object.destroyed.connect(lambda: destroyed.append(1))
        del qt_object
        waker.close(later=later)
        assert len(destroyed) == (0 if later else 3)
        run_qt(lambda quit_qt: QtCore.QTimer.singleShot(10, quit_qt))
    assert len(destroyed) == 3


def test_waker_pause_calls_for_signals_only(app: Any) -> None:
    """A pause outlasts a ready descriptor and a deadline, but not a byte in the urgent one; resume() ends it."""
    calls: list[str] = []
    left, right = socket.socketpair()
    urgent, signals = socket.socketpair()
    with make_watchable(None) as selector, left, right, urgent, signals:
        selector.register(left, selectors.EVENT_READ)
        state = ["pause"]

        def on_wake() -> None:
            calls.append(state[0])
            if state[0] == "urgent":
                urgent.recv(10)
            # As the guest does. It removes the report of a thread that waits for the selector.
            selector.select(0)

        waker = Waker(on_wake, selector, urgent.fileno())

        def start(quit_qt: Any) -> None:
            now_s = time.monotonic()
            waker.wake()
            waker.wake_by(now_s, now_s)
            right.send(b"x")
            waker.pause()
            QtCore.QTimer.singleShot(20, lambda: (state.__setitem__(0, "urgent"), signals.send(b"y")))
            QtCore.QTimer.singleShot(60, lambda: (state.__setitem__(0, "resume"), waker.resume(), waker.rest()))
            QtCore.QTimer.singleShot(90, quit_qt)

        run_qt(start)
        waker.close(later=False)
    assert calls[:2] == ["urgent", "resume"]
    assert "pause" not in calls
