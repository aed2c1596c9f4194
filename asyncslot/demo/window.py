"""The window: a row for each download, a Start button, and a clock that shows that the window never freezes."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Sequence

from asyncslot import AsyncSlot
from asyncslot._qt import QtCore, Signal, import_qt
from asyncslot.demo.row import DownloadRow, make_label

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp
    from PySide6 import QtGui, QtWidgets

    from asyncslot.demo.download import Source
else:
    QtGui = import_qt("QtGui")
    QtWidgets = import_qt("QtWidgets")

__all__ = ["Clock", "Window"]

# Milliseconds between two ticks of the clock: about 60 Hz, as a screen has.
TICK_MS = 16

# Colours of the palette, which follow the desktop's theme, and a few that can be read on light and dark.
STYLE = """
#title { font-size: 17px; font-weight: bold; }
#subtitle, #status, #directory { color: palette(placeholder-text); }
#name { font-weight: bold; }
QScrollArea, #rows { background: transparent; }
DownloadRow { background: palette(base); border: 1px solid palette(midlight); border-radius: 8px; }
QProgressBar { background: palette(midlight); border: none; border-radius: 4px; max-height: 8px; }
QProgressBar::chunk { background: #2f7de1; border-radius: 4px; }
DownloadRow[state="done"] QProgressBar::chunk { background: #2e9e5b; }
DownloadRow[state="cancelled"] QProgressBar::chunk { background: palette(mid); }
DownloadRow[state="done"] #status { color: #2e9e5b; }
DownloadRow[state="failed"] #status { color: #d64545; }
"""


class Clock(QtWidgets.QLabel):
    """Shows the time, sixty times per second, and the longest time that has passed between two ticks."""

    ticked = Signal()

    def __init__(self) -> None:
        super().__init__()
        # Digits of one width, so that the text does not jitter.
        self.setFont(QtGui.QFontDatabase.systemFont(QtGui.QFontDatabase.SystemFont.FixedFont))
        # The longest time between two ticks so far, in milliseconds.
        self.longest_gap_ms = 0.0
        self._last_s: float | None = None
        # Precise: a coarse timer may be 5 % late by itself, and the clock is to show only our delays.
        self._timer = QtCore.QTimer(self, interval=TICK_MS, timerType=QtCore.Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timeout)
        self._timer.start()

    def _on_timeout(self) -> None:
        now_s = time.monotonic()
        if self._last_s is not None:
            self.longest_gap_ms = max(self.longest_gap_ms, (now_s - self._last_s) * 1000)
        self._last_s = now_s
        text = QtCore.QTime.currentTime().toString("HH:mm:ss.zzz")
        self.setText(f"{text}   longest gap {self.longest_gap_ms:.0f} ms")
        self.ticked.emit()


class Window(QtWidgets.QWidget):
    """
    Downloads all *sources* at the same time when Start is clicked.

    Args:
        session: Made by `make_session`.
        sources: The files to download, one or more.
        directory: Where to save them.
    """

    def __init__(self, session: aiohttp.ClientSession, sources: Sequence[Source], directory: Path) -> None:
        super().__init__()
        self.setWindowTitle("asyncslot demo")
        self.setStyleSheet(STYLE)
        self.resize(560, 450)
        self.rows: list[DownloadRow] = []
        for source in sources:
            self.rows.append(DownloadRow(session, source, self._free_path(directory, source.name)))
        self.start_button = QtWidgets.QPushButton("Start", default=True)
        self.start_button.clicked.connect(self.on_start_clicked)
        self.clock = Clock()
        self.clock.ticked.connect(self._on_tick)
        self._tasks: set[asyncio.Task[None]] = set()
        self._lay_out(directory)

    @AsyncSlot()
    async def on_start_clicked(self) -> None:
        """Start all downloads. Until the last one has ended, Start cannot be clicked again."""
        # This runs inside click(), before it returns. So a second click cannot start the downloads twice.
        self.start_button.setEnabled(False)
        self._tasks = {row.start() for row in self.rows}
        # wait(), not gather(): a download that is cancelled or fails must not end this slot.
        await asyncio.wait(self._tasks)
        self.start_button.setEnabled(True)

    async def cancel_downloads(self) -> None:
        """Cancel all downloads, and wait until they have cleaned up."""
        # gather(), because wait() refuses an empty set: Start may never have been clicked.
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _on_tick(self) -> None:
        for row in self.rows:
            row.refresh()

    def _free_path(self, directory: Path, name: str) -> Path:
        """Return a path that neither a file nor another row has."""
        # A row's file does not exist yet, so looking at the disk alone would give two rows one path.
        taken = {row.path for row in self.rows}
        path, number = directory / name, 1
        while path in taken or path.exists():
            number += 1
            path = directory / f"{number}-{name}"
        return path

    def _lay_out(self, directory: Path) -> None:
        rows = QtWidgets.QWidget()
        rows.setObjectName("rows")
        column = QtWidgets.QVBoxLayout(rows)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for row in self.rows:
            column.addWidget(row)
        column.addStretch()
        scroll = QtWidgets.QScrollArea(widgetResizable=True)
        scroll.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        scroll.setWidget(rows)

        head = QtWidgets.QGridLayout()
        head.addWidget(make_label("Downloads", "title"), 0, 0)
        head.addWidget(make_label("asyncio downloads, Qt paints: one thread, one event loop", "subtitle"), 1, 0)
        head.addWidget(self.start_button, 0, 1, 2, 1)
        head.setColumnStretch(0, 1)

        where = make_label(str(directory), "directory")
        where.setToolTip(str(directory))
        where.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Preferred)
        where.setAlignment(QtCore.Qt.AlignmentFlag.AlignRight | QtCore.Qt.AlignmentFlag.AlignVCenter)
        foot = QtWidgets.QHBoxLayout()
        foot.addWidget(self.clock)
        foot.addWidget(where, stretch=1)

        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(12)
        layout.addLayout(head)
        layout.addWidget(scroll, stretch=1)
        layout.addLayout(foot)
