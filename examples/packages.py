"""List the installed packages, line by line, in a window that never freezes."""

import asyncio
import sys

from PySide6.QtWidgets import QApplication, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from asyncslot import AsyncSlot


class Window(QWidget):
    def __init__(self):
        super().__init__()
        self.button = QPushButton("List installed packages")
        self.text = QPlainTextEdit()
        layout = QVBoxLayout(self)
        layout.addWidget(self.button)
        layout.addWidget(self.text)
        self.button.clicked.connect(self.on_click)

    @AsyncSlot()
    async def on_click(self):
        self.button.setEnabled(False)  # Runs before emit() returns, so a second click cannot start a second run.
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pip", "list", stdout=asyncio.subprocess.PIPE
        )
        try:
            async for line in process.stdout:
                self.text.appendPlainText(line.decode(errors="replace").rstrip())
        except asyncio.CancelledError:  # The window was closed meanwhile.
            process.terminate()
            raise
        finally:
            await process.wait()  # The application waits for this.
            self.button.setEnabled(True)


if __name__ == "__main__":
    app = QApplication(sys.argv)
    window = Window()
    window.show()
    sys.exit(app.exec())
