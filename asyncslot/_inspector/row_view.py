"""The view of a `RowModel`: it shows rows only, and keeps what is selected and where it is scrolled to."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Sequence

from asyncslot._qt import QtCore, Signal, import_qt

if TYPE_CHECKING:
    from PySide6 import QtGui, QtWidgets

    from asyncslot._inspector.row_model import RowModel
else:
    QtGui = import_qt("QtGui")
    QtWidgets = import_qt("QtWidgets")

__all__ = ["RowView", "make_action"]

# In Qt 5 it is one of the widgets.
_QAction: Any = getattr(QtGui, "QAction", None) or getattr(QtWidgets, "QAction", None)

_View = QtWidgets.QAbstractItemView


class RowView(QtWidgets.QTreeView):
    """
    Shows a `RowModel`. Signals: `opened`, with the row that was double-clicked.

    Args:
        model: What it shows.
        widths: The widths of the columns, in letters.
        parent: The widget that it belongs to.
    """

    opened = Signal(object)
    # Seconds of CPU time that the last drawing after a change has taken.
    drawing_s = 0.0

    def __init__(self, model: RowModel, widths: Sequence[int], parent: Any = None) -> None:
        super().__init__(parent)
        self._model = model
        # What was selected, and at which row the view began, while the model begins afresh.
        self._kept: tuple[list[Any], Any, int] = ([], None, 0)
        self.setModel(model)
        self.setRootIsDecorated(False)
        # Without this, the view would ask for each row's height: ten thousand calls.
        self.setUniformRowHeights(True)
        self.setAllColumnsShowFocus(True)
        self.setAlternatingRowColors(True)
        self.setSelectionMode(_View.SelectionMode.ExtendedSelection)
        self.setSelectionBehavior(_View.SelectionBehavior.SelectRows)
        self.setEditTriggers(_View.EditTrigger.NoEditTriggers)
        # File and line, and the first words of a message, are at the left.
        self.setTextElideMode(QtCore.Qt.TextElideMode.ElideRight)
        self.setContextMenuPolicy(QtCore.Qt.ContextMenuPolicy.ActionsContextMenu)
        self.setSortingEnabled(True)
        self.header().setDefaultAlignment(QtCore.Qt.AlignmentFlag.AlignLeft | QtCore.Qt.AlignmentFlag.AlignVCenter)
        letter = self.fontMetrics().averageCharWidth()
        for column, width in enumerate(widths):
            self.setColumnWidth(column, width * letter)
        model.modelAboutToBeReset.connect(self._keep)
        model.modelReset.connect(self._restore)
        self.doubleClicked.connect(self._on_double_clicked)

    def refresh(self) -> None:
        """Have the model compute the rows that are visible, and draw those that differ."""
        first = self.indexAt(QtCore.QPoint(1, 1)).row()
        if first < 0:
            return
        bottom = self.indexAt(QtCore.QPoint(1, self.viewport().height() - 1)).row()
        self._model.see(first, bottom if bottom >= 0 else self._model.rowCount() - 1)

    def paintEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name.
        """Draw, and measure how long the first drawing after a change takes; those after it are for the user."""
        began_s = time.thread_time()
        super().paintEvent(event)
        if self._model.take_change():
            self.drawing_s = time.thread_time() - began_s

    def selected_rows(self) -> list[Any]:
        """Return the rows that are selected, from top to bottom."""
        numbers = sorted(index.row() for index in self.selectionModel().selectedRows())
        return [self._model.rows[number] for number in numbers]

    def current_row(self) -> Any:
        """Return the row that the keyboard is at, if it is selected; None if there is none."""
        index = self.currentIndex()
        if not index.isValid() or not self.selectionModel().isRowSelected(index.row(), QtCore.QModelIndex()):
            return None
        return self._model.rows[index.row()]

    def _keep(self) -> None:
        index = self.currentIndex()
        current = self._model.rows[index.row()] if index.isValid() else None
        self._kept = (self.selected_rows(), current, self.verticalScrollBar().value())

    def _restore(self) -> None:
        (rows, current, scrolled), self._kept = self._kept, ([], None, 0)
        flags = QtCore.QItemSelectionModel.SelectionFlag
        numbers = [number for number in map(self._model.find_number, rows) if number is not None]
        for number in numbers:
            self.selectionModel().select(self._model.index(number, 0), flags.Select | flags.Rows)
        at = None if current is None else self._model.find_number(current)
        if at is not None:
            self.selectionModel().setCurrentIndex(self._model.index(at, 0), flags.NoUpdate)
        # The range of the scroll bar is not up to date before.
        self.doItemsLayout()
        self.verticalScrollBar().setValue(scrolled)

    def _on_double_clicked(self, index: Any) -> None:
        self.opened.emit(self._model.rows[index.row()])


def make_action(view: Any, text: str, keys: Sequence[str], on_triggered: Any) -> QtGui.QAction:
    """Add an action to the menu of *view*, with keys that act while it has the keyboard."""
    action: QtGui.QAction = _QAction(text, view)
    action.setShortcuts([QtGui.QKeySequence(each) for each in keys])
    action.setShortcutContext(QtCore.Qt.ShortcutContext.WidgetShortcut)
    action.triggered.connect(lambda *_: on_triggered())
    view.addAction(action)
    return action
