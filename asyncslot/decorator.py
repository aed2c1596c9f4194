"""AsyncSlot: a coroutine function as a Qt slot."""

from __future__ import annotations

import asyncio
import functools
import inspect
from typing import TYPE_CHECKING, Any, Callable, Coroutine, Mapping, NoReturn, TypeVar, overload

from asyncslot._owner import is_owner_gone
from asyncslot._qt import QtCore
from asyncslot._slices import is_awaited
from asyncslot._stdlib import get_running_loop, is_unretrieved, logger
from asyncslot._wrapper import count_positional, make_wrapper
from asyncslot.current import create_failing, start_task
from asyncslot.lifetime import CancelReason, is_cancelled_for

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    P = ParamSpec("P")

__all__ = ["AsyncSlot"]

T = TypeVar("T")


@overload
def AsyncSlot(function: Callable[P, Coroutine[Any, Any, T]], /) -> Callable[P, asyncio.Task[T]]: ...
@overload
def AsyncSlot(
    *signal_types: type | str, name: str | None = None
) -> Callable[[Callable[P, Coroutine[Any, Any, T]]], Callable[P, asyncio.Task[T]]]: ...
def AsyncSlot(*signal_types: Any, name: str | None = None) -> Any:  # noqa: N802 - named as Qt's Slot.
    """
    Make a coroutine function or method usable as a Qt slot.

    Calling it runs the code before the first suspension at once, inside the
    signal's ``emit()``, and the rest as a task in the Qt event loop; a loop is made if
    there is none. It returns the task, which can be awaited as if the function were not
    decorated, or cancelled. Raising ``CancelledError`` inside cancels it quietly.

    Like any Qt slot, it may take fewer arguments than the signal has. It can be
    connected, disconnected, overridden, and called from QML;
    a connection does not keep its receiver alive.

    A failure, wrong arguments included, is the task's, and reported by the loop's
    exception handler on its next turn, unless somebody has retrieved it or waits for it.

    Args:
        signal_types: What the slot takes, as in Qt's own ``Slot``: Python types, or
            names of C++ types. Without any, and without parentheses, a slot
            without arguments is what QML and ``invokeMethod`` find.
        name: The slot's name in the metaobject; None for the function's. As with
            Qt's own ``Slot``, the class needs an attribute of that name.

    Returns:
        A plain function with the same parameters that returns a task.

    Raises:
        TypeError: At decoration, if it is not a coroutine function.
    """
    if len(signal_types) == 1 and not isinstance(signal_types[0], (type, str)):
        return _decorate(signal_types[0], (), name)
    return functools.partial(_decorate, signal_types=signal_types, name=name)


def _decorate(function: Any, signal_types: tuple[Any, ...], name: str | None) -> Any:
    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(_decorate(function.__func__, signal_types, name))
    _check_function(function)
    _check_types(function, signal_types)

    def call(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> asyncio.Task[Any]:
        try:
            if args and not type(args[0]).__weakrefoffset__:
                _check_receiver(args[0], slot)
            coro = function(*args, **kwargs)
        except Exception as exc:  # noqa: BLE001 - what leaves a slot crashes Qt.
            coro = _fail(exc)
        try:
            return start_task(coro, owner=_find_owner(slot, args), on_done=report)
        except BaseException as exc:
            loop = get_running_loop()
            if loop is None:
                raise  # There is no application, or no Qt loop on this thread: no task can tell.
            # A task factory's failure, or SystemExit before any Qt loop runs that it could end.
            return create_failing(loop, _fail(exc), on_done=report)

    def report(task: asyncio.Task[Any]) -> None:
        _report_failure(slot, task)

    slot = make_wrapper(function, call)
    if signal_types or name or not _is_slot(function):
        return QtCore.Slot(*signal_types, **({"name": name} if name else {}))(slot)
    return slot


def _check_function(function: Any) -> None:
    if inspect.iscoroutinefunction(function):
        return
    if inspect.isasyncgenfunction(function):
        hint = "an async generator cannot be a slot: iterate it inside an 'async def' without 'yield'"
    elif callable(function):
        hint = "for a function that is not 'async def' use Qt's own Slot"
    else:
        hint = "write it above an 'async def'; in its parentheses go types, or names of C++ types"
    msg = f"AsyncSlot decorates a coroutine function, got {function!r}; {hint}"
    raise TypeError(msg)


def _check_types(function: Callable[..., object], signal_types: tuple[Any, ...]) -> None:
    limit = count_positional(function)
    if len(signal_types) > limit:
        msg = f"AsyncSlot declares {len(signal_types)} arguments, but {function!r} takes only {limit}"
        raise TypeError(msg)


def _check_receiver(receiver: object, slot: Callable[..., object]) -> None:
    """Refuse a receiver that Qt's binding would connect now and crash with later."""
    if inspect.getattr_static(type(receiver), slot.__name__, None) is slot:
        msg = (
            f"{receiver!r} cannot be weakly referenced, as the receiver of a Qt signal must be; "
            f"add '__weakref__' to the __slots__ of {type(receiver).__qualname__}"
        )
        raise TypeError(msg)


def _report_failure(slot: Callable[..., object], task: asyncio.Task[Any]) -> None:
    """Report that *task*, which is done, has failed, unless it has not or somebody else knows."""
    if task.cancelled() or not is_unretrieved(task) or is_awaited(task):
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
    }
    task.get_loop().call_exception_handler(context)


def _find_owner(slot: Callable[..., object], args: tuple[Any, ...]) -> Any:
    """Return the QObject whose method *slot* is called; None if it is no such method."""
    if not args or not isinstance(args[0], QtCore.QObject):
        return None
    name = slot.__name__
    is_method = any(vars(base).get(name) is slot for base in type(args[0]).__mro__)
    return args[0] if is_method else None


def _is_slot(function: Callable[..., object]) -> bool:
    """Tell whether Qt's own Slot has been applied; `functools.wraps` copies its mark."""
    return hasattr(function, "_slots")


async def _fail(exc: BaseException) -> NoReturn:
    raise exc
