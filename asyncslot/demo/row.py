"""One download as a row of widgets: it starts the task, shows its progress, and asks before cancelling it."""

from __future__ import annotations

import asyncio
import enum
import time
from typing import TYPE_CHECKING

from asyncslot import AsyncSlot, run_task
from asyncslot._qt import QtCore, exec_loop, import_qt
from asyncslot.demo.download import DownloadError, Source, download, download_blocking

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp
    from PySide6 import QtWidgets
else:
    QtWidgets = import_qt("QtWidgets")

__all__ = ["DownloadRow", "State", "format_size", "make_label"]

# The range of a progress bar. Not the size in bytes, because a C++ int cannot hold more than 2 GiB.
FULL = 1000

# In pixels, arbitrary: what a window manager puts beside a title, what a box has beside its text, and the space
# between the window and the box.
TITLE_BUTTONS_WIDTH = 180
ICON_WIDTH = 110
GAP = 16

# Bytes in a kilobyte and a megabyte, as the SI has them.
KB, MB = 1e3, 1e6


class State(enum.Enum):
    """
    What a row's download does.

    Attributes:
        WAITING: It has not been started.
        RUNNING: It connects, or bytes arrive.
        CANCELLING: It was cancelled, and cleans up.
        DONE: The file has arrived whole.
        FAILED: It failed; the status line says why.
        CANCELLED: It was cancelled, and has cleaned up.
    """

    WAITING = "waiting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class DownloadRow(QtWidgets.QFrame):
    """
    A download's name, progress, status and Cancel button.

    Args:
        session: Made by `make_session`.
        source: What to download.
        path: Where to.
    """

    def __init__(self, session: aiohttp.ClientSession, source: Source, path: Path) -> None:
        super().__init__()
        self.source = source
        self.path = path
        self.state = State.WAITING
        # How many bytes have arrived, and how many there are; None if unknown.
        self.received = 0
        self.length: int | None = None
        self._session = session
        self._task: asyncio.Task[None] | None = None
        self._began_s = 0.0

        self.name = make_label(path.name, "name")
        self.bar = QtWidgets.QProgressBar(textVisible=False)
        self.status = make_label("", "status")
        self.cancel_button = QtWidgets.QPushButton("Cancel")
        self.cancel_button.clicked.connect(self.on_cancel_clicked)
        self._lay_out()
        self._enter_state(State.WAITING, "waiting")

    @property
    def text(self) -> str:
        """What the status line says."""
        return self.status.text()

    @property
    def has_ended(self) -> bool:
        """Whether the download is over."""
        return self.state in (State.DONE, State.FAILED, State.CANCELLED)

    def start(self) -> asyncio.Task[None]:
        """Start the download, also again if it has ended; return its task, which fails only by a bug."""
        self.received, self.length = 0, None
        self._began_s = time.perf_counter()
        self._enter_state(State.RUNNING, "connecting")
        self._task = run_task(self._run(), name=f"download {self.name.text()}")
        return self._task

    def announce(self, text: str) -> None:
        """Say what comes, before it is begun."""
        self.received, self.length = 0, None
        self._enter_state(State.WAITING, text)

    def run_blocking(self, source: Source) -> None:
        """Download *source* in this row's place; until this returns, nothing of the window is painted."""
        try:
            size = download_blocking(source, self.path)
        except DownloadError as error:
            self._enter_state(State.FAILED, f"failed: {error}")
        else:
            self._enter_state(State.DONE, f"done: {format_size(size)}, by blocking calls")

    @AsyncSlot()
    async def on_cancel_clicked(self) -> None:
        """Cancel the download, if that is confirmed, and wait until it has cleaned up."""
        task = self._task
        # The box runs a nested Qt loop inside this coroutine. All other tasks go on, so the download may be done when
        # the answer comes.
        if task is None or not self._confirm_cancel() or task.done():
            return
        self._enter_state(State.CANCELLING, "cancelling")
        task.cancel()
        # wait() does not raise what the task raises, and does not cancel it if this slot is cancelled.
        await asyncio.wait([task])
        # Else it ended in its last moment, and _run() has shown how.
        if task.cancelled():
            self._enter_state(State.CANCELLED, f"cancelled at {format_size(self.received)}; partial file removed")

    def refresh(self) -> None:
        """
        Show how far the download is.

        The window's clock calls it, so that progress is painted once per tick, however fast bytes arrive.
        """
        if self.state is not State.RUNNING or not self.received:
            return
        rate = self.received / (time.perf_counter() - self._began_s)
        total = "" if self.length is None else f" of {format_size(self.length)}"
        self.status.setText(f"{format_size(self.received)}{total}, {format_size(rate)}/s")
        if self.length:
            self.bar.setRange(0, FULL)
            self.bar.setValue(FULL * self.received // self.length)
        else:
            self.bar.setRange(0, 0)  # In Qt this shows a busy indicator.

    async def _run(self) -> None:
        try:
            size = await download(self._session, self.source, self.path, self._on_progress)
        except DownloadError as error:
            self._enter_state(State.FAILED, f"failed: {error}")
        else:
            checked = "" if self.source.sha256 is None else ", sha256 verified"
            self._enter_state(State.DONE, f"done: {format_size(size)}{checked}")

    def _on_progress(self, received: int, length: int | None) -> None:
        self.received = received
        self.length = length

    def _confirm_cancel(self) -> bool:
        buttons = QtWidgets.QMessageBox.StandardButton
        box = QtWidgets.QMessageBox(self.window())
        box.setIcon(QtWidgets.QMessageBox.Icon.Question)
        box.setWindowTitle("Cancel download?")
        box.setText(f"Cancel {self.name.text()}?")
        box.setInformativeText("The other downloads continue meanwhile.")
        box.setStandardButtons(buttons.Yes | buttons.No)
        box.setDefaultButton(buttons.No)
        _widen(box)
        _move_beside(box, self.window())
        # exec(), not open(), to show that a modal question stops no task.
        answer = exec_loop(box)
        # Its parent, the window, would keep it until the end.
        box.deleteLater()
        return answer == buttons.Yes

    def _enter_state(self, state: State, text: str) -> None:
        self.state = state
        self.status.setText(text)
        self.status.setToolTip(text)
        self.cancel_button.setEnabled(state is State.RUNNING)
        if state is not State.CANCELLING:
            self.bar.setRange(0, FULL)
        if state not in (State.CANCELLING, State.CANCELLED):
            self.bar.setValue(FULL if state is State.DONE else 0)
        # The style sheet colours a row by its property "state". Qt evaluates that only when it polishes a widget.
        self.setProperty("state", state.value)
        for widget in (self, self.bar, self.status):
            self.style().unpolish(widget)
            self.style().polish(widget)

    def _lay_out(self) -> None:
        for label in (self.name, self.status):
            # Ignored: a long text is cut off, and does not widen the window.
            label.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Preferred)
        self.name.setToolTip(self.source.url)
        grid = QtWidgets.QGridLayout(self)
        grid.setContentsMargins(14, 10, 14, 10)
        grid.setVerticalSpacing(6)
        grid.setHorizontalSpacing(14)
        grid.addWidget(self.name, 0, 0)
        grid.addWidget(self.bar, 1, 0)
        grid.addWidget(self.status, 2, 0)
        grid.addWidget(self.cancel_button, 0, 1, 3, 1, QtCore.Qt.AlignmentFlag.AlignVCenter)
        grid.setColumnStretch(0, 1)


