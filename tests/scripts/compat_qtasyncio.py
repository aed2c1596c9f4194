"""Programs as QtAsyncio's documentation has them, by the names of `asyncslot.compat.QtAsyncio`: CASE."""

import asyncio
import random
import sys

from qt import (
    QApplication,
    QCoreApplication,
    QGridLayout,
    QLabel,
    QObject,
    QPushButton,
    QTimer,
    QVBoxLayout,
    QWidget,
    Signal,
)

from asyncslot.compat import QtAsyncio


def minimal():
    """A button starts a coroutine; QtAsyncio.run() without one keeps everything running."""

    class Window(QWidget):
        def __init__(self):
            super().__init__()
            self.text = QLabel("The answer is 42.")
            self.button = QPushButton("What is the question?")
            self.button.clicked.connect(lambda: asyncio.ensure_future(self.set_text()))
            layout = QVBoxLayout(self)
            layout.addWidget(self.text)
            layout.addWidget(self.button)

        async def set_text(self):
            await asyncio.sleep(0.01)
            self.text.setText("What do you get if you multiply six by nine?")
            print(self.text.text())
            QTimer.singleShot(0, self.close)

    app = QApplication([])
    app.aboutToQuit.connect(lambda: print("aboutToQuit"))
    window = Window()
    window.show()
    QTimer.singleShot(0, window.button.click)
    print(QtAsyncio.run(handle_sigint=True))


class Sieve(QObject):
    """Each prime's coroutine crosses its multiples out, in step with the others."""

    crossed_out = Signal(int)
    done = Signal()

    def __init__(self, limit):
        super().__init__()
        self.limit = limit
        self.is_prime = [True] * limit
        self.tick = asyncio.Event()

    async def start(self):
        tasks = [asyncio.create_task(self.keep_time())]
        number = 2
        while number < self.limit:
            if self.is_prime[number]:
                tasks.append(asyncio.create_task(self.cross_out(number)))
            await self.tick.wait()
            number += 1
        await asyncio.wait(tasks[1:])
        tasks[0].cancel()
        self.done.emit()

    async def keep_time(self):
        while True:
            await asyncio.sleep(0)
            self.tick.set()
            self.tick.clear()

    async def cross_out(self, prime):
        for multiple in range(2 * prime, self.limit, prime):
            self.is_prime[multiple] = False
            self.crossed_out.emit(multiple)
            await self.tick.wait()


def eratosthenes():
    async def main():
        sieve = Sieve(50)
        sieve.crossed_out.connect(lambda number: labels[number].setText(""))
        sieve.done.connect(window.close)
        await sieve.start()
        print(*[label.text() for label in labels[2:] if label.text()])

    app = QApplication([])
    window = QWidget()
    layout = QGridLayout(window)
    labels = [QLabel(str(number)) for number in range(50)]
    for number, label in enumerate(labels):
        layout.addWidget(label, number // 10, number % 10)
    window.show()
    QtAsyncio.run(main(), handle_sigint=True)
    print("after run, application:", QApplication.instance() is app)


def dining():
    """Five philosophers, five forks; nobody starves."""

    async def main():
        async def dine(seat):
            first, second = sorted((seat, (seat + 1) % 5))
            for _ in range(3):
                await asyncio.sleep(random.random() / 1000)
                async with forks[first], forks[second]:
                    await asyncio.sleep(0)
                    meals[seat] += 1

        forks = [asyncio.Lock() for _ in range(5)]
        meals = [0] * 5
        await asyncio.gather(*map(dine, range(5)))
        return meals

    print(QtAsyncio.run(main(), keep_running=False))
    print(type(QCoreApplication.instance()).__name__)


def falsy():
    """A result that is false comes back. The application quits once, or not at all."""
    app = QCoreApplication([])
    app.aboutToQuit.connect(lambda: print("aboutToQuit"))

    async def main():
        await asyncio.sleep(0)
        return 0

    print(QtAsyncio.run(main(), keep_running=False, quit_qapp=False))
    print(QtAsyncio.run(main(), keep_running=False))
    print(QtAsyncio.run(main(), keep_running=False, debug=True))


def network():
    """What QtAsyncio's loop does not have."""

    async def serve(reader, writer):
        writer.write(await reader.readline())
        writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.write(b"over TCP\n")
        print((await reader.readline()).decode().strip())
        writer.close()
        server.close()
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", "print('of a process')", stdout=-1)
        print((await process.communicate())[0].decode().strip())

    QtAsyncio.run(main(), keep_running=False)


def quit_cleans_up():
    app = QCoreApplication([])

    async def main():
        QTimer.singleShot(0, lambda: app.exit(3))
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.01)
            print("cleaned up")

    print(QtAsyncio.run(main()))
    print("after")


def stop():
    """stop() ends run(), and with quit_qapp=False the application goes on."""
    app = QCoreApplication([])
    app.aboutToQuit.connect(lambda: print("aboutToQuit"))

    async def main():
        asyncio.get_running_loop().stop()

    print(QtAsyncio.run(main(), quit_qapp=False))
    print(QtAsyncio.run(main()))


def interrupted():
    async def main():
        print("ready")
        try:
            await asyncio.sleep(3600)
        finally:
            print("cleaned up")

    QtAsyncio.run(main(), handle_sigint=True)


globals()[sys.argv[1]]()
