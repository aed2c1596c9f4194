"""A relay: it brings a worker's reports to the loop's thread, the newest one only, a few times a second."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Callable

if TYPE_CHECKING:
    import asyncio

    from asyncslot._background.reporter import Report

__all__ = ["INTERVAL_S", "Relay"]

# Seconds between two reports that reach the program. Arbitrary: 30 a second look smooth, and cost nothing.
INTERVAL_S = 1 / 30


class Relay:
    """
    Brings reports from any thread to the loop's.

    ::

        state      put()                 INTERVAL_S after a delivery  close()
        idle       wakes the loop        never                        delivers what is new
        scheduled  replaces the newest   delivers what is new, else   delivers what is new
                                         idle
        closed     no effect             never                        no effect

    While many reports come, a timer of the loop's brings the newest of them, and nothing else wakes the loop: beside
    a thread that computes, each wake-up may have to wait 5 ms for Python's lock.
    Source: ``sys.getswitchinterval``.

    Args:
        loop: The loop.
        deliver: Called with a report, on the loop's thread. It must not raise.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, deliver: Callable[[Report], object]) -> None:
        self._loop = loop
        self._deliver = deliver
        self._newest: Report | None = None
        self._delivered: Report | None = None
        # The loop has been woken, or a timer runs: whatever is the newest report then will be delivered.
        self._is_scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    def put(self, report: Report) -> None:
        """Note a report. Any thread may call this."""
        # First the report, then the question. `_check` does it the other way round, so that no report stays behind.
        self._newest = report
        if not self._is_scheduled:
            self._is_scheduled = True
            # The loop may be closed: then nobody waits any more.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._on_woken)

    def close(self) -> None:
        """Deliver the newest report now, if it is not delivered, and none afterwards. Called on the loop's thread."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # The last one: a thread that the work has left behind may still report.
        report, self._is_closed = self._newest, True
        self._deliver_new(report)

    def _on_woken(self) -> None:
        # Woken twice, if a report came while this became idle.
        if self._timer is None:
            self._check()

    def _on_timer(self) -> None:
        self._timer = None
        self._check()

    def _check(self) -> None:
        if self._newest is self._delivered:
            self._is_scheduled = False
            # One that came before that line has woken nobody.
            if self._newest is self._delivered:
                return
            self._is_scheduled = True
        if self._is_closed:
            return
        try:
            self._deliver_new(self._newest)
        finally:
            # Closed meanwhile, if showing the report has run a Qt loop.
            if not self._is_closed:
                self._timer = self._loop.call_later(INTERVAL_S, self._on_timer)

    def _deliver_new(self, report: Report | None) -> None:
        if report is not None and report is not self._delivered:
            self._delivered = report
            self._deliver(report)