def _widen(box: QtWidgets.QMessageBox) -> None:
    """Make a box wide enough for its text, and for its title with the window manager's buttons beside it."""
    # A box has no minimum width that can be set: its layout sets that. So the layout gets a line that is as wide.
    measure = box.fontMetrics().horizontalAdvance
    width = max(measure(box.windowTitle()) + TITLE_BUTTONS_WIDTH, measure(box.informativeText()) + ICON_WIDTH)
    policy = QtWidgets.QSizePolicy.Policy
    line = QtWidgets.QSpacerItem(width, 0, policy.Minimum, policy.Fixed)
    grid = box.layout()
    assert isinstance(grid, QtWidgets.QGridLayout)
    grid.addItem(line, grid.rowCount(), 0, 1, grid.columnCount())


def _move_beside(box: QtWidgets.QDialog, window: QtWidgets.QWidget) -> None:
    """Move a box where it covers nothing of the window, if the screen has room for it. Wayland lets nobody do so."""
    frame = window.frameGeometry()
    # The box gets a frame as the window's, when it is shown.
    border = frame.size() - window.size()
    place = QtCore.QRect(QtCore.QPoint(), box.sizeHint() + border)
    place.moveCenter(frame.center())
    below, right, left = (QtCore.QRect(place) for _ in range(3))
    below.moveTop(frame.bottom() + GAP)
    right.moveLeft(frame.right() + GAP)
    left.moveRight(frame.left() - GAP)
    room = window.screen().availableGeometry()
    for free in (below, right, left):
        # A window at the screen's edge may be narrower or lower than the box.
        if free is below:
            free.moveLeft(max(room.left(), min(free.left(), room.right() - free.width())))
        else:
            free.moveTop(max(room.top(), min(free.top(), room.bottom() - free.height())))
        if room.contains(free):
            box.move(free.topLeft())
            return


def make_label(text: str, name: str) -> QtWidgets.QLabel:
    """Return a label; the style sheet refers to it by *name*."""
    label = QtWidgets.QLabel(text)
    label.setObjectName(name)
    return label


def format_size(size: float) -> str:
    """Return a number of bytes as text, in B, kB or MB."""
    if size < KB:
        return f"{size:.0f} B"
    return f"{size / KB:.0f} kB" if size < MB else f"{size / MB:.1f} MB"
