"""The window: a row for each download, a Start button, and a clock that shows that the window never freezes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Callable, ContextManager, Sequence

from asyncslot import AsyncSlot
from asyncslot._qt import import_qt
from asyncslot.demo.clock import Clock, Run
from asyncslot.demo.row import DownloadRow, make_label
from asyncslot.demo.source import SourceWindow

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp
    from PySide6 import QtGui, QtWidgets

    from asyncslot.demo.download import Source
else:
    QtWidgets = import_qt("QtWidgets")

__all__ = ["Window"]

SUBTITLE = "asyncio downloads, Qt paints: one thread, one event loop"

# Colours of the palette, which follow the desktop's theme, and a few that can be read on light and dark.
STYLE = """
#title { font-size: 18px; font-weight: bold; }
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
#primary { background: #2f7de1; color: white; border: 1px solid #2f7de1; border-radius: 5px; padding: 5px 16px; }
#primary:hover, #primary:focus { background: #1f6fd4; }
#primary:disabled { background: palette(midlight); border-color: palette(midlight); color: palette(placeholder-text); }
"""


class Window(QtWidgets.QWidget):
    """
    Downloads all *sources* at the same time when Start is clicked.

    Args:
        session: Made by `make_session`.
        sources: The files to download, one or more.
        directory: Where to save them.
        serve_blocking: Serves those of the demo's own files to a client that blocks this thread.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        sources: Sequence[Source],
        directory: Path,
        serve_blocking: Callable[[], ContextManager[list[Source]]],
    ) -> None:
        super().__init__()
        self.setWindowTitle("asyncslot demo")
        self.setStyleSheet(STYLE)
        self.resize(620, 560)
        self.rows: list[DownloadRow] = []
        for source in sources:
            self.rows.append(DownloadRow(session, source, self._free_path(directory, source.name)))
        self.start_button = QtWidgets.QPushButton("Start", default=True)
        self.start_button.setObjectName("primary")
        self.start_button.clicked.connect(self.on_start_clicked)
        self.block_button = QtWidgets.QPushButton("Do the same without asyncio")
        self.block_button.setToolTip("Downloads by blocking calls: the window freezes until all files are there.")
        self.block_button.clicked.connect(self.on_block_clicked)
        self.source_button = QtWidgets.QPushButton("Show the source")
        self.source_button.clicked.connect(self._on_source_clicked)
        self._subtitle = make_label(SUBTITLE, "subtitle")
        self._source_window: SourceWindow | None = None
        self._serve_blocking = serve_blocking
        self.clock = Clock()
        self.clock.ticked.connect(self._on_tick)
        self._tasks: set[asyncio.Task[None]] = set()
        self._lay_out(directory)

    @AsyncSlot()
    async def on_start_clicked(self) -> None:
        """Start all downloads. Until the last one has ended, Start cannot be clicked again."""
        # This runs inside click(), before it returns. So a second click cannot start the downloads twice.
        self._enable(is_idle=False)
        self.clock.begin(Run.ASYNCIO)
        self._tasks = {row.start() for row in self.rows}
        # wait(), not gather(): a download that is cancelled or fails must not end this slot.
        await asyncio.wait(self._tasks)
        self.clock.end()
        self._enable(is_idle=True)

    @AsyncSlot()
    async def on_block_clicked(self) -> None:
        """Do the same as many programs do: by blocking calls. The window is frozen until the last one returns."""
        self._enable(is_idle=False)
        self._subtitle.setText("blocking calls: the window is frozen until the last file has arrived")
        finite = [row for row in self.rows if not row.source.is_endless]
        for row in self.rows:
            row.announce("waiting" if row in finite else "left out, because it never ends")
        # So that this is painted: it is the last thing that the window can show.
        await asyncio.sleep(0.1)
        self.clock.begin(Run.BLOCKING)
        with self._serve_blocking() as served:
            others = {source.name: source for source in served}
            for row in finite:
                # Own files come from a server on another thread, because the usual one shares this thread.
                row.run_blocking(others.get(row.source.name, row.source))
        self.clock.end()
        self._subtitle.setText(SUBTITLE)
        self._enable(is_idle=True)

    async def cancel_downloads(self) -> None:
        """Cancel all downloads, and wait until they have cleaned up."""
        # gather(), because wait() refuses an empty set: Start may never have been clicked.
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _enable(self, *, is_idle: bool) -> None:
        self.start_button.setEnabled(is_idle)
        self.block_button.setEnabled(is_idle)

    def _on_source_clicked(self) -> None:
        # Kept: PySide closes a window that nothing refers to.
        self._source_window = self._source_window or SourceWindow()
        self._source_window.show()
        self._source_window.raise_()

    def closeEvent(self, event: QtGui.QCloseEvent) -> None:  # noqa: N802 - Qt calls it.
        """Close the source, too: the program ends with its last window."""
        if self._source_window is not None:
            self._source_window.close()
        super().closeEvent(event)

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
        head.setVerticalSpacing(2)
        head.addWidget(make_label("Downloads", "title"), 0, 0)
        head.addWidget(self._subtitle, 1, 0, 1, 3)
        head.addWidget(self.block_button, 0, 1)
        head.addWidget(self.start_button, 0, 2)
        head.setColumnStretch(0, 1)

        where = make_label(str(directory), "directory")
        where.setToolTip(str(directory))
        where.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Preferred)
        foot = QtWidgets.QHBoxLayout()
        foot.addWidget(where, stretch=1)
        foot.addWidget(self.source_button)

        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(12)
        layout.addLayout(head)
        layout.addWidget(scroll, stretch=1)
        layout.addWidget(self.clock)
        layout.addLayout(foot)
