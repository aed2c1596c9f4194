"""A window of a user's: one slot, which a click starts; it waits, and closes the window."""

import asyncio
import sys

from PySide6 import QtCore, QtWidgets

from asyncslot import AsyncSlot


class Window(QtWidgets.QWidget):
    def __init__(self):
        super().__init__()
        self.button = QtWidgets.QPushButton("Wait", self)
        self.button.clicked.connect(self.wait)

    @AsyncSlot(when_busy="drop")
    async def wait(self):
        print("clicked")
        await asyncio.sleep(0.1)
        print("waited")
        self.close()


if __name__ == "__main__":
    app = QtWidgets.QApplication(sys.argv)
    window = Window()
    window.show()
    QtCore.QTimer.singleShot(0, window.button.click)
    sys.exit(app.exec())
