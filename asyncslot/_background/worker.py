"""
What runs in a process that works for the program. It knows neither Qt nor a loop.

The process and the program share a byte for each call, by which the program cancels it, and a pipe,
by which the process reports.
"""

from __future__ import annotations

import signal
import sys
import threading
from functools import partial
from time import monotonic
from typing import Any, Callable, NamedTuple

from asyncslot._background.reporter import ProgressReporter, Report, call_function

__all__ = ["INTERVAL_S", "Channel", "ThrottledSender", "begin_worker", "run_call"]

# Seconds between two reports that a process sends: those of the relay that gets them.
INTERVAL_S = 1 / 30


class Channel(NamedTuple):
    """What the program shares with its processes."""

    # The writing end of the pipe for reports, and the lock for it: several processes write.
    writer: Any
    lock: Any
    # A byte for each call that has not ended; 1 if it was cancelled.
    flags: Any


class ThrottledSender:
    """
    Sends the newest of the reports that it is given, at most once per interval. The last one always arrives.

    Args:
        send: Called with a report, on the thread that reports, or on a timer's.
    """

    def __init__(self, send: Callable[[Report], object]) -> None:
        self._send = send
        # The function may report on several threads.
        self._lock = threading.Lock()
        self._newest: Report | None = None
        self._next_s = 0.0
        # It will send what is the newest report then. Only a report that comes too early needs it.
        self._timer: threading.Timer | None = None

    def put(self, report: Report) -> None:
        """Send *report* now, or soon, unless a newer one comes."""
        with self._lock:
            self._newest = report
            if self._timer is not None:
                return
            delay_s = self._next_s - monotonic()
            if delay_s <= 0:
                self._send_newest()
                return
            self._timer = threading.Timer(delay_s, self._on_timer)
            # The process may end meanwhile.
            self._timer.daemon = True
            self._timer.start()

    def close(self) -> None:
        """Send nothing any more."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._newest = None

    def _on_timer(self) -> None:
        with self._lock:
            self._timer = None
            self._send_newest()

    def _send_newest(self) -> None:
        report, self._newest = self._newest, None
        if report is not None:
            self._next_s = monotonic() + INTERVAL_S
            self._send(report)


def begin_worker(channel: Channel) -> None:
    """Prepare a new process. It is the initializer of the pool."""
    global _channel  # noqa: PLW0603 - a pool hands nothing else to the calls.
    _channel = channel
    # The terminal sends Ctrl-C to the processes, too. The program hears it, and cancels its calls.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        # Blocked while the process started.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


# The channel of the pool that this process works for. `begin_worker` sets it.
_channel: Channel


def run_call(
    number: int, slot: int, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, Report | None]:
    """
    Call a function that takes ``progress``, in this process.

    Args:
        number: Which call this is, for its reports.
        slot: Which of the bytes belongs to the call.
        function: The function.
        args: Its positional arguments.
        kwargs: Its keyword arguments.

    Returns:
        Its result, and its last report: that comes with the result, and the pipe may be slower.
    """
    sender = ThrottledSender(partial(_send, number))
    reporter = ProgressReporter(partial(_channel.flags.__getitem__, slot), sender.put)
    try:
        return call_function(function, args, kwargs, reporter), reporter.latest
    finally:
        sender.close()


def _send(number: int, report: Report) -> None:
    with _channel.lock:
        _channel.writer.send((number, *report))
