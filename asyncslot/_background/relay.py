"""A relay: it brings a worker's reports to the loop's thread, the newest one only, a few times a second."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Callable

from asyncslot._background.reporter import INTERVAL_S

if TYPE_CHECKING:
    import asyncio

    from asyncslot._background.reporter import Report

__all__ = ["Relay"]

# Seconds after a delivery when the loop looks for a report that came too early. Arbitrary, but longer than the
# interval: while reports come, it never does.
TAIL_S = 1.5 * INTERVAL_S

# Seconds for which the worker gives way, when it has woken the loop. Arbitrary: enough to show a report. Beside a
# thread that computes, the loop would otherwise wait 5 ms for Python's lock, each time that it wants it.
# Source: sys.getswitchinterval; the frames of benchmarks/responsiveness.py.
GIVE_WAY_S = 0.001


class Relay:
    """
    Brings reports from any thread to the loop's.

    ::

        state   put() before INTERVAL_S   put() later                 TAIL_S after a delivery      close()
        idle    never                     wakes the loop              never                        delivers what is new
        awake   replaces the newest       replaces it, wakes the loop delivers what is new, else   delivers what is new
                                                                      idle
        closed  no effect                 no effect                   never                        no effect

    INTERVAL_S counts from the last time that the loop was woken.

    Args:
        loop: The loop.
        deliver: Called with a report, on the loop's thread. It must not raise.
        clock: Returns seconds.
        sleep: Sleeps for some seconds, on the thread that reports.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        deliver: Callable[[Report], object],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._loop = loop
        self._deliver = deliver
        self._clock = clock
        self._sleep = sleep
        self._newest: Report | None = None
        self._delivered: Report | None = None
        # When a report may wake the loop again, by the clock.
        self._due_s = 0.0
        # Delivers a report that came too early to wake the loop; None if the relay is idle.
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    def put(self, report: Report) -> None:
        """Note a report. Any thread may call this."""
        self._newest = report
        # A report that is too early comes less than an interval after the loop was woken. The timer fires later, and
        # so does not miss it.
        now_s = self._clock()
        if now_s < self._due_s or self._is_closed:
            return
        self._due_s = now_s + INTERVAL_S
        # The loop may be closed: then nobody waits any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._on_time)
            self._sleep(GIVE_WAY_S)

    def close(self) -> None:
        """Deliver the newest report now, if it is not delivered, and none afterwards. Called on the loop's thread."""
        self._cancel_timer()
        # The last one: a thread that the work has left behind may still report.
        report, self._is_closed = self._newest, True
        self._deliver_new(report)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_time(self) -> None:
        self._cancel_timer()
        if self._is_closed or self._newest is self._delivered:
            return
        try:
            self._deliver_new(self._newest)
        finally:
            # Closed meanwhile, if showing the report has run a Qt loop.
            if not self._is_closed:
                self._cancel_timer()
                self._timer = self._loop.call_later(TAIL_S, self._on_time)

    def _deliver_new(self, report: Report | None) -> None:
        if report is not None and report is not self._delivered:
            self._delivered = report
            self._deliver(report)
