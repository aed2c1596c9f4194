"""Step 2: the links of a page; if it cannot be loaded, the window says why."""

import asyncio
import re
import sys
from html import unescape
from urllib.parse import urljoin

from aiohttp import ClientError, ClientSession
from PySide6 import QtWidgets

from asyncslot import AsyncSlot

# What can go wrong with a request: an answer, the time, the network, the address.
ERRORS = (ClientError, asyncio.TimeoutError, OSError, ValueError)


def find_links(url, html):
    """Return the addresses that a page links to, each of them once."""
    links = (urljoin(url, unescape(link)) for link in re.findall(r'<a\s[^>]*?href="([^"#]+)', html))
    return list(dict.fromkeys(link for link in links if link.startswith("http")))


class Window(QtWidgets.QWidget):
    def __init__(self):
        super().__init__()
        self.setWindowTitle("Links")
        self.resize(640, 320)
        self.address = QtWidgets.QLineEdit("https://www.python.org/")
        self.check = QtWidgets.QPushButton("Check")
        self.list = QtWidgets.QListWidget()
        self.status = QtWidgets.QLabel("Enter the address of a page.", wordWrap=True)
        top = QtWidgets.QHBoxLayout()
        for widget in (self.address, self.check):
            top.addWidget(widget)
        layout = QtWidgets.QVBoxLayout(self)
        layout.addLayout(top)
        for widget in (self.list, self.status):
            layout.addWidget(widget)
        self.check.clicked.connect(self.on_check)

    @AsyncSlot()
    async def on_check(self):
        self.check.setEnabled(False)
        self.list.clear()
        self.status.setText("Loading the page…")
        try:
            async with ClientSession() as session:
                links = await self.load_links(session, self.address.text())
            self.list.addItems(links)
            self.status.setText(f"{len(links)} links")
        except ERRORS as error:
            self.status.setText(f"{type(error).__name__}: {error}")
        finally:
            self.check.setEnabled(True)

    async def load_links(self, session, source):
        async with session.get(source, raise_for_status=True) as response:
            return find_links(str(response.url), await response.text(errors="replace"))


if __name__ == "__main__":
    app = QtWidgets.QApplication(sys.argv)
    window = Window()
    window.show()
    sys.exit(app.exec())
