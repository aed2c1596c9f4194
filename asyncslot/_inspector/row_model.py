"""
A table of objects, sorted and filtered by itself: in Python, a QSortFilterProxyModel takes too long for 10,000 rows.

What was tried and does not work
- One signal per row: a view takes longer for a thousand of them than to begin afresh.
- Computing all cells at each change: a view asks only for those that it shows.
"""

from __future__ import annotations

import contextlib
import html
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Sequence

from asyncslot._qt import QtCore

if TYPE_CHECKING:
    from PySide6 import QtGui

__all__ = ["Column", "RowModel"]

# If more ranges of rows than this come or go at once, the view begins afresh. Arbitrary: about where a view takes as
# long either way.
MAX_RANGES = 50

_Index = QtCore.QModelIndex


def _as_int(flag: Any) -> int:
    """Return the number of a flag: PyQt6's are no numbers."""
    return int(getattr(flag, "value", flag))


# As numbers, because a view asks for roles some thousand times for one picture.
_DISPLAY = _as_int(QtCore.Qt.ItemDataRole.DisplayRole)
_TOOL_TIP = _as_int(QtCore.Qt.ItemDataRole.ToolTipRole)
_FOREGROUND = _as_int(QtCore.Qt.ItemDataRole.ForegroundRole)


class Column(NamedTuple):
    """
    One column of a `RowModel`.

    Attributes:
        title: What stands above it.
        text: Returns the text of a row's cell, on one line.
        key: Returns what rows are sorted by. The keys of all rows can be compared.
        tip: Returns the text of the cell's tool tip, which has all that the cell has no room for.
    """

    title: str
    text: Callable[[Any], str]
    key: Callable[[Any], Any]
    tip: Callable[[Any], str]


