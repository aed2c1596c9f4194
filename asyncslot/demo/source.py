"""A window with the demo's own source, to read."""

from __future__ import annotations

import pkgutil
import re
from typing import TYPE_CHECKING, Any

from asyncslot._qt import import_qt

if TYPE_CHECKING:
    from PySide6 import QtGui, QtWidgets
else:
    QtGui = import_qt("QtGui")
    QtWidgets = import_qt("QtWidgets")

__all__ = ["FILES", "SourceWindow", "read_source"]

# The files, and what each is for. The first one has the slots.
FILES = {
    "window.py": "the window and its slots",
    "row.py": "a row, and its question",
    "download.py": "a download, without Qt",
    "application.py": "start and end",
}

# What is coloured, in the order of painting, and the colour on light and on dark.
HIGHLIGHTS = [
    (re.compile(r"\b(?:async|await|class|def|return|if|else|for|while|in|not|and|or|is|with|try|except|finally)\b"), 0),
    (re.compile(r"\b(?:import|from|as|None|True|False|raise|yield)\b"), 0),
    (re.compile(r"(?<!\w)@[\w.]+|\b(?:async|await)\b"), 1),
    (re.compile(r"\"[^\"]*\"|'[^']*'"), 2),
    (re.compile(r"(?:^|\s)# .*$"), 3),
]
LIGHT = ("#0550ae", "#b42a6b", "#116329", "#6e7781")
DARK = ("#79b8ff", "#f78fc0", "#8fd694", "#9aa4af")

# How many lines are shown above the first slot. Arbitrary.
LINES_ABOVE = 3

# The lightness of a colour is from 0 to 255.
MIDDLE = 128


class SourceWindow(QtWidgets.QWidget):
    """A window of its own, with a tab for each file."""

    def __init__(self) -> None:
        super().__init__()
        self.setWindowTitle("Source of the asyncslot demo")
        self.resize(860, 640)
        self._highlighters: list[_Highlighter] = []
        tabs = QtWidgets.QTabWidget(documentMode=True)
        for name, purpose in FILES.items():
            view = QtWidgets.QPlainTextEdit(read_source(name), readOnly=True)
            view.setFont(QtGui.QFontDatabase.systemFont(QtGui.QFontDatabase.SystemFont.FixedFont))
            view.setLineWrapMode(QtWidgets.QPlainTextEdit.LineWrapMode.NoWrap)
            is_dark = view.palette().color(QtGui.QPalette.ColorRole.Base).lightness() < MIDDLE
            self._highlighters.append(_Highlighter(view.document(), DARK if is_dark else LIGHT))
            _show_first_slot(view)
            tabs.setTabToolTip(tabs.addTab(view, name), purpose)
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(tabs)


def _show_first_slot(view: QtWidgets.QPlainTextEdit) -> None:
    """Scroll to what the demo is about. A file without a slot is shown from its beginning."""
    found = view.document().find("@AsyncSlot()")
    if not found.isNull():
        found.setPosition(found.selectionStart())
        view.setTextCursor(found)
        # Not centerCursor(): before the first show, the view does not know how high it is.
        view.verticalScrollBar().setValue(max(0, found.blockNumber() - LINES_ABOVE))


def read_source(name: str) -> str:
    """Return the text of one of `FILES`; in a frozen program without sources, where to find it."""
    try:
        # The importer knows where the file is, also in a zip archive.
        data = pkgutil.get_data("asyncslot.demo", name)
    except OSError:
        data = None
    if data is None:
        return f"# This program was built without its sources.\n# This file is asyncslot/demo/{name} in asyncslot's.\n"
    return data.decode()


class _Highlighter(QtGui.QSyntaxHighlighter):
    """Colours what helps to read; a docstring of several lines stays as it is."""

    def __init__(self, document: Any, colors: tuple[str, ...]) -> None:
        super().__init__(document)
        self._colors = colors

    def highlightBlock(self, text: str) -> None:  # noqa: N802 - Qt calls it.
        """Colour one line."""
        for pattern, color in HIGHLIGHTS:
            for found in pattern.finditer(text):
                style = QtGui.QTextCharFormat()
                style.setForeground(QtGui.QColor(self._colors[color]))
                self.setFormat(found.start(), found.end() - found.start(), style)
