"""A chat over websockets, with two windows that talk to each other. They connect again when the server was away."""

import asyncio

from aiohttp import ClientError, ClientSession, web
from qtpy.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

import asyncslot
from asyncslot import AsyncClose, AsyncSlot, run_task


class Window(QWidget):
    def __init__(self, url):
        super().__init__()
        self.setWindowTitle("Chat")
        self.url, self.socket = url, None
        self.text, self.line = QPlainTextEdit(readOnly=True), QLineEdit(enabled=False)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(self.line)
        self.line.returnPressed.connect(self.on_return)
        self.connection = run_task(self.stay_connected(), owner=self)

    async def stay_connected(self):
        delay_s = 0.1
        async with ClientSession() as session:
            while True:
                try:
                    async with session.ws_connect(self.url) as self.socket:
                        delay_s = 0.1
                        self.line.setEnabled(True)
                        self.line.setFocus()
                        async for message in self.socket:
                            self.text.appendPlainText(message.data)
                except ClientError:
                    pass  # The server is away.
                self.line.setEnabled(False)
                await asyncio.sleep(delay_s)
                delay_s = min(2 * delay_s, 5)

    @AsyncSlot(when_busy="queue")  # What is typed fast is sent in its order.
    async def on_return(self):
        text = self.line.text()
        self.line.clear()
        await self.socket.send_str(text)

    @AsyncClose
    async def closeEvent(self, event):
        self.connection.cancel()
        await asyncio.wait([self.connection])  # The server is told that we leave.


class Server:
    def __init__(self):
        self.sockets = set()
        self.runner = None

    async def serve(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.add(socket)
        try:
            async for message in socket:
                await asyncio.gather(*(other.send_str(message.data) for other in self.sockets))
        finally:
            self.sockets.discard(socket)
        return socket

    async def start(self, port=0):
        server = web.Application()
        server.router.add_get("/", self.serve)
        self.runner = web.AppRunner(server, shutdown_timeout=0.1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", port).start()
        return self.runner.addresses[0][1]


async def main():
    server = Server()
    url = f"http://127.0.0.1:{await server.start()}"
    windows = [Window(url), Window(url)]
    for window in windows:
        window.show()
    try:
        await asyncio.Event().wait()  # The program ends when the last window is closed.
    finally:
        await server.runner.cleanup()


if __name__ == "__main__":
    app = QApplication([])
    asyncslot.run(main())
