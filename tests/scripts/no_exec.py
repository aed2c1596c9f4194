"""Ends without ever running Qt's loop, with a loop attached and a task done."""

import asyncio

from qt import QCoreApplication

from asyncslot import run_task

app = QCoreApplication([])


async def nothing() -> None:
    pass


run_task(nothing())
assert asyncio._get_running_loop() is not None
