"""AsyncSlotEventLoop: the table of states, and the loop class that puts the parts of `asyncslot._loop` together."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import enum
import heapq
import inspect
import sys
import threading
import time
from threading import get_ident
from typing import TYPE_CHECKING, Any, Awaitable, Callable, ClassVar, Coroutine, Generator, Iterator, NoReturn, TypeVar

from asyncslot._loop.blocking_calls import (
    ApplicationCall,
    BlockingCall,
    BlockingCalls,
    NestedCall,
    QuittingCall,
)
from asyncslot._loop.depth import FREE_DEPTH, DepthLimit
from asyncslot._loop.dialog_hold import DialogHold
from asyncslot._loop.first_step import (
    STOCK_CREATE_TASK,
    check_coroutine,
    create_captured,
    dispose,
    has_started,
    take_first_step,
    undo,
)
from asyncslot._loop.handles import Handle, TimerHandle, run_locked
from asyncslot._loop.interrupts import Interrupts, deferring_signals, on_main_thread
from asyncslot._loop.quit import Quit, QuitPhase
from asyncslot._loop.slicer import Outcome, Slicer
from asyncslot._loop.spawned import is_importing_main
from asyncslot._loop.this_thread import release_thread_loop, set_running, set_thread_loop, thread_loop
from asyncslot._loop.timed_run import TimedRun
from asyncslot._loop.waker import Waker
from asyncslot._qt import (
    QtCore,
    hold_thread_state,
    is_alive,
    is_python_thread,
    loop_level,
    make_types,
    require_application,
    warn_about_fault,
)
from asyncslot._task.asyncio_private import (
    ThreadSafeHandle,
    find_current_task,
    format_callback,
    get_running_loop,
    is_clean_up,
    logger,
    mute,
    put_task_back,
    set_task_aside,
)
from asyncslot._task.cancellation import CancelReason, cancel
from asyncslot._task.description import describe_task
from asyncslot._task.owner import own
from asyncslot._task.registry import TaskRecord, TaskRegistry

if sys.platform == "win32":
    from asyncslot._loop.unix import PlatformEventLoop as SelectorPlatformEventLoop
    from asyncslot._loop.windows import PlatformEventLoop
else:
    from asyncslot._loop.unix import PlatformEventLoop

if TYPE_CHECKING:
    import contextvars
    import selectors

    from typing_extensions import Self, TypeVarTuple, Unpack

    from asyncslot._loop.timed_run import Watch
    from asyncslot._task.asyncio_private import StockLoop

    Ts = TypeVarTuple("Ts")

    class _StockEventLoop(StockLoop, asyncio.BaseEventLoop):
        """A stock loop, with its private attributes, and with the members that `_loop.unix` and `_loop.windows` add."""

        def __init__(self, selector: selectors.BaseSelector | None = None) -> None: ...
        def _begin_running(self) -> Callable[[], None]: ...
        def _make_poller(self) -> tuple[Callable[[], Any], Callable[[Any], object]]: ...
        def _is_polled(self, handle: asyncio.Handle) -> bool: ...
        def has_signal_handlers(self) -> bool:
            """Tell whether a signal has a handler set by add_signal_handler()."""

        # The descriptor by which signals arrive, apart from all else; None if there is none.
        _urgent_fd: Any
        # The descriptor that C code writes signals' numbers to.
        _wakeup_fd: int

else:
    _StockEventLoop = object

__all__ = [
    "AsyncSlotEventLoop",
    "AsyncSlotSelectorEventLoop",
    "GuestEventLoop",
    "LoopState",
    "set_thread_loop",
    "thread_loop",
]

T = TypeVar("T")

# If more handles are queued than this, threads that queue more are slowed down. Arbitrary: a loop that keeps up with
# its threads has fewer.
LONG_QUEUE = 100

# In Python 3.11, looking up a member of an enum takes as long as four Python calls.
_IDLE, _STOPPED = QuitPhase.IDLE, Outcome.STOPPED


class LoopState(enum.Enum):
    """
    What an `AsyncSlotEventLoop` does at present.

    Attributes:
        STOPPED: It does not run.
        BLOCKING: `run_until_complete` or `run_forever` runs it.
        ATTACHED: The application's own Qt loop carries it.
        QUITTING: The application or the thread quits, or `shutdown` runs. Tasks clean up.
        CLOSED: It was closed.
    """

    STOPPED = "stopped"
    BLOCKING = "blocking"
    ATTACHED = "attached"
    QUITTING = "quitting"
    CLOSED = "closed"


class GuestEventLoop(_StockEventLoop):
    """
    The guest without a stock loop: all that asyncslot adds to one.

    A class that derives from this one and from a stock loop is a loop of ours. The docstring of
    `AsyncSlotEventLoop` says what the methods do in each state.
    """

    # Seconds that iterations may take before Qt gets its turn. Arbitrary: a small part of a frame, also at 144 Hz,
    # so that a window's timers are as even as without asyncio. Down to 0.5 ms, shorter slices cost no more CPU.
    time_slice_s = 0.0005

    # Seconds that tasks may take to clean up when the application quits. Arbitrary: about as long as
    # a person waits before killing a program that does not end.
    shutdown_timeout_s = 5.0

    # Called without arguments to make the QCoreApplication, if a loop is run on the main thread and there
    # is none. None: running a loop is a RuntimeError then.
    application_factory: ClassVar[Callable[[], object] | None] = None

    # Called once, without arguments, when a loop first opens on the application's thread. It must not raise.
    on_first_open: ClassVar[Callable[[], object] | None] = None

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        _check_selector(self, selector)
        warn_about_fault()
        # An interruption would leave PySide's types half made for the rest of the process.
        with deferring_signals():
            make_types()
        super().__init__(selector)
        if sys.platform == "win32":
            self._clock_resolution = time.get_clock_info("perf_counter").resolution
        poll, queue_io = self._make_poller()
        self._slicer = Slicer(
            self._ready,
            self._scheduled,
            get_time=self.time,
            clock_resolution_s=self._clock_resolution,
            poll=poll,
            queue_io=queue_io,
            is_polled=self._is_polled,
            report_error=self._report_error,
        )
        self._calls = BlockingCalls()
        # The tasks of run_task() and slots.
        self._registry = TaskRegistry()
        self._quit = Quit(self, self._registry)
        self._interrupts = Interrupts(self._slicer, self._calls, self._quit)
        self._timed_run = TimedRun(self)
        # What is told of tasks, slow callbacks and nested Qt loops; None for nobody.
        self._watch: Watch | None = None
        self._depth_limit = DepthLimit()
        self._waker: Waker | None = None
        # The QThread that the loop runs on; None while it does not run.
        self._thread: Any = None
        # Undoes what _open() did; empty while the loop does not run.
        self._opening = contextlib.ExitStack()
        # The functions that close() calls first. Each ends something that belongs to the loop.
        self._at_close: set[Callable[[], object]] = set()
        # Undoes hold_thread_state(). Set by the first run, and called by close(): suspended tasks and
        # `threading.local` outlive a single run.
        self._release_thread_state: Callable[[], None] | None = None
        # Attached on a QThread, whose `finished` signal is connected.
        self._ends_with_thread = False
        self._dialog_hold = DialogHold()
        # stop() was called while attached. _settle() detaches when no frame is on the stack any more.
        self._is_detaching = False

    # -- states --

    @property
    def state(self) -> LoopState:
        """The state of the loop: the rows of the table."""
        if self._closed:
            return LoopState.CLOSED
        if self._quit.is_quitting:
            return LoopState.QUITTING
        if self._calls.is_attached:
            return LoopState.ATTACHED
        return LoopState.BLOCKING if self.is_running() else LoopState.STOPPED

    def is_quitting(self) -> bool:
        """Tell whether the application or the thread quits, or `shutdown` runs: tasks are cancelled and clean up."""
        return self._quit.is_quitting

    def attach(self) -> None:
        """
        Let the application's own Qt loop run the guest from now on.

        Until `detach`, the guest is the running loop of this thread, also in foreign code.
        Attaching twice is a no-op.

        Raises:
            RuntimeError: If there is no QCoreApplication, or it quits, or the loop is closed or
                runs on another thread, or another loop runs on this one.
        """
        self._check_closed()
        self._check_own_thread("attach()")
        self._check_not_quitting("attach()")
        if self._calls.is_attached:
            return
        if not self.is_running():
            self._open()
        try:
            self._attach()
        except BaseException:  # Undo it, and what _open() has done, whatever was raised.
            self._undo_attach()
            self._settle()
            raise

    def _attach(self) -> None:
        if self._is_on_application_thread():
            atexit.register(self._on_exit)
        elif not is_python_thread():
            # Direct: `finished` is emitted on the thread that ends, which delivers no queued call any more.
            self._thread.finished.connect(self._on_thread_finished, QtCore.Qt.ConnectionType.DirectConnection)
            self._ends_with_thread = True
        set_thread_loop(self)
        # Last: from here on Ctrl-C may raise while no Qt loop runs.
        self._calls.is_attached = True

    def detach(self) -> None:
        """
        Take the guest off the application's Qt loop; tasks stay suspended until the next `attach`.

        Raises:
            RuntimeError: If the application quits. On an attached loop also if the caller is a
                callback or coroutine, inside a blocking call, or on another thread.
        """
        self._check_not_quitting("detach()")
        if not self._calls.is_attached:
            return
        self._check_own_thread("detach()")
        if self._slicer.depth or self._calls.stack:
            msg = "detach() was called inside a callback, a coroutine or a blocking call; stop() detaches afterwards"
            raise RuntimeError(msg)
        self._detach(later=False)

    def shutdown(self, timeout_s: float | None = None) -> None:
        """
        Cancel all tasks, let them and the async generators clean up, then detach and close the loop.

        Args:
            timeout_s: How long they may take, in seconds; None for `shutdown_timeout_s`.
                Tasks that have not ended by then are reported and abandoned.

        Raises:
            RuntimeError: If the caller is a callback or coroutine, inside a blocking call, or on
                another thread; or if another loop runs on this thread, or the application quits.
        """
        if self.is_closed():
            return
        self._check_own_thread("shutdown()")
        self._check_not_quitting("shutdown()")
        if self._slicer.depth or self._calls.stack:
            msg = "shutdown() was called inside a callback, a coroutine or a blocking call; call stop() there"
            raise RuntimeError(msg)
        timeout_s = self.shutdown_timeout_s if timeout_s is None else timeout_s
        if not (isinstance(timeout_s, (int, float)) and timeout_s >= 0):
            msg = f"timeout_s must be a number of seconds, 0 or more, got {timeout_s!r}; None for shutdown_timeout_s"
            raise ValueError(msg)
        # Clean-up needs a loop that runs; a stopped one with nothing to clean up is not run.
        if asyncio.all_tasks(self) or self._asyncgens:
            self.attach()
            try:
                self._quit.cancel_everything(timeout_s=timeout_s, holds_last_window=self._is_on_application_thread())
                self._quit.drain(timeout_s)
            finally:
                self._quit.end()
        try:
            self._detach(later=False)
        finally:  # A Ctrl-C that was pending is raised when the interrupts are closed.
            self.close()

    def close(self) -> None:
        """
        Close the loop, as the stock loop does. Closing twice is a no-op.

        Raises:
            RuntimeError: If it is running, or the application quits.
        """
        self._check_not_quitting("close()")
        if self._closed:
            return
        with contextlib.ExitStack() as closing:
            # Called before it, and each of them, even if another one fails.
            closing.callback(super().close)
            for end in list(self._at_close):
                closing.callback(end)
        self._slicer.release()
        self._quit.release()
        release_thread_loop(self)
        # Owners refer to their tasks, and would keep those that never end on this loop alive.
        self._registry.abandon_all()
        if self._release_thread_state is not None:
            self._release_thread_state()
            self._release_thread_state = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()

    def __del__(self, *args: Any) -> None:
        # The stock method warns that the loop was not closed, and closes it. That fails if __init__() has
        # raised, if the loop's sockets, which are garbage, too, were closed first, or if the interpreter ends and
        # can import nothing any more. There is nobody to tell. No name of this module is used: at the end of a program
        # that Nuitka has compiled, they are None.
        try:  # noqa: SIM105
            super().__del__(*args)
        except (AttributeError, ImportError, ValueError):
            pass

    def _check_not_quitting(self, caller: str) -> None:
        if self._quit.is_quitting:
            msg = f"{caller} was called while the application quits, or the loop shuts down; the loop ends by itself"
            raise RuntimeError(msg)

    def _check_own_thread(self, caller: str) -> None:
        if self._thread_id not in (None, get_ident()):
            msg = (
                f"{caller} was called on thread {threading.current_thread().name!r}, but the loop runs on another; "
                "use asyncio.run_coroutine_threadsafe() or call_soon_threadsafe()"
            )
            raise RuntimeError(msg)

    # -- asyncio's scheduling interface --

    if sys.platform == "win32" and sys.version_info < (3, 13):

        def time(self) -> float:
            """
            Return the time, in seconds, by ``time.perf_counter()``, as time.monotonic() does from Python 3.13 on.

            Before, that stands still for 16 ms there. The stock loop runs timers up to 16 ms early for its
            sake; so would we, and a ``sleep(0.01)`` would not sleep at all.
            """
            return time.perf_counter()

    if sys.platform == "win32":

        def add_signal_handler(self, *_: Any, **__: Any) -> NoReturn:  # type: ignore[override]
            """Refuse, as the stock loops of Windows do, and name the way out."""
            _refuse_signal_handler("add_signal_handler()")

        def remove_signal_handler(self, *_: Any, **__: Any) -> NoReturn:
            """Refuse, as the stock loops of Windows do, and name the way out."""
            _refuse_signal_handler("remove_signal_handler()")

    def call_soon(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: Unpack[Ts],
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        """Call *callback* in the next iteration. The guest is woken if it waits."""
        # One condition on the usual way, which runs once per callback: the checks are behind it.
        if self._closed or self._debug:
            self._check_call(callback, "call_soon")
            handle: asyncio.Handle = asyncio.Handle(callback, args, self, context)
            _hide_caller(handle)
        else:
            handle = Handle(callback, args, self, context)
        self._slicer.enqueue(handle)
        return handle

    def call_soon_threadsafe(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: Unpack[Ts],
        context: contextvars.Context | None = None,
    ) -> asyncio.Handle:
        """Have *callback* called in the next iteration; any thread may call this, and cancel the handle."""
        self._check_closed()
        if self._debug:
            # The stock handle runs itself in debug mode, from Python 3.14 on with its lock.
            checked = super().call_soon_threadsafe(callback, *args, context=context)
            _hide_caller(checked)
            return checked
        if ThreadSafeHandle is None:
            handle: asyncio.Handle = Handle(callback, args, self, context)
            self._ready.append(handle)
        else:
            handle = ThreadSafeHandle(callback, args, self, context)
            # The slicer calls callbacks itself. A handle around this one has it take the lock.
            self._ready.append(Handle(run_locked, (handle,), self, handle._context))  # type: ignore[attr-defined]
        # In this order: see `Slicer.wait`. A guest that is awake looks at the queue before it waits.
        # While the queue is long, each call writes. This releases the interpreter's lock, so the guest gets its turn.
        if self._slicer.is_waiting or len(self._ready) > LONG_QUEUE:
            self._write_to_self()
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: Unpack[Ts],
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call *callback* in *delay* seconds, or later if the guest is busy."""
        if delay is None:
            msg = "delay must not be None"
            raise TypeError(msg)
        timer = self.call_at(self.time() + delay, callback, *args, context=context)
        _hide_caller(timer)
        return timer

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: Unpack[Ts],
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call *callback* at *when*, in seconds of ``time()``, or later if the guest is busy."""
        if when is None:
            msg = "when cannot be None"
            raise TypeError(msg)
        if when != when:  # noqa: PLR0124 - true for NaN only, which a heap cannot order.
            msg = f"{callback!r} was scheduled at a time that is not a number ({when}); pass seconds"
            raise ValueError(msg)
        if self._closed or self._debug:
            self._check_call(callback, "call_at")
            timer: asyncio.TimerHandle = asyncio.TimerHandle(when, callback, args, self, context)
            _hide_caller(timer)
            timer._scheduled = True  # type: ignore[attr-defined]
        else:
            timer = TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._scheduled, timer)
        # Only the first timer changes when the waker must call. If the guest is awake, wait() arms the waker later.
        # On another thread it is an error, as in asyncio; but a Qt timer started there would be lost for good.
        if self._slicer.is_waiting and self._scheduled[0] is timer and self._thread_id == get_ident():
            self._slicer.wait_for_timers()
        return timer

    def stop(self) -> None:
        """
        End the innermost blocking call after the present iteration; detach if there is no call.

        As in asyncio, the callbacks that are ready now still run. The guest is woken for them.
        """
        self._calls.end_innermost_later()
        self._slicer.stop()

    def _timer_handle_cancelled(self, handle: Any) -> None:
        # TimerHandle.cancel() calls this. A timer that is not on the heap any more does not count.
        if handle._scheduled:
            self._slicer.cancelled_timers += 1

    def _check_call(self, callback: Callable[..., object], method: str) -> None:
        self._check_closed()
        if self._debug:
            self._check_thread()
            self._check_callback(callback, method)

    def _report_error(self, handle: Any, exc: BaseException) -> None:
        if handle._callback is run_locked:
            handle = handle._args[0]
        context = {
            "message": f"Exception in callback {format_callback(handle._callback, handle._args)}",
            "exception": exc,
            "handle": handle,
        }
        self.call_exception_handler(context)

    if sys.version_info >= (3, 15):

        def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
            """
            Run a function in an executor, as the stock loop does.

            The stock loop looks up ``concurrent.futures.ThreadPoolExecutor``, which Python 3.15
            imports lazily. PySide6 6.12.0 keeps such names from being resolved, so the stock
            loop cannot make its default executor. This method makes it from another module.
            """
            if executor is None and self._default_executor is None and not self._executor_shutdown_called:
                from concurrent.futures.thread import ThreadPoolExecutor  # noqa: PLC0415 - not before it is needed.

                self._default_executor = ThreadPoolExecutor(thread_name_prefix="asyncio")
            return super().run_in_executor(executor, func, *args)

    # -- blocking mode --

    def run_forever(self) -> None:
        """
        Run until `stop` is called, in a Qt loop of its own.

        Raises:
            RuntimeError: If there is no QCoreApplication, or the loop is closed, or
                the caller is a callback or coroutine, or another loop runs.
            SystemExit: If the application quits meanwhile, with its exit code.
            asyncio.CancelledError: If the application quits, and this call was nested in another.
        """
        self._check_can_block()
        self._require_application()
        self._block(self._make_call(None))

    def run_until_complete(self, future: Generator[Any, None, T] | Awaitable[T]) -> T:
        """
        Run until *future*, or the task made of a coroutine, is done.

        Ctrl-C cancels the future, unless the program handles it. A second Ctrl-C does not wait for
        the future's clean-up. A call made while the application quits ends with the quit at the latest.

        Returns:
            The result of the future.

        Raises:
            RuntimeError: As `run_forever`; or if `stop` was called before the future was done.
            KeyboardInterrupt: If Ctrl-C has ended the call.
            SystemExit: If the application quits meanwhile, with its exit code. The future is cancelled.
            asyncio.CancelledError: If the future was cancelled; or if the application quits, and this
                call was nested in another.
        """
        # The stock loop does not close what it refuses: Python warns that it was never awaited. Here, too.
        self._check_can_block()
        try:
            self._require_application()
        except BaseException:  # The stock loop has no such refusal. A factory of the program's may raise anything.
            if is_clean_up(self, future):
                return self._clean_up_without_qt(future)
            dispose(future)
            raise
        is_ours = not asyncio.isfuture(future)
        main: asyncio.Future[T] = asyncio.ensure_future(future, loop=self)  # type: ignore[arg-type]
        if is_ours:
            # As the stock loop: if the call ends before the task, a RuntimeError tells, and asyncio need not log.
            mute(main)
        call = self._make_call(main)

        def end_call(_: object) -> None:
            # These two leave the task's step, and abort the call in _end_by_error().
            if main.cancelled() or not isinstance(main.exception(), (SystemExit, KeyboardInterrupt)):
                self._end_later(call)

        main.add_done_callback(end_call)
        try:
            self._block(call)
        except BaseException:  # Something else than the future has ended the call, such as Ctrl-C or a quit.
            # Nobody else has the task, so nobody else can retrieve its exception.
            if is_ours and main.done() and not main.cancelled():
                main.exception()
            raise
        finally:
            main.remove_done_callback(end_call)
        if not main.done():
            msg = "Event loop stopped before Future completed."
            raise RuntimeError(msg)
        # A coroutine that swallows the cancellation returns normally, as under asyncio.Runner.
        if call.is_interrupted and main.cancelled():
            raise KeyboardInterrupt
        return main.result()

    def _clean_up_without_qt(self, future: Generator[Any, None, T] | Awaitable[T]) -> T:
        """
        Do what ``asyncio.run`` does at its end, after it was refused: no Qt loop is needed for it.

        If it was refused, too, the same error would come twice, and tasks would be destroyed while they are pending.
        """
        ending: asyncio.Future[T] = asyncio.ensure_future(future, loop=self)  # type: ignore[arg-type]
        while self._ready:
            self._ready.popleft()._run()
        return ending.result()

    def _check_can_block(self) -> None:
        self._check_closed()
        if self.is_running():
            if self._thread_id != get_ident():
                msg = "This event loop is already running, on another thread; use asyncio.run_coroutine_threadsafe()"
                raise RuntimeError(msg)
            if not self._slicer.is_foreign():
                msg = (
                    "This event loop is already running: in a coroutine use 'await', in a callback create_task(). "
                    "If this is a slot that Qt calls in a coroutine's processEvents(), call run_task() in the slot, or "
                    "replace processEvents() by 'await asyncio.sleep(0)'"
                )
                raise RuntimeError(msg)
            # The guest would not run inside the call, which would never end.
            if self._depth_limit.is_reached(self._slicer.slices, spare_frames=30):
                msg = f"too many Qt event loops are nested in callbacks ({self._slicer.slices}) for one more call"
                raise RuntimeError(msg)
        elif get_running_loop() is not None:
            msg = (
                "Cannot run the event loop while another loop is running: to wait in a slot, use asyncslot.run(), "
                "which nests in that loop; in a coroutine use 'await'"
            )
            raise RuntimeError(msg)

    def _require_application(self, default_factory: Callable[[], object] | None = None) -> Any:
        # Before an application is made.
        if is_importing_main():
            _refuse_second_run()
        return require_application(self._find_application_factory() or default_factory)

    def _find_application_factory(self) -> Callable[[], object] | None:
        own: Callable[[], object] | None = vars(self).get("application_factory")
        # Looked up in the class: through the instance, a function there would become a method of the loop.
        return type(self).application_factory if own is None else own

    def _make_call(self, future: asyncio.Future[Any] | None) -> BlockingCall:
        if self._quit.is_quitting:
            if future is not None:
                self._quit.add_call(future)
            return QuittingCall(future, self._quit.pump_events)
        if loop_level() == 0 and require_application().thread() == QtCore.QThread.currentThread():
            return ApplicationCall(future, self._is_own_dialog_closed, self._dialog_hold)
        return NestedCall(future)

    @contextlib.contextmanager
    def _hold_last_window(self, dialog: Any) -> Iterator[None]:
        """Note that a coroutine awaits *dialog*: see `DialogHold`."""
        with self._dialog_hold.hold(dialog):
            yield

    def _is_own_dialog_closed(self) -> bool:
        """Tell whether the last window, which has just closed, is a dialog that a coroutine waits for."""
        # Of two callbacks on the stack, the lower one runs the Qt loop that has called the upper one.
        runs_qt_loop = self._slicer.depth > 1 or (self._slicer.depth > 0 and self._slicer.is_foreign())
        return self._dialog_hold.is_closed(runs_qt_loop=runs_qt_loop)

    def _block(self, call: BlockingCall) -> None:
        """Run a blocking call. The loop is afterwards as it was before, whatever is raised."""
        outer_level, self._slicer.callback_level = self._slicer.callback_level, None
        try:
            # Before _open(): while a call is on the stack, Ctrl-C raises nothing here.
            self._calls.push(call)
            if not self.is_running():
                self._open()
            self._check_has_waker()
            self._slicer.wake()
            exit_code = call.exec()
            # Nobody has ended the call, so Qt has returned from its loop because of a quit.
            if call.is_quit or not call.is_ended:
                self._end_by_quit(call, exit_code)
        finally:
            self._slicer.callback_level = outer_level
            self._calls.remove(call)
            self._settle()
        # Raised last, when the loop is as it was before.
        if call.error is not None:
            raise call.error

    def _check_has_waker(self) -> None:
        # A Qt loop without a waker would never call the guest, and the program would hang.
        if self._waker is None:
            msg = f"{self!r} runs, but Qt does not carry it; it was left half closed"
            raise RuntimeError(msg)

    @contextlib.contextmanager
    def _as_foreign_code(self) -> Iterator[None]:
        """Have what runs inside count as foreign code, although a callback may have called it."""
        outer_level, self._slicer.callback_level = self._slicer.callback_level, None
        try:
            yield
        finally:
            self._slicer.callback_level = outer_level

    def _end_later(self, call: BlockingCall) -> None:
        # If the application quits, Qt ends the call. It is off the stack if it was aborted, or stopped, when its
        # future's callback was queued already.
        if call in self._calls.stack and not call.is_quit:
            self._calls.end_later(call)
            self._slicer.stop()

    def _end_by_quit(self, call: BlockingCall, exit_code: int) -> None:
        """Raise the exception of a blocking call that ends because the application or the thread quits."""
        # A thread emits `finished` later, and Qt up to 6.4 emits aboutToQuit when exec() returns.
        self._begin_quit()
        # Attached, _settle() completes the quit; in a nested call, the outermost one does.
        if call is self._calls.outermost and not self._calls.is_attached:
            try:
                self._quit.drain(self.shutdown_timeout_s)
            finally:
                self._quit.end()
        # An exit() that the program calls after the last window has closed is a quit of its own.
        is_overruled = call.is_last_window_closed and exit_code != 0
        if (call.has_result and not is_overruled) or call.error is not None:
            return
        if isinstance(call, ApplicationCall):
            raise SystemExit(exit_code)
        if call.future is not None:
            cancel(call.future, CancelReason.QUIT)
        msg = "the Qt event loop quit"
        raise asyncio.CancelledError(msg)

    # -- tasks --

    def run_task(
        self,
        coro: Coroutine[Any, Any, T],
        *,
        name: str | None = None,
        context: contextvars.Context | None = None,
        owner: Any = None,
    ) -> asyncio.Task[T]:
        """
        Start a task, and run it up to its first suspension before this method returns.

        A stopped loop is attached first. The loop holds a strong reference to the task until it is
        done. While the application quits, a task that foreign code starts is cancelled.

        Args:
            coro: The coroutine; it is closed if it cannot be run.
            name: The task's name; None for asyncio's default.
            context: The context that the task runs in; None for a copy of the caller's.
            owner: The QObject to whose life the task is bound: when its C++ object is
                destroyed, the task is cancelled. None if it has no owner.

        Returns:
            The task. It may be done already.

        Raises:
            TypeError: If *coro* is no coroutine, or *owner* no QObject.
            RuntimeError: If the loop is closed or runs on another thread, if there
                is no QCoreApplication, or if *context* is entered already.
            SystemExit: If the first step raises it while no Qt loop runs. Otherwise it ends the Qt loop.
        """
        check_coroutine(coro)
        try:
            record = TaskRecord(None if owner is None else own(owner))
        except BaseException:  # We own coro now: close it on any failure.
            dispose(coro)
            raise
        return self._start_task(coro, record, name=name, context=context)

    def _start_task(  # noqa: C901, PLR0912, PLR0915 - inlined, see below.
        self,
        coro: Coroutine[Any, Any, T],
        record: TaskRecord,
        *,
        name: str | None = None,
        context: contextvars.Context | None = None,
    ) -> asyncio.Task[T]:
        """
        Do the same as `run_task`; *coro* is known to be a coroutine.

        Each call of a slot comes here. So the usual way is written out in this one function: each Python call
        that is saved is a hundredth of a slot call.
        """
        slicer = self._slicer
        try:
            # One comparison for the usual case. It differs if the loop is closed, stopped, or on another thread.
            if self._thread_id != get_ident():
                self._prepare_to_start()
        except BaseException:  # We own coro now: close it on any failure.
            dispose(coro)
            raise
        # Asked before the first step, which may itself begin the quit: the quit then cancels the task.
        is_late = self._quit.phase is not _IDLE and slicer.is_foreign()
        # A subclass or an instance of the loop may have its own create_task(), which must be called.
        if (
            context is not None
            or self._task_factory is not None
            or self._debug
            or self._watch is not None
            or slicer.captured is not None
            or getattr(self.create_task, "__func__", None) is not STOCK_CREATE_TASK
        ):
            return self._start_unusual(coro, record, name, context, is_late=is_late)

        # The task is made. As in `create_captured`.
        handle: Any = None
        captured: list[Any] = []
        slicer.captured, slicer.enqueue = captured, captured.append
        try:
            task = asyncio.Task(coro, loop=self, name=name)
            # A finalizer may have queued a handle, too.
            handle = captured.pop() if len(captured) == 1 else take_first_step(captured, task)
        except BaseException:  # We own coro now: close it on any failure.
            undo(self, slicer, coro, captured)
            raise
        finally:
            # As `Slicer.end_capture`.
            ready, rest = slicer.ready, iter(captured)
            enqueue = slicer.enqueue_and_wake if slicer.is_waiting else ready.append
            slicer.captured, slicer.enqueue = None, enqueue
            if captured:
                ready.extend(rest)
            if slicer.is_waiting and ready:
                slicer.wake()
        # Most often there is none, and asking costs no Python call.
        current = None if find_current_task(self) is None else set_task_aside(self)

        # It is held. As in `TaskRegistry.hold_during`.
        records, owned = self._registry.records, record.owned
        records[task] = record
        if owned is not None:
            owned.tasks[task] = None
        if record.on_created is not None:
            record.on_created(task)

        # Its first step is taken. As in `_run_now`, and in `Slicer.run_now`.
        if slicer.depth == 0:
            # An older request was for a Qt loop that was not there.
            self._calls.end_request = None
        level = slicer.callback_level
        slicer.depth += 1
        slicer.callback_level = slicer.get_loop_level()
        try:
            try:
                handle._context.run(handle._callback)
            finally:
                if slicer.set_aside or slicer.is_paused:
                    slicer.leave((level, None))
                else:
                    slicer.depth -= 1
                    slicer.slice_end_s = 0.0
                    slicer.callback_level = level
        except BaseException as exc:  # noqa: BLE001 - most often it ends a Qt loop, and is raised there.
            self._end_by_first_step(exc, task, coro)
        finally:
            if current is not None:
                put_task_back(self, current)
            if slicer.depth == 0:
                # If nothing is ready, the waker rests at once. This saves one wake-up by Qt per slot call.
                if not slicer.is_waiting:
                    slicer.wait()
                # The conditions of _settle(), without the call.
                calls = self._calls
                is_leaving = self._is_detaching or not calls.is_attached or self._quit.phase is not _IDLE
                if is_leaving and not calls.stack:
                    self._settle()
            # Unless it goes on, or has failed, it is let go of.
            if task.done() and not task._log_traceback and (owned is None or owned.tasks.get(task) is None):
                records.pop(task, None)
                if owned is not None:
                    owned.tasks.pop(task, None)
            else:
                self._registry.release_when_done(task)
        if self._calls.end_request is not None:
            self._raise_end_request()
        if is_late:
            self._quit.add_latecomer(task)
        return task

    def _start_unusual(
        self,
        coro: Coroutine[Any, Any, T],
        record: TaskRecord,
        name: str | None,
        context: contextvars.Context | None,
        *,
        is_late: bool,
    ) -> asyncio.Task[T]:
        """Do the rest of `_start_task` in debug mode, watched, with a task factory or context, or inside a capture."""
        task, first_step = create_captured(self, self._slicer, coro, name, context)
        if self._watch is not None:
            self._watch.on_task(task, record)
        if first_step is None:
            self._registry.add(task, record)
            self._registry.release_when_done(task)
        else:
            self._registry.hold_during(self._run_now, first_step, task, record)
        if is_late:
            self._quit.add_latecomer(task)
        return task

    def _end_by_first_step(self, exc: BaseException, task: asyncio.Task[T], coro: Coroutine[Any, Any, T]) -> None:
        """
        Act on what has left a task's first step, or was raised before the step began, by a signal handler.

        Raises:
            BaseException: *exc*, if no Qt loop runs that it could end, or if it is an error of asyncio's own.
        """
        if task.done():
            # It leaves the loop, so asyncio need not log it, too.
            if not task.cancelled():
                task.exception()
        elif inspect.iscoroutine(coro) and not has_started(coro):
            # Nobody will take the step any more. By the base class: the task's own method would wait for the step.
            asyncio.Future.cancel(task)
            dispose(coro)
        self._end_or_raise(exc)

    def _prepare_to_start(self) -> None:
        self._check_closed()
        self._check_own_thread("run_task()")
        self.attach()

    def _run_now(self, handle: asyncio.Handle) -> None:
        """Run one handle at once, on top of the code that is on the stack. Its task is set aside meanwhile."""
        slicer = self._slicer
        if slicer.depth == 0:
            # An older request was for a Qt loop that was not there.
            self._calls.end_request = None
        # Most often there is none, and asking costs no Python call.
        task = None if find_current_task(self) is None else set_task_aside(self)
        try:
            if self._debug or self._watch is not None:
                self._timed_run.run_first_step(slicer.run_now, handle)
            else:
                slicer.run_now(handle)
        except (SystemExit, KeyboardInterrupt) as exc:
            self._end_or_raise(exc)
        finally:
            if task is not None:
                put_task_back(self, task)
            if slicer.depth == 0:
                # If nothing is ready, the waker rests at once. This saves one wake-up by Qt per slot call.
                if not slicer.is_waiting:
                    slicer.wait()
                # The first condition of _settle(), without the call.
                if not self._calls.stack:
                    self._settle()
        if self._calls.end_request is not None:
            self._raise_end_request()

    def _end_or_raise(self, exc: BaseException) -> None:
        # If no Qt loop runs that the exception could end, it is the caller's.
        is_in_qt_loop = self._calls.stack or self._slicer.get_loop_level() or self._quit.pumps
        if not is_in_qt_loop or not isinstance(exc, (SystemExit, KeyboardInterrupt)):
            raise exc
        self._end_by_error(exc)

    def _raise_end_request(self) -> None:
        """Raise what was to end the application, if the first step of a task that runs before ``exec()`` is over."""
        # It has ended the dialogs of that step only. exec() would begin as if nothing had happened.
        if self._slicer.depth or self._calls.stack or loop_level() or self._quit.pumps:
            return
        exc, self._calls.end_request = self._calls.end_request, None
        if exc is not None:
            raise exc

    # -- Qt calls --

    def _on_wake(self) -> None:
        """Run a slice. Qt calls it, so no exception may leave it."""
        # In a forked child, the copies of the parent's Qt objects may still call: see forget().
        if self._waker is None:
            return
        if self._calls.stack and self._calls.is_leaving():
            self._calls.leave()
            return
        if self._slicer.slices >= FREE_DEPTH and self._is_too_deep():
            return
        task = None
        timed_run = self._timed_run if self._debug or self._watch is not None else None
        outer = None if timed_run is None else timed_run.begin_nested()
        try:
            task = set_task_aside(self)
            if self._slicer.run(self.time_slice_s, None if timed_run is None else timed_run.run) is _STOPPED:
                self._end_stopped()
        except BaseException as exc:  # noqa: BLE001 - what leaves a slot crashes Qt.
            self._end_by_error(exc)
        finally:
            if timed_run is not None:
                timed_run.end_nested(outer)
            if task is not None:
                put_task_back(self, task)
        try:
            self._slicer.wait()
            self._settle()
        except BaseException as exc:  # noqa: BLE001 - what leaves a slot crashes Qt.
            self._end_by_error(exc)

    def _is_too_deep(self) -> bool:
        """Tell whether nothing may run on top of what is on the stack, but what a signal asks for."""
        slicer = self._slicer
        if not slicer.is_paused:
            if not self._depth_limit.is_reached(slicer.slices):
                return False
            slicer.pause()
        # While it pauses, the waker calls for the loop's own socket only.
        try:
            self._read_from_self()
        except BaseException as exc:  # noqa: BLE001 - what leaves a slot crashes Qt.
            self._end_by_error(exc)
        return True

    def _end_stopped(self) -> None:
        """Do what stop() has asked for. The iteration in which it was called is over."""
        if self._calls.stack:
            self._calls.end_stopped()
        else:
            self._is_detaching = True

    def _end_by_error(self, exc: BaseException) -> None:
        """Act on an exception that has left a slice or a first step: SystemExit, KeyboardInterrupt, a fault of ours."""
        if self._calls.stack:
            self._calls.abort(exc)
            # What was to end with this iteration may have been the aborted call.
            self._slicer.stopping = self._calls.is_ending
            self._quit.abandon()
        elif isinstance(exc, (KeyboardInterrupt, SystemExit)):
            self._calls.end_application(exc)
        else:
            self.call_exception_handler({"message": "Error in the event loop", "exception": exc})

    def _on_about_to_quit(self) -> None:
        # Clean-up is awaited already, so this is a second exit(): the user wants it to end now.
        if self._quit.pumps:
            self._quit.abandon()
            return
        with self._reporting_errors():
            self._begin_quit()
        if not self._slicer.depth and not self._calls.stack:
            self._complete_quit()

    def _on_thread_finished(self) -> None:
        with self._reporting_errors():
            self._begin_quit()
        self._complete_quit()

    def _begin_quit(self) -> None:
        if self._quit.is_quitting:
            return
        # Before futures are cancelled: it notes which of them are done.
        self._calls.mark_quit()
        self._quit.begin(
            self._calls.futures,
            timeout_s=self.shutdown_timeout_s,
            holds_last_window=self._is_on_application_thread(),
        )

    def _complete_quit(self) -> None:
        """Complete the quit of an attached guest. Qt calls this, so no exception may leave it."""
        with self._reporting_errors():
            self._quit.drain(self.shutdown_timeout_s)
        # First, because close() is refused during a quit.
        with self._reporting_errors():
            self._quit.end()
        # Later: this may run inside a signal of one of the waker's objects.
        with self._reporting_errors():
            self._detach(later=True)
        with self._reporting_errors():
            self.close()

    @contextlib.contextmanager
    def _reporting_errors(self) -> Iterator[None]:
        try:
            yield
        except KeyboardInterrupt:
            # A Ctrl-C that was pending: the application does already what it asks for.
            pass
        except BaseException as exc:  # noqa: BLE001 - what leaves a slot crashes Qt.
            # The loop's own: a handler of the program's may raise SystemExit.
            self.default_exception_handler({"message": "Error while the application quit", "exception": exc})

    def _settle(self) -> None:
        """Close, complete a quit, or detach, as soon as no frame of the guest and no blocking call is on the stack."""
        calls = self._calls
        if self._slicer.depth or calls.stack or self._quit.pumps:
            return
        if not calls.is_attached:
            self._close_running(later=False)
        elif self._quit.phase is not _IDLE:
            self._complete_quit()
        elif self._is_detaching:
            self._detach(later=True)

    # -- from STOPPED to running and back --

    def _open(self) -> None:
        """Let Qt run the guest. Everything is undone if anything is raised."""
        application = self._require_application()
        # Each undoing is registered before its step where it can be: a step may fail half-way.
        with contextlib.ExitStack() as opening:
            if on_main_thread():
                # First, and therefore undone last: from here on Ctrl-C raises nothing.
                opening.callback(self._close_interrupts)
                self._interrupts.open(self._wakeup_fd)
            opening.callback(self._begin_running())
            if self._release_thread_state is None:
                self._release_thread_state = hold_thread_state()
            opening.callback(self._close_waker, later=False)
            self._open_waker()
            if self._is_on_application_thread():
                opening.callback(self._disconnect_from_application)
                application.aboutToQuit.connect(self._on_about_to_quit)
                application.destroyed.connect(self._on_application_destroyed)
            opening.callback(set_running, None)
            set_running(self)
            # A signal that arrived before the wakeup descriptor was set has woken nobody.
            if self._interrupts.is_pending:
                self._write_to_self()
            if GuestEventLoop.on_first_open is not None and self._is_on_application_thread():
                on_first_open, GuestEventLoop.on_first_open = GuestEventLoop.on_first_open, None
                on_first_open()
            self._opening = opening.pop_all()

    def _close_running(self, *, later: bool) -> None:
        """
        Stop letting Qt run the guest. Each step is taken, even if another one fails.

        Args:
            later: As for `Waker.close`.
        """
        # The waker first, with the right `later`. The stack closes it once more, which is then a no-op.
        opening, self._opening = self._opening, contextlib.ExitStack()
        with opening:
            self._close_waker(later=later)

    def _open_waker(self) -> None:
        if not on_main_thread():
            # Timers need an event dispatcher. A thread that Python started has none until a QEventLoop is made.
            QtCore.QEventLoop()
        self._thread = QtCore.QThread.currentThread()
        self._waker = Waker(self._on_wake, self._selector, self._urgent_fd)
        self._slicer.open(self._waker, self._thread.loopLevel)

    def _close_waker(self, *, later: bool) -> None:
        waker, self._waker = self._waker, None
        self._thread = None
        self._timed_run.close()
        self._slicer.close()
        if waker is not None:
            waker.close(later=later)

    def _close_interrupts(self) -> None:
        self._interrupts.close(keep_wakeup_fd=self.has_signal_handlers())

    def _disconnect_from_application(self) -> None:
        application = QtCore.QCoreApplication.instance()
        if application is not None and is_alive(application):
            application.aboutToQuit.disconnect(self._on_about_to_quit)
            application.destroyed.disconnect(self._on_application_destroyed)

    def _is_on_application_thread(self) -> bool:
        application = QtCore.QCoreApplication.instance()
        return application is not None and application.thread() == self._thread

    def _detach(self, *, later: bool) -> None:
        if self._calls.is_attached:
            self._undo_attach()
            self._close_running(later=later)

    def _undo_attach(self) -> None:
        self._calls.is_attached = False
        self._is_detaching = False
        atexit.unregister(self._on_exit)
        if self._ends_with_thread:
            self._ends_with_thread = False
            self._thread.finished.disconnect(self._on_thread_finished)

    def _on_exit(self) -> None:
        """Detach and close at the interpreter's end, so that Qt calls nothing any more."""
        self._abandon("the program has ended without a quit")

    def _on_application_destroyed(self) -> None:
        """Detach and close with the application, which nothing can carry the guest without."""
        # Inside a call or callback, it is too late for an orderly end; the call ends when Qt has returned.
        if self._calls.stack or self._slicer.depth:
            return
        with self._reporting_errors():
            self._abandon("the application was destroyed without a quit")

    def _abandon(self, why: str) -> None:
        for task in asyncio.all_tasks(self) - {self._quit.ending}:
            # Or asyncio would log the task once more, when it is destroyed.
            mute(task)
            logger.error("Task was abandoned: %s: %s", why, describe_task(task))
        self._quit.forget()
        self._detach(later=False)
        self.close()

    def forget(self) -> None:
        """Stop running the guest in a forked child. The Qt objects are the parent's, and are not touched."""
        self._waker = None
        self._slicer.close()
        self._thread_id = None
        self._calls.is_attached = False
        self._calls.stack.clear()
        self._quit.forget()
        # Dropped and not run: they would close the waker, and end the parent's processes.
        self._opening = contextlib.ExitStack()
        self._at_close = set()
        atexit.unregister(self._on_exit)
        self._interrupts.forget()


