"""
The names of qasync 0.28 over asyncslot: ``from asyncslot.compat import qasync``.

What is different, and is not promised by qasync's documentation:

- A slot's code before the first suspension runs at once, inside the signal's ``emit()``.
- The binding is the one that asyncslot chooses: the one imported, or ``QT_API``.
- Private names, such as ``_QThreadWorker``, are not there.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Coroutine, Generator, TypeVar

from asyncslot import AsyncClose, AsyncSlot, AsyncSlotEventLoop, LoopState
from asyncslot import run as run_nested
from asyncslot._qt import QtCore, binding_name, import_qt, make_application, on_widget_thread
from asyncslot._task.asyncio_private import get_running_loop, mute
from asyncslot._task.cancellation import CancelReason, cancel
from asyncslot._task.registry import TaskRecord
from asyncslot.compat._policy import LoopPolicy, using_policy
from asyncslot.compat._quit import QuitWatch
from asyncslot.loop import set_thread_loop

if sys.platform == "win32":
    from asyncslot import AsyncSlotSelectorEventLoop

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    P = ParamSpec("P")

# qasync's own list. Its other public names are here, too.
__all__ = ["QEventLoop", "QThreadExecutor", "asyncClose", "asyncSlot", "asyncWrap"]

T = TypeVar("T")

# Seconds that a main coroutine has to end by itself when the application quits. Arbitrary: enough for what ends when it
# hears of ``aboutToQuit``, and too short to be noticed by who closes a window.
QUIT_GRACE_S = 0.2

# What the binding's own Slot takes, and has no meaning for a slot that returns a task.
_IGNORED_SLOT_OPTIONS = {"result", "revision", "tag"}

# Python's smallest stack for a thread may only be set for all new threads, so one thread at a time sets it.
_stack_size_lock = threading.Lock()


class StoppedByQuit(SystemExit, RuntimeError):  # noqa: N818 - says what has happened, as SenderDestroyed does.
    """
    The application has quit before a main coroutine was done.

    It ends the program with the quit's exit code. Programs that catch qasync's RuntimeError of this case catch it, too.
    """


class QEventLoop(AsyncSlotEventLoop):
    """
    An `AsyncSlotEventLoop` with qasync's parameters.

    A blocking call that a quit ends returns, as with qasync: `run_forever` the exit code, and `run_until_complete` the
    result, if the coroutine ends when ``aboutToQuit`` is emitted. Other coroutines are cancelled, and `StoppedByQuit`
    ends the program with the exit code, where qasync raises "Event loop stopped before Future completed".

    Args:
        app: Has no effect: there is one application, and the loop finds it.
        set_running_loop: Has no effect, as in qasync.
        already_running: Whether the application's own ``exec()`` is to carry the loop, which is attached at once.
            `stop` detaches it then, and the application goes on; in qasync the application quits.

    Raises:
        RuntimeError: If it is to be attached, but there is no application, or another loop runs.
    """

    def __init__(self, app: Any = None, set_running_loop: bool = False, already_running: bool = False) -> None:  # noqa: FBT001, FBT002 - qasync's.
        del app, set_running_loop
        super().__init__()
        # As qasync's slots, ours may be called before the loop runs. They run in this loop, not in one of their own.
        set_thread_loop(self)
        if already_running:
            try:
                self.attach()
            except BaseException:  # Nobody else knows of this loop: close it on any failure.
                super().close()
                raise

    def run_forever(self) -> Any:
        """
        Run until `stop` is called, or the application quits.

        Returns:
            The exit code of the quit; 0 if it was stopped.
        """
        with QuitWatch() as watch:
            try:
                super().run_forever()
            except SystemExit as exc:
                if not watch.has_quit:
                    raise
                return exc.code
        return 0

    def run_until_complete(self, future: Generator[Any, None, T] | Awaitable[T]) -> T:
        """
        Run until *future*, or the task made of a coroutine, is done.

        Returns:
            The result; also if the application quits, and the future is done soon, as after
            ``app.aboutToQuit.connect(event.set)``.

        Raises:
            StoppedByQuit: If the application quits, and the future is not done 0.2 s later. It is cancelled then.
        """
        if not self._is_outermost_call():
            return super().run_until_complete(future)
        main: asyncio.Future[T] = asyncio.ensure_future(future, loop=self)  # type: ignore[arg-type]
        if main is not future:
            mute(main)
        if isinstance(main, asyncio.Task):
            # The quit is not to cancel it at once: what tells it to end may come later in the same signal.
            record = TaskRecord()
            record.finishes_on_quit = True
            self._registry.add(main, record)
            self._registry.release_when_done(main)
        # SystemExit comes although *main* has ended: after the quit, or, with Qt before 6.5, just before it.
        with QuitWatch(lambda: self.call_later(QUIT_GRACE_S, cancel, main, CancelReason.QUIT)) as watch:
            try:
                return super().run_until_complete(main)
            except SystemExit as exc:
                if watch.has_ended(main):
                    return main.result()
                if watch.has_quit:
                    raise StoppedByQuit(exc.code) from None
                raise

    def _is_outermost_call(self) -> bool:
        """Tell whether a blocking call now is one that a quit ends by SystemExit, and not by an error of its own."""
        may_run = self.state in (LoopState.STOPPED, LoopState.ATTACHED)
        other = get_running_loop() not in (None, self)
        is_in_task = not other and self.is_running() and asyncio.current_task(self) is not None
        return may_run and not other and not is_in_task and on_widget_thread()

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Pass the failure of a slot to ``sys.excepthook``, as qasync does; log everything else."""
        exc = context.get("exception")
        if "slot" in context and exc is not None:
            sys.excepthook(type(exc), exc, exc.__traceback__)
        else:
            super().default_exception_handler(context)

    def close(self) -> None:
        """
        Close the loop. An attached one is shut down first: its tasks are cancelled, and clean up.

        While the application quits this is a no-op, as the loop then closes by itself.
        """
        if self.state is LoopState.QUITTING:
            return
        if self.state is LoopState.ATTACHED:
            self.shutdown()
        else:
            super().close()


