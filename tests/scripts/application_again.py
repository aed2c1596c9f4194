"""An application is destroyed and another one is made: application_again.py idle|busy|owned delete|shutdown."""

import asyncio
import gc
import logging
import sys

from qt import QCoreApplication, QObject, QTimer, delete

import asyncslot
from asyncslot import AsyncSlot, run_task

logging.basicConfig(format="%(message)s", stream=sys.stdout)


async def wait(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "waited"


class Owner(QObject):
    @AsyncSlot()
    async def wait(self) -> None:
        await wait(3600)


app = QCoreApplication([])
owner = Owner()
task = owner.wait() if sys.argv[1] == "owned" else run_task(wait(0 if sys.argv[1] == "idle" else 3600))
loop = task.get_loop()
for _ in range(5):
    app.processEvents()
if sys.argv[2] == "shutdown":
    app.shutdown()
else:
    delete(app)
del app
gc.collect()
print("closed:", loop.is_closed(), "running:", asyncio._get_running_loop())

app = QCoreApplication([])
task = run_task(wait(0.01))
task.add_done_callback(lambda _: app.quit())
QTimer.singleShot(10_000, app.quit)
app.exec()
print(task.result())
print(asyncslot.run(wait(0.01)))
