"""
The private names of asyncio that asyncslot uses: all of them, and why.

The classes declare attributes; the functions wrap what needs more than one name.
``tests/test_asyncio_private.py`` fails on the first Python that lacks one, and
``tests/test_house.py`` fails if any module uses a private name of asyncio that is not
declared here. Checked on CPython 3.8 to 3.15.
"""

from __future__ import annotations

import asyncio
import collections
import importlib
import inspect
import sys
import threading
import types
from asyncio import base_events, events, format_helpers, tasks
from asyncio.log import logger
from typing import TYPE_CHECKING, Any, Callable, Iterator, Optional

if TYPE_CHECKING:
    import contextvars
    import selectors
    import socket
    from collections import deque
    from collections.abc import Collection, Iterable

__all__ = [
    "PortPackets",
    "StockFuture",
    "StockHandle",
    "StockLoop",
    "StockProactorLoop",
    "StockTaskGroup",
    "StockThreadSafeHandle",
    "StockTimerHandle",
    "ThreadSafeHandle",
    "awaited_future",
    "begin_running",
    "begin_self_reading",
    "find_current_task",
    "find_exception",
    "format_callback",
    "get_running_loop",
    "is_clean_up",
    "is_helper",
    "is_unretrieved",
    "log_slow_callback",
    "logger",
    "loop_thread_id",
    "mute",
    "put_task_back",
    "queued_callbacks",
    "set_task_aside",
    "unlist",
]


class StockLoop:
    """Attributes of the stock loop that our loop reads, sets or overrides. As annotations they cost nothing."""

    _asyncgen_finalizer_hook: Callable[..., None]
    _asyncgen_firstiter_hook: Callable[..., None]
    _asyncgens: Collection[Any]
    _check_callback: Callable[[object, str], None]
    _check_closed: Callable[[], None]
    _check_running: Callable[[], None]
    _check_thread: Callable[[], None]
    # In seconds. A timer that is due within it runs now, as in the stock loop.
    _clock_resolution: float
    _closed: bool
    # The end that is written to: by call_soon_threadsafe(), and as the wakeup descriptor of signals.
    _csock: socket.socket
    _current_handle: Any
    _debug: bool
    _default_executor: Any
    # These three say that Windows' selector loop has no subprocesses and no pipes.
    _make_read_pipe_transport: Any
    _make_subprocess_transport: Any
    _make_write_pipe_transport: Any
    _process_events: Callable[[Iterable[tuple[selectors.SelectorKey, int]]], None]
    # Calls the handlers of the signals whose numbers are among the bytes that it is given.
    _process_self_data: Any
    # Empties `_ssock`, and hands what was there to _process_self_data().
    _read_from_self: Callable[[], None]
    # The queue and the heap are the stock loop's own objects: its other methods append to them, too.
    _ready: deque[Any]
    _scheduled: list[Any]
    _selector: selectors.BaseSelector
    _set_coroutine_origin_tracking: Callable[[bool], None]
    _signal_handlers: dict[int, Any]
    # The end of `_csock` that is read from.
    _ssock: socket.socket
    _task_factory: Any
    # None while the loop does not run.
    _thread_id: int | None
    # TimerHandle.cancel() calls it; the loop overrides it, as a method.
    _timer_handle_cancelled: Any
    # Wakes the loop's select(), from any thread and from signal handlers.
    _write_to_self: Callable[[], None]
    if sys.version_info >= (3, 9):
        _executor_shutdown_called: bool
    if sys.version_info >= (3, 13):
        # The two halves of run_forever(), for loops that something else carries.
        _run_forever_cleanup: Callable[[], None]
        _run_forever_setup: Callable[[], None]


class StockProactorLoop(StockLoop):
    """Further attributes of the stock loop on Windows."""

    # Reads from `_ssock`, time and again: the callback of its own future. `windows` overrides it.
    _loop_self_reading: Any
    _proactor: Any
    # Of the proactor: the handle of its completion port; None once it is closed.
    _iocp: Any
    # The pending read from `_ssock`; None while the loop does not run.
    _self_reading_future: Any


