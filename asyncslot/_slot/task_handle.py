"""
TaskHandle: a task as an object that QML can use, for slots with ``result=``.

Who keeps a handle alive, and who deletes it
- Until it has told the end of its task, this module: nobody may delete it. JavaScript's collector does not delete an
  object that has a parent, so that it has one of its own.
- After that, QML's engine, if a slot has returned the handle to QML. The collector deletes the C++ object. The Python
  object is kept until then, because PySide and PyQt delete the C++ object together with the Python one.
- After that, Python, if the handle is Python's only.

What was tried and does not work
- Returning it as any QObject: its Python object dies before QML gets it, and the process crashes.
- QQmlEngine.setObjectOwnership() when it is made: it can then not be told any more whether a slot has returned it to
  QML, or QML has only read it as a property, in which case Python goes on to own it.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import weakref
from typing import TYPE_CHECKING, Any, Callable, Coroutine, Generator, Generic, TypeVar

from asyncslot._qt import (
    Property,
    QtCore,
    Signal,
    call_on_thread,
    connect_destroyed,
    count_receivers,
    declare_slot,
    disconnect_all,
    is_deleted_error,
)
from asyncslot._qt.qml import convert_to_qml, is_given_to_qml, is_in_qml
from asyncslot._slot.call import make_slot
from asyncslot._slot.failure import report_failure
from asyncslot._task.asyncio_private import find_exception, logger
from asyncslot.loop import GuestEventLoop

if TYPE_CHECKING:
    from asyncslot._slot.call_queue import CallSettings

__all__ = ["TaskHandle", "find_result_type", "make_handle_slot"]

T = TypeVar("T")

# The signals by which a handle tells its task's end, and the C++ types of their arguments.
_ENDS = {"finished": "QVariant", "failed": "QString", "cancelled": ""}


def find_result_type(result: object) -> str:
    """
    Return the name of the C++ type that a slot with ``result=`` returns.

    Raises:
        TypeError: If a `TaskHandle` is no such result.
    """
    if result in ("QObject*", "QObject *", "QVariant"):
        return str(result)
    # TaskHandle[int] is TaskHandle with a note for type checkers.
    if getattr(result, "__origin__", result) in (TaskHandle, QtCore.QObject):
        return "QObject*"
    msg = (
        f"result={result!r}: a slot returns before its coroutine ends, so a call can only return a handle of its "
        "task; write result=TaskHandle: its property 'value' and its signal finished(value) have the coroutine's result"
    )
    raise TypeError(msg)


def make_handle_slot(
    function: Callable[..., Coroutine[Any, Any, T]], settings: CallSettings
) -> Callable[..., TaskHandle[T] | None]:
    """Return what `make_slot` does, but a call of it returns a `TaskHandle`."""
    return make_slot(function, settings, convert=TaskHandle, report=_report_unhandled)


class TaskHandle(QtCore.QObject, Generic[T]):
    """
    A task, for QML: what an `AsyncSlot` with ``result=TaskHandle`` returns.

    When the task has ended, exactly one of the signals ``finished``, ``failed`` and ``cancelled`` is emitted, on the
    loop's next turn. So handlers that are connected right after the call hear of it, even if the
    coroutine has ended in its first step. None is emitted if the Qt loop never runs again, or if the handle was
    destroyed before, by JavaScript's ``destroy()``, for instance.

    Once a slot has returned it to QML, the handle belongs to the QML engine. It lives while the task runs, and
    after that as long as QML refers to it. If Python refers to it longer, only `task` and ``await`` work there.
    Any other handle belongs to Python, like any QObject that Python has made.

    After the signal, its handlers are disconnected: QML would keep them, and the handle with them, for ever.

    A handle can also be made of any task, or future, of the thread's loop, and given to QML by a property, or, before
    the task has ended, by a slot that returns it; afterwards, a slot returns ``TaskHandle(handle.task)``.

    In Python it can be awaited, as its task.

    Args:
        task: The task.

    Raises:
        TypeError: If *task* is no task or future, but a coroutine, for instance.

    Attributes:
        running: Property: whether the task has not ended yet.
        value: Property: the coroutine's result, as QML can use it; None (in QML: undefined) until it has one. Tuples
            and sets become lists, the keys of dictionaries strings, bytes an ArrayBuffer, integers of more than 64
            bits floats. What QML has no type for stays as it is, and can be passed on to a slot.
        error: Property: what has failed the task; "" if nothing has.
        finished: Signal: the coroutine has returned; its argument is `value`.
        failed: Signal: the coroutine has raised; its argument is `error`. If a handler is connected to it at the
            end of the task, the failure counts as handled, and the loop's exception handler does not report it.
        cancelled: Signal: the task was cancelled, or dropped, or its loop was closed before it could end.
    """

    runningChanged: Any = Signal()  # noqa: N815 - named as Qt names a property's signal.
    valueChanged: Any = Signal()  # noqa: N815 - likewise.
    errorChanged: Any = Signal()  # noqa: N815 - likewise.
    finished: Any = Signal("QVariant", arguments=["value"])
    failed: Any = Signal(str, arguments=["message"])
    cancelled: Any = Signal()

    def __init__(self, task: asyncio.Future[T]) -> None:
        if not asyncio.isfuture(task):
            msg = f"TaskHandle takes a task or a future, got {task!r}; start a coroutine with asyncslot.run_task()"
            raise TypeError(msg)
        super().__init__()
        self._task = task
        # The result as QML gets it, in a tuple; None until somebody has asked for it.
        self._converted: tuple[Any] | None = None
        # The loop was closed before the task was done.
        self._is_abandoned = False
        self._is_told = False
        # What the task's loop calls when it is closed. A loop that is not ours has no such thing.
        self._at_close: set[Callable[[], object]] = set()
        # The parent by which JavaScript's collector leaves the handle alone.
        self._guard: Any = QtCore.QObject()
        self.setParent(self._guard)
        _handles.setdefault(task, weakref.WeakSet()).add(self)
        _kept.add(self)
        self._watch()

    def __await__(self) -> Generator[Any, None, T]:
        return self._task.__await__()

    @property
    def task(self) -> asyncio.Future[T]:
        """The task; if no loop could run the coroutine, a future that has failed."""
        return self._task

    def cancel(self) -> None:
        """Cancel the task. Once it is done, or its loop is closed, this is a no-op."""
        if self._is_running():
            self._task.cancel()

    cancel = declare_slot(cancel, (), None, 1)

    def _is_running(self) -> bool:
        return not (self._is_abandoned or self._task.done())

    def _find_value(self) -> Any:
        if not self._has_ended() or self._find_exception() is not None:
            return None
        if self._converted is None:
            self._converted = (self._convert_result(),)
        return self._converted[0]

    def _convert_result(self) -> Any:
        result = self._task.result()
        try:
            return convert_to_qml(result)
        except Exception:  # noqa: BLE001 - of any kind.
            # Of a key's own __str__(), or from a thousand lists in each other. The signal must come all the same.
            logger.exception("The result of %r cannot be given to QML", self._task)
            return None

    def _describe_error(self) -> str:
        exc = self._find_exception() if self._has_ended() else None
        if exc is None:
            return ""
        try:
            return str(exc) or type(exc).__name__
        except Exception:  # noqa: BLE001 - of its own __str__(). The signal must come all the same.
            return type(exc).__name__

    running: bool = Property(bool, _is_running, notify=runningChanged)
    value: Any = Property("QVariant", _find_value, notify=valueChanged)
    error: str = Property(str, _describe_error, notify=errorChanged)

    def _has_ended(self) -> bool:
        """Tell whether the task has a result or an exception."""
        return self._task.done() and not self._task.cancelled()

    def _find_exception(self) -> BaseException | None:
        # Asking the task itself would count as retrieving the exception.
        return find_exception(self._task)

    def _watch(self) -> None:
        """Have `_tell` called when the task has ended, or its loop was closed."""
        try:
            self._task.add_done_callback(self._tell)
        except RuntimeError:  # It is done, and its loop is closed; or no loop could run it.
            self._tell_later()
            return
        self._at_close = getattr(self._task.get_loop(), "_at_close", self._at_close)
        self._at_close.add(self._tell_later)

    def _tell_later(self) -> None:
        """Have `_tell` called by Qt, because the task's loop is closed."""
        self._is_abandoned = not self._task.done()
        # Not now: a handler may call a slot, which would run the loop that is being closed.
        call_on_thread(QtCore.QThread.currentThread(), functools.partial(self._tell, self._task))

    def _tell(self, _: object) -> None:
        """Emit the signals of the task's end."""
        if self._is_told:
            return
        self._is_told = True
        self._at_close.discard(self._tell_later)
        try:
            with self._surroundings():
                self._emit()
            self._let_go()
        except RuntimeError as exc:
            # Somebody has destroyed it: a slot or JavaScript.
            if not is_deleted_error(exc):
                raise
            _kept.discard(self)

    def _surroundings(self) -> contextlib.AbstractContextManager[None]:
        """Return what the signals are to be emitted in."""
        loop = self._task.get_loop()
        if isinstance(loop, GuestEventLoop) and loop.is_quitting():
            # What a handler starts is no clean-up of the task's: it is cancelled.
            return loop._as_foreign_code()
        return contextlib.nullcontext()

    def _emit(self) -> None:
        self.runningChanged.emit()
        if not self._has_ended():
            self.cancelled.emit()
        elif self._find_exception() is None:
            self.valueChanged.emit()
            self.finished.emit(self._find_value())
        else:
            if _has_failure_handler(self):
                self._task.exception()  # Retrieved from now on.
            self.errorChanged.emit()
            self.failed.emit(self._describe_error())

    def _let_go(self) -> None:
        """Leave the handle to QML or to Python."""
        # None of them will be emitted again. QML keeps a connected function, and all that it refers to, which often is
        # the handle itself: it would never be freed.
        for signal, types in _ENDS.items():
            disconnect_all(self, signal, types)
        guard, self._guard = self._guard, None
        # The program may have given it another parent.
        if self.parent() is guard:
            self.setParent(None)
        if is_given_to_qml(self) and is_in_qml(self):
            _Keeper(self)
        else:
            _kept.discard(self)


