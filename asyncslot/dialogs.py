"""Dialogs on behalf of asyncio. It imports QtWidgets when the first one is shown."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any, Iterator

from asyncslot._qt import QtCore, import_qt, is_alive
from asyncslot.loop import AsyncSlotEventLoop

__all__ = ["error_handler"]

# How many failures one box has details of: of a timer's slot that fails all the time
# the newest are enough. Arbitrary.
_MAX_DETAILS = 20


def error_handler(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """
    Log an error as asyncio does by default, and show it in a message box.

    For ``loop.set_exception_handler(error_handler)``. It does not wait for the box. There is one box
    at a time: what fails while it is open is added to it. Errors of other threads' loops are shown, too.
    Without a QApplication, and while the application quits, they are only logged.

    Args:
        loop: The loop that reports.
        context: What asyncio's ``call_exception_handler`` describes; a slot's ``"owner"``
            tells which window the box belongs to.
    """
    loop.default_exception_handler(context)
    application = QtCore.QCoreApplication.instance()
    if application is None or not application.inherits("QApplication"):
        return
    if isinstance(loop, AsyncSlotEventLoop) and loop.is_quitting():
        return
    if application.thread() == QtCore.QThread.currentThread():
        _show(context)
    else:
        _show_later(application, context)


def _show_later(application: Any, context: dict[str, Any]) -> None:
    """Show the error on the application's thread, the only one for widgets."""
    relay = _Relay(context)
    relay.moveToThread(application.thread())
    _relays.add(relay)
    relay.arrived.emit()


class _Relay(QtCore.QObject):
    """Carries one error to another thread."""

    arrived = QtCore.Signal()

    def __init__(self, context: dict[str, Any]) -> None:
        super().__init__()
        self._context = context
        self.arrived.connect(self.show, QtCore.Qt.ConnectionType.QueuedConnection)

    def show(self) -> None:
        _relays.discard(self)
        _show(self._context)


# Those under way: Qt refers to the C++ object only.
_relays: set[_Relay] = set()


def _show(context: dict[str, Any]) -> None:
    widgets = import_qt("QtWidgets")
    box = next((box for box in _boxes if box.isVisible()), None)
    if box is None:
        box = _make_box(widgets, _find_window(widgets, context.get("owner")))
    errors = [*(box.property("errors") or []), _describe(context)]
    box.setProperty("errors", errors)
    box.setText("\n\n".join(_summarize(context, len(errors) - 1)))
    box.setDetailedText("\n".join(errors[-_MAX_DETAILS:]))
    box.open()


def _make_box(widgets: Any, parent: Any) -> Any:
    box = widgets.QMessageBox(parent)
    box.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setTextFormat(QtCore.Qt.TextFormat.PlainText)  # An exception's text may look like HTML.
    box.setIcon(widgets.QMessageBox.Icon.Critical)
    box.setWindowTitle(QtCore.QCoreApplication.applicationName())
    _boxes.append(box)
    box.destroyed.connect(lambda *_: _boxes.remove(box))
    return box


# The box that is open, and those closed that Qt will delete: without a parent, nothing else refers to them.
_boxes: list[Any] = []


def _find_window(widgets: Any, owner: Any) -> Any:
    """Return the window that the error is about: the owner's, else the one that the user works in."""
    if not is_alive(owner):
        owner = None  # Destroyed since, on the way from another thread.
    window = owner.window() if isinstance(owner, widgets.QWidget) else None
    return window if window is not None and window.isVisible() else widgets.QApplication.activeWindow()


def _describe(context: dict[str, Any]) -> str:
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
