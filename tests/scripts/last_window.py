"""The last window, in blocking mode, beside an awaited dialog: last_window.py parented|first|same|hidden|tray."""

import asyncio
import sys

from qt import QApplication, QDialog, QTimer, QWidget

import asyncslot
from asyncslot import dialogs

case = sys.argv[1]


async def ask(dialog: QDialog) -> None:
    await dialogs.show_dialog(dialog)
    print("dialog over")


async def main() -> None:
    if case == "tray":
        dialog = QDialog()
        asyncio.get_running_loop().call_later(0.02, dialog.accept)
        await ask(dialog)
        app.setQuitOnLastWindowClosed(False)
        await asyncio.sleep(0.05)
        print("quits:", app.quitOnLastWindowClosed())
        return
    window = QWidget()
    window.show()
    dialog = QDialog(window if case == "parented" else None)
    steps = {
        "parented": [window.close],
        "first": [window.close, dialog.accept],
        "same": [lambda: (dialog.accept(), window.close())],
        "hidden": [dialog.hide, window.close],
    }
    for number, step in enumerate(steps[case], 1):
        QTimer.singleShot(20 * number, step)
    await ask(dialog)
    await asyncio.sleep(3600)


app = QApplication([])
try:
    asyncslot.run(main())
except SystemExit as exc:
    print("SystemExit", exc.code)
