"""Programs as qtinter's documentation has them, by the names of `asyncslot.compat.qtinter`: compat_qtinter.py CASE."""

import asyncio
import sys
import time

from qt import QApplication, QColorDialog, QDialog, QLCDNumber, QMessageBox, QPushButton, QTimer, QVBoxLayout, QWidget

from asyncslot.compat import qtinter

app = QApplication([])


def clock():
    """The clock's task is made in a plain event handler."""

    class Clock(QLCDNumber):
        def showEvent(self, event):
            self.task = asyncio.create_task(self.tick())

        def hideEvent(self, event):
            self.task.cancel()

        async def tick(self):
            self.setDigitCount(8)
            self.display(time.strftime("%H:%M:%S"))
            await asyncio.sleep(0.01)
            print("ticks", self.digitCount())
            QTimer.singleShot(0, self.close)

    widget = Clock()
    with qtinter.using_asyncio_from_qt():
        widget.show()
        print("code", app.exec())
    print("cancelled", widget.task.cancelled() or widget.task.done())


def choose_color(*, by_signal):
    """The dialog is the only window. The coroutine goes on after it has closed."""

    async def main():
        dialog = QColorDialog()
        dialog.setOption(QColorDialog.ColorDialogOption.DontUseNativeDialog)
        dialog.show()
        QTimer.singleShot(0, dialog.accept)
        if by_signal:
            (result,) = await qtinter.asyncsignal(dialog.finished)
        else:
            future = asyncio.get_running_loop().create_future()
            dialog.finished.connect(future.set_result)
            result = await future
        await asyncio.sleep(0.02)
        return (
            dialog.selectedColor().name() if result == int(getattr(QDialog.DialogCode.Accepted, "value", 1)) else None
        )

    with qtinter.using_qt_from_asyncio():
        print("color", asyncio.run(main()))
    print("after asyncio.run; quits again with the last window:", app.quitOnLastWindowClosed())


def color():
    choose_color(by_signal=False)


def color_by_signal():
    choose_color(by_signal=True)


def hit():
    """A counter goes on behind a modal dialog."""

    async def main():
        async def counter():
            while True:
                await asyncio.sleep(0.001)
                counts[0] += 1
                if counts[0] == 10:
                    box = QApplication.activeModalWidget()
                    button = box.button(QMessageBox.StandardButton.Ok)
                    button.click()

        counts = [0]
        task = asyncio.create_task(counter())
        await qtinter.modal(QMessageBox.information)(None, "Hit 10", "Click OK at 10.")
        task.cancel()
        print("hit", counts[0])

    with qtinter.using_qt_from_asyncio():
        asyncio.run(main())


class Stopwatch(QWidget):
    def __init__(self, connect):
        super().__init__()
        self.display = QLCDNumber()
        self.start_button = QPushButton("Start")
        self.stop_button = QPushButton("Stop")
        layout = QVBoxLayout(self)
        for widget in (self.display, self.start_button, self.stop_button):
            layout.addWidget(widget)
        connect(self.start_button.clicked, self)
        self.stop_button.clicked.connect(self.stop)
        self.task = None

    async def start(self):
        self.task = asyncio.current_task()
        self.start_button.setEnabled(False)
        try:
            for number in range(1_000_000):
                self.display.display(number)
                await asyncio.sleep(0.001)
        finally:
            self.start_button.setEnabled(True)
            print("stopped after some ticks:", self.display.intValue() > 1)

    @qtinter.asyncslot
    async def decorated(self):
        await self.start()

    def stop(self):
        self.task.cancel()


def watch(connect):
    def press():
        if window.task is None:
            window.start_button.click()
            print("started at once:", not window.start_button.isEnabled())
        elif window.start_button.isEnabled():
            timer.stop()
            window.close()
        elif window.display.intValue() > 1:
            window.stop_button.click()

    window = Stopwatch(connect)
    window.show()
    timer = QTimer()
    timer.timeout.connect(press)
    timer.start(2)
    with qtinter.using_asyncio_from_qt():
        print("code", app.exec())


def stopwatch():
    watch(lambda signal, window: signal.connect(qtinter.asyncslot(window.start)))


def stopwatch_decorated():
    watch(lambda signal, window: signal.connect(window.decorated))


def runner():
    """Ticks of a QTimer, awaited, in a loop made by new_event_loop()."""

    async def main():
        timer = QTimer()
        timer.start(1)
        for _ in range(3):
            await qtinter.asyncsignal(timer.timeout)
        stream = qtinter.asyncsignalstream(timer.timeout)
        count = 0
        async for arguments in stream:
            assert arguments == ()
            count += 1
            if count == 3:
                break
        print("ticks", 3 + count)

    loop = qtinter.new_event_loop()
    loop.run_until_complete(main())
    loop.close()


globals()[sys.argv[1]]()