class AsyncSlotEventLoop(GuestEventLoop, PlatformEventLoop):
    """
    An asyncio event loop (the guest) that runs inside Qt's event loop (the host).

    It is the platform's stock loop with another scheduling: it decides when callbacks run, and how Qt
    and asyncio wait for each other. The table says what a call does in each state of the loop.
    `run_until_complete` does the same as `run_forever`.

    ========  =============  ============  ============  ============  ============  =======  ============  ============
    state     run_forever()  attach()      detach()      run_task()    call_soon()   stop()   shutdown()    close()
    ========  =============  ============  ============  ============  ============  =======  ============  ============
    STOPPED   BLOCKING       ATTACHED      no-op         ATTACHED      queued        pending  CLOSED        CLOSED
    BLOCKING  nests          ATTACHED      no-op         started       called        STOPPED  RuntimeError  RuntimeError
    ATTACHED  nests          no-op         STOPPED       started       called        STOPPED  CLOSED        RuntimeError
    QUITTING  nests          RuntimeError  RuntimeError  cancelled     called        no-op    RuntimeError  RuntimeError
    CLOSED    RuntimeError   RuntimeError  no-op         RuntimeError  RuntimeError  no-op    no-op         no-op
    ========  =============  ============  ============  ============  ============  =======  ============  ============

    In capitals: the state that the call brings the loop to; a blocking call returns to the state before.
    *nests*: runs a Qt loop inside the present one. *queued*: called in the next run. *called*: the guest is
    woken for it. *started*: the first step has run. *cancelled*: the task is cancelled. *pending*: the next
    run ends after one iteration.

    The table is about calls made by foreign code, which Qt runs while the guest waits. Inside a callback or
    coroutine of the guest's, `run_forever`, `detach` and `shutdown` are a RuntimeError.

    Used in a ``with`` statement, the loop is shut down at the end of the block.

    Args:
        selector: What polls for I/O; None for the platform's best. One without a
            ``fileno()``, such as ``SelectSelector``, costs a thread.

    Raises:
        TypeError: If *selector* is no selector.
    """


