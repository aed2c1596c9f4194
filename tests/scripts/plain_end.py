"""Blocking calls that end by themselves: plain_end.py asyncio.run|run_until_complete|run_forever."""

import asyncio
import sys

from qt import QCoreApplication

from asyncslot import AsyncSlotEventLoop

app = QCoreApplication([])
app.aboutToQuit.connect(lambda: print("aboutToQuit"))


async def main() -> None:
    await asyncio.sleep(0.01)


for _ in range(2):
    if sys.argv[1] == "asyncio.run" and sys.version_info >= (3, 12):
        asyncio.run(main(), loop_factory=AsyncSlotEventLoop)
    elif sys.argv[1] == "asyncio.run":
        asyncio.events.new_event_loop = AsyncSlotEventLoop
        asyncio.run(main())
    else:
        loop = AsyncSlotEventLoop()
        if sys.argv[1] == "run_until_complete":
            loop.run_until_complete(main())
        else:
            loop.call_later(0.01, loop.stop)
            loop.run_forever()
        loop.close()
    print("done")