if sys.platform == "win32":
    QIOCPEventLoop = QEventLoop

    class QSelectorEventLoop(AsyncSlotSelectorEventLoop):
        """
        A selector loop with qasync's parameters, which have no effect.

        Args:
            app: Has no effect.
            set_running_loop: Has no effect.
            already_running: Has no effect: call ``attach()``.
        """

        def __init__(self, app: Any = None, set_running_loop: bool = False, already_running: bool = False) -> None:  # noqa: FBT001, FBT002 - qasync's.
            del app, set_running_loop, already_running
            super().__init__()

else:
    QSelectorEventLoop = QEventLoop


class QThreadExecutor(ThreadPoolExecutor):
    """
    A ``concurrent.futures.ThreadPoolExecutor``. Its threads are Python's, not QThreads.

    Qt adopts such threads: ``QThread.currentThread()`` and QObjects work in them. No Qt event loop runs in them, nor
    does one in qasync's.

    Args:
        max_workers: How many threads there are at most. They are started when they are needed.
        stack_size: The stack of each thread, in bytes; None for Python's default.

    Raises:
        ValueError: If *max_workers* is less than 1, or *stack_size* is too small for the system.
    """

    def __init__(self, max_workers: int = 10, stack_size: int | None = None) -> None:
        super().__init__(max_workers, thread_name_prefix="QThreadExecutor")
        self._stack_size = stack_size
        if stack_size is not None:
            with _stack_size_lock:
                threading.stack_size(threading.stack_size(stack_size))

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have ``fn(*args, **kwargs)`` called in a thread; return its future."""
        if self._stack_size is None:
            return super().submit(fn, *args, **kwargs)
        # The pool starts a thread here, if it starts one.
        with _stack_size_lock:
            before = threading.stack_size(self._stack_size)
            try:
                return super().submit(fn, *args, **kwargs)
            finally:
                threading.stack_size(before)


def asyncSlot(  # noqa: N802 - qasync's.
    *args: Any, **kwargs: Any
) -> Callable[[Callable[P, Coroutine[Any, Any, T]]], Callable[P, asyncio.Task[T]]]:
    """
    Make a coroutine function a Qt slot, as `asyncslot.AsyncSlot` does.

    In a `QEventLoop` that has no exception handler, a failure is passed to ``sys.excepthook``.

    Args:
        args: The types of the slot's arguments, as in Qt's own ``Slot``.
        kwargs: ``name`` as in Qt's own ``Slot``. Its other options have no effect.

    Returns:
        The decorator.

    Raises:
        TypeError: At decoration, if it decorates anything but a coroutine function; or if an option is unknown.
    """
    name = kwargs.pop("name", None)
    unknown = set(kwargs) - _IGNORED_SLOT_OPTIONS
    if unknown:
        msg = f"asyncSlot() has no option {', '.join(sorted(unknown))}; it takes those of Qt's own Slot"
        raise TypeError(msg)
    return AsyncSlot(*args, name=name)


def asyncClose(fn: Callable[P, Coroutine[Any, Any, object]]) -> Callable[P, Any]:  # noqa: N802 - qasync's.
    """
    Let a window's ``closeEvent`` be a coroutine, as `asyncslot.AsyncClose` does.

    The window stays open until the coroutine has ended, and then closes, unless ``event.ignore()`` was called. So
    ``close()`` returns false at first, where qasync waits inside it. If the coroutine fails, the window stays open.

    Any other coroutine function becomes a function that waits for the coroutine, in a nested Qt loop. During a quit,
    the quit waits for it. If a coroutine calls the function, nobody waits.

    Args:
        fn: The coroutine function.

    Returns:
        The method, or the function.

    Raises:
        TypeError: If *fn* is no coroutine function.
    """
    if getattr(fn, "__name__", None) != "closeEvent" or not inspect.iscoroutinefunction(fn):
        return _make_waiting(fn)

    @functools.wraps(fn)
    async def close_event(window: Any, event: Any) -> bool:
        del event
        # Qt's own event is gone after the first suspension, and is ignored by then. This one lives on.
        own = import_qt("QtGui").QCloseEvent()
        await fn(window, own)  # type: ignore[call-arg]
        return bool(own.isAccepted())

    return AsyncClose(close_event)  # type: ignore[arg-type]


def _make_waiting(fn: Callable[..., Coroutine[Any, Any, object]]) -> Callable[..., None]:
    if not inspect.iscoroutinefunction(fn):
        msg = f"asyncClose decorates a coroutine function, got {fn!r}"
        raise TypeError(msg)

    start = AsyncSlot(on_quit="finish")(fn)

    @functools.wraps(fn)
    def call_and_wait(*args: Any, **kwargs: Any) -> None:
        task = start(*args, **kwargs)
        # CancelledError: the application quits. RuntimeError: a coroutine calls this. The task goes on.
        with contextlib.suppress(asyncio.CancelledError, RuntimeError):
            run_nested(_wait(task))

    return call_and_wait


async def _wait(task: asyncio.Task[object]) -> None:
    # Not by asyncio.wait(): a failure is not reported if somebody waits for the task, who would see it.
    done = asyncio.Event()
    task.add_done_callback(lambda _: done.set())
    await done.wait()


async def asyncWrap(fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:  # noqa: N802 - qasync's.
    """
    Call a function that runs a nested Qt loop, such as ``QMessageBox.question``. Everything else goes on meanwhile.

    Calling the function without ``asyncWrap`` does the same. A function that blocks without a Qt loop blocks the
    window, in qasync, too. A cancellation takes effect when the function returns; in qasync at once, while the dialog
    stays open. `asyncslot.dialogs.show_dialog` also closes the dialog.

    Args:
        fn: The function.
        args: Its positional arguments.
        kwargs: Its keyword arguments.

    Returns:
        What it returns.
    """
    return fn(*args, **kwargs)


def _make_loop() -> QEventLoop:
    make_application()
    return QEventLoop()


class _QEventLoopPolicy(LoopPolicy):
    """The policy whose loops are `QEventLoop`. It makes the QApplication if there is none."""

    make_loop = staticmethod(_make_loop)


if sys.version_info < (3, 12):
    # As in qasync: from Python 3.12 on, asyncio.run() takes a loop_factory.
    DefaultQEventLoopPolicy = _QEventLoopPolicy


def run(*args: Any, **kwargs: Any) -> Any:
    """
    Run a coroutine in a `QEventLoop` as ``asyncio.run`` does. A QApplication is made if there is none.

    Args:
        args: The coroutine.
        kwargs: ``debug``, as in ``asyncio.run``.

    Returns:
        The coroutine's result.
    """
    if sys.version_info >= (3, 12):
        return asyncio.run(*args, loop_factory=_make_loop, **kwargs)
    with using_policy(_QEventLoopPolicy()):
        return asyncio.run(*args, **kwargs)


# Qt's own names, which programs import from qasync.
_QT_MODULES = ("QtGui", "QtWidgets")


def __getattr__(name: str) -> Any:
    """Find a name of the binding's, which is imported when it is first used."""
    if name in _QT_MODULES:
        return import_qt(name)
    if name == "QApplication":
        return import_qt("QtWidgets").QApplication
    if name == "QtModuleName":
        return binding_name()
    if name == "QtModule":
        return sys.modules[binding_name()]
    if name == "Slot":
        return getattr(QtCore, "pyqtSlot" if binding_name().startswith("PyQt") else "Slot")
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted({*globals(), *_QT_MODULES, "QApplication", "QtModule", "QtModuleName", "Slot"})
