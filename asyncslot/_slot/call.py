"""
A call of a slot: from Qt's call of the wrapper to the running task.

A slot raises nothing into Qt. An argument error, too, becomes a failed task, and is reported.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from threading import get_ident
from typing import TYPE_CHECKING, Any, Callable, Coroutine, Mapping, NoReturn, TypeVar

from asyncslot._loop.blocking_calls import exit_code
from asyncslot._loop.first_step import dispose
from asyncslot._qt import QtCore, fit_override, own_arguments
from asyncslot._slot.call_queue import find_queue
from asyncslot._slot.failure import report_failure
from asyncslot._slot.start import ensure_loop, make_failed, start_failed, start_task
from asyncslot._slot.wrapper import make_wrapper
from asyncslot._task.asyncio_private import get_running_loop, logger
from asyncslot._task.owner import all_owned, find_owned, refuse_thread
from asyncslot._task.registry import TaskRecord
from asyncslot.loop import GuestEventLoop

if TYPE_CHECKING:
    from asyncslot._slot.call_queue import CallSettings
    from asyncslot._task.registry import FailureHandler

__all__ = ["check_function", "fail", "make_record", "make_slot", "start_slot"]

T = TypeVar("T")


def check_function(function: Any, decorator: str) -> None:
    """
    Check that *function* is a coroutine function.

    Args:
        function: What is decorated.
        decorator: The decorator's name, for the message.

    Raises:
        TypeError: If it is not; the message tells the way out.
    """
    if inspect.iscoroutinefunction(function):
        return
    if inspect.isasyncgenfunction(function):
        hint = "an async generator cannot be a slot: iterate it inside an 'async def' without 'yield'"
    # The wrapper is a plain function, and its __wrapped__ the coroutine function.
    elif inspect.iscoroutinefunction(inspect.unwrap(function)):
        hint = "it is an AsyncSlot already: for another signature put Qt's own Slot above it"
    elif callable(function):
        hint = "for a function that is not 'async def' use Qt's own Slot"
    else:
        hint = "write it above an 'async def'; in its parentheses go types, or names of C++ types"
    msg = f"{decorator} decorates a coroutine function, got {function!r}; {hint}"
    raise TypeError(msg)


def make_slot(
    function: Callable[..., Coroutine[Any, Any, T]],
    settings: CallSettings,
    *,
    convert: Callable[[asyncio.Future[T]], Any] | None = None,
    report: Callable[..., object] = report_failure,
) -> Callable[..., Any]:
    """
    Return a plain function with *function*'s parameters. Each call of it starts a task.

    Args:
        function: A coroutine function.
        settings: What a call does while others run.
        convert: Called with the task, or failed future; its result is what a call returns. None: the task itself.
        report: Reports a failure, as `report_failure` does.
    """
    # Looked up once, not at each call: a slot is called as often as its signal is emitted.
    needs_queue = settings.needs_queue
    finishes_on_quit = settings.on_quit == "finish"

    def call(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> asyncio.Future[T]:
        receiver = record = None
        try:
            if args:
                receiver = args[0]
                kind = type(receiver)
                # The usual case of `_find_receiver`, without the call.
                if kind.__dict__.get(slot.__name__) is not slot or not kind.__weakrefoffset__:
                    receiver = _find_receiver(slot, receiver)
            # The usual case of `make_record`, without the call.
            entry = all_owned.entry_of(id(receiver))
            if entry is not None and not entry[1].is_destroyed and entry[1].home_id == get_ident():
                record = TaskRecord(entry[1], on_failure)
                record.is_in_slot = True
            else:
                record = make_record(receiver, on_failure)
            # Wrong arguments are a TypeError here. The wrapper itself accepts any.
            coro = function(*own_arguments(args), **kwargs)
        except Exception as exc:  # noqa: BLE001 - what leaves a slot crashes Qt.
            coro = fail(exc)
            record = record or TaskRecord(None, on_failure)
        if finishes_on_quit:
            record.finishes_on_quit = True
        if needs_queue:
            return _start_queued(coro, record, slot, receiver, settings)
        # As `start_slot` does, inlined: most slots need no queue, and pay for each call.
        try:
            loop = get_running_loop()
            if isinstance(loop, GuestEventLoop):
                return loop._start_task(coro, record)
            return start_task(coro, record)
        except BaseException as exc:  # noqa: BLE001 - what leaves a slot crashes Qt.
            return _start_refused(coro, record, exc)

    # `call` above uses both names. For messages and queues the slot is the wrapper, not the coroutine function.
    answer = call if convert is None else _then(call, convert)
    slot = make_wrapper(function, fit_override(answer, lambda: slot))
    on_failure = functools.partial(report, slot)
    return slot


def _then(
    call: Callable[[tuple[Any, ...], Mapping[str, Any]], T], convert: Callable[[T], Any]
) -> Callable[[tuple[Any, ...], Mapping[str, Any]], Any]:
    def call_and_convert(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        return convert(call(args, kwargs))

    return call_and_convert


def make_record(receiver: Any, on_failure: FailureHandler) -> TaskRecord:
    """
    Return the record of a slot's task: its owner, and who emitted the signal.

    Args:
        receiver: The object whose method Qt calls; None if the slot is not a method.
        on_failure: Reports a failure.
    """
    if receiver is None:
        return TaskRecord(None, on_failure)
    # find_owned() alone would raise for it. Such a slot works, without an owner.
    if not isinstance(receiver, QtCore.QObject):
        return TaskRecord(None, on_failure)
    owned = find_owned(receiver)
    if owned.is_elsewhere():
        refuse_thread(receiver)
    record = TaskRecord(owned, on_failure)
    record.is_in_slot = True
    return record


def start_slot(
    coro: Coroutine[Any, Any, T], record: TaskRecord, *, on_refused: Callable[[], object] | None = None
) -> asyncio.Future[T]:
    """
    Run a slot's coroutine up to its first suspension now. What it raises fails the task, and is reported.

    Args:
        coro: The coroutine.
        record: The record of its task.
        on_refused: Called if the coroutine cannot be run.
    """
    try:
        return start_task(coro, record)
    except BaseException as exc:  # noqa: BLE001 - what leaves a slot crashes Qt.
        if on_refused is not None:
            on_refused()
        return _start_refused(coro, record, exc)


def _start_queued(
    coro: Coroutine[Any, Any, T], record: TaskRecord, slot: Any, receiver: Any, settings: CallSettings
) -> asyncio.Future[T]:
    """Do as `start_slot`, for a call that passes through a queue, which decides what becomes of it."""
    # A slot that is not a method, and so has no receiver, is its own receiver: one queue for all its calls.
    receiver = slot if receiver is None else receiver
    key = slot if settings.group is None else settings.group
    try:
        queue = find_queue(receiver, key, get_running_loop() or ensure_loop())
    except BaseException as exc:  # noqa: BLE001 - what leaves a slot crashes Qt.
        return _start_refused(coro, record, exc)
    queued = queue.add(settings, coro)
    # The queue must know the task before its first step, which may call the same slot again.
    record.on_created = queued.take_task
    record.on_abandoned = queued.abandon
    return start_slot(queued.coro, record, on_refused=queued.give_up)


def _start_refused(coro: Coroutine[Any, Any, T], record: TaskRecord, exc: BaseException) -> asyncio.Future[T]:
    """
    Return a task that fails with *exc*, which has kept a slot's coroutine from running.

    *exc* is a task factory's failure, or SystemExit before any Qt loop runs that it could end. If no loop
    can have a task, because there is no application, or no Qt loop on this thread, it is a failed future.
    """
    dispose(coro)
    loop = get_running_loop()
    if loop is not None:
        # A new record: with the call's own one, the call queue would take this task for a call that runs.
        return start_failed(loop, fail(exc), TaskRecord(None, record.on_failure))
    if isinstance(exc, (SystemExit, KeyboardInterrupt)):
        # It has ended a dialog of the first step, before exec() runs. It takes effect then.
        QtCore.QTimer.singleShot(0, functools.partial(QtCore.QCoreApplication.exit, exit_code(exc)))
    else:
        # Now: no loop has a next turn on which it could be reported.
        name = getattr(coro, "__qualname__", coro)
        logger.error("Slot %s() was called, but could not be started", name, exc_info=exc)
    return make_failed(exc)


def _find_receiver(slot: Callable[..., object], first: Any) -> Any:
    """
    Return *first*, a slot's first argument, if the slot is a method of its class; else None.

    Raises:
        TypeError: If *first* cannot be weakly referenced. PySide connects such a receiver,
            and crashes later.
    """
    # By identity in the classes' dictionaries: the first argument of a plain function may be a QObject, too.
    name = slot.__name__
    kind = type(first)
    for base in kind.__mro__:
        if base.__dict__.get(name) is slot:
            break
    else:
        return None
    # 0: instances have no room for weak references, because of __slots__.
    if not kind.__weakrefoffset__:
        msg = (
            f"{first!r} cannot be weakly referenced, as the receiver of a Qt signal must be; "
            f"add '__weakref__' to the __slots__ of {kind.__qualname__}"
        )
        raise TypeError(msg)
    return first


async def fail(exc: BaseException) -> NoReturn:
    """Raise *exc*: the coroutine of a call that cannot be run."""
    raise exc
