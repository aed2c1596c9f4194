"""A window asks before it closes, in an application that stays without windows: async_close.py CASE."""

import asyncio
import sys

from qt import QAction, QApplication, QTimer, QWidget

import asyncslot
from asyncslot import AsyncClose, cancel_reason

(case,) = sys.argv[1:]


class Window(QWidget):
    answer = True

    @AsyncClose
    async def closeEvent(self, event):
        print("asked")
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError as exc:
            print(cancel_reason(exc))
            raise
        finally:
            if case == "clean":
                self.close()
                print("open:", self.isVisible())
        print("answered")
        return self.answer


class Other(Window):
    pass


class Plain(QWidget):
    def closeEvent(self, event):
        print("plain closed")


app = QApplication([])
app.setQuitOnLastWindowClosed(False)
app.aboutToQuit.connect(lambda: print("aboutToQuit"))
windows = [Window()]
if case == "two":
    windows.append(Other())
if case == "others":
    windows.append(Plain())
for window in windows:
    window.show()
quit_action = QAction("Quit")  # A menu's entry, connected without any Python function between.
quit_action.triggered.connect(app.quit)


def act() -> None:
    if case == "close":
        windows[0].close()
        QTimer.singleShot(300, lambda: (print("open:", windows[0].isVisible()), app.exit(4)))
    elif case == "refused":
        windows[0].answer = False
        quit_action.trigger()
        QTimer.singleShot(300, lambda: (print("open:", windows[0].isVisible()), app.exit(4)))
    elif case in ("exit", "clean"):
        windows[0].close()
        app.exit(7)
    elif case == "deleted":
        quit_action.trigger()
        windows.pop().deleteLater()
    elif case == "during":
        windows[0].close()
        QTimer.singleShot(0, quit_action.trigger)
    else:
        quit_action.trigger()


async def main() -> None:
    act()
    await asyncio.sleep(3600)


if case == "blocking":
    asyncslot.run(main())
QTimer.singleShot(0, act)
sys.exit(app.exec())
