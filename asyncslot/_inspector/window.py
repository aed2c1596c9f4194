"""The inspector in a window of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asyncslot._inspector.widget import TaskInspector
from asyncslot._qt import QtCore, import_qt, is_alive, on_widget_thread

if TYPE_CHECKING:
    from PySide6 import QtGui
else:
    QtGui = import_qt("QtGui")

__all__ = ["show"]

# The window, once there is one. It is hidden when it is closed, and shown again.
_window: TaskInspector | None = None


def show() -> TaskInspector:
    """
    Show the inspector in a window of its own; if it is open, raise it.

    The application quits when its last other window closes, although this one is open. Closing this
    one is no quit. While a modal dialog is open, the window is usable: it belongs to the dialog then.

    Returns:
        The window; each time the same one.

    Raises:
        RuntimeError: If there is no QApplication, or this is not its thread.
    """
    _check_application()
    window = _find_window()
    modal = QtGui.QGuiApplication.modalWindow()
    if modal is not None and modal != window.windowHandle():
        _place_over(window, modal)
    # Of what it was, only "minimized" goes: it may be maximized.
    window.setWindowState(window.windowState() & ~QtCore.Qt.WindowState.WindowMinimized)
    window.show()
    window.raise_()
    window.activateWindow()
    return window


def _check_application() -> None:
    application = QtCore.QCoreApplication.instance()
    if application is None or not application.inherits("QApplication"):
        found = "there is no application" if application is None else f"this is a {type(application).__name__}"
        msg = f"the inspector is a widget, which needs a QApplication, but {found}; make QApplication(sys.argv) instead"
        raise RuntimeError(msg)
    if not on_widget_thread():
        msg = "the inspector is a widget; show it on the application's thread, as in a slot of a widget"
        raise RuntimeError(msg)


def _find_window() -> TaskInspector:
    global _window  # noqa: PLW0603 - there is one.
    # The application may have been destroyed, and its widgets with it.
    if _window is None or not is_alive(_window):
        _window = TaskInspector()
        # It must not keep the application from quitting.
        _window.setAttribute(QtCore.Qt.WidgetAttribute.WA_QuitOnClose, False)
        # By itself Qt takes two thirds of the screen at most.
        _window.resize(_window.sizeHint().boundedTo(QtGui.QGuiApplication.primaryScreen().availableSize()))
    return _window


def _place_over(window: TaskInspector, modal: Any) -> None:
    """Let *window* be used while the window *modal* blocks all others."""
    # Qt blocks only windows that do not belong to the modal one, and looks when they are shown.
    window.hide()
    window.winId()  # This makes its QWindow.
    handle = window.windowHandle()
    handle.setTransientParent(modal)
    modal.visibleChanged.connect(_Release(handle).on_visible_changed)


class _Release(QtCore.QObject):
    """
    Gives a window back to the desktop when the modal one it belongs to is hidden.

    It lives as long as *handle*: its child.
    """

    def __init__(self, handle: Any) -> None:
        super().__init__(handle)
        self._handle = handle

    def on_visible_changed(self, is_visible: bool) -> None:  # noqa: FBT001 - Qt passes it.
        """Note that the modal window was hidden."""
        if not is_visible and is_alive(self._handle):
            self._handle.setTransientParent(None)
            self.deleteLater()
