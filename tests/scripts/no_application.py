"""Every way in without a QCoreApplication."""

import asyncio

from asyncslot import AsyncSlot, AsyncSlotEventLoop, run_task


async def work() -> None:
    pass


loop = AsyncSlotEventLoop()
for call in (
    lambda: loop.run_until_complete(work()),
    loop.run_forever,
    loop.attach,
    lambda: run_task(work()),
    AsyncSlot(work),
):
    try:
        call()
    except RuntimeError as exc:
        print(f"RuntimeError: {str(exc).partition(',')[0]}")
loop.close()
assert asyncio._get_running_loop() is None
