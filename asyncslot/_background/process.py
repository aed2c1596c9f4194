"""
The processes of one loop: a pool that is made when it is needed, and ends with the loop.

What was tried and does not work
- The method "fork": Qt has threads of its own, and a forked child of a process with threads may hang.
- The program's own ``multiprocessing.set_start_method``: nothing tells it from the default, which is "fork" on Linux
  before Python 3.14. So processes are always spawned.
- A queue of ``multiprocessing`` for the reports: it keeps what is not read, so a million reports fill the memory.
- Ending the pool without waiting: a process that is only just starting does not find what it was given any more,
  and at the interpreter's end the standard library may write to a pipe that is closed.
- Reading the pipe by the loop: a process that dies in the middle of a report would block the window.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import itertools
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import weakref
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from functools import partial
from typing import Any, Callable, Iterator

from asyncslot._background.ending import wait_for_end
from asyncslot._background.reporter import Report, ignore_report
from asyncslot._background.worker import Channel, Outcome, Sealed, begin_worker, run_call

__all__ = ["ProcessJob", "ProcessPool"]

PutReport = Callable[[Report], object]

# How many calls may run or wait at once, in one loop. Arbitrary: each costs a byte.
MAX_CALLS = 2**16

# A pool on Windows can have no more processes. Source: concurrent.futures, "ProcessPoolExecutor".
MAX_PROCESSES = 61


class ProcessPool:
    """
    The processes of one loop, and what they share with the program.

    ::

        state    submit()           a process dies  end()
        running  passes it on       broken          ended
        broken   BrokenProcessPool  never           ended
        ended    RuntimeError       never           no-op
    """

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        reader, self._writer = context.Pipe(duplex=False)
        # One more than there are slots: the last one tells that a process has begun.
        self._flags = context.RawArray("b", MAX_CALLS + 1)
        # Those bytes that no call has now: used ones, and those behind them.
        self._used_slots: list[int] = []
        self._new_slots = iter(range(MAX_CALLS))
        # Where the reports of each call go.
        self._puts: dict[int, PutReport] = {}
        self._numbers = itertools.count()
        # Held while a slot changes hands, which the pool's own thread does, too.
        self._lock = threading.Lock()
        # The calls that have not ended.
        self._pending: set[concurrent.futures.Future[Any]] = set()
        self._is_ended = False
        lock = context.Lock()
        self._executor = ProcessPoolExecutor(
            max_workers=min(os.cpu_count() or 1, MAX_PROCESSES),
            mp_context=context,
            initializer=begin_worker,
            initargs=(Channel(self._writer, lock, self._flags),),
        )
        # A daemon: it ends when no process has the pipe any more, and nobody waits for that.
        threading.Thread(
            target=_read_reports, args=(reader, self._puts, lock), name="asyncslot-progress", daemon=True
        ).start()

    @property
    def has_begun(self) -> bool:
        """Whether any process has come so far that it could work."""
        return bool(self._flags[-1])

    def submit(self, call: Sealed, put: PutReport) -> tuple[concurrent.futures.Future[Sealed], int, int]:
        """
        Have a process call a function: see `run_call`.

        Args:
            call: The function, and what it is called with.
            put: Called with each of its reports, on another thread.

        Returns:
            The future; and the number and the slot, for `cancel`.

        Raises:
            BrokenProcessPool: If a process of the pool has died.
            RuntimeError: If too many calls have not ended.
        """
        number, slot = self._reserve(put)
        try:
            with _holding_ctrl_c():
                future = self._executor.submit(run_call, call, number, slot)
        except BaseException:
            # It may be queued all the same, as when there is no descriptor for one more process. Then it must not run.
            self.cancel(number, slot)
            del self._puts[number]
            raise
        self._pending.add(future)
        # The slot is the call's own until the function has ended, whoever waits for it.
        future.add_done_callback(partial(self._on_done, number, slot))
        return future, number, slot

    def _reserve(self, put: PutReport) -> tuple[int, int]:
        with self._lock:
            slot = self._used_slots.pop() if self._used_slots else next(self._new_slots, None)
            if slot is None:
                msg = f"{MAX_CALLS} calls of run_in_process() run or wait already; await some of them first"
                raise RuntimeError(msg)
            number = next(self._numbers)
            self._flags[slot] = 0
            self._puts[number] = put
        return number, slot

    def _on_done(self, number: int, slot: int, future: concurrent.futures.Future[Any]) -> None:
        with self._lock:
            del self._puts[number]
            self._used_slots.append(slot)
            self._pending.discard(future)

    def cancel(self, number: int, slot: int) -> None:
        """Have a call end: it does not begin, or its next report raises. A no-op if it has ended."""
        with self._lock:
            # Otherwise the slot may be another call's already.
            if number in self._puts:
                self._flags[slot] = 1

    def end(self, *, is_broken: bool = False) -> None:
        """End the processes, and wait for that. If a call goes on, although it was cancelled, they are killed."""
        if self._is_ended:
            return
        self._is_ended = True
        if self._pending or is_broken:
            # By the private name: before Python 3.14, nothing public does this.
            for process in list((self._executor._processes or {}).values()):
                process.kill()
        self._executor.shutdown()
        # Now the thread reads the end of the file.
        self._writer.close()


@contextlib.contextmanager
def _holding_ctrl_c() -> Iterator[None]:
    """
    Let Ctrl-C wait until the block is over, here and in the processes that begin in it.

    They ignore it later, but while they start, it would end them with a traceback.
    """
    # Windows has no such thing.
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _read_reports(reader: Any, puts: dict[int, PutReport], lock: object) -> None:  # noqa: ARG001 - see below.
    """
    Hand on the reports of all processes, until the last of them has ended.

    Args:
        reader: The reading end of the pipe.
        puts: Where the reports of each call go.
        lock: Kept alive until then: a process that is only just starting finds it by its name.
    """
    with reader, contextlib.suppress(EOFError, OSError):
        while True:
            number, *report = reader.recv()
            # A report may come after the end of its call. No variable, which would keep the call's loop alive while
            # this waits for the next report.
            puts.get(number, ignore_report)(Report(*report))


class ProcessJob:
    """
    One call of a function in a process of this loop's pool.

    Args:
        function: The function. A process imports it by its name.
        args: Its positional arguments.
        kwargs: Its keyword arguments.
        put: Called with each report, on another thread; None if the function takes no ``progress``.

    Raises:
        TypeError: If a process could not import the function.
        RuntimeError: If too many calls have not ended.
    """

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], put: PutReport | None
    ) -> None:
        _check_importable(function)
        call = Sealed((function, args, kwargs, put is not None))
        self._put: PutReport = put or ignore_report
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[Outcome] = self._loop.create_future()
        self._pool = find_pool(self._loop)
        try:
            self._submitted, *self._place = self._pool.submit(call, self._put)
        except BrokenProcessPool:  # A process has died since the last call.
            self._pool = replace_pool(self._loop)
            self._submitted, *self._place = self._pool.submit(call, self._put)
        self._submitted.add_done_callback(self._on_done)

    def cancel(self) -> None:
        """Ask the function to end; if it has not begun, it never does. Called on the loop's thread."""
        if not self._submitted.cancel():
            self._pool.cancel(*self._place)

    async def run(self) -> Any:
        """Wait until the call has ended: see `wait_for_end`."""
        try:
            outcome = await wait_for_end(self._future, self.cancel)
        finally:
            # Its callback refers to this object.
            del self._submitted
        return outcome.result

    # -- on the pool's own thread --

    def _on_done(self, submitted: concurrent.futures.Future[Sealed]) -> None:
        # What opens the outcome may take time, and so is not done on the loop's thread.
        try:
            outcome = submitted.result().open()
        except BaseException as exc:  # noqa: BLE001 - the pool's own errors, and what a result raises when it is made.
            error = _explain_end(exc) if isinstance(exc, BrokenProcessPool) and not self._pool.has_begun else exc
            outcome = Outcome(None, error, "", None)
        # If the loop is closed, nobody waits any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._set, outcome)

    # -- on the loop's thread --

    def _set(self, outcome: Outcome) -> None:
        if outcome.report is not None:
            self._put(outcome.report)
        error = outcome.error
        if self._future.done():
            return
        if error is None:
            self._future.set_result(outcome)
        elif isinstance(error, concurrent.futures.CancelledError):
            self._future.cancel()
        else:
            if outcome.traceback:
                error.__cause__ = RemoteTraceback(outcome.traceback)
            self._future.set_exception(error)


