"""AsyncClose: a coroutine function as a window's closeEvent."""

from __future__ import annotations

import asyncio
import functools
import types
import weakref
from typing import TYPE_CHECKING, Any, Callable, Coroutine, cast

from asyncslot._qt import IdentityDict, QtCore, is_deleted_error
from asyncslot._slot.call import check_function, make_record, start_slot
from asyncslot._slot.failure import report_failure
from asyncslot._slot.quit_watch import holding_quits, is_quit_closing_windows, watch_quits
from asyncslot._task.asyncio_private import get_running_loop, is_unretrieved
from asyncslot._task.cancellation import CancelReason, is_cancelled_for
from asyncslot.loop import AsyncSlotEventLoop

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    P = ParamSpec("P")

__all__ = ["AsyncClose"]


def AsyncClose(function: Callable[P, Coroutine[Any, Any, object]], /) -> Callable[P, Any]:  # noqa: N802 - as AsyncSlot.
    """
    Make a coroutine function a window's ``closeEvent``.

    When the window is to be closed, the code before the first suspension runs at once and
    the rest as a task that belongs to the window, which stays open meanwhile. If the
    coroutine returns True or None, the window is closed for good; if it returns anything
    false, fails, or is cancelled, it stays open. Being closed again meanwhile changes nothing.

    A ``QApplication.quit()`` that finds a window open does not quit. So one that this held up is
    issued again when the window has closed. ``QCoreApplication.exit()`` and Ctrl-C do not
    close windows: they do not ask, and cancel a coroutine that runs.

    For this the class's ``__init__`` is wrapped, and the first such window overrides ``event()`` on the
    application object.

    The event is valid up to the first suspension; its ``accept()`` and ``ignore()`` have no effect.
    A failure is reported as an AsyncSlot's is. A subclass may ``await super().closeEvent(event)``.

    Args:
        function: The method ``async def closeEvent(self, event)`` of a QWidget or QWindow.

    Returns:
        What to have in its place in the class. Called, it returns the coroutine's task,
        or None if the window closes without asking.

    Raises:
        TypeError: At decoration, if it is anything else.
    """
    check_function(function, "AsyncClose")
    if getattr(function, "__name__", None) != "closeEvent":
        msg = f"AsyncClose decorates closeEvent(self, event), got {function!r}; for a slot use AsyncSlot"
        raise TypeError(msg)
    return cast("Callable[P, Any]", _CloseEvent(function))


class _CloseEvent:
    """
    The attribute ``closeEvent`` of a class of windows.

    It is a descriptor, because only a descriptor is told of its class: it replaces the class's ``__init__``,
    so that the application's Quit events are looked at from the first window on.

    Args:
        function: The coroutine function.
    """

    def __init__(self, function: Callable[..., Coroutine[Any, Any, object]]) -> None:
        self._function = function
        functools.update_wrapper(self, function)

    def __set_name__(self, owner: Any, name: str) -> None:
        initialize = vars(owner).get("__init__")

        def __init__(window: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it becomes one.
            watch_quits()
            if initialize is None:
                super(owner, window).__init__(*args, **kwargs)
            else:
                initialize(window, *args, **kwargs)

        owner.__init__ = functools.wraps(initialize or owner.__init__)(__init__)

    def __get__(self, window: Any, owner: type | None = None) -> Any:
        return self if window is None else types.MethodType(self, window)

    def __call__(self, window: Any, event: Any) -> asyncio.Task[Any] | None:
        """Ask the coroutine, unless it is being asked, or nobody is to be asked any more."""
        closing = _closings[window]
        if closing.task is not None and event is closing.event:  # A subclass's coroutine calls super().
            return self._start(window, event)
        if closing.is_for_good or _is_ending():
            self._call_next(window, event)
            return None
        event.ignore()
        if closing.task is None:
            self._ask(closing, window, event)
        if closing.task is not None and is_quit_closing_windows():
            closing.hold_quit()
        return closing.task

    def _ask(self, closing: _Closing, window: Any, event: Any) -> None:
        closing.event = event
        with holding_quits(closing.hold_quit):  # One that comes in a dialog of the first step.
            task = self._start(window, event, closing.begin)
        event.ignore()
        if not task.done():
            reference = weakref.ref(window)
            task.add_done_callback(lambda task: closing.on_done(reference, task))
        elif closing.end(task):
            event.accept()
            self._call_next(window, event)

    def _start(
        self, window: Any, event: Any, on_created: Callable[[asyncio.Task[Any]], object] | None = None
    ) -> asyncio.Task[Any]:
        coro = self._function(window, event)
        record = make_record(window, functools.partial(report_failure, self._function))
        record.on_created = on_created
        return start_slot(coro, record)

    def _call_next(self, window: Any, event: Any) -> None:
        """Do what the window would do without this ``closeEvent``."""
        own: Any = next(base for base in type(window).__mro__ if vars(base).get("closeEvent") is self)
        overridden: Any = super(own, window)
        overridden.closeEvent(event)


class _Closing:
    """What is under way to close one window."""

    def __init__(self, _: object) -> None:
        # The coroutine's task while it runs, and what it was called with.
        self.task: asyncio.Task[Any] | None = None
        self.event: Any = None
        # The window is being closed, and nobody asked.
        self.is_for_good = False
        # The application was to quit meanwhile.
        self.holds_quit = False

    def begin(self, task: asyncio.Task[Any]) -> None:
        self.task = task

    def hold_quit(self) -> None:
        self.holds_quit = True

    def end(self, task: asyncio.Task[Any]) -> bool:
        """
        Note that *task* is done.

        Returns:
            Whether the window is to be closed. If it is, a quit that was held up comes after that.
        """
        self.task = self.event = None
        held, self.holds_quit = self.holds_quit, False
        may_close = _may_close(task)
        if held and (may_close or is_cancelled_for(task, CancelReason.OWNER_DESTROYED)):
            task.get_loop().call_soon(QtCore.QCoreApplication.quit)
        return may_close

    def on_done(self, reference: weakref.ref[Any], task: asyncio.Task[Any]) -> None:
        window = reference()
        if not self.end(task) or window is None:
            return
        self.is_for_good = True
        try:
            _find_outermost(window).close()
        except RuntimeError as exc:
            if not is_deleted_error(exc):
                raise
        finally:
            self.is_for_good = False


def _may_close(task: asyncio.Task[Any]) -> bool:
    # A failure that nobody has retrieved must stay so until it is reported.
    if task.cancelled() or is_unretrieved(task) or task.exception() is not None:
        return False
    result = task.result()
    return result is None or bool(result)


def _find_outermost(window: Any) -> Any:
    """Return what is to be closed: of a widget in a QMdiSubWindow that one, which has asked the widget."""
    parent = window.parent()
    return parent if parent is not None and parent.inherits("QMdiSubWindow") else window


def _is_ending() -> bool:
    """Tell whether the application quits already: clean-up closes windows without a question."""
    loop = get_running_loop()
    return isinstance(loop, AsyncSlotEventLoop) and loop.is_quitting()


_closings = IdentityDict(_Closing)