class StockHandle:
    """Slots of ``asyncio.Handle``: our constructor sets them all, the slicer reads most."""

    _args: tuple[Any, ...]
    _callback: Callable[..., object]
    _cancelled: bool
    _context: contextvars.Context
    _loop: asyncio.AbstractEventLoop
    _repr: Optional[str]
    # Runs the callback with asyncio's own error report; used in debug mode only.
    _run: Callable[[], None]
    _source_traceback: Any


class StockTimerHandle(StockHandle):
    """The further slots of ``asyncio.TimerHandle``."""

    # Whether it is in the heap. The loop counts the cancelled timers in the heap, to sweep them out in time.
    _scheduled: bool
    _when: float


class StockThreadSafeHandle(StockHandle):
    """The further slot of what ``call_soon_threadsafe`` returns, from Python 3.14 on."""

    # Held while the callback runs: cancel() waits for it.
    _lock: Any


class StockFuture:
    """Attributes of futures and tasks; the C versions have them, too."""

    # The done callbacks, each with its context. Of the C versions it is a copy, or None if there are none.
    _callbacks: Optional[list[tuple[Any, contextvars.Context]]]
    # What it has failed with. Unlike exception(), reading it does not count as retrieving.
    _exception: Optional[BaseException]
    # Tasks only: the future that the task awaits.
    _fut_waiter: Any
    # Tasks only: whether asyncio logs "Task was destroyed but it is pending!".
    _log_destroy_pending: bool
    # Tasks only: cancel() was called, and the task has not taken a step since.
    _must_cancel: bool
    # True if it has failed, and nobody has asked for its exception. exception() and result() clear it.
    _log_traceback: bool


class StockTaskGroup:
    """The attribute of ``asyncio.TaskGroup`` that tells who waits for its tasks."""

    _parent_task: Optional[asyncio.Task[Any]]


# The C module of asyncio's proactor, which Windows has: operations that overlap, and completion ports.
_overlapped: Any = importlib.import_module("_overlapped") if sys.platform == "win32" else None

# What call_soon_threadsafe() returns from Python 3.14 on: cancel() of another thread waits while the callback runs.
ThreadSafeHandle: Any = getattr(events, "_ThreadSafeHandle", None)
format_callback: Callable[..., str] = format_helpers._format_callback_source
# The private one returns None where asyncio.get_running_loop() raises.
get_running_loop: Callable[[], Optional[asyncio.AbstractEventLoop]] = events._get_running_loop

# asyncio refuses to step a task while another one is current: "Cannot enter into task". A modal dialog in a
# coroutine needs just that, so the outer task is not the current one meanwhile.
if sys.version_info >= (3, 12):

    def set_task_aside(loop: Any) -> asyncio.Task[Any] | None:
        """
        Have *loop* forget its current task, so that another task can take a step.

        Returns:
            The task, for `put_task_back`; None if there was none.
        """
        try:
            return tasks._swap_current_task(loop, None)  # type: ignore[attr-defined, no-any-return]
        except KeyError:
            # Python 3.12.0 and 3.12.1, if there is no current task.
            return None
        except RuntimeError:
            # Python 3.14 and later: C code does not know the running loop, because the Python version of
            # _set_running_loop() has set it. So no task written in C is being stepped.
            return None

else:

    def set_task_aside(loop: Any) -> asyncio.Task[Any] | None:
        """
        Have *loop* forget its current task, so that another task can take a step.

        Returns:
            The task, for `put_task_back`; None if there was none.
        """
        task: asyncio.Task[Any] | None = tasks._current_tasks.get(loop)  # type: ignore[attr-defined]
        if task is not None:
            tasks._leave_task(loop, task)
        return task


# Returns the task of a loop that is current, None if there is none. It is written in C. current_task() is, too, from
# Python 3.12 on.
find_current_task: Callable[[asyncio.AbstractEventLoop], Optional[asyncio.Task[Any]]] = (
    tasks.current_task if sys.version_info >= (3, 12) else tasks._current_tasks.get  # type: ignore[attr-defined]
)

# Makes a task, set aside before, the loop's current one again.
put_task_back: Callable[[asyncio.AbstractEventLoop, asyncio.Task[Any]], None] = tasks._enter_task


