"""The first call of a slot, when the process has no descriptor left for a loop."""

import contextlib
import errno
import logging
import os
import socket
import sys

from qt import QCoreApplication, QObject, Signal

from asyncslot import AsyncSlot, AsyncSlotEventLoop

logging.basicConfig(format="%(levelname)s %(message)s", stream=sys.stdout)


class Source(QObject):
    emitted = Signal()


@AsyncSlot()
async def work() -> None:
    raise AssertionError


def fail(*_: object) -> None:
    raise OSError(errno.EMFILE, "Too many open files")


@contextlib.contextmanager
def without_descriptors():
    if sys.platform == "win32":
        # There is no limit that could be set. The stock loop needs a pair of sockets.
        socket.socketpair = fail
        yield
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    files = []
    with contextlib.suppress(OSError):
        while True:
            files.append(os.open(os.devnull, os.O_RDONLY))
    yield
    for file in files:
        os.close(file)


app = QCoreApplication([])
source = Source()
source.emitted.connect(work)
AsyncSlotEventLoop().close()  # All that is imported late is imported now.
with without_descriptors():
    source.emitted.emit()
print("emitted")
