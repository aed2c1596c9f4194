"""TaskInspector: the panes together, refreshed while they are visible."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from asyncslot._inspector.delay_pane import DelayPane
from asyncslot._inspector.loop_watch import LoopWatch
from asyncslot._inspector.pace import find_interval_ms
from asyncslot._inspector.task_pane import TaskPane
from asyncslot._qt import QtCore, connect_destroyed, import_qt
from asyncslot.loop import GuestEventLoop

if TYPE_CHECKING:
    from PySide6 import QtWidgets
else:
    QtWidgets = import_qt("QtWidgets")

__all__ = ["TaskInspector"]

# Milliseconds for which a message to the user stays. Arbitrary: long enough to read it.
MESSAGE_MS = 8000

# What all inspectors look at: a loop tells one watch only. Widgets, and so all of them, are on one thread.
_watch = LoopWatch()


class _User:
    """Stands for an inspector, which the watch must not keep alive."""

    def join(self) -> None:
        _watch.join(self)

    def leave(self) -> None:
        _watch.leave(self)


class TaskInspector(QtWidgets.QWidget):
    """
    Shows the tasks of this thread's event loop, and what keeps the loop waiting.

    It goes into a ``QDockWidget`` or a layout, or is a window of its own; see `show`. It looks at the loop
    only while it is visible. Hidden or minimized, it costs nothing, and sees nothing.

    It shows whichever loop runs on the thread: of asyncslot or another one, and the next one, when that loop has
    been closed. Of a loop that is not asyncslot's it knows the tasks only.

    Args:
        parent: The widget that it belongs to; None for a window of its own.
    """

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("asyncslot inspector")
        self._status = QtWidgets.QLabel()
        self._status.setTextFormat(QtCore.Qt.TextFormat.PlainText)
        self._status.setWordWrap(True)
        self._status.setContentsMargins(6, 4, 6, 0)
        self._message = ""
        self._user = _User()
        # A widget may be destroyed while it is visible.
        self._connection = connect_destroyed(self, self._user.leave)
        self._task_pane = TaskPane(_watch)
        self._delay_pane = DelayPane(_watch)
        self._tabs = QtWidgets.QTabWidget()
        self._tabs.setDocumentMode(True)
        self._tabs.addTab(self._task_pane, "Tasks")
        self._tabs.addTab(self._delay_pane, "Delays")
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._status)
        layout.addWidget(self._tabs, 1)
        self._timer = self._make_timer(self._refresh)
        self._message_timer = self._make_timer(self._forget_message)
        for pane in (self._task_pane, self._delay_pane):
            pane.said.connect(self._say)
        self._task_pane.refresh_wanted.connect(self._refresh)
        self._tabs.currentChanged.connect(self._on_tab_changed)

    def sizeHint(self) -> QtCore.QSize:  # noqa: N802 - Qt's name.
        """Return a size with room for the most important columns."""
        return QtCore.QSize(900, 500)

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name.
        """Look at the loop from now on."""
        super().showEvent(event)
        self._resume()

    def hideEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name.
        """Look at the loop no more. This is also called when the window is minimized."""
        self._pause()
        super().hideEvent(event)

    def paintEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name.
        """Look at the loop again, if it was behind the tab of another dock."""
        super().paintEvent(event)
        if not self._timer.isActive():
            # Later: what a refresh changes must not be changed while it is drawn.
            self._timer.start(0)

    @property
    def is_watching(self) -> bool:
        """Whether it looks at the loop at present."""
        return bool(self._timer.isActive())

    def _make_timer(self, on_timeout: Any) -> QtCore.QTimer:
        timer = QtCore.QTimer(self)
        timer.setSingleShot(True)
        timer.timeout.connect(on_timeout)
        return timer

    def _on_tab_changed(self, _: int) -> None:
        # A method: before 6.7 PySide keeps a lambda, and so this widget, alive after the widget's end.
        self._refresh()

    def _resume(self) -> None:
        self._refresh()
        if self.is_watching:
            # The first time takes longer, and tells nothing of those to come.
            self._timer.start(find_interval_ms(0))

    def _pause(self) -> None:
        self._timer.stop()
        self._delay_pane.frames.stop()
        self._user.leave()

    def _refresh(self) -> None:
        # A dock behind the tab of another one is not hidden, only moved to where nobody sees it.
        if not self.isVisible() or self.window().isMinimized() or self.visibleRegion().isEmpty():
            self._pause()
            return
        if not self._delay_pane.frames.is_running:
            self._delay_pane.frames.start()
        # CPU time: what other processes take does not count.
        began_s = time.thread_time()
        try:
            self._refresh_panes()
        except Exception as exc:  # noqa: BLE001 - with PyQt, what leaves a slot ends the program.
            self._show_status(f"The inspector failed: {type(exc).__name__}: {exc}")
        drawing_s = self._current_pane().view.drawing_s
        self._timer.start(find_interval_ms(time.thread_time() - began_s + drawing_s))

    def _refresh_panes(self) -> None:
        self._user.join()
        self._show_status(self._message or self._describe_loop())
        self._current_pane().refresh()
        self._tabs.setTabText(0, f"Tasks ({len(_watch.running)})")
        self._tabs.setTabText(1, f"Delays ({len(_watch.delays)})" if _watch.delays else "Delays")

    def _current_pane(self) -> TaskPane | DelayPane:
        return self._delay_pane if self._tabs.currentIndex() else self._task_pane

    def _describe_loop(self) -> str:
        loop = _watch.loop
        if loop is None:
            return "No loop runs on this thread."
        name = type(loop).__name__
        ended = f"{len(_watch.ended)} ended" if _watch.ended else "none ended yet"
        counts = f"{len(_watch.running)} running, {ended}"
        if isinstance(loop, GuestEventLoop):
            return f"{name}, {loop.state.value}: {counts}"
        return f"{name}, which is not asyncslot's: {counts}. Short tasks may be missed; delays are not seen."

    def _show_status(self, text: str) -> None:
        if text != self._status.text():
            self._status.setText(text)

    def _say(self, text: str) -> None:
        self._message = text
        self._message_timer.start(MESSAGE_MS if text else 0)
        self._show_status(text or self._describe_loop())

    def _forget_message(self) -> None:
        self._message = ""
        self._show_status(self._describe_loop())
