"""A QThread with a Qt loop, in which a slot runs a task that is still alive at the end."""

import asyncio

from qt import QCoreApplication, QObject, Qt, QThread, QTimer, Signal

from asyncslot import AsyncSlot


class Worker(QObject):
    start = Signal()

    @AsyncSlot()
    async def on_start(self) -> None:
        self.loop = asyncio.get_running_loop()
        print("started on worker:", QThread.currentThread() == thread)
        QTimer.singleShot(0, thread.quit)
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.01)
            print("clean on worker:", QThread.currentThread() == thread)


app = QCoreApplication([])
thread = QThread()
worker = Worker()
worker.moveToThread(thread)
worker.start.connect(worker.on_start, Qt.ConnectionType.QueuedConnection)
thread.finished.connect(app.quit, Qt.ConnectionType.QueuedConnection)
thread.start()
worker.start.emit()
app.exec()
thread.wait()
print("closed:", worker.loop.is_closed())
