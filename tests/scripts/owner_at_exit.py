"""Ends with a window, and a task of its own, alive."""

import asyncio

from qt import QApplication, QWidget

from asyncslot import run_task

app = QApplication([])
window = QWidget()
run_task(asyncio.sleep(0), owner=window)
