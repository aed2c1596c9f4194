"""Every way in without a QCoreApplication."""

import asyncio
import logging
import sys

from asyncslot import AsyncSlot, AsyncSlotEventLoop, run_task


async def work() -> None:
    pass


loop = AsyncSlotEventLoop()
for call in (
    lambda: loop.run_until_complete(work()),
    loop.run_forever,
    loop.attach,
    lambda: run_task(work()),
):
    try:
        call()
    except RuntimeError as exc:
        print(f"RuntimeError: {str(exc).partition(',')[0]}")
loop.close()
logging.basicConfig(format="%(levelname)s %(message)s", stream=sys.stdout)
future = AsyncSlot(work)()
print(f"{future.exception()!r}".partition(",")[0])
assert asyncio._get_running_loop() is None
