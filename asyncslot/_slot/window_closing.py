"""
AsyncClose: a coroutine function as a window's closeEvent.

What was tried and does not work
- Only ignoring the close event, and closing later: while a window ignores its close event, ``quit()`` does
  nothing. So a quit that was held up is issued again.
- Issuing the quit again only if the window closes: a window that is deleted meanwhile never does.
- Letting a quit come while the first step shows a dialog: Qt takes the window for closed, and quits.
- Closing the widget in a QMdiSubWindow: it is the frame that asked the widget, and that must be closed.
"""

from __future__ import annotations

import asyncio
import functools
import types
import weakref
from typing import TYPE_CHECKING, Any, Callable, Coroutine, cast

from asyncslot._qt import IdentityDict, QtCore, is_deleted_error, virtual_result
from asyncslot._slot.call import check_function, fail, make_record, start_slot
from asyncslot._slot.failure import report_failure
from asyncslot._slot.quit_watch import holding_quits, is_quit_closing_windows, watch_quits
from asyncslot._task.asyncio_private import get_running_loop, is_unretrieved
from asyncslot._task.cancellation import CancelReason, is_cancelled_for
from asyncslot.loop import GuestEventLoop

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    P = ParamSpec("P")

__all__ = ["AsyncClose"]


def AsyncClose(function: Callable[P, Coroutine[Any, Any, object]], /) -> Callable[P, Any]:  # noqa: N802 - as AsyncSlot.
    """
    Make a coroutine function a window's ``closeEvent``.

    When the window is to be closed, the code before the first suspension runs at once, and the
    rest as a task that belongs to the window. The window stays open meanwhile. If the coroutine
    returns a true value or None, the window is closed for good. If it returns any other value, fails,
    or is cancelled, the window stays open. Closing the window again meanwhile is a no-op.

    ``QApplication.quit()`` does not quit while a window stays open. So a quit that had to wait for the
    coroutine is issued again when the window has closed. ``QCoreApplication.exit()`` and Ctrl-C close
    no windows: they do not run the coroutine, and they cancel one that runs.

    For this, the class's ``__init__`` is wrapped, and creating the first such window overrides ``event()``
    on the application object.

    The event is valid up to the first suspension; its ``accept()`` and ``ignore()`` have no effect.
    A failure is reported like that of an AsyncSlot. A subclass may ``await super().closeEvent(event)``.

    Args:
        function: The method ``async def closeEvent(self, event)`` of a QWidget or QWindow.

    Returns:
        The attribute for the class. A call of it returns the coroutine's task, or None if the window
        closes without asking.

    Raises:
        TypeError: At decoration, if *function* is not a coroutine function named ``closeEvent``.
    """
    check_function(function, "AsyncClose")
    # Qt calls a virtual by its name, so under another name it would never be called.
    if getattr(function, "__name__", None) != "closeEvent":
        msg = f"AsyncClose decorates closeEvent(self, event), got {function!r}; for a slot use AsyncSlot"
        raise TypeError(msg)
    return cast("Callable[P, Any]", _CloseEvent(function))