def log_slow_callback(handle: asyncio.Handle, elapsed_s: float) -> None:
    """Log what the stock loop logs in debug mode about a callback that has kept everything else waiting."""
    text = base_events._format_handle(handle)  # type: ignore[attr-defined]
    # By base_events' name for the logger, because CPython's own tests replace that name.
    base_events.logger.warning("Executing %s took %.3f seconds", text, elapsed_s)  # type: ignore[attr-defined]


def awaited_future(task: asyncio.Future[Any]) -> asyncio.Future[Any] | None:
    """Return the future, or task, that *task* awaits at this moment; None for a future that is no task."""
    if not isinstance(task, asyncio.Task):
        return None
    return task._fut_waiter  # type: ignore[attr-defined, no-any-return]


def queued_callbacks(task: asyncio.Future[Any]) -> Iterator[Any]:
    """
    Yield the done callbacks of *task* that have not run yet; to be called inside one of them.

    A future queues its callbacks one after the other, so the rest of them are the next ones in the
    queue of its loop. For a loop without such a queue there are none.
    """
    queue = getattr(task.get_loop(), "_ready", ())
    # By index: an iterator of a deque raises if another thread appends meanwhile.
    index = 0
    while index < len(queue) and queue[index]._args and queue[index]._args[0] is task:
        yield queue[index]._callback
        index += 1


def loop_thread_id(loop: asyncio.AbstractEventLoop) -> int | None:
    """Return the ident of the thread on which *loop* runs; None if it does not run, or has no such attribute."""
    return getattr(loop, "_thread_id", None)


def is_helper(task: asyncio.Future[Any]) -> bool:
    """
    Tell whether *task* is one of asyncio's own tasks, which ends by itself and must not be cancelled.

    There is one kind: it connects the pipes of a new subprocess. If it is cancelled together with
    the task that started the subprocess, that other task never ends.
    Source: seen on CPython 3.11; ``_wait()`` needs connected pipes.
    """
    coro = task.get_coro() if isinstance(task, asyncio.Task) else None
    # By the qualified name, because the coroutine has no other mark.
    return getattr(coro, "__qualname__", None) == "BaseSubprocessTransport._connect_pipes"


# What asyncio.run() runs last. Before Python 3.9 there is no second one.
_SHUTDOWNS = {
    vars(asyncio.BaseEventLoop)[name].__code__
    for name in ("shutdown_asyncgens", "shutdown_default_executor")
    if hasattr(asyncio.BaseEventLoop, name)
}


def is_clean_up(loop: Any, future: Any) -> bool:
    """
    Tell whether *future* only ends what is left in a loop, so that it needs no I/O, and runs no more of a program.

    ``asyncio.run`` and ``asyncio.Runner`` do this at their end: they wait for tasks that they have cancelled, and then
    call ``loop.shutdown_asyncgens()`` and ``loop.shutdown_default_executor()``.
    """
    if getattr(future, "cr_code", None) in _SHUTDOWNS:
        return not loop._asyncgens and loop._default_executor is None
    left = tasks.all_tasks(loop)
    is_gathering = asyncio.isfuture(future) and not isinstance(future, asyncio.Task)
    return is_gathering and bool(left) and all(not _has_begun(task) and task._must_cancel for task in left)  # type: ignore[attr-defined]


def _has_begun(task: asyncio.Task[Any]) -> bool:
    coro = task.get_coro()
    return not inspect.iscoroutine(coro) or inspect.getcoroutinestate(coro) != inspect.CORO_CREATED


def mute(task: asyncio.Future[Any]) -> None:
    """Keep asyncio from logging that *task* was destroyed while it was pending: we report it ourselves."""
    task._log_destroy_pending = False  # type: ignore[attr-defined]


def unlist(task: asyncio.Task[Any]) -> None:
    """Take *task* out of ``asyncio.all_tasks()``, so that nobody waits for it any more."""
    tasks._unregister_task(task)


def is_unretrieved(task: asyncio.Future[Any]) -> bool:
    """Tell whether *task* has failed and nobody has asked for its exception."""
    # Not by exception(): asking counts as retrieving, and asyncio's own report would not come.
    return task._log_traceback


