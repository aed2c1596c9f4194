"""AsyncSlot: a coroutine function as a Qt slot."""

from __future__ import annotations

import asyncio
import functools
import inspect
import weakref
from typing import TYPE_CHECKING, Any, Callable, Coroutine, Hashable, Iterator, Mapping, NoReturn, TypeVar, overload

from asyncslot._busy import Busy, find_gate
from asyncslot._owner import is_owner_gone
from asyncslot._qt import QtCore
from asyncslot._stdlib import get_running_loop, is_unretrieved, logger
from asyncslot._wrapper import count_positional, make_wrapper
from asyncslot.current import create_failing, start_task
from asyncslot.lifetime import CancelReason, finish_on_quit, is_cancelled_for
from asyncslot.tasks import dispose

if TYPE_CHECKING:
    from typing_extensions import Literal, ParamSpec

    P = ParamSpec("P")

__all__ = ["AsyncSlot", "check_function", "start_slot"]

T = TypeVar("T")


@overload
def AsyncSlot(function: Callable[P, Coroutine[Any, Any, T]], /) -> Callable[P, asyncio.Task[T]]: ...
@overload
def AsyncSlot(
    *signal_types: type | str,
    name: str | None = None,
    when_busy: Literal["start", "drop", "restart", "queue", "latest"] = "start",
    limit: int = 1,
    group: Hashable = None,
    on_quit: Literal["cancel", "finish"] = "cancel",
) -> Callable[[Callable[P, Coroutine[Any, Any, T]]], Callable[P, asyncio.Task[T]]]: ...
def AsyncSlot(  # noqa: N802 - named as Qt's Slot.
    *signal_types: Any,
    name: str | None = None,
    when_busy: str = "start",
    limit: int = 1,
    group: Hashable = None,
    on_quit: str = "cancel",
) -> Any:
    """
    Make a coroutine function or method usable as a Qt slot.

    Calling it runs the code before the first suspension at once, inside the
    signal's ``emit()``, and the rest as a task in the Qt event loop; a loop is made if
    there is none. It returns the task, which can be awaited as if the function were not
    decorated, or cancelled. Raising ``CancelledError`` inside cancels it quietly. When
    the QObject that a method is bound to is destroyed, its tasks are cancelled.

    Like any Qt slot, it may take fewer arguments than the signal has. It can be
    connected, disconnected, overridden, and called from QML; a connection does not
    keep its receiver alive.

    A failure, wrong arguments included, is the task's, and reported by the loop's
    exception handler on its next turn, unless somebody has retrieved it or waits for it.

    Args:
        signal_types: What the slot takes, as in Qt's own ``Slot``: Python types, or
            names of C++ types. Without any, and without parentheses, a slot
            without arguments is what QML and ``invokeMethod`` find.
        name: The slot's name in the metaobject; None for the function's. As with
            Qt's own ``Slot``, the class needs an attribute of that name.
        when_busy: What a call does while an earlier one of the same object runs:
            ``"start"`` another; ``"drop"`` itself: its task is cancelled when it
            returns; ``"restart"``: cancel the oldest, wait for its clean-up, then run;
            ``"queue"``: run after those before it; ``"latest"``: likewise, but only the
            newest call waits, any other is dropped. A call that waits runs no first step at once.
        limit: How many calls may run at once, 1 or more; not with ``"start"``.
        group: Whatever names a group of slots; calls of all slots of one object with the
            same group count together, and the new call's settings rule. None: by itself.
        on_quit: Whether a quit is to ``"cancel"`` what runs or to let it ``"finish"``.

    Returns:
        A plain function with the same parameters that returns a task.

    Raises:
        TypeError: At decoration, if it is not a coroutine function.
        ValueError: At decoration, if the settings contradict each other.
    """
    busy = Busy(when_busy, limit, group, on_quit)
    busy.check()
    if len(signal_types) == 1 and not isinstance(signal_types[0], (type, str)):
        return _decorate(signal_types[0], (), name, busy)
    return functools.partial(_decorate, signal_types=signal_types, name=name, busy=busy)


