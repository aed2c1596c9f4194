"""
The names of qtinter 0.11 over asyncslot: ``from asyncslot.compat import qtinter``.

What is different, and is not promised by qtinter's documentation:

- When the application quits, the tasks clean up while Qt still runs, and the loop is closed with the quit.
- The binding is the one that asyncslot chooses: the one imported, or ``QT_API``; ``QTINTERBINDING`` has no effect.
- Private names, such as ``transform_slot`` and ``copy_signal_arguments``, are not there.
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import functools
import inspect
import sys
import threading
import types
import weakref
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Coroutine, Generator, Iterator, Mapping, TypeVar

import asyncslot as native
from asyncslot import AsyncSlot, AsyncSlotEventLoop, AsyncSlotSelectorEventLoop, signal_stream, wait_signal
from asyncslot._loop.first_step import check_coroutine
from asyncslot._qt import Connection, IdentityDict, QtCore, call_on_thread, is_alive, own_arguments
from asyncslot._slot.call import fail, make_record, start_slot
from asyncslot._slot.failure import report_failure
from asyncslot._slot.wrapper import make_wrapper
from asyncslot.compat._policy import LoopPolicy, using_policy
from asyncslot.loop import GuestEventLoop

if TYPE_CHECKING:
    from typing_extensions import ParamSpec, Self

    P = ParamSpec("P")

__all__ = [
    "QiBaseEventLoop",
    "QiBaseProactorEventLoop",
    "QiBaseSelectorEventLoop",
    "QiDefaultEventLoop",
    "QiDefaultEventLoopPolicy",
    "QiLoopMode",
    "QiSelectorEventLoop",
    "QiSelectorEventLoopPolicy",
    "asyncsignal",
    "asyncsignalstream",
    "asyncslot",
    "modal",
    "multisignal",
    "new_event_loop",
    "run_task",
    "using_asyncio_from_qt",
    "using_qt_from_asyncio",
]
if sys.platform == "win32":
    __all__ += ["QiProactorEventLoop", "QiProactorEventLoopPolicy"]

T = TypeVar("T")

# Where the bindings note that their own Slot declares a function. See `_make_bound_slot`.
_SLOT_MARKS = ("_slots", "__pyqtSignature__")

# The slots made of each receiver's methods. A slot must live as long as its receiver: PyQt and PySide2 refer to
# the function of a connected method weakly, because it is the class's, usually.
_bound_slots: IdentityDict[dict[object, Any]] = IdentityDict(lambda _: {})


class QiLoopMode(enum.Enum):
    """
    The modes of a `QiBaseEventLoop`.

    Attributes:
        OWNER: The loop runs Qt, in `run_forever`.
        GUEST: The application's own ``exec()`` carries the loop, after `start`.
        NATIVE: For clean-up. The loop runs Qt, as in OWNER; qtinter runs without Qt.
    """

    OWNER = "OWNER"
    GUEST = "GUEST"
    NATIVE = "NATIVE"


@contextlib.contextmanager
def _holding_last_window() -> Iterator[None]:
    """Keep Qt from quitting when the last window is closed: qtinter's Qt loop knows nothing of windows."""
    application = QtCore.QCoreApplication.instance()
    # By the property, for which QtGui need not be imported. A QCoreApplication has none: None.
    if application is None or not application.property("quitOnLastWindowClosed"):
        yield
        return
    application.setProperty("quitOnLastWindowClosed", False)
    try:
        yield
    finally:
        if is_alive(application):
            application.setProperty("quitOnLastWindowClosed", True)


