"""What the demo does without a display: it clicks its own buttons, and prints what happens."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Callable, Sequence

from asyncslot import run_task
from asyncslot._qt import QtCore, import_qt
from asyncslot.demo.clock import format_gap
from asyncslot.demo.row import State, format_size

if TYPE_CHECKING:
    from pathlib import Path

    from PySide6 import QtGui, QtWidgets

    from asyncslot.demo.row import DownloadRow
    from asyncslot.demo.window import Window
else:
    QtGui = import_qt("QtGui")
    QtWidgets = import_qt("QtWidgets")

__all__ = ["Script", "wait_until"]

# How far each download gets before the next click, in bytes. Arbitrary: enough to be seen in the picture.
STEP_SIZE = 500_000


class Script:
    """
    A run through the window: start all downloads, cancel the last one, wait for the others; then without asyncio.

    Args:
        window: The window. Its last row is the download to cancel, which does not end by itself.
        screenshot: Where to save a picture of the window, as PNG.
    """

    def __init__(self, window: Window, screenshot: Path) -> None:
        self._window = window
        self._endless = window.rows[-1]
        self._others = window.rows[:-1]
        self._screenshot = screenshot
        self._began_s = time.monotonic()
        self._is_good = True

    async def run(self) -> bool:
        """
        Click through the window, one printed line per event.

        Returns:
            Whether every file has arrived whole, and everything else went as expected.
        """
        self._say(f"window shown, {len(self._window.rows)} downloads to start")
        self._window.start_button.click()
        self._check(not self._window.start_button.isEnabled(), "Start clicked: disabled when click() returned")
        # Tasks of their own, because a download may end during any of the steps below.
        watching = [run_task(self._watch(row)) for row in self._others]
        begin = [0] * len(self._others)
        await self._wait_until(lambda: self._endless.received > 0 and self._have_grown(begin))
        self._say(f"all have begun: {self._sum_up(begin)}")
        await self._cancel_endless()
        await asyncio.gather(*watching)
        await self._wait_until(self._window.start_button.isEnabled)
        self._say("Start enabled again")
        self._say(f"longest gap of the clock: {format_gap(self._window.clock.longest_gap_ms)}")
        # Files of other servers are not loaded twice.
        if all(row.source.sha256 is not None for row in self._others):
            await self._do_the_same_without_asyncio()
        self._say("all is well" if self._is_good else "not all is well: see above")
        return self._is_good

    async def _watch(self, row: DownloadRow) -> None:
        await self._wait_until(lambda: row.has_ended)
        self._is_good = self._is_good and row.state is State.DONE
        self._say(f"{row.name.text()} {row.text}")

    async def _cancel_endless(self) -> None:
        # click() returns only when the question has been answered, so another task has to answer it.
        answering = run_task(self._answer_question())
        self._say(f"Cancel of {self._endless.name.text()} clicked")
        self._endless.cancel_button.click()
        await answering
        await self._wait_until(lambda: self._endless.has_ended)
        self._check(self._endless.state is State.CANCELLED, f"{self._endless.name.text()} {self._endless.text}")
        # Also no partial file, whose name has a dot in front and a suffix.
        self._check(not list(self._endless.path.parent.glob(f"*{self._endless.path.name}*")), "no file of it is left")

    async def _do_the_same_without_asyncio(self) -> None:
        self._say("the same without asyncio: the window is frozen")
        self._window.block_button.click()
        await self._wait_until(self._window.start_button.isEnabled)
        self._check(all(row.state is State.DONE for row in self._others), "all files have arrived again")
        self._say(f"longest gap of the clock: {format_gap(self._window.clock.longest_blocking_gap_ms)}")

    async def _answer_question(self) -> None:
        await self._wait_until(lambda: _question() is not None)
        box = _question()
        assert box is not None
        try:
            self._say(f"question open: {box.text()}")
            before = [row.received for row in self._others]
            await self._wait_until(lambda: self._have_grown(before))
            self._check(box.isVisible(), f"meanwhile, with the question open: {self._sum_up(before)}")
            is_saved = _grab(self._window, box).save(str(self._screenshot), "PNG")
            self._check(is_saved, f"screenshot saved as {self._screenshot}")
            self._say("Yes clicked")
        finally:
            # Also if nobody reads the output any more: an open question would keep the program alive.
            box.button(QtWidgets.QMessageBox.StandardButton.Yes).click()

    def _have_grown(self, before: Sequence[int]) -> bool:
        """Tell whether each of the other downloads has got `STEP_SIZE` bytes more, or has ended."""
        return all(row.has_ended or row.received >= size + STEP_SIZE for row, size in zip(self._others, before))

    def _sum_up(self, before: Sequence[int]) -> str:
        """Return as text how many bytes each of the other downloads has got since *before*."""
        sizes = {row.name.text(): row.received - size for row, size in zip(self._others, before)}
        grown = [f"{name} +{format_size(size)}" for name, size in sizes.items() if size > 0]
        return ", ".join(grown) or "nothing, since all others have ended"

    async def _wait_until(self, condition: Callable[[], bool]) -> None:
        await wait_until(self._window, condition)

    def _check(self, is_true: bool, text: str) -> None:  # noqa: FBT001 - reads as assert does.
        self._is_good = self._is_good and is_true
        self._say(text if is_true else f"WRONG: {text}")

    def _say(self, text: str) -> None:
        # Flushed, so that the lines appear in time where stdout is a pipe.
        print(f"{time.monotonic() - self._began_s:7.2f} s  {text}", flush=True)


async def wait_until(window: Window, condition: Callable[[], bool]) -> None:
    """Wait until *condition* holds. It is checked once per tick of the window's clock."""
    while not condition():
        # A plain method as a slot: setting an event wakes the loop, also from Qt.
        ticked = asyncio.Event()
        window.clock.ticked.connect(ticked.set)
        try:
            await ticked.wait()
        finally:
            window.clock.ticked.disconnect(ticked.set)


def _question() -> QtWidgets.QMessageBox | None:
    box = QtWidgets.QApplication.activeModalWidget()
    return box if isinstance(box, QtWidgets.QMessageBox) else None


def _grab(window: QtWidgets.QWidget, box: QtWidgets.QWidget) -> QtGui.QPixmap:
    """Return a picture of the window, with the box in its place."""
    # Two pictures: grab() paints one widget and its children, and the box is a window of its own, beside this one.
    place = QtCore.QRect(window.mapFromGlobal(box.geometry().topLeft()), box.size())
    area = place.united(window.rect())
    picture = QtGui.QPixmap(area.size())
    picture.fill(window.palette().color(QtGui.QPalette.ColorRole.Mid))
    painter = QtGui.QPainter(picture)
    painter.translate(-area.topLeft())
    painter.drawPixmap(window.rect(), window.grab())
    painter.drawPixmap(place, box.grab())
    painter.setPen(window.palette().color(QtGui.QPalette.ColorRole.Dark))
    painter.drawRect(place)
    painter.end()
    return picture
