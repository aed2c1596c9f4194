"""Watch a file: its lines are counted anew whenever somebody changes it."""

import asyncio
import sys
from pathlib import Path

from qtpy.QtCore import QFileSystemWatcher
from qtpy.QtWidgets import QApplication, QLabel, QPushButton, QVBoxLayout, QWidget

import asyncslot
from asyncslot import AsyncSlot, dialogs, run_in_thread, signal_stream


class Window(QWidget):
    def __init__(self):
        super().__init__()
        self.setWindowTitle("Watch")
        self.choose, self.label = QPushButton("Choose a file"), QLabel("No file")
        layout = QVBoxLayout(self)
        layout.addWidget(self.choose)
        layout.addWidget(self.label)
        self.choose.clicked.connect(self.on_choose)

    @AsyncSlot()
    async def on_choose(self):
        name, _ = await dialogs.get_open_file_name(self, "File to watch")
        if name:
            self.watch(name)

    @AsyncSlot(str, when_busy="restart")  # Another file ends the watch over the one before.
    async def watch(self, name):
        watcher = QFileSystemWatcher([name])
        # Of changes that come while a large file is read, the last one is enough.
        async with signal_stream(watcher.fileChanged, overflow="latest") as changes:
            self.label.setText(await run_in_thread(describe, name))
            async for _ in changes:
                self.label.setText(await run_in_thread(describe, name))
                watcher.addPath(name)  # Editors replace the file, and Qt forgets it then.


def describe(name):
    try:
        return f"{Path(name).name}: {len(Path(name).read_bytes().splitlines())} lines"
    except OSError as exc:
        return f"{Path(name).name}: {exc.strerror}"


async def main():
    window = Window()
    window.show()
    if sys.argv[1:]:
        window.watch(sys.argv[1])
    await asyncio.Event().wait()  # The program ends when the window is closed.


if __name__ == "__main__":
    app = QApplication([])
    asyncslot.run(main())
