"""A dialog before the first window, in blocking mode: log_in.py await|exec|callback|message|timeout|splash."""

import asyncio
import contextlib
import sys

from qt import QApplication, QDialog, QSplashScreen, QTimer, QWidget

import asyncslot
from asyncslot import dialogs


async def log_in() -> None:
    if sys.argv[1] in {"exec", "callback"}:
        dialog = QDialog()
        if sys.argv[1] == "exec":
            QTimer.singleShot(20, dialog.accept)
        else:  # asyncio calls it, and not Qt.
            asyncio.get_running_loop().call_later(0.02, dialog.accept)
        dialog.exec()
        return
    if sys.argv[1] == "timeout":
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(dialogs.question(None, "Title", "Log in?"), 0.02)
        return
    if sys.argv[1] == "splash":
        splash.show()
    QTimer.singleShot(20, lambda: QApplication.activeModalWidget().close())
    if sys.argv[1] == "await":
        await dialogs.show_dialog(QDialog())
    else:
        await dialogs.question(None, "Title", "Log in?")


async def main() -> None:
    await log_in()
    print("logged in")
    await asyncio.sleep(0.05)
    window = QWidget()
    window.show()
    splash.finish(window)
    print("window shown")
    QTimer.singleShot(20, window.close)
    try:
        await asyncio.sleep(3600)
    finally:
        print("cancelled")


app = QApplication([])
splash = QSplashScreen()
try:
    asyncslot.run(main())
except SystemExit as exc:
    print("SystemExit", exc.code)
print("quits:", app.quitOnLastWindowClosed())
