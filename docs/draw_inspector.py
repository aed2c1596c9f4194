"""
Draw docs/inspector.png: the inspector over a program that runs. It needs PySide6, and a display or Xvfb.

``python docs/draw_inspector.py [--tasks N] [--dark] [--size WxH] [--tab N] [FILE]``
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from asyncslot import AsyncSlot, inspector, run, run_task


class Window(QWidget):
    """A window with slots that wait, fail and take long."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("main")
        self.button = QPushButton("Save", self)
        self.button.setObjectName("save")
        self.button.clicked.connect(self.on_save)

    @AsyncSlot(when_busy="queue")
    async def on_save(self) -> None:
        """Wait for a task of another kind."""
        await self.upload(asyncio.create_task(asyncio.sleep(3600), name="connection"))

    async def upload(self, connection: asyncio.Task[None]) -> None:
        """Wait, one coroutine further down."""
        await asyncio.shield(connection)

    @AsyncSlot()
    async def on_refresh(self) -> None:
        """Fail."""
        raise ConnectionRefusedError(111, "Connection refused")

    @AsyncSlot()
    async def on_close_document(self) -> None:
        """Clean up for long."""
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(3600)


async def compute() -> None:
    """Keep the loop waiting."""
    await asyncio.sleep(0)
    time.sleep(0.12)  # noqa: ASYNC251 - it is to be slow.


async def ask() -> None:
    """Run a nested Qt loop."""
    await asyncio.sleep(0)
    nested = QEventLoop()
    QTimer.singleShot(150, nested.quit)
    nested.exec()


def make_dark_palette() -> QPalette:
    """Return such colours as dark desktops have."""
    palette = QPalette(QColor("#35363a"), QColor("#2b2c2f"))
    palette.setColor(QPalette.ColorRole.Base, QColor("#202124"))
    palette.setColor(QPalette.ColorRole.AlternateBase, QColor("#2b2c2f"))
    return palette


async def main(options: argparse.Namespace) -> None:
    """Have something to show, and draw it."""
    if options.dark:
        QApplication.setPalette(make_dark_palette())
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    window = Window()
    view = inspector.show()
    width, _, height = options.size.partition("x")
    view.resize(int(width), int(height))
    await asyncio.sleep(0.3)
    window.button.click()
    window.button.click()
    window.on_refresh()
    closing = window.on_close_document()
    idle = [run_task(asyncio.sleep(3600), name=f"idle {number}") for number in range(options.tasks)]
    await asyncio.gather(compute(), ask())
    closing.cancel()
    await asyncio.sleep(0.3)
    pane = view._task_pane
    pane.ended_box.setChecked(True)
    view._tabs.setCurrentIndex(options.tab)
    await asyncio.sleep(1)
    chosen = next(row for row in pane.model.rows if row.name.endswith("on_save"))
    pane.view.setCurrentIndex(pane.model.index(pane.model.find_number(chosen), 0))
    await asyncio.sleep(1)
    view.grab().save(str(options.file))
    for task in (*idle, closing):
        task.cancel()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=0)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--size", default="900x520")
    parser.add_argument("--tab", type=int, default=0)
    parser.add_argument("file", nargs="?", default=Path(__file__).with_name("inspector.png"))
    arguments = parser.parse_args()
    application = QApplication([])
    run(main(arguments))
