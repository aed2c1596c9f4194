"""PyQt6 and type checkers: a signal takes an AsyncSlot. Never run: read by mypy and pyright."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QPushButton, QWidget

from asyncslot import AsyncClose, AsyncSlot, run_task

if TYPE_CHECKING:
    from PyQt6.QtGui import QCloseEvent
    from typing_extensions import assert_type  # noqa: TC004 - this file is never run.


class Window(QWidget):
    chosen = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self.button = QPushButton(self)
        self.button.clicked.connect(self.on_clicked)
        self.chosen.connect(self.on_chosen)

    @AsyncSlot()
    async def on_clicked(self, checked: bool = False) -> bool:
        return checked

    @AsyncSlot(str)
    async def on_chosen(self, text: str) -> int:
        return len(text)

    @AsyncClose
    async def closeEvent(self, a0: QCloseEvent | None) -> bool:
        return a0 is not None


async def use(window: Window) -> None:
    assert_type(window.on_chosen("x"), "asyncio.Task[int]")
    assert_type(await window.on_clicked(), bool)
    assert_type(run_task(asyncio.sleep(1, "x"), owner=QObject()), "asyncio.Task[str]")
