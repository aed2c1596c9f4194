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

        state      put()                 INTERVAL_S after a delivery  flush()
        idle       wakes the loop        never                        delivers what is new
        scheduled  replaces the newest   delivers what is new, else   delivers what is new, idle
                                         idle

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

    def put(self, report: Report) -> None:
        """Note a report. Any thread may call this."""
        # First the report, then the question. `_check` does it the other way round, so that no report stays behind.
        self._newest = report
        if not self._is_scheduled:
            self._is_scheduled = True
            # The loop may be closed: then nobody waits any more.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._on_woken)

    def flush(self) -> None:
        """Deliver the newest report now, if it is not delivered. Called on the loop's thread."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._is_scheduled = False
        self._take()

    def _on_woken(self) -> None:
        # Woken twice, if a report came while this became idle.
        if self._timer is None:
            self._check()

    def _on_timer(self) -> None:
        self._timer = None
        self._check()

    def _check(self) -> None:
        if not self._take():
            self._is_scheduled = False
            # One that came before that line has woken nobody.
            if not self._take():
                return
            self._is_scheduled = True
        self._timer = self._loop.call_later(INTERVAL_S, self._on_timer)

    def _take(self) -> bool:
        """Deliver the newest report; tell whether there was one."""
        report = self._newest
        if report is None or report is self._delivered:
            return False
        self._delivered = report
        self._deliver(report)
        return True
