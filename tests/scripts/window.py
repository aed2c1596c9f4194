"""A Qt program that knows nothing of asyncio but ``async def``: no set-up call."""

import asyncio
import sys

from qt import QApplication, QPushButton, QTimer

from asyncslot import AsyncSlot


class Button(QPushButton):
    @AsyncSlot()
    async def on_click(self):
        self.setEnabled(False)
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.02)
            print("cleaned up")


app = QApplication(sys.argv)
button = Button("Save")
button.clicked.connect(button.on_click)
button.show()


def click_and_close():
    button.click()
    print("disabled when click() returns:", not button.isEnabled())
    QTimer.singleShot(50, lambda: (print("closing"), button.close()))


QTimer.singleShot(0, click_and_close)
sys.exit(app.exec())
