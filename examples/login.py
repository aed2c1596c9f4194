"""Log in by a dialog first, then work in a window: the program is one coroutine. The password is "secret"."""

import asyncio

from qtpy.QtWidgets import QApplication, QDialog, QDialogButtonBox, QFormLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

import asyncslot
from asyncslot.dialogs import show_dialog


class LogIn(QDialog):
    def __init__(self):
        super().__init__()
        self.setWindowTitle("Log in")
        self.name, self.password, self.message = QLineEdit(), QLineEdit(), QLabel()
        self.password.setEchoMode(QLineEdit.EchoMode.Password)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QFormLayout(self)
        layout.addRow("Name", self.name)
        layout.addRow("Password", self.password)
        layout.addRow(self.message)
        layout.addRow(buttons)


class Window(QWidget):
    def __init__(self, name):
        super().__init__()
        self.setWindowTitle("Work")
        QVBoxLayout(self).addWidget(QLabel(f"Welcome, {name}"))


async def check(name, password):
    await asyncio.sleep(0.2)  # A server is asked.
    return bool(name) and password == "secret"  # noqa: S105


async def log_in():
    """Return the name, None if the user gives up."""
    dialog = LogIn()
    while await show_dialog(dialog):
        if await check(dialog.name.text(), dialog.password.text()):
            return dialog.name.text()
        dialog.message.setText("The name or the password is wrong.")
        dialog.password.clear()
    return None


async def main():
    name = await log_in()  # The end of this dialog, so far the only window, does not end the program.
    if name is None:
        return
    window = Window(name)
    window.show()
    await asyncio.Event().wait()  # The program ends when the window is closed.


if __name__ == "__main__":
    app = QApplication([])
    asyncslot.run(main())