class RowModel(QtCore.QAbstractTableModel):
    """
    Rows that are objects, each of which is there once.

    Cells are computed when a view asks for them, and kept until `see` is called. A view keeps its selection and its
    scroll position when rows come, go and move; but if very many do at once, the model is reset.

    Args:
        columns: The columns, from left to right.
        parent: The QObject to which it belongs.
    """

    def __init__(self, columns: Sequence[Column], parent: Any = None) -> None:
        super().__init__(parent)
        self.columns = columns
        self.rows: list[Any] = []
        self.sort_column = 0
        self.is_descending = False
        self._ids: list[int] = []
        # What rows came from, in their natural order: `sort` starts from it.
        self._source: Sequence[Any] = ()
        # The texts of rows that a view has asked for, by the id of the row.
        self._cells: dict[int, list[str]] = {}
        self._has_changed = False

    # -- what Qt calls --

    def rowCount(self, parent: Any = None) -> int:  # noqa: N802 - Qt's name.
        """Return the number of rows."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: Any = None) -> int:  # noqa: N802 - Qt's name.
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: Any, role: int = _DISPLAY) -> Any:  # noqa: N802 - Qt's name.
        """Return a column's title."""
        if role != _DISPLAY or orientation != QtCore.Qt.Orientation.Horizontal:
            return None
        return self.columns[section].title if 0 <= section < len(self.columns) else None

    def data(self, index: Any, role: int = _DISPLAY) -> Any:
        """Return a cell's text, tool tip or colour."""
        if role not in (_DISPLAY, _TOOL_TIP, _FOREGROUND) or not 0 <= index.row() < len(self.rows):
            return None
        row = self.rows[index.row()]
        if role == _FOREGROUND:
            return self.find_brush(row)
        if role == _TOOL_TIP:
            return _as_plain_tip(_ask(self.columns[index.column()].tip, row))
        texts = self._cells.get(id(row))
        if texts is None:
            texts = self._cells[id(row)] = self._compute(row)
        return texts[index.column()]

    def sort(self, column: int, order: Any = QtCore.Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column, now and from now on."""
        self.sort_column = max(0, column)
        self.is_descending = order == QtCore.Qt.SortOrder.DescendingOrder
        self.set_rows(self._source)

    # -- what a pane calls --

    def set_rows(self, source: Sequence[Any]) -> None:
        """Show those of *source* that are wanted, sorted; equal ones stay in their order."""
        self._source = source
        wanted = [row for row in source if self.is_wanted(row)]
        # Qt calls `sort`, and with PyQt, what is raised there ends the program. They stay in their natural order then.
        with contextlib.suppress(Exception):
            wanted.sort(key=self.columns[self.sort_column].key, reverse=self.is_descending)
        self._change_to(wanted)

    def is_wanted(self, row: Any) -> bool:
        """Tell whether a row is to be shown."""
        del row
        return True

    def find_brush(self, row: Any) -> QtGui.QBrush | None:
        """Return the colour of a row's text; None for the usual one."""
        del row
        return None

    def see(self, first: int, last: int) -> None:
        """Compute the cells of the rows *first* to *last*, which a view shows, and tell it which ones differ."""
        cells = {}
        changed: list[int] = []
        for number, row in enumerate(self.rows[first : last + 1], first):
            texts = cells[id(row)] = self._compute(row)
            if self._cells.get(id(row)) != texts:
                changed.append(number)
        # Cells of rows that are not shown are out of date.
        self._cells = cells
        self._has_changed = self._has_changed or bool(changed)
        for begin, end in _find_ranges(changed):
            self.dataChanged.emit(self.index(begin, 0), self.index(end, len(self.columns) - 1))

    def take_change(self) -> bool:
        """Return whether anything has changed that a view has shown, since this was last called."""
        changed, self._has_changed = self._has_changed, False
        return changed

    def find_number(self, row: Any) -> int | None:
        """Return the number of a row, from 0 on; None if it is not shown."""
        try:
            return self._ids.index(id(row))
        except ValueError:
            return None

    def texts(self, row: Any) -> list[str]:
        """Return the texts of a row's cells, as they are now."""
        return self._compute(row)

    def _compute(self, row: Any) -> list[str]:
        return [_ask(column.text, row) for column in self.columns]

    # -- from the rows shown to those wanted --

    def _change_to(self, wanted: list[Any]) -> None:
        ids = list(map(id, wanted))
        if ids == self._ids:
            return
        self._has_changed = True
        kept, before = set(ids), set(self._ids)
        gone = _find_ranges([number for number, each in enumerate(self._ids) if each not in kept])
        new = _find_ranges([number for number, each in enumerate(ids) if each not in before])
        if len(gone) + len(new) > MAX_RANGES:
            self.beginResetModel()
            self.rows, self._ids, self._cells = wanted, ids, {}
            self.endResetModel()
            return
        self._remove(gone)
        self._reorder([row for row in wanted if id(row) in before])
        self._insert(new, wanted)

    def _remove(self, ranges: list[tuple[int, int]]) -> None:
        for first, last in reversed(ranges):
            self.beginRemoveRows(_Index(), first, last)
            for each in self._ids[first : last + 1]:
                self._cells.pop(each, None)
            del self.rows[first : last + 1], self._ids[first : last + 1]
            self.endRemoveRows()

    def _reorder(self, wanted: list[Any]) -> None:
        ids = list(map(id, wanted))
        if ids == self._ids:
            return
        self.layoutAboutToBeChanged.emit()
        numbers = {each: number for number, each in enumerate(ids)}
        # A view has a few of them, for what is selected.
        old = self.persistentIndexList()
        new = [self.index(numbers[self._ids[index.row()]], index.column()) for index in old]
        self.rows, self._ids = wanted, ids
        self.changePersistentIndexList(old, new)
        self.layoutChanged.emit()

    def _insert(self, ranges: list[tuple[int, int]], wanted: list[Any]) -> None:
        for first, last in ranges:
            self.beginInsertRows(_Index(), first, last)
            rows = wanted[first : last + 1]
            self.rows[first:first] = rows
            self._ids[first:first] = map(id, rows)
            self.endInsertRows()


def _ask(text: Callable[[Any], str], row: Any) -> str:
    """Return what *text* says of a row; "?" if that fails, because Qt asks, and an object of the program's answers."""
    try:
        return text(row)
    except Exception:  # noqa: BLE001 - of the program's own.
        return "?"


def _as_plain_tip(text: str) -> str:
    """Return a tool tip that shows *text* as it is: a name or an error may look like HTML, which Qt would show."""
    return f'<p style="white-space: pre-wrap">{html.escape(text)}</p>' if "<" in text else text


def _find_ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Return the first and the last of each run of ascending *numbers* without a gap."""
    ranges: list[tuple[int, int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges
