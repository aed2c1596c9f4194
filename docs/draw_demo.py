"""
Draw docs/demo.gif and docs/demo.png: the demo's window while somebody uses it. It needs PySide6 and Pillow.

It is the real demo, with its real server. Only the pointer is drawn. It runs without a display.

``python docs/draw_demo.py [--dark] [--folder DIR]``
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Sequence

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PIL import Image
from PySide6.QtCore import QBuffer, QIODevice, QPoint, QPointF, QRect
from PySide6.QtGui import QColor, QPainter, QPalette, QPixmap, QPolygonF
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton, QWidget

from asyncslot import run_task
from asyncslot.demo import application
from asyncslot.demo.script import wait_until

if TYPE_CHECKING:
    from asyncslot.demo.window import Window

# How many pictures per second. Viewers wait a multiple of 10 ms.
RATE = 10

# In pixels: around the window and for the question below it; and the animated picture's width.
MARGIN = 12
BELOW = 130
GIF_WIDTH = 644

# How many colours the animated picture has. Fewer are smaller; with these, nothing is seen to be missing.
COLORS = 64

# An arrow, as desktops have it, in pixels from its tip.
POINTER = [(0, 0), (0, 17), (4, 13.5), (7, 20), (9.5, 19), (6.5, 12.5), (12, 12.5)]

# The seconds that the pointer takes to a button.
MOVE_S = 0.5


class Recorder:
    """
    Takes a picture of the window, its question and the pointer at regular times.

    Args:
        window: The demo's window.
    """

    def __init__(self, window: Window) -> None:
        self.window = window
        self.frames: list[QPixmap] = []
        # When each was taken.
        self.times_s: list[float] = []
        self.pointer = QPointF(window.width() * 0.6, window.height() * 0.75)
        self._is_pressed = False

    async def record(self) -> None:
        """Record until this is cancelled."""
        while True:
            self.times_s.append(time.monotonic())
            self.frames.append(self.take())
            await asyncio.sleep(max(0.0, self.times_s[-1] + 1 / RATE - time.monotonic()))

    def take(self) -> QPixmap:
        """Return one picture."""
        picture = QPixmap(self.window.width() + 2 * MARGIN, self.window.height() + MARGIN + BELOW)
        # Neither black nor white, because pages are both.
        picture.fill(QColor("#8c96a3"))
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        origin = QPoint(MARGIN, MARGIN)
        self._paint(painter, self.window, origin)
        box = QApplication.activeModalWidget()
        if box is not None:
            self._paint(painter, box, self.box_place(box).topLeft() + origin)
        painter.translate(self.pointer + origin)
        painter.setPen(QColor("white"))
        painter.setBrush(QColor("#2f7de1" if self._is_pressed else "black"))
        painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in POINTER]))
        painter.end()
        return picture

    def box_place(self, box: QWidget) -> QRect:
        """Return where the question is, relative to the window."""
        return QRect(self.window.mapFromGlobal(box.pos()), box.size())

    async def click(self, button: QPushButton) -> None:
        """Move the pointer to a button and click it."""
        place = button.rect().center()
        box = QApplication.activeModalWidget()
        if box is not None:
            target = QPointF(self.box_place(box).topLeft() + button.mapTo(box, place))
        else:
            target = QPointF(button.mapTo(self.window, place))
        begin, begin_s = self.pointer, time.monotonic()
        while (part := (time.monotonic() - begin_s) / MOVE_S) < 1:
            # Slow at both ends, as a hand is.
            self.pointer = begin + (target - begin) * (part * part * (3 - 2 * part))
            await asyncio.sleep(1 / 60)
        self.pointer = target
        self._is_pressed = True
        await asyncio.sleep(0.2)
        self._is_pressed = False
        button.click()

    def _paint(self, painter: QPainter, widget: QWidget, place: QPoint) -> None:
        painter.drawPixmap(place, widget.grab())
        painter.setPen(QColor("#5b6470"))
        painter.setBrush(QColor(0, 0, 0, 0))
        painter.drawRect(QRect(place, widget.size()))


class Story:
    """What the picture shows. It takes the place of the demo's own script."""

    folder = Path(__file__).parent
    is_dark = False

    def __init__(self, window: Window, _: Path) -> None:
        self.window = window
        self.still = QPixmap()

    async def run(self) -> bool:
        """Download, cancel one while a question is open, and do the same without asyncio."""
        window = self.window
        # Until the graph has something to show.
        await asyncio.sleep(1)
        recorder = Recorder(window)
        recording = run_task(recorder.record())
        await asyncio.sleep(0.5)
        await recorder.click(window.start_button)
        await asyncio.sleep(0.3)
        answering = run_task(self._answer(recorder))
        await recorder.click(window.rows[-1].cancel_button)
        await answering
        await wait_until(window, window.start_button.isEnabled)
        await asyncio.sleep(0.4)
        await recorder.click(window.block_button)
        await wait_until(window, window.start_button.isEnabled)
        await asyncio.sleep(1.2)
        recording.cancel()
        # Only now, because it takes longer than a frame of the screen: the graph would show it.
        convert(self.still).save(self.folder / "demo.png", optimize=True)
        save_gif([convert(frame) for frame in recorder.frames], recorder.times_s, self.folder / "demo.gif")
        return True

    async def _answer(self, recorder: Recorder) -> None:
        await wait_until(self.window, lambda: QApplication.activeModalWidget() is not None)
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        await asyncio.sleep(0.3)
        self.still = recorder.take()
        await recorder.click(box.button(QMessageBox.StandardButton.Yes))