if sys.platform == "win32":

    class AsyncSlotSelectorEventLoop(GuestEventLoop, SelectorPlatformEventLoop):
        """
        An `AsyncSlotEventLoop` for those who need ``add_reader``, which Windows' stock loop lacks.

        As asyncio's own, it runs no subprocesses and no pipes on Windows.

        Args:
            selector: What polls for I/O; None for ``SelectSelector``. It costs a thread.

        Raises:
            TypeError: If *selector* is no selector.
        """

        async def _make_subprocess_transport(self, *_: Any, **__: Any) -> NoReturn:
            _refuse_pipe("subprocesses")

        def _make_read_pipe_transport(self, *_: Any, **__: Any) -> NoReturn:
            _refuse_pipe("connect_read_pipe()")

        def _make_write_pipe_transport(self, *_: Any, **__: Any) -> NoReturn:
            _refuse_pipe("connect_write_pipe()")

        def _find_application_factory(self) -> Callable[[], object] | None:
            # A policy, or the program, sets it for all loops.
            return super()._find_application_factory() or AsyncSlotEventLoop.application_factory

    def _refuse_signal_handler(method: str) -> NoReturn:
        msg = (
            f"{method} is not available on Windows; call signal.signal(SIGINT, handler), or with SIGBREAK, before the "
            "loop runs: the loop calls that handler"
        )
        raise NotImplementedError(msg)

    def _refuse_pipe(what: str) -> NoReturn:
        verb = "is" if what.endswith(")") else "are"
        msg = (
            f"{what} {verb} not available on Windows' selector loop, from which AsyncSlotSelectorEventLoop derives; "
            "use AsyncSlotEventLoop, or QProcess with asyncslot.expect_signal()"
        )
        raise NotImplementedError(msg)