class _CloseEvent:
    """
    The attribute ``closeEvent`` of a class of windows.

    It is a descriptor, because Python tells only a descriptor its class (``__set_name__``). It replaces
    the class's ``__init__``, so that the application's Quit events are watched from the first window on.

    Args:
        function: The coroutine function.
    """

    def __init__(self, function: Callable[..., Coroutine[Any, Any, object]]) -> None:
        self._function = function
        functools.update_wrapper(self, function)

    def __set_name__(self, owner: Any, name: str) -> None:
        # Only the class's own. An inherited one is looked up by super(): in a mixin it depends on the window's class.
        initialize = vars(owner).get("__init__")

        def __init__(window: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it becomes one.
            # Here, not when the class is made: the application may be made after that.
            watch_quits()
            if initialize is None:
                super(owner, window).__init__(*args, **kwargs)
            else:
                initialize(window, *args, **kwargs)

        owner.__init__ = functools.wraps(initialize or owner.__init__)(__init__)

    def __get__(self, window: Any, owner: type | None = None) -> Any:
        return self if window is None else types.MethodType(self, window)

    def __call__(self, window: Any, event: Any) -> asyncio.Future[Any] | None:
        """Run the coroutine, unless it runs already, or the window closes without asking."""
        closing = _closings[window]
        if closing.is_for_good:
            self._call_next(closing, window, event)
            return None
        # Qt calls the most derived one. Any other is called by super() in that one's coroutine, which decides. The
        # event does not tell: PyQt may use the Python object of a past event again.
        if self is not _find_first(type(window)):
            return self._start(window, event)
        if _is_ending():
            self._call_next(closing, window, event)
            return None
        # A close event is accepted by default. This also refuses it while the coroutine runs already.
        event.ignore()
        if closing.task is None:
            self._ask(closing, window, event)
        # After asking, because a coroutine that has decided at once holds up nothing.
        if closing.task is not None and is_quit_closing_windows():
            closing.hold_quit()
        return virtual_result(closing.task)

    def _ask(self, closing: _Closing, window: Any, event: Any) -> None:
        # The first step may show a dialog, and a quit may come while that is open.
        with holding_quits(closing.hold_quit):
            task = self._start(window, event, closing.begin)
        # Again: the first step may have accepted it.
        event.ignore()
        if not task.done():
            reference = weakref.ref(window)
            task.add_done_callback(lambda task: closing.on_done(reference, task))
        elif closing.end(task):
            # Decided inside the close event: this one is accepted, so that close() returns true.
            event.accept()
            self._call_next(closing, window, event)

    def _start(
        self, window: Any, event: Any, on_created: Callable[[asyncio.Future[Any]], object] | None = None
    ) -> asyncio.Future[Any]:
        try:
            coro = self._function(window, event)
        except Exception as exc:  # noqa: BLE001 - wrong parameters: what leaves the method crashes Qt.
            coro = fail(exc)
        record = make_record(window, functools.partial(report_failure, self._function))
        # Before the first step, in which the window may be closed again: that must find the task.
        record.on_created = on_created
        return start_slot(coro, record)

    def _call_next(self, closing: _Closing, window: Any, event: Any) -> None:
        """Do what the window would do without this ``closeEvent``; ask no base class either."""
        # The class that has this attribute, not the window's own class: a subclass may call super().closeEvent().
        own: Any = next(base for base in type(window).__mro__ if vars(base).get("closeEvent") is self)
        # A mixin may stand before the Qt class, so the next one need not be Qt's.
        overridden: Any = super(own, window)
        before, closing.is_for_good = closing.is_for_good, True
        try:
            overridden.closeEvent(event)
        finally:
            closing.is_for_good = before


class _Closing:
    """What is under way to close one window."""

    def __init__(self, _: object) -> None:
        # The coroutine's task while it runs.
        self.task: asyncio.Future[Any] | None = None
        # The coroutine has agreed, and the window is being closed: do not ask again.
        self.is_for_good = False
        # A quit came meanwhile, and is to be issued again.
        self.holds_quit = False

    def begin(self, task: asyncio.Future[Any]) -> None:
        self.task = task

    def hold_quit(self) -> None:
        self.holds_quit = True

    def end(self, task: asyncio.Future[Any]) -> bool:
        """
        Note that *task* is done.

        Returns:
            Whether the window is to be closed. If it is, a quit that was held up is issued after that.
        """
        self.task = None
        held, self.holds_quit = self.holds_quit, False
        may_close = _may_close(task)
        # A destroyed window stays open for nobody. If the window stays open otherwise, the quit is dropped.
        if held and (may_close or is_cancelled_for(task, CancelReason.OWNER_DESTROYED)):
            # Later, when the caller has closed the window: a quit that finds it open would be refused.
            task.get_loop().call_soon(QtCore.QCoreApplication.quit)
        return may_close

    def on_done(self, reference: weakref.ref[Any], task: asyncio.Future[Any]) -> None:
        # end() in any case: it issues a quit again that a destroyed window has held up.
        window = reference()
        if not self.end(task) or window is None:
            return
        self.is_for_good = True
        try:
            _find_outermost(window).close()
        except RuntimeError as exc:
            # The C++ window may be gone although its Python object is not.
            if not is_deleted_error(exc):
                raise
        finally:
            # A window that was closed can be shown again, and is then asked again.
            self.is_for_good = False


def _find_first(kind: type) -> Any:
    """Return the most derived `_CloseEvent` of a class."""
    attributes = (vars(base).get("closeEvent") for base in kind.__mro__)
    return next(attribute for attribute in attributes if isinstance(attribute, _CloseEvent))


def _may_close(task: asyncio.Future[Any]) -> bool:
    # A failure that nobody has retrieved must stay so until it is reported.
    if task.cancelled() or is_unretrieved(task) or task.exception() is not None:
        return False
    result = task.result()
    return result is None or bool(result)


def _find_outermost(window: Any) -> Any:
    """Return the object to close: the QMdiSubWindow around a widget, else the window itself."""
    # A QMdiSubWindow that is closed closes its widget first, and stays open if that refuses. By inherits():
    # this module does not import QtWidgets, and QWindows have no such parent.
    parent = QtCore.QObject.parent(window)  # The window may have an attribute of that name.
    return parent if parent is not None and parent.inherits("QMdiSubWindow") else window


def _is_ending() -> bool:
    """Tell whether the application quits already: clean-up closes windows without asking."""
    loop = get_running_loop()
    return isinstance(loop, GuestEventLoop) and loop.is_quitting()


_closings = IdentityDict(_Closing)
