"""Search as you type: each keystroke cancels the search of the one before, so no old answer comes late."""

import asyncio
import builtins
import random
import sys
from urllib.parse import quote, unquote

from qtpy.QtWidgets import QApplication, QLabel, QLineEdit, QListWidget, QVBoxLayout, QWidget

from asyncslot import AsyncSlot, run_task


class Window(QWidget):
    def __init__(self, port):
        super().__init__()
        self.setWindowTitle("Python's built-in names")
        self.port = port
        self.edit = QLineEdit(placeholderText="Type a part of a name")
        self.list = QListWidget()
        self.status = QLabel()
        layout = QVBoxLayout(self)
        for widget in (self.edit, self.list, self.status):
            layout.addWidget(widget)
        self.edit.textEdited.connect(self.on_text_edited)

    # Without "restart", all searches would run side by side, and the slowest answer would be shown last.
    @AsyncSlot(str, when_busy="restart")
    async def on_text_edited(self, text):
        self.status.setText(f"Searching for {text!r}…")
        names = await self.find_names(text)
        # A later keystroke would have cancelled this call, so these names match what the user has typed.
        self.show_names(text, names)

    async def find_names(self, text):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(f"GET /?{quote(text)} HTTP/1.0\r\n\r\n".encode())
            _head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
            return body.split()
        finally:  # Also if cancelled. The next search begins after this, so there is one connection at a time.
            writer.close()
            await writer.wait_closed()

    def show_names(self, text, names):
        self.list.clear()
        self.list.addItems(names)
        self.status.setText(f"{len(names)} names with {text!r}")


async def answer(reader, writer):
    """Answer one request as a busy server does: after a random delay, so a later request may be answered first."""
    try:
        request = (await reader.readline()).decode()  # Empty if the client has hung up already.
        try:
            # A client that waits for its answer sends nothing more: this ends early only if the client hangs up.
            await asyncio.wait_for(reader.read(), random.uniform(0.05, 0.6))
        except asyncio.TimeoutError:
            part = unquote(request.split()[1].partition("?")[2]).lower()
            names = [name for name in dir(builtins) if part in name.lower()]
            writer.write(("HTTP/1.0 200 OK\r\n\r\n" + "\n".join(names)).encode())
    except asyncio.CancelledError:
        pass  # The program ends. Some Pythons, 3.11.7 among them, would report a cancelled handler as a failure.
    finally:
        writer.close()


async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        window = Window(server.sockets[0].getsockname()[1])
        window.show()
        await server.serve_forever()  # Until the last window closes, which cancels all tasks, also this one.


if __name__ == "__main__":
    app = QApplication(sys.argv)
    run_task(main())  # Runs up to its first suspension now, the rest inside app.exec().
    sys.exit(app.exec())
