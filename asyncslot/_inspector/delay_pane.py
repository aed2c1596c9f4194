"""The pane of delays: what was slow, and the frames that were missed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from asyncslot._inspector.cell_text import format_duration
from asyncslot._inspector.delay_model import DelayModel
from asyncslot._inspector.frame_clock import FrameClock
from asyncslot._inspector.row_view import RowView, make_action
from asyncslot._inspector.source_line import open_line
from asyncslot._qt import QtCore, Signal, import_qt

if TYPE_CHECKING:
    from PySide6 import QtWidgets

    from asyncslot._inspector.loop_watch import Delay, LoopWatch
else:
    QtWidgets = import_qt("QtWidgets")

__all__ = ["DelayPane"]

# The widths of the columns, in letters, in the order of `delay_model`.
WIDTHS = (15, 18, 11, 32, 40)

# What the limit may be, in milliseconds. A day, as more makes no sense.
MAX_LIMIT_MS = 86_400_000


class DelayPane(QtWidgets.QWidget):
    """
    The delays of a loop that is watched, and a count of missed frames.

    Signals: `said`, with a sentence for the user.

    Args:
        watch: Knows the delays.
        parent: The widget that it belongs to.
    """

    said = Signal(str)

    def __init__(self, watch: LoopWatch, parent: Any = None) -> None:
        super().__init__(parent)
        self._watch = watch
        self.model = DelayModel(self)
        self.view = RowView(self.model, WIDTHS)
        # Newest first.
        self.view.sortByColumn(0, QtCore.Qt.SortOrder.DescendingOrder)
        self.frames = FrameClock(self)
        self.limit_box = QtWidgets.QSpinBox()
        self.limit_box.setRange(1, MAX_LIMIT_MS)
        self.limit_box.setSuffix(" ms")
        self.limit_box.setToolTip("Callbacks, and first steps of tasks, are listed that take at least so long")
        self.limit_box.setValue(round(watch.slow_s * 1000))
        self.frames_label = QtWidgets.QLabel()
        self.frames_label.setWordWrap(True)
        self.frames_label.setToolTip("A 60 Hz timer runs while this inspector is visible, and counts what it misses")
        self.reset_button = QtWidgets.QPushButton("Reset")
        self.reset_button.setToolTip("Count missed frames from zero, and forget the delays")
        self.limit_box.valueChanged.connect(self._on_limit_changed)
        self.reset_button.clicked.connect(lambda *_: self.reset())
        self.view.opened.connect(self._open_delay)
        make_action(self.view, "Open source line", ("Return", "Enter"), self.open_current)
        make_action(self.view, "Copy", ("Ctrl+C",), self.copy_selected)
        self._lay_out()

    def refresh(self) -> None:
        """Show what there is now."""
        self.limit_box.setValue(round(self._watch.slow_s * 1000))
        self.model.refresh(self._watch)
        self.view.refresh()
        text = self._describe_frames()
        if text != self.frames_label.text():
            self.frames_label.setText(text)

    def reset(self) -> None:
        """Count frames from zero, and forget the delays."""
        self.frames.reset()
        self._watch.delays.clear()
        self.refresh()

    def copy_selected(self) -> None:
        """Put the delays that are selected on the clipboard, the cells separated by tabs."""
        texts = ["\t".join(self.model.texts(row)) for row in self.view.selected_rows()]
        if texts:
            QtWidgets.QApplication.clipboard().setText("\n".join(texts) + "\n")

    def open_current(self) -> None:
        """Open the source line of the current delay."""
        row = self.view.current_row()
        if row is not None:
            self._open_delay(row)

    def _lay_out(self) -> None:
        head = QtWidgets.QHBoxLayout()
        label = QtWidgets.QLabel("Slow callbacks from")
        label.setBuddy(self.limit_box)
        head.addWidget(label)
        head.addWidget(self.limit_box)
        head.addStretch(1)
        foot = QtWidgets.QHBoxLayout()
        foot.addWidget(self.frames_label, 1)
        foot.addWidget(self.reset_button)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addLayout(head)
        layout.addWidget(self.view, 1)
        layout.addLayout(foot)

    def _describe_frames(self) -> str:
        count = self.frames.count
        since = time.strftime("%H:%M:%S", time.localtime(count.since_s))
        longest = format_duration(count.longest_s) if count.longest_s else "none yet"
        return f"Frames missed since {since}: {count.missed}. Longest gap: {longest}."

    def _on_limit_changed(self, limit_ms: int) -> None:
        self._watch.slow_s = limit_ms / 1000

    def _open_delay(self, delay: Delay) -> None:
        place = delay.place
        self.said.emit("It is not written in Python." if place is None else open_line(place.file, place.line))