def convert(picture: QPixmap) -> Image.Image:
    """Return Qt's picture as one of Pillow's."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")
    return Image.open(io.BytesIO(bytes(buffer.data().data()))).convert("RGB")


def save_gif(frames: Sequence[Image.Image], times_s: Sequence[float], path: Path) -> None:
    """Save an animated picture that ends where it begins, and shows each frame for as long as it was to be seen."""
    height = round(frames[0].height * GIF_WIDTH / frames[0].width)
    small = [frame.resize((GIF_WIDTH, height), Image.Resampling.LANCZOS) for frame in frames]
    # One palette for all, of a picture made of several: else colours flicker.
    sample = Image.new("RGB", (GIF_WIDTH, height * 3))
    for number, frame in enumerate((small[0], small[len(small) // 3], small[-1])):
        sample.paste(frame, (0, number * height))
    palette = sample.quantize(COLORS, method=Image.Quantize.MEDIANCUT)
    flat = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in (*small, small[0])]
    # While the window is frozen, no picture is taken: the last one stays.
    durations = [round((end - begin) * 1000) for begin, end in zip(times_s, times_s[1:])] + [1500, 500]
    flat[0].save(path, save_all=True, append_images=flat[1:], duration=durations, loop=0, optimize=True)
    print(f"{path}: {len(flat)} frames, {path.stat().st_size / 1000:.0f} kB")


def main() -> int:
    """Run the demo with the story in its script's place."""
    parser = argparse.ArgumentParser(description="Draw docs/demo.gif and docs/demo.png.")
    parser.add_argument("--dark", action="store_true", help="in such colours as dark desktops have")
    parser.add_argument("--folder", type=Path, default=Story.folder, help="where to (default: docs)")
    options = parser.parse_args()
    Story.folder = options.folder
    QApplication.setStyle("Fusion")
    if options.dark:
        palette = QPalette(QColor("#35363a"), QColor("#2b2c2f"))
        palette.setColor(QPalette.ColorRole.Base, QColor("#202124"))
        QApplication.setPalette(palette)
    application.Script = Story
    return application.run_application(
        application.Options(urls=[], directory=None, seconds=2.8, is_self_driven=True, screenshot=Path())
    )


if __name__ == "__main__":
    sys.exit(main())