class QiBaseEventLoop(GuestEventLoop):
    """
    A loop with qtinter's modes.

    `run_forever` and `run_until_complete` run in each mode, also in GUEST, where qtinter raises RuntimeError. Closing
    the last window meanwhile is no quit, as with qtinter. ``app.quit()`` and ``app.exit(n)`` quit by SystemExit, where
    qtinter ignores the first, and raises RuntimeError for the second.
    """

    _mode = QiLoopMode.OWNER

    def run_forever(self) -> None:
        """Run until `stop` is called."""
        with _holding_last_window():
            super().run_forever()

    def run_until_complete(self, future: Generator[Any, None, T] | Awaitable[T]) -> T:
        """
        Run until *future*, or the task made of a coroutine, is done.

        Returns:
            The result.
        """
        with _holding_last_window():
            return super().run_until_complete(future)

    def set_mode(self, mode: QiLoopMode) -> None:
        """
        Set the mode of a loop that does not run.

        Raises:
            RuntimeError: If the loop runs, or is closed.
        """
        if self.is_closed() or self.is_running():
            msg = f"set_mode() was called on {self!r}; it must be neither running nor closed"
            raise RuntimeError(msg)
        self._mode = mode

    def start(self) -> None:
        """
        Let the application's own Qt loop carry this one: `attach`.

        Raises:
            RuntimeError: If the mode is not GUEST, or the loop runs already, or cannot be attached.
        """
        if self._mode is not QiLoopMode.GUEST:
            msg = "start() is for a loop in the mode GUEST; call set_mode(QiLoopMode.GUEST) first, or attach()"
            raise RuntimeError(msg)
        if self.is_running():
            msg = "This event loop is already running"
            raise RuntimeError(msg)
        self.attach()

    def exec_modal(self, modal_fn: Callable[[], Any]) -> None:
        """Call a function, which may run a nested Qt loop, after the present callback, as ``call_soon`` does."""
        self.call_soon(modal_fn)


class QiSelectorEventLoop(QiBaseEventLoop, AsyncSlotSelectorEventLoop):
    """
    A selector loop with qtinter's modes.

    Args:
        selector: What polls for I/O; None for the platform's best.
    """


# qtinter's abstract one. A program uses it for isinstance() only.
QiBaseSelectorEventLoop = QiSelectorEventLoop


class QiBaseProactorEventLoop(QiBaseEventLoop):
    """The base class of proactor loops, which only Windows has."""


class QiSelectorEventLoopPolicy(LoopPolicy):
    """The policy whose loops are `QiSelectorEventLoop`."""

    make_loop = QiSelectorEventLoop


if sys.platform == "win32":

    class QiProactorEventLoop(QiBaseProactorEventLoop, AsyncSlotEventLoop):
        """
        A proactor loop with qtinter's modes.

        Args:
            proactor: Has no effect.
        """

        def __init__(self, proactor: Any = None) -> None:
            del proactor
            super().__init__()

    class QiProactorEventLoopPolicy(LoopPolicy):
        """The policy whose loops are `QiProactorEventLoop`."""

        make_loop = QiProactorEventLoop

    QiDefaultEventLoop = QiProactorEventLoop
    QiDefaultEventLoopPolicy = QiProactorEventLoopPolicy
else:
    QiDefaultEventLoop = QiSelectorEventLoop
    QiDefaultEventLoopPolicy = QiSelectorEventLoopPolicy


def new_event_loop() -> QiDefaultEventLoop:
    """Make a loop: a ``loop_factory`` for ``asyncio.run`` and ``asyncio.Runner``."""
    return QiDefaultEventLoop()


@contextlib.contextmanager
def using_asyncio_from_qt(
    *, debug: bool | None = None, loop_factory: Callable[[], GuestEventLoop] | None = None
) -> Iterator[None]:
    """
    Let Qt carry asyncio in a block, in which the program calls ``app.exec()``.

    asyncslot needs no such block for its slots. Inside it, ``asyncio.create_task`` works in plain slots, too.
    At the end of the block, or when the application quits, the tasks are cancelled, and clean up. After a quit inside
    the block, asyncio does not run any more; with qtinter it runs until the end of the block.

    Args:
        debug: asyncio's debug mode; None for asyncio's default.
        loop_factory: Makes the loop, which must be one of asyncslot's; None for `new_event_loop`.

    Raises:
        RuntimeError: If there is no application yet, or another loop runs on this thread.
    """
    loop = new_event_loop() if loop_factory is None else loop_factory()
    if debug is not None:
        loop.set_debug(debug)
    try:
        asyncio.set_event_loop(loop)
        loop.attach()
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.shutdown()


@contextlib.contextmanager
def using_qt_from_asyncio() -> Iterator[None]:
    """
    Let asyncio's loops be carried by Qt in a block, in which the program calls ``asyncio.run``.

    Closing the last window does not end the coroutine. If the application quits otherwise, the coroutine is cancelled,
    and SystemExit ends the program with the exit code.

    Raises:
        RuntimeError: From Python 3.16 on, which has no policies; pass *loop_factory* to asyncio.run.
    """
    with using_policy(QiDefaultEventLoopPolicy()):
        yield