def _decorate(function: Any, signal_types: tuple[Any, ...], name: str | None, busy: Busy) -> Any:
    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(_decorate(function.__func__, signal_types, name, busy))
    check_function(function, "AsyncSlot")
    _check_types(function, signal_types)

    def call(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> asyncio.Task[Any]:
        return _call(slot, function, busy, args, kwargs)

    slot = make_wrapper(function, call)
    if signal_types or name or not _is_slot(function):
        return QtCore.Slot(*signal_types, **({"name": name} if name else {}))(slot)
    return slot


def _call(
    slot: Callable[..., object],
    function: Callable[..., Coroutine[Any, Any, Any]],
    busy: Busy,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
) -> asyncio.Task[Any]:
    receiver = None
    try:
        receiver = _find_receiver(slot, args)
        coro = function(*args, **kwargs)
    except Exception as exc:  # noqa: BLE001 - what leaves a slot crashes Qt.
        coro = _fail(exc)
    owner = receiver if isinstance(receiver, QtCore.QObject) else None
    if not busy.needs_gate and busy.on_quit != "finish":
        return start_slot(slot, coro, owner=owner)
    passage = None
    if busy.needs_gate:
        gate = find_gate(slot if receiver is None else receiver, slot if busy.group is None else busy.group)
        passage = gate.enter(busy, coro)
        coro = passage.coro

    def on_created(task: asyncio.Task[Any]) -> None:
        if passage is not None:
            passage.take(task)
        if busy.on_quit == "finish":
            finish_on_quit(task)

    on_refused = None if passage is None else passage.give_up
    return start_slot(slot, coro, owner=owner, on_created=on_created, on_refused=on_refused)


def start_slot(
    slot: Callable[..., object],
    coro: Coroutine[Any, Any, T],
    *,
    owner: Any,
    on_created: Callable[[asyncio.Task[T]], object] | None = None,
    on_refused: Callable[[], object] | None = None,
) -> asyncio.Task[T]:
    """
    Run a slot's coroutine up to its first suspension now; what it raises is the task's, and reported.

    Args:
        slot: What Qt has called, for the report.
        coro: The coroutine.
        owner: The QObject to whose life the task is bound; None for none.
        on_created: Called with the task before the first step runs.
        on_refused: Called if the coroutine cannot be run.
    """

    def report(task: asyncio.Task[Any], owner: Any) -> None:
        _report_failure(slot, owner, task)

    try:
        source = None if owner is None else owner.sender()
        sender = None if source is None else weakref.ref(source)
        return start_task(coro, owner=owner, sender=sender, on_created=on_created, on_failure=report)
    except BaseException as exc:
        if on_refused is not None:
            on_refused()
        dispose(coro)
        loop = get_running_loop()
        if loop is None:
            raise  # There is no application, or no Qt loop on this thread: no task can tell.
        # A task factory's failure, or SystemExit before any Qt loop runs that it could end.
        return create_failing(loop, _fail(exc), on_failure=report)


def check_function(function: Any, decorator: str) -> None:
    """
    Refuse what is no coroutine function.

    Args:
        function: What is decorated.
        decorator: The decorator's name.

    Raises:
        TypeError: If it is none; the message tells the way out.
    """
    if inspect.iscoroutinefunction(function):
        return
    if inspect.isasyncgenfunction(function):
        hint = "an async generator cannot be a slot: iterate it inside an 'async def' without 'yield'"
    elif inspect.iscoroutinefunction(inspect.unwrap(function)):
        hint = "it is an AsyncSlot already: for another signature put Qt's own Slot above it"
    elif callable(function):
        hint = "for a function that is not 'async def' use Qt's own Slot"
    else:
        hint = "write it above an 'async def'; in its parentheses go types, or names of C++ types"
    msg = f"{decorator} decorates a coroutine function, got {function!r}; {hint}"
    raise TypeError(msg)


def _check_types(function: Callable[..., object], signal_types: tuple[Any, ...]) -> None:
    limit = count_positional(function)
    if len(signal_types) > limit:
        msg = f"AsyncSlot declares {len(signal_types)} arguments, but {function!r} takes only {limit}"
        raise TypeError(msg)


def _report_failure(slot: Callable[..., object], owner: Any, task: asyncio.Task[Any]) -> None:
    """Report that *task*, which is done, has failed, unless somebody else knows."""
    if not is_unretrieved(task):
        return
    others = [callback for callback in _find_queued_callbacks(task) if not _is_of("asyncslot", callback)]
    if any(_is_waiter(callback) for callback in others):
        return
    if others:  # Nobody knows what they are: they may ask for the exception.
        task.get_loop().call_soon(_report_failure, slot, owner, task)
        return
    exc = task.exception()
    if is_cancelled_for(task, CancelReason.OWNER_DESTROYED) and is_owner_gone(exc):
        logger.debug("Slot %s() used its destroyed owner in its clean-up", slot.__qualname__, exc_info=exc)
        return
    context = {
        "message": f"Exception in slot {slot.__qualname__}()",
        "exception": exc,
        "task": task,
        "slot": slot,
        "owner": owner,
    }
    task.get_loop().call_exception_handler(context)


def _find_queued_callbacks(task: asyncio.Task[Any]) -> Iterator[Any]:
    """
    Yield the done callbacks of *task* that have not run yet, inside one of them.

    A future queues its callbacks one after the other, so they are the next ones in the
    queue of its loop. Any other kind of loop is taken to have none.
    """
    queue = getattr(task.get_loop(), "_ready", ())
    index = 0
    while index < len(queue) and queue[index]._args and queue[index]._args[0] is task:
        yield queue[index]._callback
        index += 1


def _is_waiter(callback: Any) -> bool:
    """Tell whether a done callback is how asyncio waits: it wakes a task, or is of wait(), gather() and the like."""
    return isinstance(getattr(callback, "__self__", None), asyncio.Future) or _is_of("asyncio", callback)


def _is_of(package: str, callback: Any) -> bool:
    """Tell whether a callback's function is of a package."""
    module = getattr(getattr(callback, "func", callback), "__module__", None)
    return str(module).partition(".")[0] == package


def _find_receiver(slot: Callable[..., object], args: tuple[Any, ...]) -> Any:
    """
    Return the object whose method *slot* is called; None if it is no method.

    Raises:
        TypeError: If it cannot be weakly referenced: Qt's binding connects such a
            receiver now and crashes with it later.
    """
    if not args:
        return None
    receiver, name = args[0], slot.__name__
    kind = type(receiver)
    if kind.__dict__.get(name) is not slot and not any(vars(base).get(name) is slot for base in kind.__mro__):
        return None
    if not kind.__weakrefoffset__:
        msg = (
            f"{receiver!r} cannot be weakly referenced, as the receiver of a Qt signal must be; "
            f"add '__weakref__' to the __slots__ of {kind.__qualname__}"
        )
        raise TypeError(msg)
    return receiver


def _is_slot(function: Callable[..., object]) -> bool:
    """Tell whether Qt's own Slot has been applied; `functools.wraps` copies its mark."""
    return hasattr(function, "_slots")


async def _fail(exc: BaseException) -> NoReturn:
    raise exc
