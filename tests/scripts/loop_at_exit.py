"""A loop that is made and run while the interpreter ends, once of each class."""

import asyncio
import atexit
import selectors

from qt import QtCore

import asyncslot

app = QtCore.QCoreApplication([])


def clean_up() -> None:
    for make in (
        asyncslot.AsyncSlotEventLoop,
        lambda: asyncslot.AsyncSlotSelectorEventLoop(selectors.SelectSelector()),
    ):
        loop = make()
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.close()
    print("cleaned up")


atexit.register(clean_up)
