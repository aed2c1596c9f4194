"""The first call of a slot, when the process has no descriptor left for a loop."""

import logging
import os
import resource
import sys

from qt import QCoreApplication, QObject, Signal

from asyncslot import AsyncSlot, AsyncSlotEventLoop

logging.basicConfig(format="%(levelname)s %(message)s", stream=sys.stdout)


class Source(QObject):
    emitted = Signal()


@AsyncSlot()
async def work() -> None:
    raise AssertionError


app = QCoreApplication([])
source = Source()
source.emitted.connect(work)
AsyncSlotEventLoop().close()  # All that is imported late is imported now.
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
files = []
try:
    while True:
        files.append(os.open(os.devnull, os.O_RDONLY))
except OSError:
    pass
source.emitted.emit()
for file in files:
    os.close(file)
print("emitted")