def run_task(coro: Coroutine[Any, Any, T], *, allow_task_nesting: bool = True, **kwargs: Any) -> asyncio.Task[T]:
    """
    Run a coroutine up to its first suspension now, and the rest as a task, as `asyncslot.run_task` does.

    Args:
        coro: The coroutine.
        allow_task_nesting: Whether a running task may call this.
        kwargs: ``name``, ``context`` and ``owner``, as in `asyncslot.run_task`.

    Returns:
        The task, which is held until it is done.

    Raises:
        RuntimeError: If a task calls this, and may not; or as `asyncslot.run_task`.
    """
    if not allow_task_nesting and asyncio.current_task() is not None:
        coro.close()
        msg = "run_task(allow_task_nesting=False) was called by a running task; use 'await' instead"
        raise RuntimeError(msg)
    return native.run_task(coro, **kwargs)


def asyncslot(
    fn: Callable[P, Coroutine[Any, Any, T]], *, task_runner: Callable[[Any], Awaitable[Any]] = run_task
) -> Callable[P, asyncio.Task[T]]:
    """
    Make a coroutine function, or a method of an object, usable as a Qt slot.

    A connection does not keep the object of a method alive. If it is a QObject, its tasks are cancelled when it is
    destroyed; with qtinter they go on. ``asyncslot(obj.method)`` is equal each time, so it can be disconnected.

    Args:
        fn: The function. It may be decorated with Qt's own ``Slot``.
        task_runner: Makes a task of the coroutine, and is called inside the signal's ``emit()``, in a task that waits
            for the one it returns. It is kept as long as the object of a method, so it must not refer to that.

    Returns:
        The slot. It takes as many of the signal's arguments as *fn* does.

    Raises:
        TypeError: If *fn* cannot be called, or has a keyword-only parameter without a default; or if it is a method of
            an object that cannot be weakly referenced.
    """
    if not callable(fn):
        msg = f"asyncslot expects a coroutine function, got {fn!r}"
        raise TypeError(msg)
    _check_parameters(fn)
    if not isinstance(fn, types.MethodType):
        return AsyncSlot(_make_coroutine_function(fn, task_runner))
    slots = _bound_slots[fn.__self__]
    key = (fn.__func__, task_runner)
    if key not in slots:
        slots[key] = _make_bound_slot(_make_coroutine_function(fn.__func__, task_runner))
    return types.MethodType(slots[key], fn.__self__)


def _check_parameters(fn: Callable[..., object]) -> None:
    for parameter in inspect.signature(fn).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty:
            msg = f"asyncslot: a signal cannot pass the keyword-only argument {parameter.name!r} of {fn!r}"
            raise TypeError(msg)


