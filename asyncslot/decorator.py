"""
The decorators AsyncSlot and AsyncClose, and task lifetime tracking under its public names.

Lifetime tracking: `run_task(owner=)`, `scope`, `tasks`, `sender`, `cancel_reason`.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
from typing import TYPE_CHECKING, Any, Callable, Coroutine, Hashable, TypeVar, overload

from asyncslot._qt import declare_slot, is_slot
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

    from asyncslot._slot.task_handle import TaskHandle

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
    result: None = None,
) -> Callable[[Callable[P, Coroutine[Any, Any, T]]], Callable[P, asyncio.Task[T]]]: ...
@overload
def AsyncSlot(
    *signal_types: type | str,
    name: str | None = None,
    when_busy: Literal["start", "drop", "restart", "queue", "latest"] = "start",
    limit: int = 1,
    group: Hashable = None,
    on_quit: Literal["cancel", "finish"] = "cancel",
    result: type | Literal["QObject*", "QVariant"],
) -> Callable[[Callable[P, Coroutine[Any, Any, T]]], Callable[P, TaskHandle[T]]]: ...
def AsyncSlot(  # noqa: N802 - named as Qt's Slot.
    *signal_types: Any,
    name: str | None = None,
    when_busy: str = "start",
    limit: int = 1,
    group: Hashable = None,
    on_quit: str = "cancel",
    result: Any = None,
) -> Any:
    """
    Make a coroutine function or method usable as a Qt slot.

    A call of the slot runs the code before the first suspension at once, inside the signal's
    ``emit()``, and the rest as a task in the Qt event loop. A loop is made if there is none. The
    call returns the task, which can be cancelled, or awaited as if the function were not
    decorated. Raising ``CancelledError`` inside cancels the task quietly. If the slot is a method of
    a QObject, its tasks are cancelled when the QObject is destroyed.

    Like any Qt slot, it may take fewer arguments than the signal has. It can be connected,
    disconnected, overridden, and called from QML. A connection does not keep its receiver alive.

    A failure, wrong arguments included, fails the task. The loop's exception handler reports it on the
    loop's next turn, unless somebody has retrieved the exception by then, or waits for the task.
    If no loop can run the task, because there is no application yet, or no Qt loop on this thread, the
    call logs an error and returns a failed future.

    Args:
        signal_types: The types of the slot's arguments, as in Qt's own ``Slot``: Python types, or
            names of C++ types. Without any, QML and ``invokeMethod`` find a slot without arguments.
        name: The slot's name in the metaobject; None for the function's name. As with
            Qt's own ``Slot``, the class needs an attribute of that name.
        when_busy: What a new call does while an earlier call for the same object runs:

            - ``"start"``: it runs beside the earlier one.
            - ``"drop"``: it does not run. Its task is cancelled when the call returns.
            - ``"restart"``: it cancels the oldest call, waits for its clean-up, then runs.
            - ``"queue"``: it runs after the calls before it.
            - ``"latest"``: like ``"queue"``, but only the newest call waits; others that wait are dropped.

            A call that waits does not run its first step at once.
        limit: How many calls may run at once, 1 or more; not with ``"start"``.
        group: A name, or any hashable object, for a group of slots. The calls of all slots of one object
            with the same group count together, and the settings of the slot being called apply.
            None: the slot counts by itself.
        on_quit: What a quit does to a call that runs: ``"cancel"`` cancels it, ``"finish"`` lets it finish.
        result: As in Qt's own ``Slot``, what a call returns to QML: `TaskHandle`, by which QML follows the task.
            ``QObject``, ``"QObject*"`` and ``"QVariant"`` mean the same. The type of the coroutine's own result is
            an error: the call returns before there is one, so ``let n = backend.count()`` cannot be a number.
            With PySide before 6.10, a signal that is connected to a slot with a result crashes the process.
            None: a call returns the task, which QML cannot use.

    Returns:
        A plain function with the same parameters that returns a task, or with ``result=`` a `TaskHandle`.

    Raises:
        TypeError: At decoration, if it decorates anything but a coroutine function, if there are more
            types than parameters, or if ``result`` is anything but the above.
        ValueError: At decoration, if a setting is invalid, or contradicts another.

    Example:
        >>> class Counter(QObject):
        ...     counted = Signal(int)
        ...     @AsyncSlot(int)
        ...     async def on_counted(self, number):
        ...         print("inside emit:", number)
        ...         await asyncio.sleep(0.1)
        ...         print("later:", number)
        >>> async def main():
        ...     counter = Counter()
        ...     counter.counted.connect(counter.on_counted)
        ...     counter.counted.emit(3)
        ...     print("emitted")
        ...     await asyncio.wait(scope(counter).tasks)
        >>> asyncslot.run(main())
        inside emit: 3
        emitted
        later: 3
    """
    # At decoration, where the mistake is made: nothing could be raised when Qt calls.
    settings = CallSettings(when_busy, limit, group, on_quit)
    settings.check()
    make, result_type = make_slot, None
    if result is not None:
        # Imported when it is first used: few programs have QML.
        handles = importlib.import_module("asyncslot._slot.task_handle")
        make, result_type = handles.make_handle_slot, handles.find_result_type(result)
    decorate = functools.partial(
        _decorate,
        types=signal_types,
        name=name,
        result_type=result_type,
        make=functools.partial(make, settings=settings),
    )
    # Bare, without parentheses: the only argument is the function. A type or a string is a signal type.
    if len(signal_types) == 1 and not isinstance(signal_types[0], (type, str)):
        return decorate(signal_types[0], types=())
    return decorate


def _decorate(
    function: Any, *, types: tuple[Any, ...], name: str | None, result_type: str | None, make: Callable[[Any], Any]
) -> Any:
    # Written above @staticmethod, it gets an object that Qt cannot connect. The function inside becomes the slot.
    if isinstance(function, (staticmethod, classmethod)):
        inside = _decorate(function.__func__, types=types, name=name, result_type=result_type, make=make)
        return type(function)(inside)
    check_function(function, "AsyncSlot")
    _check_types(function, types)
    slot = make(function)
    # With Qt's own Slot below, and nothing to add, another Slot() would declare a second slot, and
    # connectSlotsByName() would connect both.
    if types or name or result_type or not is_slot(function):
        return declare_slot(slot, types, name, count_positional(function), result_type)
    return slot


def _check_types(function: Callable[..., object], signal_types: tuple[Any, ...]) -> None:
    # Fewer types than parameters are fine: a slot may have defaults, and a method has "self".
    limit = count_positional(function)
    if len(signal_types) > limit:
        msg = f"AsyncSlot declares {len(signal_types)} arguments, but {function!r} takes only {limit}"
        raise TypeError(msg)
