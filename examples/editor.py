"""A text editor whose window asks before it closes, and saves without freezing."""

import asyncio
import sys
from pathlib import Path

from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QApplication, QMainWindow, QMessageBox, QPlainTextEdit

from asyncslot import AsyncClose, AsyncSlot, AsyncSlotEventLoop
from asyncslot.dialogs import error_handler

ANSWERS = QMessageBox.StandardButton


class Editor(QMainWindow):
    def __init__(self, path: Path):
        super().__init__()
        self.path = path
        self.text = QPlainTextEdit(path.read_text(encoding="utf-8") if path.exists() else "")
        self.setCentralWidget(self.text)
        self.setWindowTitle(path.name)
        save = self.menuBar().addMenu("File").addAction("Save")
        save.setShortcut(QKeySequence.StandardKey.Save)
        save.triggered.connect(self.save)

    @AsyncSlot(when_busy="queue", on_quit="finish")  # One save at a time; a quit waits for it.
    async def save(self):
        text = self.text.toPlainText()
        self.text.document().setModified(False)
        try:
            await asyncio.get_running_loop().run_in_executor(None, write, self.path, text)
        except BaseException:  # Whatever it is, the text is not saved, and the next close asks again.
            self.text.document().setModified(True)
            raise

    @AsyncClose
    async def closeEvent(self, event):
        if not self.text.document().isModified():
            return True
        question = "Save the changes?"
        answer = QMessageBox.question(self, "Close", question, ANSWERS.Save | ANSWERS.Discard | ANSWERS.Cancel)
        if answer == ANSWERS.Save:
            await self.save()  # If this fails, the window stays open.
        return answer != ANSWERS.Cancel


def write(path, text):
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)  # In one step: if anything fails before it, the old text is still there.
    finally:
        part.unlink(missing_ok=True)


if __name__ == "__main__":
    app = QApplication(sys.argv)
    loop = AsyncSlotEventLoop()
    loop.attach()
    loop.set_exception_handler(error_handler)  # Shows failures in a message box.
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "notes.txt").resolve()
    try:
        window = Editor(path)
    except (OSError, UnicodeDecodeError) as exc:
        sys.exit(f"{path} cannot be opened: {exc}")
    window.show()
    sys.exit(app.exec())