else:
    # It is a selector loop already.
    AsyncSlotSelectorEventLoop = AsyncSlotEventLoop


def _refuse_second_run() -> NoReturn:
    """Raise the error for a spawned process that runs the program once more, and end its Qt loop."""
    if loop_level():
        QtCore.QCoreApplication.exit(1)
    msg = (
        "this process was started to work for the program, by run_in_process() or multiprocessing, and it runs the "
        "program once more, because it imports the program's file: write 'if __name__ == \"__main__\":' before the "
        "lines that make the application and run it"
    )
    raise RuntimeError(msg)


def _check_selector(loop: object, selector: object) -> None:
    # The proactor loop of Windows takes none, and says so itself.
    if selector is None or hasattr(selector, "get_map") or not isinstance(loop, asyncio.SelectorEventLoop):
        return
    # On Unix, both names stand for one class.
    name = AsyncSlotSelectorEventLoop.__name__
    msg = (
        f"{name} takes a selector, such as selectors.SelectSelector(), got {selector!r}; "
        f"it finds the application by itself: {name}()"
    )
    raise TypeError(msg)


def _hide_caller(handle: Any) -> None:
    """Remove the loop's own frame from the place where *handle* was made, which debug mode reports."""
    if handle._source_traceback:
        del handle._source_traceback[-1]
