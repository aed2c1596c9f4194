"""A loop that the program does not close: nothing refers to it when it is collected, or at the end."""

import asyncio

from qt import QCoreApplication

from asyncslot import AsyncSlotEventLoop

app = QCoreApplication([])


async def main() -> None:
    await asyncio.sleep(0)
    print("done")


AsyncSlotEventLoop().run_until_complete(main())
kept = AsyncSlotEventLoop()
kept.run_until_complete(main())