def _make_coroutine_function(
    fn: Callable[..., Awaitable[Any]], task_runner: Callable[[Any], Awaitable[Any]]
) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Return *fn*, or a coroutine function that calls *fn*, and waits for what *task_runner* makes of the result."""
    if task_runner is run_task and inspect.iscoroutinefunction(fn):
        return fn

    @functools.wraps(fn)
    async def call(*args: Any, **kwargs: Any) -> Any:
        coro = fn(*args, **kwargs)
        return await (coro if task_runner is run_task else task_runner(coro))

    return call


def _make_bound_slot(function: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """Return a plain function with *function*'s parameters, the first of which is the receiver, to bind to it."""

    def call(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> asyncio.Future[Any]:
        record = make_record(None, on_failure)
        try:
            record = make_record(args[0], on_failure)
            coro = function(*own_arguments(args), **kwargs)
            check_coroutine(coro)
        except Exception as exc:  # noqa: BLE001 - what leaves a slot crashes Qt.
            coro = fail(exc)
        return start_slot(coro, record)

    slot = make_wrapper(function, call)
    # A copy of the mark would make the binding look for a slot of this name in the metaobject, where there is none.
    for mark in _SLOT_MARKS:
        vars(slot).pop(mark, None)
    on_failure = functools.partial(report_failure, slot)
    return slot


async def asyncsignal(signal: Any) -> tuple[Any, ...]:
    """
    Wait until a signal is emitted, as `asyncslot.wait_signal` does.

    Args:
        signal: A signal of an object, or a `multisignal`, or an object with a ``connect()`` like a signal's.

    Returns:
        A tuple of the signal's arguments.

    Raises:
        SenderDestroyed: If the sender is destroyed, and the binding tells of it; with qtinter this waits for ever.
    """
    if isinstance(signal, multisignal):
        received = await wait_signal(*signal.signal_map)
        return (signal.signal_map[received.signal], tuple(received))
    if hasattr(signal, "emit"):
        return tuple(await wait_signal(signal))
    future: asyncio.Future[tuple[Any, ...]] = asyncio.get_running_loop().create_future()

    def receive(*args: Any) -> None:
        if not future.done():
            future.set_result(args)

    signal.connect(receive)
    return await future


class asyncsignalstream:  # noqa: N801 - qtinter's.
    """
    An asynchronous iterator over a signal's arguments, as tuples. It is connected at once, and buffers without limit.

    `asyncslot.signal_stream` has a limit, and disconnects at the end of its block. This one does when it is collected.

    Args:
        signal: A signal of an object, or a `multisignal`.

    Raises:
        RuntimeError: If no loop runs.
        TypeError: If *signal* is neither.
    """

    def __init__(self, signal: Any) -> None:
        self._map = signal.signal_map if isinstance(signal, multisignal) else None
        self._stream = signal_stream(*(self._map or (signal,)), maxsize=sys.maxsize)
        _run_at_once(self._stream.__aenter__())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> tuple[Any, ...]:
        received = await self._stream.__anext__()
        return tuple(received) if self._map is None else (self._map[received.signal], tuple(received))

    def __del__(self) -> None:
        if hasattr(self, "_stream"):  # The constructor may have raised.
            self._stream.close()


def _run_at_once(coro: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine that does not suspend: opening a stream only connects it."""
    with contextlib.suppress(StopIteration):
        coro.send(None)


class multisignal:  # noqa: N801 - qtinter's.
    """
    Several signals as one, whose arguments are the value of the signal that came, and a tuple of its arguments.

    Args:
        signal_map: The signals, and a value for each.

    Attributes:
        signal_map: The same.
    """

    def __init__(self, signal_map: Mapping[Any, Any]) -> None:
        self.signal_map = signal_map

    def connect(self, slot: Callable[[Any, tuple[Any, ...]], object]) -> None:
        """Have *slot* called with the value and the arguments, on the present thread. Its object is held weakly."""
        find = weakref.WeakMethod(slot) if isinstance(slot, types.MethodType) else lambda: slot
        call = functools.partial(_call_on, QtCore.QThread.currentThread(), threading.get_ident(), find)
        for signal, value in self.signal_map.items():
            Connection(signal, functools.partial(call, value), _do_nothing)


def _call_on(thread: Any, thread_id: int, find: Callable[[], Any], value: object, arguments: tuple[Any, ...]) -> None:
    """Call what *find* returns, unless that is None: now, or on another thread when its Qt loop comes to it."""
    # By Python's number: to compare QThreads, Python would make an object of each thread that emits.
    if threading.get_ident() != thread_id:
        call_on_thread(thread, functools.partial(_call_on, thread, thread_id, find, value, arguments))
        return
    slot = find()
    if slot is not None:
        slot(value, arguments)


def _do_nothing() -> None:
    pass


def modal(fn: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """
    Make a function that runs a nested Qt loop, such as ``QMessageBox.information``, a coroutine function.

    Calling the function directly does the same: everything else goes on meanwhile. A cancellation takes effect when
    the function returns; with qtinter at once, while the dialog stays open.

    Args:
        fn: The function.

    Returns:
        The coroutine function. It raises RuntimeError in a loop that is not carried by Qt.
    """

    @functools.wraps(fn)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        if not isinstance(loop, GuestEventLoop):
            msg = f"modal() needs a loop that Qt carries, such as new_event_loop(), but {loop!r} runs"
            raise RuntimeError(msg)  # noqa: TRY004 - qtinter's.
        return fn(*args, **kwargs)

    return call
