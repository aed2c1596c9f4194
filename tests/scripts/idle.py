"""
Prints how many voluntary context switches 2 idle seconds with an attached loop take.

On Windows, which does not count them: how often Qt awoke.
"""

import asyncio
import sys

from qt import QCoreApplication, QtCore, QTimer

from asyncslot import run_task

app = QCoreApplication([])
counts = []


if sys.platform == "win32":
    awoke = []
    QtCore.QAbstractEventDispatcher.instance().awake.connect(lambda: awoke.append(1))

    def measure() -> None:
        counts.append(len(awoke))

else:
    import resource

    def measure() -> None:
        counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw)


async def work() -> None:
    await asyncio.sleep(3600)


task = run_task(work())
QTimer.singleShot(500, measure)
QTimer.singleShot(2500, lambda: (measure(), app.quit()))
app.exec()
print(counts[1] - counts[0])
