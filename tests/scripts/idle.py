"""Prints how many voluntary context switches 2 idle seconds with an attached loop take."""

import asyncio
import resource

from qt import QCoreApplication, QTimer

from asyncslot import run_task

app = QCoreApplication([])
counts = []


def measure() -> None:
    counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw)


async def work() -> None:
    await asyncio.sleep(3600)


task = run_task(work())
QTimer.singleShot(500, measure)
QTimer.singleShot(2500, lambda: (measure(), app.quit()))
app.exec()
print(counts[1] - counts[0])
