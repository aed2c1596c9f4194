"""Programs as qasync's documentation has them, by the names of `asyncslot.compat.qasync`: compat_qasync.py CASE."""

import asyncio
import functools
import sys

from qt import QLabel, QMessageBox, QProgressBar, QPushButton, QTimer, QVBoxLayout, QWidget

from asyncslot.compat import qasync
from asyncslot.compat.qasync import QApplication, QEventLoop, QThreadExecutor, asyncClose, asyncSlot, asyncWrap


async def serve(reader, writer):
    await reader.readline()
    writer.write(b"HTTP/1.0 200 OK\r\n\r\nhello")
    await writer.drain()
    writer.close()


async def fetch_page(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    page = await reader.read()
    writer.close()
    return page.partition(b"\r\n\r\n")[2].decode()


class Fetcher(QWidget):
    """A button fetches a page. The window says goodbye before it closes, and with it the program ends."""

    def __init__(self):
        super().__init__()
        self.status = QLabel("idle")
        self.button = QPushButton("Fetch")
        self.button.clicked.connect(self.on_button_clicked)
        layout = QVBoxLayout(self)
        layout.addWidget(self.button)
        layout.addWidget(self.status)

    @asyncSlot()
    async def on_button_clicked(self):
        self.status.setText("fetching")
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.status.setText(await fetch_page(server.sockets[0].getsockname()[1]))
        server.close()
        print(self.status.text())
        self.close()

    @asyncClose
    async def closeEvent(self, event):
        await asyncio.sleep(0.02)
        print("goodbye, accepted:", event.isAccepted())


def fetch(app):
    closed = asyncio.Event()
    app.aboutToQuit.connect(closed.set)
    window = Fetcher()
    window.show()
    QTimer.singleShot(0, window.button.click)
    return window, closed


def run_by_loop():
    app = QApplication([])
    loop = QEventLoop(app)
    asyncio.set_event_loop(loop)
    window, closed = fetch(app)
    with loop:
        print("returned", loop.run_until_complete(closed.wait()))
    asyncio.set_event_loop(None)
    del window
    print("after the loop, closed:", loop.is_closed())


def run_by_run():
    async def main():
        window, closed = fetch(QApplication.instance())
        await asyncio.wait_for(closed.wait(), 20)
        return type(window).__name__

    print("returned", qasync.run(main()))


def run_by_factory():
    """From Python 3.12 on."""
    app = QApplication([])
    window, closed = fetch(app)
    print("returned", asyncio.run(closed.wait(), loop_factory=QEventLoop))
    del window


def progress():
    async def main():
        bar = QProgressBar()
        bar.setRange(0, 99)
        bar.show()
        for i in range(50):
            bar.setValue(i)
            await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        with QThreadExecutor(1) as executor:
            await loop.run_in_executor(executor, functools.partial(count_on, bar), loop)
        await asyncio.sleep(0)
        print("value", bar.value())

    def count_on(bar, loop):
        for i in range(50, 100):
            loop.call_soon_threadsafe(bar.setValue, i)

    app = QApplication([])
    app.setQuitOnLastWindowClosed(False)
    loop = QEventLoop(app)
    with loop:
        loop.run_until_complete(main())


def modal():
    """A dialog in a slot. A task that the slot has started goes on meanwhile, and finds it open."""

    class Window(QWidget):
        @asyncSlot()
        async def on_shutdown(self):
            task = asyncio.ensure_future(self.work())
            answer = await asyncWrap(lambda: QMessageBox.information(None, "Done", "It is safe to shut down."))
            print("answered", answer == QMessageBox.StandardButton.Ok, task.done())
            QApplication.instance().exit(3)

        async def work(self):
            while QApplication.activeModalWidget() is None:
                await asyncio.sleep(0.001)
            print("works behind the dialog")
            box = QApplication.activeModalWidget()
            button = box.button(QMessageBox.StandardButton.Ok)
            button.click()

    app = QApplication([])
    loop = QEventLoop(app)
    window = Window()
    window.show()
    QTimer.singleShot(0, window.on_shutdown)
    with loop:
        print("code", loop.run_forever())


def keep_open():
    """A window that refuses to close stays open; the second time, it closes."""

    class Window(QWidget):
        refusals = 1

        @asyncClose
        async def closeEvent(self, event):
            await asyncio.sleep(0)
            if self.refusals:
                self.refusals -= 1
                event.ignore()
            print("ignored" if not event.isAccepted() else "accepted", self.isVisible())

    app = QApplication([])
    window = Window()
    window.show()
    timer = QTimer()
    timer.timeout.connect(lambda: window.isVisible() and window.close())
    timer.start(2)
    with QEventLoop(app) as loop:
        print("code", loop.run_forever())
    print("visible", window.isVisible())


def before_exec():
    """A slot is called before the loop runs. It runs in that loop."""

    class Window(QWidget):
        @asyncSlot()
        async def load(self):
            print("same loop:", asyncio.get_running_loop() is loop)
            await asyncio.sleep(0)
            print("loaded")
            loop.stop()

    app = QApplication([])
    loop = QEventLoop(app)
    window = Window()
    window.load()
    with loop:
        print("code", loop.run_forever())


def already_running():
    app = QApplication([])
    loop = QEventLoop(app, already_running=True)

    async def main():
        print("running", asyncio.get_running_loop() is loop)
        await asyncio.sleep(0)
        QTimer.singleShot(0, end)

    def end():
        loop.stop()
        loop.close()
        print("closed", loop.is_closed())
        app.exit(5)

    task = loop.create_task(main())
    print("code", getattr(app, "exec", None)())
    print("done", task.done())


def clean_up_at_quit():
    """What is to run before the application is closed, connected to aboutToQuit."""

    @asyncClose
    async def clean_up():
        await asyncio.sleep(0.01)
        print("cleaned up")

    app = QApplication([])
    app.aboutToQuit.connect(clean_up)
    QTimer.singleShot(0, lambda: app.exit(2))
    with QEventLoop(app) as loop:
        print("code", loop.run_forever())


def ended_by_quit(*, catch=False):
    """A coroutine that takes no notice of a quit."""

    async def main():
        QTimer.singleShot(0, lambda: QApplication.instance().exit(4))
        try:
            await asyncio.sleep(3600)
        finally:
            print("cleaned up")

    if catch:
        try:
            qasync.run(main())
        except RuntimeError as exc:  # As programs do that know qasync.
            print("caught", type(exc).__name__, exc.code)
        return
    qasync.run(main())
    print("not reached")


def caught():
    ended_by_quit(catch=True)


def failing_at_quit():
    """What the coroutine raises when it hears of the quit is what comes out."""

    async def main():
        closed = asyncio.Event()
        QApplication.instance().aboutToQuit.connect(closed.set)
        QTimer.singleShot(0, lambda: QApplication.instance().exit(4))
        await closed.wait()
        raise KeyError("unsaved")

    try:
        qasync.run(main())
    except KeyError as exc:
        print("raised", exc)


globals()[sys.argv[1]]()
