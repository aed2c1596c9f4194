"""Runs the application's Qt loop twice, with a task in each."""

import asyncio

from qt import QCoreApplication, QTimer

from asyncslot import run_task

app = QCoreApplication([])


async def work(number: int) -> None:
    try:
        await asyncio.sleep(3600)
    finally:
        await asyncio.sleep(0)
        print(number, "cancelled")


loops = []
for number in (1, 2):
    loops.append(run_task(work(number)).get_loop())
    QTimer.singleShot(20, app.quit)
    app.exec()
    print("exec", number)
print("loops differ:", loops[0] is not loops[1])
