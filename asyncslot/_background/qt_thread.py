"""A coroutine in the loop of another Qt thread."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from typing import Any, Coroutine, TypeVar

from asyncslot._background.ending import wait_for_end
from asyncslot._loop.first_step import check_coroutine, dispose
from asyncslot._qt import Connection, QtCore, call_on_thread
from asyncslot._slot.start import run_task

__all__ = ["run_in_qt_thread"]

T = TypeVar("T")


async def run_in_qt_thread(thread: Any, coro: Coroutine[Any, Any, T]) -> T:
    """
    Run a coroutine in the loop of a QThread, and wait for its result.

    It runs in the thread's own `AsyncSlotEventLoop`, which is made and attached if there is none. It may use the
    QObjects of that thread: ``run_in_qt_thread(app.thread(), coro)`` in a worker's coroutine may use widgets.

    If the waiting task is cancelled, the coroutine is cancelled in its thread, and waited for. If the thread ends, its
    loop cancels the coroutine.

    Args:
        thread: The QThread. It runs Qt's loop, as ``QThread.run()`` does by default, or is about to.
        coro: The coroutine; it is closed if it cannot be run.

    Returns:
        The coroutine's result.

    Raises:
        TypeError: If *thread* is no QThread, or *coro* no coroutine.
        RuntimeError: If the thread does not run, or ends before the coroutine has begun, or has ended.
        asyncio.CancelledError: If the task, or the coroutine, was cancelled.
        BaseException: What the coroutine raises.
    """
    check_coroutine(coro)
    try:
        _check_thread(thread)
        call = _Call(thread, coro)
    except BaseException:  # We own coro now: close it on any failure.
        dispose(coro)
        raise
    try:
        result: T = await wait_for_end(call.future, call.cancel)
    finally:
        call.close()
    return result


def _check_thread(thread: Any) -> None:
    if not isinstance(thread, QtCore.QThread):
        msg = f"a QThread was expected, got {thread!r}; for a function in any thread there is run_in_thread()"
        raise TypeError(msg)
    if not thread.isRunning():
        msg = f"{thread!r} does not run; call its start() first, and leave its run() as it is, or call exec() there"
        raise RuntimeError(msg)


class _Call:
    """
    One coroutine on its way to another thread, and its result on the way back.

    ::

        state    cancel()              the thread's loop comes to it  the task ends  the thread ends
        waiting  ended, nothing runs   running                        never          ended: RuntimeError
        running  the task is cancelled never                          ended          ended: RuntimeError
        ended    no-op                 no-op                          no-op          no-op
    """

    def __init__(self, thread: Any, coro: Coroutine[Any, Any, Any]) -> None:
        self._thread = thread
        # Its C++ object may be gone when this is told.
        self._name = repr(thread)
        self._coro: Coroutine[Any, Any, Any] | None = coro
        self._context = contextvars.copy_context()
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self._loop.create_future()
        self._task: asyncio.Task[Any] | None = None
        self._is_cancelled = False
        # Both threads take the coroutine, and one of them gets it.
        self._lock = threading.Lock()
        # Connected before the loop's own slot, and so called before the loop cancels the task.
        self._connections = [Connection(thread.finished, self._on_ending, self._on_ending)]
        call_on_thread(thread, self._start)
        # It may have ended before there was a connection.
        if not thread.isRunning():
            self._on_ending()

    def cancel(self) -> None:
        """Cancel the task; if the thread has not come to the coroutine, that is never run."""
        with self._lock:
            coro, self._coro = self._coro, None
            self._is_cancelled = True
            task = self._task
        if coro is not None:
            dispose(coro)
            self.future.cancel()
        elif task is not None:
            # A closed loop has no task that could be cancelled.
            with contextlib.suppress(RuntimeError):
                task.get_loop().call_soon_threadsafe(task.cancel)

    def close(self) -> None:
        """Let go of everything."""
        self._dispose()
        for connection in self._connections:
            connection.close()

    def _dispose(self) -> bool:
        """Close the coroutine, unless it is not here any more; tell whether it was."""
        with self._lock:
            coro, self._coro = self._coro, None
        dispose(coro)
        return coro is not None

    # -- on the other thread --

    def _start(self) -> None:
        with self._lock:
            coro, self._coro = self._coro, None
        if coro is None:
            return
        try:
            task = run_task(coro, context=self._context)
        except BaseException as exc:  # noqa: BLE001 - what leaves a slot crashes Qt.
            self._tell(self._fail, exc)
            return
        # Connected after the loop's own slot, and so called when the loop has cancelled the task and waited for it.
        self._connections.append(Connection(self._thread.finished, self._on_ended, self._on_ended))
        task.add_done_callback(self._on_done)
        with self._lock:
            self._task = task
            is_cancelled = self._is_cancelled
        if is_cancelled:
            task.cancel()

    def _on_done(self, task: asyncio.Task[Any]) -> None:
        self._tell(self._copy, task)

    def _on_ending(self, *_: object) -> None:
        if self._dispose():
            self._tell(self._fail, RuntimeError(f"{self._name} ended before its loop came to the coroutine"))

    def _on_ended(self, *_: object) -> None:
        self._tell(self._fail, RuntimeError(f"{self._name} ended before the coroutine did"))

    def _tell(self, function: Any, argument: object) -> None:
        # If the loop is closed, nobody waits any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(function, argument)

    # -- on the loop's thread --

    def _copy(self, task: asyncio.Task[Any]) -> None:
        if self.future.done():
            return
        if task.cancelled():
            self.future.cancel()
        elif task.exception() is not None:
            self._fail(task.exception())
        else:
            self.future.set_result(task.result())

    def _fail(self, exc: BaseException | None) -> None:
        if not self.future.done():
            assert exc is not None
            self.future.set_exception(exc)
