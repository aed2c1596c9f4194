"""
What runs in a process that works for the program. It knows neither Qt nor a loop.

The process and the program share a byte for each call, by which the program cancels it, and a pipe,
by which the process reports.
"""

from __future__ import annotations

import pickle
import signal
import sys
import threading
import traceback
from asyncio import CancelledError
from functools import partial
from multiprocessing.reduction import ForkingPickler
from time import monotonic
from typing import Any, Callable, NamedTuple

from asyncslot._background.reporter import INTERVAL_S, ProgressReporter, Report, call_function

__all__ = ["Channel", "Outcome", "Sealed", "ThrottledSender", "begin_worker", "run_call"]


class Channel(NamedTuple):
    """What the program shares with its processes."""

    # The writing end of the pipe for reports, and the lock for it: several processes write.
    writer: Any
    lock: Any
    # A byte for each call that has not ended; 1 if it was cancelled. The last one is 1 if any process has begun.
    flags: Any


class ThrottledSender:
    """
    Sends the newest of the reports that it is given, at most once per interval. The last one is sent, too.

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
        """Send nothing any more. The outcome of the call tells what was not sent."""
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
    channel.flags[-1] = 1
    # The terminal sends Ctrl-C to the processes, too. The program hears it, and cancels its calls.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        # Blocked while the process started.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


# The channel of the pool that this process works for. `begin_worker` sets it.
_channel: Channel


class Outcome(NamedTuple):
    """How a call has ended."""

    result: Any
    # What the function has raised, and the traceback in this process; None if it has returned.
    error: BaseException | None
    traceback: str
    # The last report. The pipe may be slower than the outcome.
    report: Report | None


def run_call(call: Sealed, number: int, slot: int) -> Sealed:
    """
    Call a function in this process.

    Args:
        call: The function, its positional and its keyword arguments, and whether it takes ``progress``.
        number: Which call this is, for its reports.
        slot: Which of the bytes belongs to it.

    Returns:
        The `Outcome`.
    """
    sender = ThrottledSender(partial(_send, number))
    reporter = ProgressReporter(partial(_channel.flags.__getitem__, slot), sender.put)
    try:
        _check_wanted(reporter)
        function, args, kwargs, reports = _open(call)
        result = call_function(function, args, kwargs, reporter if reports else None)
        return Sealed(Outcome(result, None, "", reporter.latest))
    except BaseException as exc:  # noqa: BLE001 - whatever the function raises.
        text = "".join(traceback.format_exception(type(exc), exc, exc.__traceback__))
        return Sealed(Outcome(None, _make_sendable(exc), text, reporter.latest))
    finally:
        sender.close()


def _check_wanted(reporter: ProgressReporter) -> None:
    if reporter.is_cancelled:
        msg = "the call was cancelled while it waited for a process"
        raise CancelledError(msg)


def _open(call: Sealed) -> Any:
    try:
        return call.open()
    except Exception as exc:
        msg = (
            f"run_in_process(): the other process cannot import what it is to call ({type(exc).__name__}: {exc}); "
            "define it in a module, or in the file that is run as the program"
        )
        raise RuntimeError(msg) from exc


def _make_sendable(exc: BaseException) -> BaseException:
    """Return *exc*, or what can be sent in its place."""
    # An exception whose __init__() takes other arguments than it passes on is pickled, but cannot be made again.
    try:
        pickle.loads(pickle.dumps(exc))  # noqa: S301 - it was made here.
    except Exception:  # noqa: BLE001 - of any kind.
        return RuntimeError(f"{type(exc).__qualname__}: {exc} (this exception itself cannot be sent by pickle)")
    return exc


def _send(number: int, report: Report) -> None:
    with _channel.lock:
        _channel.writer.send((number, *report))


class Sealed:
    """
    A value on its way between processes. It is made anew only when it is opened.

    What fails then concerns one call. If the pool itself made the value, it would break, and all calls with it.

    Args:
        value: The value.
    """

    def __init__(self, value: Any) -> None:
        self._value = value
        # The pickled value, on the other side; None on this one.
        self._pickled: bytes | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        try:
            # As the pool does it: it knows how to send locks and connections.
            data = bytes(ForkingPickler.dumps(self._value))
        except Exception as exc:
            msg = f"run_in_process() cannot send {self._value!r} to another process: {exc}"
            raise TypeError(msg) from exc
        return (_receive, (data,))

    def open(self) -> Any:
        """Return the value."""
        if self._pickled is not None:
            return pickle.loads(self._pickled)  # noqa: S301 - the other process is the program's own.
        return self._value


def _receive(data: bytes) -> Sealed:
    sealed = Sealed(None)
    sealed._pickled = data
    return sealed