def find_exception(task: asyncio.Future[Any]) -> BaseException | None:
    """Return what has failed *task*, without counting as somebody who has retrieved it; None if nothing has."""
    return task._exception


def begin_running(loop: Any) -> Callable[[], None]:
    """
    Make *loop* this thread's running loop, with asyncio's hooks in place.

    Args:
        loop: An asyncio event loop that is not running.

    Returns:
        A function that undoes all of it.

    Raises:
        RuntimeError: If this thread has a running loop already.
    """
    # 3.13 split run_forever() for loops that a GUI carries.
    if sys.version_info >= (3, 13):
        loop._run_forever_setup()
        return loop._run_forever_cleanup  # type: ignore[no-any-return]
    # Before 3.13: what BaseEventLoop.run_forever() does around its iterations, in the same order.
    loop._check_running()
    loop._set_coroutine_origin_tracking(loop._debug)
    loop._thread_id = threading.get_ident()
    old_hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(
        firstiter=loop._asyncgen_firstiter_hook,
        finalizer=loop._asyncgen_finalizer_hook,
    )
    events._set_running_loop(loop)

    def end_running() -> None:
        loop._thread_id = None
        events._set_running_loop(None)
        loop._set_coroutine_origin_tracking(False)
        sys.set_asyncgen_hooks(*old_hooks)

    return end_running


def begin_self_reading(loop: Any) -> Callable[[], None]:
    """
    Let the stock loop of Windows read its own socket, from its next iteration on.

    From Python 3.13 on `begin_running` does this. Before, it was a part of run_forever().

    Returns:
        A function that ends it.
    """
    loop.call_soon(loop._loop_self_reading)

    def end_self_reading() -> None:
        future, loop._self_reading_future = loop._self_reading_future, None
        if future is None:
            return
        overlapped = future._ov
        future.cancel()
        # As Python 3.13 does it. Earlier versions also unregister a read that is pending: the system may
        # then write to memory that is free. The next run takes its packet, or close(), which waits for it.
        if overlapped is not None and not overlapped.pending:
            loop._proactor._unregister(overlapped)

    return end_self_reading


class PortPackets:
    """
    The packets of a proactor, of which another thread may take the first one, but handles none.

    What that thread has taken, it keeps. The proactor's own `_poll` then gets these packets first, and those in the
    port after them: in the order in which they came.

    Args:
        proactor: An ``asyncio.IocpProactor``.
    """

    def __init__(self, proactor: Any) -> None:
        self._port = proactor._iocp
        # Its address is in the packet that `post_end` posts. While the object lives, no operation has the same one.
        self._end = _overlapped.Overlapped(0)
        # What `wait` has taken: packets, as GetQueuedCompletionStatus() returns them.
        self.taken: collections.deque[Any] = collections.deque()
        # asyncio's own code, which gets its packets from us.
        poll = type(proactor)._poll
        source = types.SimpleNamespace(**{**vars(_overlapped), "GetQueuedCompletionStatus": self._next})
        copy = types.FunctionType(
            poll.__code__, {**poll.__globals__, "_overlapped": source}, poll.__name__, poll.__defaults__
        )
        proactor._poll = types.MethodType(copy, proactor)

    def _next(self, port: int, timeout_ms: int) -> Any:
        if self.taken:
            return self.taken.popleft()
        return _overlapped.GetQueuedCompletionStatus(port, timeout_ms)

    def wait(self) -> bool:
        """
        Wait until a packet comes, and take it.

        Returns:
            False if it was the packet of `post_end`.

        Raises:
            OSError: If the system reports an error and no packet.
        """
        packet = _overlapped.GetQueuedCompletionStatus(self._port, _overlapped.INFINITE)
        # The last item is the address of the operation.
        if packet[3] == self._end.address:
            return False
        self.taken.append(packet)
        return True

    def post_end(self) -> None:
        """Make `wait` return False, once."""
        _overlapped.PostQueuedCompletionStatus(self._port, 0, 0, self._end.address)

    def release(self, proactor: Any) -> None:
        """Let *proactor* go, which is closed: it is then freed at once."""
        del proactor._poll
