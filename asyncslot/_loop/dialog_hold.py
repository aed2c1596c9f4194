"""
Which last windows are no reason to quit, in blocking mode: the dialogs of coroutines, before there is another window.

A program may show a dialog, such as a log-in, before its first window. When the dialog closes it is the last
window, and Qt would quit. But the coroutine that has shown it is about to go on.
"""

from __future__ import annotations

import contextlib
from typing import Any, Iterator

from asyncslot._qt import QtCore, import_qt, is_alive, require_application

__all__ = ["DialogHold"]


class DialogHold:
    """The dialogs that coroutines await, and the application's property that is off while one of them closes."""

    def __init__(self) -> None:
        # Those that were opened while there was no other window.
        self._dialogs: list[Any] = []
        # The property quitOnLastWindowClosed is off because of us.
        self._is_off = False

    @contextlib.contextmanager
    def hold(self, dialog: Any) -> Iterator[None]:
        """Note that a coroutine awaits *dialog* in the block."""
        if not _has_window(only_visible=True):
            self._dialogs.append(dialog)
        try:
            yield
        finally:
            self._dialogs = [other for other in self._dialogs if other is not dialog]
            # Before the coroutine goes on, which may set the property.
            self.restore()

    def is_closed(self, *, runs_qt_loop: bool) -> bool:
        """
        Tell whether the last window, which has just closed, is the dialog of a coroutine.

        Args:
            runs_qt_loop: Whether a coroutine runs a nested Qt loop, such as that of ``QDialog.exec()``.
        """
        if any(is_alive(dialog) and not dialog.isVisible() for dialog in self._dialogs):
            return True
        widgets = import_qt("QtWidgets") if require_application().inherits("QApplication") else None
        # A modal widget that is still there is the dialog of that Qt loop: something else has closed.
        is_modal_open = widgets is not None and widgets.QApplication.activeModalWidget() is not None
        return runs_qt_loop and not is_modal_open and not _has_window(only_visible=False)

    def switch_off(self) -> None:
        """Keep Qt from quitting now."""
        application = require_application()
        if application.property("quitOnLastWindowClosed"):
            application.setProperty("quitOnLastWindowClosed", False)
            self._is_off = True
            # When Qt has looked at the property.
            QtCore.QTimer.singleShot(0, self.restore)

    def restore(self) -> None:
        """Let Qt quit again when the last window closes, if `switch_off` has changed that."""
        if self._is_off:
            self._is_off = False
            require_application().setProperty("quitOnLastWindowClosed", True)


def _has_window(*, only_visible: bool) -> bool:
    """Tell whether a window that is no dialog is visible; or whether one has been shown and still exists."""
    if not require_application().inherits("QApplication"):
        return False
    widgets = import_qt("QtWidgets")
    shown = QtCore.Qt.WidgetAttribute.WA_WState_ExplicitShowHide
    kind = QtCore.Qt.WindowType
    return any(
        not isinstance(widget, widgets.QDialog)
        # Such as a tool's, which does not keep the application from quitting either.
        and widget.testAttribute(QtCore.Qt.WidgetAttribute.WA_QuitOnClose)
        # Menus and splash screens are top-level widgets, too.
        and widget.windowType() not in (kind.SplashScreen, kind.Popup, kind.ToolTip)
        and (widget.isVisible() if only_visible else widget.testAttribute(shown))
        for widget in widgets.QApplication.topLevelWidgets()
    )
