"""The application ends while a coroutine awaits a dialog: quit_dialog.py quit|exit|sigint."""

import asyncio
import signal
import sys

from qt import QApplication, QTimer, signal_self

from asyncslot import dialogs, run_task


async def main() -> None:
    QTimer.singleShot(50, lambda: (print("asked"), ENDS[sys.argv[1]]()))
    try:
        await dialogs.question(None, "Title", "Really?")
    except asyncio.CancelledError:
        print("cancelled")
        raise


app = QApplication([])
ENDS = {
    "quit": app.quit,
    "exit": lambda: app.exit(5),
    "sigint": lambda: signal_self(signal.SIGINT),
}
app.setQuitOnLastWindowClosed(False)
QTimer.singleShot(0, lambda: run_task(main()))
sys.exit(app.exec())
