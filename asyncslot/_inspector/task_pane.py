"""The pane of tasks: filter, table, details, menu."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asyncslot._inspector.details import describe_row
from asyncslot._inspector.row_view import RowView, make_action
from asyncslot._inspector.source_line import open_line
from asyncslot._inspector.task_model import TaskModel
from asyncslot._qt import QtCore, Signal, import_qt

if TYPE_CHECKING:
    from PySide6 import QtGui, QtWidgets

    from asyncslot._inspector.details import DetailLine
    from asyncslot._inspector.loop_watch import LoopWatch
    from asyncslot._inspector.task_row import TaskRow
    from asyncslot._task.description import Place
else:
    QtGui = import_qt("QtGui")
    QtWidgets = import_qt("QtWidgets")

__all__ = ["TaskPane"]

# The widths of the columns, in letters, in the order of `task_model`.
WIDTHS = (24, 22, 30, 20, 16, 12, 12, 24)

# Milliseconds after the last key until the filter acts. Arbitrary: about the time between two keys.
TYPING_MS = 150

# Colours that can be read: on a light palette, on a dark one.
_FAILED = ("#b3261e", "#ff8a80")

ALL_OWNERS = "All owners"


class DetailView(QtWidgets.QPlainTextEdit):
    """Lines about a task. Signals: `opened`, with the place that the double-clicked line is about."""

    opened = Signal(object)

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.setReadOnly(True)
        # With a cursor, so that the keyboard can select.
        self.setTextInteractionFlags(
            QtCore.Qt.TextInteractionFlag.TextSelectableByMouse | QtCore.Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setLineWrapMode(QtWidgets.QPlainTextEdit.LineWrapMode.NoWrap)
        self.setPlaceholderText("Select a task to see its coroutines, who awaits it, and how it failed")
        self._lines: list[DetailLine] = []

    def show_lines(self, lines: list[DetailLine]) -> None:
        """Show *lines*; if they are those that are shown, nothing is touched."""
        if lines == self._lines:
            return
        self._lines = lines
        across, down = (bar.value() for bar in (self.horizontalScrollBar(), self.verticalScrollBar()))
        self.setPlainText("\n".join(line.text for line in lines))
        self.horizontalScrollBar().setValue(across)
        self.verticalScrollBar().setValue(down)

    def place_at(self, number: int) -> Place | None:
        """Return the place that a line is about; None for none."""
        return self._lines[number].place if 0 <= number < len(self._lines) else None

    def mouseDoubleClickEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name.
        """Open the place of the line; another line selects a word, as usual."""
        # Qt 6's name, and Qt 5's.
        at = event.position().toPoint() if hasattr(event, "position") else event.pos()
        place = self.place_at(self.cursorForPosition(at).blockNumber())
        if place is None:
            super().mouseDoubleClickEvent(event)
        else:
            self.opened.emit(place)


class OwnerBox(QtWidgets.QComboBox):
    """A choice of owners, looked up when it opens."""

    opening = Signal()

    def showPopup(self) -> None:  # noqa: N802 - Qt's name.
        """Open it, with the owners that there are now."""
        self.opening.emit()
        super().showPopup()


class TaskPane(QtWidgets.QWidget):
    """
    The tasks of a loop that is watched.

    Signals: `said`, with a sentence for the user; `refresh_wanted`, when the user has changed something.

    Args:
        watch: Knows the tasks.
        parent: The widget that it belongs to.
    """

    said = Signal(str)
    refresh_wanted = Signal()

    def __init__(self, watch: LoopWatch, parent: Any = None) -> None:
        super().__init__(parent)
        self._watch = watch
        self.model = TaskModel(self)
        self.view = RowView(self.model, WIDTHS)
        # Oldest first, as they began.
        self.view.sortByColumn(5, QtCore.Qt.SortOrder.DescendingOrder)
        self.details = DetailView()
        self.filter_edit = QtWidgets.QLineEdit()
        self.filter_edit.setPlaceholderText("Filter by name, owner, place or state")
        self.filter_edit.setClearButtonEnabled(True)
        self.owner_box = OwnerBox()
        self.owner_box.addItem(ALL_OWNERS)
        self.ended_box = QtWidgets.QCheckBox("Ended, too")
        self._typing = QtCore.QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(TYPING_MS)
        self._connect()
        self._add_actions()
        self._lay_out()
        self._choose_colours()

    def refresh(self) -> None:
        """Show what there is now."""
        self.model.refresh(self._watch)
        self.view.refresh()
        self._show_details()

    def cancel_selected(self) -> None:
        """Request the cancellation of the tasks that are selected."""
        for row in self.view.selected_rows():
            self._cancel_row(row)
        self.refresh_wanted.emit()

    def copy_selected(self) -> None:
        """Put the tasks that are selected on the clipboard: the cells, separated by tabs, then the details of each."""
        texts = []
        for row in self.view.selected_rows():
            texts.append("\t".join(self.model.texts(row)))
            texts += [line.text for line in describe_row(row)[2:] if line.text]
        if texts:
            QtWidgets.QApplication.clipboard().setText("\n".join(texts) + "\n")

    def open_current(self) -> None:
        """Open the source line of the current task."""
        row = self.view.current_row()
        if row is not None:
            self._open_row(row)

    def show_only_owner(self) -> None:
        """Show only tasks of the current task's owner."""
        row = self.view.current_row()
        if row is not None:
            self._choose_owner(row.owner)

    def changeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name.
        """Choose other colours if the palette changes."""
        super().changeEvent(event)
        if event.type() == QtCore.QEvent.Type.PaletteChange and hasattr(self, "model"):
            self._choose_colours()

    def _connect(self) -> None:
        self.filter_edit.textChanged.connect(lambda *_: self._typing.start())
        self._typing.timeout.connect(self._on_filter_changed)
        self.owner_box.opening.connect(self._fill_owners)
        self.owner_box.currentIndexChanged.connect(lambda *_: self._on_filter_changed())
        self.ended_box.toggled.connect(lambda *_: self._on_filter_changed())
        self.view.selectionModel().currentChanged.connect(lambda *_: self._show_details())
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._show_details())
        self.view.verticalScrollBar().valueChanged.connect(lambda *_: self.view.refresh())
        self.view.opened.connect(self._open_row)
        self.details.opened.connect(self._open_place)

    def _add_actions(self) -> None:
        self.open_action = make_action(self.view, "Open source line", ("Return", "Enter"), self.open_current)
        self.copy_action = make_action(self.view, "Copy", ("Ctrl+C",), self.copy_selected)
        self.owner_action = make_action(self.view, "Only this owner", (), self.show_only_owner)
        self.cancel_action = make_action(self.view, "Cancel task", ("Delete",), self.cancel_selected)
        self._show_actions()

    def _lay_out(self) -> None:
        head = QtWidgets.QHBoxLayout()
        head.addWidget(self.filter_edit, 1)
        head.addWidget(self.owner_box)
        head.addWidget(self.ended_box)
        self.owner_box.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.owner_box.setMinimumContentsLength(12)
        # Its list has room for long names, even if the box has none.
        self.owner_box.view().setTextElideMode(QtCore.Qt.TextElideMode.ElideMiddle)
        splitter = QtWidgets.QSplitter(QtCore.Qt.Orientation.Vertical)
        splitter.addWidget(self.view)
        splitter.addWidget(self.details)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 2)
        splitter.setSizes([300, 200])
        splitter.setChildrenCollapsible(False)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addLayout(head)
        layout.addWidget(splitter, 1)

    def _choose_colours(self) -> None:
        palette = self.palette()
        is_dark = palette.base().color().lightness() < 128  # noqa: PLR2004 - half of what there is.
        self.model.failed_brush = QtGui.QBrush(QtGui.QColor(_FAILED[is_dark]))
        # Between the text and what is behind it, nearer to the text.
        text, base = palette.text().color(), palette.base().color()
        mixed = QtGui.QColor(
            *((6 * a + 4 * b) // 10 for a, b in zip(_parts(text), _parts(base))),
        )
        self.model.ended_brush = QtGui.QBrush(mixed)

    def _on_filter_changed(self) -> None:
        self._typing.stop()
        self.model.text = self.filter_edit.text().strip()
        self.model.owner = None if self.owner_box.currentIndex() <= 0 else self.owner_box.currentData()
        self.model.with_ended = self.ended_box.isChecked()
        self.refresh_wanted.emit()

    def _fill_owners(self) -> None:
        rows = [*self._watch.running.values(), *self._watch.ended]
        chosen = {self.owner_box.currentData()} if self.owner_box.currentIndex() > 0 else set()
        owners = sorted({row.owner for row in rows} | chosen, key=str.lower)
        kept = self.owner_box.currentData() if chosen else None
        # Nobody has chosen another owner.
        self.owner_box.blockSignals(True)
        self.owner_box.clear()
        self.owner_box.addItem(ALL_OWNERS)
        for owner in owners:
            self.owner_box.addItem(owner or "No owner", owner)
        if kept is not None:
            self.owner_box.setCurrentIndex(1 + owners.index(kept))
        self.owner_box.blockSignals(False)

    def _choose_owner(self, owner: str) -> None:
        self._fill_owners()
        self.owner_box.setCurrentIndex(self.owner_box.findData(owner))

    def _show_details(self) -> None:
        row = self.view.current_row()
        self.details.show_lines([] if row is None else describe_row(row))
        self._show_actions()

    def _show_actions(self) -> None:
        rows = self.view.selected_rows()
        running = sum(row.is_running for row in rows)
        self.cancel_action.setEnabled(running > 0)
        self.cancel_action.setText("Cancel task" if running <= 1 else f"Cancel {running} tasks")
        self.copy_action.setEnabled(bool(rows))
        current = self.view.current_row()
        self.open_action.setEnabled(current is not None)
        self.owner_action.setEnabled(current is not None)

    def _cancel_row(self, row: TaskRow) -> None:
        try:
            row.cancel()
        except Exception as exc:  # noqa: BLE001 - of a program's own kind of task. The others must be cancelled, too.
            self.said.emit(f"{row.name} could not be cancelled: {type(exc).__name__}")

    def _open_row(self, row: TaskRow) -> None:
        self._open_place(row.place)

    def _open_place(self, place: Place | None) -> None:
        self.said.emit("It is not known where the task was." if place is None else open_line(place.file, place.line))


def _parts(colour: QtGui.QColor) -> tuple[int, int, int]:
    return colour.red(), colour.green(), colour.blue()
