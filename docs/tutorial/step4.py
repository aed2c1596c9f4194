"""Step 4: say while the user types whether the address exists; the Return key checks it."""

import asyncio
import re
import sys
from html import unescape
from urllib.parse import urljoin

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from PySide6 import QtWidgets

from asyncslot import AsyncSlot, scope

TIMEOUT = ClientTimeout(total=None, sock_connect=10, sock_read=10)  # Seconds.

# What can go wrong with a request: an answer, the time, the network, the address.
ERRORS = (ClientError, asyncio.TimeoutError, OSError, ValueError)


def find_links(url, html):
    """Return the addresses that a page links to, each of them once."""
    links = (urljoin(url, unescape(link)) for link in re.findall(r'<a\s[^>]*?href="([^"#]+)', html))
    return list(dict.fromkeys(link for link in links if link.startswith("http")))


async def ask(session, url):
    """Return what the server of an address answers, such as "404 Not Found"."""
    try:
        async with session.get(url) as response:
            return f"{response.status} {response.reason}"
    except ERRORS as error:
        return type(error).__name__


class Window(QtWidgets.QWidget):
    def __init__(self):
        super().__init__()
        self.setWindowTitle("Links")
        self.resize(640, 320)
        self.address = QtWidgets.QLineEdit("https://www.python.org/")
        self.check = QtWidgets.QPushButton("Check")
        self.cancel = QtWidgets.QPushButton("Cancel", enabled=False)
        self.hint = QtWidgets.QLabel()
        self.list = QtWidgets.QListWidget()
        self.bar = QtWidgets.QProgressBar()
        self.status = QtWidgets.QLabel("Enter the address of a page.", wordWrap=True)
        top = QtWidgets.QHBoxLayout()
        for widget in (self.address, self.check, self.cancel):
            top.addWidget(widget)
        layout = QtWidgets.QVBoxLayout(self)
        layout.addLayout(top)
        for widget in (self.hint, self.list, self.bar, self.status):
            layout.addWidget(widget)
        self.address.textEdited.connect(self.on_edited)
        self.address.returnPressed.connect(self.on_check)
        self.check.clicked.connect(self.on_check)
        self.cancel.clicked.connect(scope(self, slot=Window.on_check).cancel)

    @AsyncSlot(str, when_busy="restart")
    async def on_edited(self, address):
        self.hint.setText("…")
        await asyncio.sleep(0.3)
        async with ClientSession(timeout=TIMEOUT) as session:
            self.hint.setText(await ask(session, address))

    @AsyncSlot(when_busy="drop")
    async def on_check(self):
        self.check.setEnabled(False)
        self.cancel.setEnabled(True)
        self.list.clear()
        self.status.setText("Checking…")
        try:
            async with ClientSession(connector=TCPConnector(limit=10), timeout=TIMEOUT) as session:
                links = await self.load_links(session, self.address.text())
                self.bar.setRange(0, len(links))
                self.bar.setValue(0)
                await asyncio.gather(*(self.check_link(session, link) for link in links))
            self.status.setText(f"{len(links)} links, {self.list.count()} of them broken")
        except ERRORS as error:
            self.status.setText(f"{type(error).__name__}: {error}")
        except asyncio.CancelledError:
            self.status.setText("Cancelled.")
            raise
        finally:
            self.check.setEnabled(True)
            self.cancel.setEnabled(False)

    async def load_links(self, session, source):
        async with session.get(source, raise_for_status=True) as response:
            return find_links(str(response.url), await response.text(errors="replace"))

    async def check_link(self, session, link):
        answer = await ask(session, link)
        if not answer.startswith("2"):
            self.list.addItem(f"{answer}: {link}")
        self.bar.setValue(self.bar.value() + 1)


if __name__ == "__main__":
    app = QtWidgets.QApplication(sys.argv)
    window = Window()
    window.show()
    sys.exit(app.exec())
