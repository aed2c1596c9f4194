"""Step 6: check the links in the files of a folder; a thread reads them, and the bar shows how far it is."""

import asyncio
import re
import sys
from html import unescape
from os.path import isdir
from pathlib import Path
from urllib.parse import urljoin

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from PySide6 import QtWidgets

from asyncslot import AsyncClose, AsyncSlot, Progress, dialogs, run_in_thread, scope

TIMEOUT = ClientTimeout(total=None, sock_connect=10, sock_read=10)  # Seconds.

# What can go wrong with a request: an answer, the time, the network, the address.
ERRORS = (ClientError, asyncio.TimeoutError, OSError, ValueError)


def find_links(url, html):
    """Return the addresses that a page links to, each of them once."""
    links = (urljoin(url, unescape(link)) for link in re.findall(r'<a\s[^>]*?href="([^"#]+)', html))
    return list(dict.fromkeys(link for link in links if link.startswith("http")))


def find_links_in_folder(folder, progress):
    """Return the addresses in the HTML and Markdown files of a folder. This runs in a thread."""
    files = [path for path in progress.track(Path(folder).rglob("*")) if path.suffix in {".html", ".md"}]
    links = []
    for path in progress.track(files):
        text = path.read_text(encoding="utf-8", errors="replace")
        links += re.findall(r"https?://[^\s\"'<>()`]*[\w/]", text)
    return list(dict.fromkeys(links))


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
        self.folder = QtWidgets.QPushButton("Folder…")
        self.save = QtWidgets.QPushButton("Save…")
        self.hint = QtWidgets.QLabel()
        self.list = QtWidgets.QListWidget()
        self.bar = QtWidgets.QProgressBar()
        self.progress = Progress().bind(self.bar)
        self.status = QtWidgets.QLabel("Enter the address of a page.", wordWrap=True)
        top = QtWidgets.QHBoxLayout()
        for widget in (self.address, self.check, self.cancel, self.folder, self.save):
            top.addWidget(widget)
        layout = QtWidgets.QVBoxLayout(self)
        layout.addLayout(top)
        for widget in (self.hint, self.list, self.bar, self.status):
            layout.addWidget(widget)
        self.address.textEdited.connect(self.on_edited)
        self.address.returnPressed.connect(self.on_check)
        self.check.clicked.connect(self.on_check)
        self.cancel.clicked.connect(scope(self, slot=Window.on_check).cancel)
        self.folder.clicked.connect(self.on_folder)
        self.save.clicked.connect(self.on_save)

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
        if isdir(source):
            return await run_in_thread(find_links_in_folder, source, progress=self.progress)
        async with session.get(source, raise_for_status=True) as response:
            return find_links(str(response.url), await response.text(errors="replace"))

    async def check_link(self, session, link):
        answer = await ask(session, link)
        if not answer.startswith("2"):
            self.list.addItem(f"{answer}: {link}")
        self.bar.setValue(self.bar.value() + 1)

    @AsyncSlot(when_busy="drop")
    async def on_folder(self):
        folder = await dialogs.get_existing_directory(self, "Check the files of a folder")
        if folder:
            self.address.setText(folder)
            self.on_check()

    @AsyncSlot(when_busy="drop", on_quit="finish")
    async def on_save(self):
        name, _ = await dialogs.get_save_file_name(self, "Save the list", "links.txt")
        if not name:
            return
        text = "".join(f"{self.list.item(row).text()}\n" for row in range(self.list.count()))
        try:
            await run_in_thread(Path(name).write_text, text, encoding="utf-8")
            self.status.setText(f"Saved as {name}")
        except OSError as error:
            self.status.setText(f"The list was not saved: {error}")

    @AsyncClose
    async def closeEvent(self, event):
        if not scope(self, slot=Window.on_check).is_running:
            return True
        answer = await dialogs.question(self, "Links", "Stop the check, and close?")
        return answer == QtWidgets.QMessageBox.StandardButton.Yes


if __name__ == "__main__":
    app = QtWidgets.QApplication(sys.argv)
    window = Window()
    window.show()
    sys.exit(app.exec())