class _Keeper:
    """
    Keeps a handle's Python object until the C++ object is destroyed.

    The connection must not refer to the handle: PySide 6.6 would keep it for ever.
    """

    def __init__(self, handle: TaskHandle[Any]) -> None:
        self._ident = id(handle)
        # With PyQt, the connection lasts as long as the last item.
        _keepers[self._ident] = (handle, self, connect_destroyed(handle, self._drop))
        _kept.discard(handle)

    def _drop(self) -> None:
        _keepers.pop(self._ident, None)


def _has_failure_handler(handle: TaskHandle[Any]) -> bool:
    try:
        return count_receivers(handle, "failed", _ENDS["failed"]) > 0
    except RuntimeError as exc:
        # A handle that was destroyed tells nobody.
        if not is_deleted_error(exc):
            raise
        return False


def _report_unhandled(slot: Callable[..., object], task: asyncio.Task[Any], owner: Any) -> None:
    """Do as `report_failure`, unless a handler of the handle's signal ``failed`` will hear of it."""
    if any(_has_failure_handler(handle) for handle in _handles.get(task, ())):
        task.exception()  # Retrieved from now on.
        return
    report_failure(slot, task, owner)


# The handles of each task.
_handles: weakref.WeakKeyDictionary[asyncio.Future[Any], weakref.WeakSet[TaskHandle[Any]]] = weakref.WeakKeyDictionary()
# The handles that have not told their task's end yet.
_kept: set[TaskHandle[Any]] = set()
# The handles that QML has, after that, by their ids, and what frees them.
_keepers: dict[int, tuple[TaskHandle[Any], _Keeper, object]] = {}
# At the interpreter's end PyQt goes through all its objects and deletes the C++ ones, an engine among them, which then
# deletes handles. If their Python objects were freed in the middle of that, it would crash (6.11.0, measured).
_kept_at_exit: list[object] = []
atexit.register(lambda: _kept_at_exit.extend(_keepers.values()))
