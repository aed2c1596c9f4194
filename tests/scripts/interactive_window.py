"""A window for interactive sessions: it says when it has painted ten times, and its button starts a task."""

from __future__ import annotations

import asyncio

from qt import QPushButton, QTimer, QWidget

from asyncslot import AsyncSlot

PAINTED = "painted " + "ten times"
CLICKED = "clicked " + "and awaited"


class Window(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.painted = 0
        self.button = QPushButton("Go", self)
        self.button.clicked.connect(self.on_clicked)
        self.timer = QTimer(self)
        self.timer.timeout.connect(self.update)
        self.timer.start(10)

    def paintEvent(self, _) -> None:
        self.painted += 1
        if self.painted == 10:
            print(PAINTED)

    @AsyncSlot()
    async def on_clicked(self) -> None:
        await asyncio.sleep(0.01)
        print(CLICKED)

    def count(self) -> None:
        """Say once more when ten further paintings are done."""
        self.painted = 0


async def clean_up_late() -> None:
    try:
        await asyncio.get_running_loop().create_future()
    finally:
        print("cleaned " + "up")
