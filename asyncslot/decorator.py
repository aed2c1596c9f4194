"""
The decorators AsyncSlot and AsyncClose, and task lifetime tracking under its public names.

Lifetime tracking: `run_task(owner=)`, `scope`, `tasks`, `sender`, `cancel_reason`.
"""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any, Callable, Coroutine, Hashable, TypeVar, overload

from asyncslot._qt import QtCore
from asyncslot._slot.call import check_function, make_slot
from asyncslot._slot.call_queue import CallSettings
from asyncslot._slot.records import sender, tasks
from asyncslot._slot.start import run_task
from asyncslot._slot.task_scope import TaskScope, scope
from asyncslot._slot.window_closing import AsyncClose
from asyncslot._slot.wrapper import count_positional
from asyncslot._task.cancellation import CancelReason, cancel_reason
from asyncslot._task.registry import TaskInfo

if TYPE_CHECKING:
    from typing_extensions import Literal, ParamSpec

    P = ParamSpec("P")

__all__ = [
    "AsyncClose",
    "AsyncSlot",
    "CancelReason",
    "TaskInfo",
    "TaskScope",
    "cancel_reason",
    "run_task",
    "scope",
    "sender",
    "tasks",
]

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
    settings = CallSettings(when_busy, limit, group, on_quit)
    settings.check()
    if len(signal_types) == 1 and not isinstance(signal_types[0], (type, str)):
        return _decorate(signal_types[0], (), name, settings)
    return functools.partial(_decorate, signal_types=signal_types, name=name, settings=settings)


def _decorate(function: Any, signal_types: tuple[Any, ...], name: str | None, settings: CallSettings) -> Any:
    if isinstance(function, (staticmethod, classmethod)):
        return type(function)(_decorate(function.__func__, signal_types, name, settings))
    check_function(function, "AsyncSlot")
    _check_types(function, signal_types)
    slot = make_slot(function, settings)
    if signal_types or name or not _is_slot(function):
        return QtCore.Slot(*signal_types, **({"name": name} if name else {}))(slot)
    return slot


def _check_types(function: Callable[..., object], signal_types: tuple[Any, ...]) -> None:
    limit = count_positional(function)
    if len(signal_types) > limit:
        msg = f"AsyncSlot declares {len(signal_types)} arguments, but {function!r} takes only {limit}"
        raise TypeError(msg)


def _is_slot(function: Callable[..., object]) -> bool:
    """Tell whether Qt's own Slot has been applied; `functools.wraps` copies its mark."""
    return hasattr(function, "_slots")
