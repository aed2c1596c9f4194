"""
The processes of one loop: a pool that is made when it is needed, and ends with the loop.

What was tried and does not work
- The method "fork": Qt has threads of its own, and a forked child of a process with threads may hang. So processes
  are spawned, unless the program has chosen another method by ``multiprocessing.set_start_method``.
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
from typing import Any, Callable, Iterator

from asyncslot._background.ending import wait_for_end
from asyncslot._background.reporter import Report
from asyncslot._background.worker import Channel, Sealed, begin_worker, run_call
from asyncslot.loop import AsyncSlotEventLoop

__all__ = ["ProcessJob", "ProcessPool"]

PutReport = Callable[[Report], object]

# How many calls with progress may run or wait at once, in one loop. Arbitrary: each costs a byte.
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
        # The program's own choice, else "spawn".
        context = multiprocessing.get_context(multiprocessing.get_start_method(allow_none=True) or "spawn")
        reader, self._writer = context.Pipe(duplex=False)
        self._flags = context.RawArray("b", MAX_CALLS)
        # Those bytes that no call has now: used ones, and those behind them.
        self._used_slots: list[int] = []
        self._new_slots = iter(range(MAX_CALLS))
        # Where the reports of each call go.
        self._puts: dict[int, PutReport] = {}
        self._numbers = itertools.count()
        # How many calls have not ended.
        self._pending = 0
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

    def submit(self, function: Callable[..., Any], *args: Any) -> concurrent.futures.Future[Any]:
        """
        Have a process call *function*.

        Raises:
            BrokenProcessPool: If a process of the pool has died.
        """
        with _holding_ctrl_c():
            future = self._executor.submit(function, *args)
        self._pending += 1
        future.add_done_callback(self._on_done)
        return future

    def _on_done(self, _: object) -> None:
        self._pending -= 1

    def begin_reports(self, put: PutReport) -> tuple[int, int]:
        """
        Have the reports of a new call passed to *put*, on another thread.

        Returns:
            The call's number and slot, for `run_call`, `cancel` and `end_reports`.

        Raises:
            RuntimeError: If too many calls have not ended.
        """
        slot = self._used_slots.pop() if self._used_slots else next(self._new_slots, None)
        if slot is None:
            msg = f"{MAX_CALLS} calls of run_in_process() run or wait already; await some of them first"
            raise RuntimeError(msg)
        number = next(self._numbers)
        self._flags[slot] = 0
        self._puts[number] = put
        return number, slot

    def end_reports(self, number: int, slot: int) -> None:
        """Let go of what `begin_reports` has reserved: the call has ended."""
        del self._puts[number]
        self._used_slots.append(slot)

    def cancel(self, slot: int) -> None:
        """Have the next report of a call raise."""
        self._flags[slot] = 1

    def end(self) -> None:
        """End the processes, and wait for that. If a call goes on, although it was cancelled, they are killed."""
        if self._is_ended:
            return
        self._is_ended = True
        if self._pending:
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
            put = puts.get(number)
            # A report may come after the end of its call.
            if put is not None:
                put(Report(*report))


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
        self._call = Sealed((function, args, kwargs))
        self._put = put
        # The pool, and what was reserved there; None if the function takes no ``progress``.
        self._reserved: tuple[ProcessPool, int, int] | None = None
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[Any] = self._loop.create_future()
        try:
            self._submitted = self._submit(find_pool(self._loop))
        except BrokenProcessPool:  # A process has died since the last call.
            self._end_reports()
            self._submitted = self._submit(replace_pool(self._loop))
        self._submitted.add_done_callback(self._on_done)

    def _submit(self, pool: ProcessPool) -> concurrent.futures.Future[Sealed]:
        if self._put is None:
            return pool.submit(run_call, self._call, None)
        ticket = pool.begin_reports(self._put)
        self._reserved = (pool, *ticket)
        return pool.submit(run_call, self._call, ticket)

    # -- on the pool's own thread --

    def _on_done(self, submitted: concurrent.futures.Future[Sealed]) -> None:
        result, exc = None, None
        try:
            # This makes the result, which may take time, not on the loop's thread.
            result = submitted.result().open()
        except BaseException as error:  # noqa: BLE001 - whatever the function has raised.
            exc = error
        # If the loop is closed, nobody waits any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._set, result, exc)

    # -- on the loop's thread --

    def _set(self, result: Any, exc: BaseException | None) -> None:
        if self._future.done():
            return
        if isinstance(exc, concurrent.futures.CancelledError):
            self._future.cancel()
        elif exc is not None:
            self._future.set_exception(exc)
        else:
            self._future.set_result(result)

    def cancel(self) -> None:
        """Ask the function to end; if it has not begun, it never does."""
        if not self._submitted.cancel() and self._reserved is not None:
            pool, _, slot = self._reserved
            pool.cancel(slot)

    async def run(self) -> Any:
        """Wait until the call has ended: see `wait_for_end`."""
        try:
            result, report = await wait_for_end(self._future, self.cancel)
        finally:
            self._end_reports()
            # Its callback refers to this object.
            del self._submitted
        # The last one; the pipe may be slower than the result.
        if report is not None and self._put is not None:
            self._put(report)
        return result

    def _end_reports(self) -> None:
        if self._reserved is not None:
            pool, number, slot = self._reserved
            pool.end_reports(number, slot)
            self._reserved = None


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
    """Make a pool for *loop*; end the one that it has."""
    old = _pools.pop(loop, None)
    if old is not None:
        old.end()
    pool = _pools[loop] = ProcessPool()
    # A loop of another kind has nothing like this. The standard library ends the processes when the pool is freed with
    # such a loop. It must not be waited for then: the garbage collector may run on any thread.
    if isinstance(loop, AsyncSlotEventLoop):
        loop._ending.callback(pool.end)
    return pool
