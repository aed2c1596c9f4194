"""Download a file in a window that never freezes."""

import sys

import aiohttp
from PySide6.QtWidgets import QApplication, QProgressBar, QPushButton, QVBoxLayout, QWidget

from asyncslot import AsyncSlot

URL = "https://www.python.org/ftp/python/3.13.0/Python-3.13.0.tgz"


class Window(QWidget):
    def __init__(self):
        super().__init__()
        self.button = QPushButton("Download")
        self.bar = QProgressBar()
        layout = QVBoxLayout(self)
        layout.addWidget(self.button)
        layout.addWidget(self.bar)
        self.button.clicked.connect(self.download)

    @AsyncSlot()
    async def download(self):
        self.button.setEnabled(False)  # Runs inside the click: there is no second one.
        session = aiohttp.ClientSession(raise_for_status=True)
        try:
            async with session, session.get(URL) as response:
                self.bar.setMaximum(response.content_length or 0)
                received = 0
                async for chunk in response.content.iter_any():  # The window is alive.
                    received += len(chunk)
                    self.bar.setValue(received)
        finally:  # Also if it fails, or if the window is closed, which cancels it.
            self.button.setEnabled(True)


app = QApplication(sys.argv)
window = Window()
window.show()
sys.exit(app.exec())
