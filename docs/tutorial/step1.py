"""Step 1: a button whose slot takes two seconds, in a window that does not freeze."""

import asyncio
import sys

from PySide6 import QtWidgets

from asyncslot import AsyncSlot


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
        self.status.setText("Checking…")
        await asyncio.sleep(2)
        self.status.setText("Checked.")
        self.check.setEnabled(True)


if __name__ == "__main__":
    app = QtWidgets.QApplication(sys.argv)
    window = Window()
    window.show()
    sys.exit(app.exec())
