"""A relay: it brings a worker's reports to the loop's thread, the newest one only, a few times a second."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Callable

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

        state      put()                 INTERVAL_S are over  flush()
        idle       wakes the loop        never                delivers what is new
        scheduled  replaces the newest   delivers it, idle    delivers it, idle

    Args:
        loop: The loop. It is woken about twice per report that is delivered, and not at all without reports.
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
        # The earliest time of the next delivery, in seconds of the loop's clock.
        self._next_s = 0.0

    def put(self, report: Report) -> None:
        """Note a report. Any thread may call this."""
        # First the report, then the question: `_take` does it the other way round, so that no report stays behind.
        self._newest = report
        if self._is_scheduled:
            return
        self._is_scheduled = True
        # The loop may be closed: then nobody waits any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._on_woken)

    def flush(self) -> None:
        """Deliver the newest report now, if it is not delivered. Called on the loop's thread."""
        if self._timer is not None:
            self._timer.cancel()
        self._take()

    def _on_woken(self) -> None:
        delay_s = self._next_s - self._loop.time()
        if delay_s > 0:
            self._timer = self._loop.call_later(delay_s, self._take)
        else:
            self._take()

    def _take(self) -> None:
        self._timer = None
        self._is_scheduled = False
        report: Any = self._newest
        if report is not self._delivered:
            self._delivered = report
            self._next_s = self._loop.time() + INTERVAL_S
            self._deliver(report)
