"""Quits with code 4 while a document is being saved: finish.py attached|blocking [patient]."""

import asyncio
import sys

from qt import QCoreApplication, QObject, QTimer

from asyncslot import AsyncSlot, AsyncSlotEventLoop, cancel_reason

app = QCoreApplication([])


class Document(QObject):
    @AsyncSlot(on_quit="finish")
    async def save(self) -> None:
        self.background = asyncio.ensure_future(self.idle())
        await asyncio.wait_for(asyncio.sleep(0.05), 10)
        await self.write()
        print("saved")

    @AsyncSlot()
    async def write(self) -> None:
        await asyncio.sleep(0.05)

    @AsyncSlot()
    async def save_and_tell(self) -> None:
        await self.save()
        print("told")

    async def idle(self) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            print("background cancelled")

    @AsyncSlot()
    async def other(self) -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError as exc:
            print("other cancelled:", cancel_reason(exc).value)
            if "patient" in sys.argv:
                await asyncio.sleep(0.3)  # Longer than saving takes.
                print("cleaned up")


document = Document()


def start() -> None:
    document.save_and_tell()
    document.other()
    QTimer.singleShot(10, lambda: app.exit(4))


QTimer.singleShot(0, start)
if sys.argv[1] == "attached":
    sys.exit(app.exec())
loop = AsyncSlotEventLoop()
try:
    loop.run_until_complete(asyncio.sleep(3600))
finally:
    loop.close()
