"""The box in which errors are shown. This module imports QtWidgets only when the first one is shown."""

from __future__ import annotations

import asyncio
import functools
import traceback
from typing import Any, Iterator

from asyncslot._qt import QtCore, call_on_thread, import_qt, is_alive
from asyncslot.loop import GuestEventLoop

__all__ = ["error_handler"]

# How many failures one box shows in its details. Arbitrary: if a timer's slot fails all the time, the newest
# failures are enough, and the text must not grow for ever.
_MAX_DETAILS = 20


def error_handler(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """
    Log an error as asyncio does by default, and show it in a message box.

    Use it by ``loop.set_exception_handler(error_handler)``. It does not wait for the box. There is one box
    at a time: a failure that comes while the box is open is added to it. Errors of other threads' loops are
    shown, too. Without a QApplication, and while the application quits, errors are only logged.

    Args:
        loop: The loop that reports the error.
        context: As asyncio's ``call_exception_handler`` describes it. A slot's ``"owner"``
            tells which window the box belongs to.
    """
    # First, so that the error is in the log, whatever fails below.
    loop.default_exception_handler(context)
    application = QtCore.QCoreApplication.instance()
    # By inherits(): isinstance() would need QtWidgets, which a program without widgets may not have.
    if application is None or not application.inherits("QApplication"):
        return
    if isinstance(loop, GuestEventLoop) and loop.is_quitting():
        return
    if application.thread() == QtCore.QThread.currentThread():
        _show(context)
    else:
        # Widgets work on that thread only.
        call_on_thread(application.thread(), functools.partial(_show, context))


def _show(context: dict[str, Any]) -> None:
    widgets = import_qt("QtWidgets")
    # A box that was closed stays in the list until Qt deletes it. It shows old errors.
    box = next((box for box in _boxes if box.isVisible()), None)
    if box is None:
        box = _make_box(widgets, _find_window(widgets, context.get("owner")))
    errors = [*(box.property("errors") or []), _describe(context)]
    box.setProperty("errors", errors)
    box.setText("\n\n".join(_summarize(context, len(errors) - 1)))
    box.setDetailedText("\n".join(errors[-_MAX_DETAILS:]))
    # Not exec(): the handler is called inside the loop, and must return.
    box.open()


def _make_box(widgets: Any, parent: Any) -> Any:
    box = widgets.QMessageBox(parent)
    box.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
    # An exception's text may look like HTML.
    box.setTextFormat(QtCore.Qt.TextFormat.PlainText)
    box.setIcon(widgets.QMessageBox.Icon.Critical)
    box.setWindowTitle(QtCore.QCoreApplication.applicationName())
    _boxes.append(box)
    box.destroyed.connect(lambda *_: _boxes.remove(box))
    return box


# The box that is open, and the closed ones that Qt has not deleted yet. Nothing else refers to a box without a parent.
_boxes: list[Any] = []


def _find_window(widgets: Any, owner: Any) -> Any:
    """Return the window that the error is about: the owner's window, else the active one."""
    # On the way from another thread, the owner may have been destroyed.
    if not is_alive(owner):
        owner = None
    # A box on a hidden window would be hard to find.
    window = owner.window() if isinstance(owner, widgets.QWidget) else None
    return window if window is not None and window.isVisible() else widgets.QApplication.activeWindow()


def _describe(context: dict[str, Any]) -> str:
    # Some reports of asyncio's have no exception, such as that of a task destroyed while it was pending.
    exc = context.get("exception")
    if exc is None:
        return str(context["message"]) + "\n"
    return "".join(traceback.format_exception(type(exc), exc, exc.__traceback__))


def _summarize(context: dict[str, Any], earlier: int) -> Iterator[str]:
    """Yield the paragraphs of the box's text."""
    yield str(context["message"])
    exc = context.get("exception")
    if exc is not None:
        yield "".join(traceback.format_exception_only(type(exc), exc)).strip()
    if earlier:
        yield f"Before that: {earlier} more, see the details."