def _explain_end(exc: BrokenProcessPool) -> BrokenProcessPool:
    """Return an error for a pool whose processes have ended before they could work."""
    msg = (
        "run_in_process(): the process ended before it could call the function, while it imported the program's file. "
        "Most often, 'if __name__ == \"__main__\":' is missing there, before the lines that make the application and "
        "run it; the process has printed its own error to standard error"
    )
    error = BrokenProcessPool(msg)
    error.__cause__ = exc
    return error


class RemoteTraceback(Exception):  # noqa: N818 - it is no error, and only shown as the cause of one.
    """The traceback of an exception in another process."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def _check_importable(function: Callable[..., object]) -> None:
    """
    Check that another process can import *function*.

    Raises:
        TypeError: If not; the message tells the way out.
    """
    try:
        pickle.dumps(function)
    except Exception as exc:
        msg = (
            f"run_in_process() cannot send {function!r} to another process ({exc}); pass a function that is "
            "defined at the top level of a module, and hand it what it needs as arguments"
        )
        raise TypeError(msg) from exc


# The pool of each loop. Weakly: a pool knows no loop.
_pools: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, ProcessPool] = weakref.WeakKeyDictionary()


def find_pool(loop: asyncio.AbstractEventLoop) -> ProcessPool:
    """Return the pool of *loop*, which is made if there is none."""
    pool = _pools.get(loop)
    return replace_pool(loop) if pool is None else pool


def replace_pool(loop: asyncio.AbstractEventLoop) -> ProcessPool:
    """Make a pool for *loop*; end the one that it has, which is broken."""
    old = _pools.pop(loop, None)
    # A loop of another kind has no such set. The standard library ends the processes when the pool is freed with such a
    # loop. It must not be waited for then: the garbage collector may run on any thread.
    at_close: set[Callable[[], object]] = getattr(loop, "_at_close", set())
    if old is not None:
        at_close.discard(old.end)
        old.end(is_broken=True)
    pool = _pools[loop] = ProcessPool()
    at_close.add(pool.end)
    return pool
