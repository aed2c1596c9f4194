"""Download files at the same time, with a bar for each, and a button that cancels them all."""

import asyncio
import contextlib

from aiohttp import ClientSession, web
from qtpy.QtWidgets import QApplication, QFormLayout, QLabel, QProgressBar, QPushButton, QWidget

import asyncslot
from asyncslot import AsyncSlot, scope

FILES = {"small.bin": 200_000, "middle.bin": 600_000, "large.bin": 1_200_000}


class Window(QWidget):
    def __init__(self, url):
        super().__init__()
        self.setWindowTitle("Downloads")
        self.url = url
        self.start, self.cancel, self.status = QPushButton("Download"), QPushButton("Cancel"), QLabel()
        self.bars = {name: QProgressBar() for name in FILES}
        layout = QFormLayout(self)
        for name, bar in self.bars.items():
            layout.addRow(name, bar)
        layout.addRow(self.start, self.cancel)
        layout.addRow(self.status)
        self.cancel.setEnabled(False)
        self.start.clicked.connect(self.on_start)
        self.cancel.clicked.connect(scope(self, slot=Window.on_start).cancel)

    @AsyncSlot(when_busy="drop")
    async def on_start(self):
        self.start.setEnabled(False)
        self.cancel.setEnabled(True)
        self.status.setText("Downloading…")
        try:
            async with ClientSession() as session:
                await asyncio.gather(*(self.download(session, name, bar) for name, bar in self.bars.items()))
            self.status.setText("All files are here.")
        except asyncio.CancelledError:  # All downloads have ended, and their connections are closed.
            self.status.setText("Cancelled.")
            raise
        finally:
            self.start.setEnabled(True)
            self.cancel.setEnabled(False)

    async def download(self, session, name, bar):
        async with session.get(f"{self.url}/{name}") as response:
            bar.setRange(0, response.content_length)
            bar.setValue(0)
            async for chunk in response.content.iter_chunked(2**14):
                bar.setValue(bar.value() + len(chunk))


async def serve(request):
    """Send a file as a slow server does."""
    size = FILES[request.match_info["name"]]
    response = web.StreamResponse(headers={"Content-Length": str(size)})
    await response.prepare(request)
    with contextlib.suppress(ConnectionError):  # The client may hang up.
        for begin in range(0, size, 10_000):
            await response.write(bytes(min(10_000, size - begin)))
            await asyncio.sleep(0.01)
    return response


async def main():
    server = web.Application()
    server.router.add_get("/{name}", serve)
    runner = web.AppRunner(server)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    window = Window(f"http://127.0.0.1:{runner.addresses[0][1]}")
    window.show()
    try:
        await asyncio.Event().wait()  # The program ends when the window is closed.
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    app = QApplication([])
    asyncslot.run(main())
