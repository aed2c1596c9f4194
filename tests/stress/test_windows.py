"""Windows that die by the thousand, with running slots."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from qt import delete
from stress_support import FACTOR, wait_qt, with_seeds

from asyncslot import AsyncSlot, AsyncSlotEventLoop, CancelReason, cancel_reason, run_task
from asyncslot._qt import QtCore, import_qt, is_alive

QtWidgets = import_qt("QtWidgets")

WINDOWS = 1500 * FACTOR
AT_ONCE = 25


class Log:
    """What the slots of all windows did."""

    def __init__(self) -> None:
        self.begun = self.ended = 0
        self.faults: list[str] = []


class Window(QtWidgets.QWidget):
    """A window with a slot that runs when the window dies."""

    def __init__(self, log: Log, parent: Any = None) -> None:
        super().__init__(parent)
        self.log = log
        self.work()
        self.queued()
        self.queued()
        run_task(work(log, self), owner=self)

    @AsyncSlot()
    async def work(self) -> None:
        await work(self.log, self)

    @AsyncSlot(when_busy="queue")
    async def queued(self) -> None:
        await work(self.log, self)


async def work(log: Log, window: Any) -> None:
    """Wait for the window's death, and clean up after it. Nothing else may wake it."""
    log.begun += 1
    try:
        await asyncio.Event().wait()
        log.faults.append("a task went on")
    except asyncio.CancelledError as exc:
        if cancel_reason(exc) is not CancelReason.OWNER_DESTROYED:
            log.faults.append(f"a task was cancelled: {cancel_reason(exc)}")
        await asyncio.sleep(0)
        if is_alive(window):
            log.faults.append("a window lives")
        raise
    finally:
        log.ended += 1


def kill(chance: random.Random, windows: list[Any], parents: list[Any]) -> None:
    """Destroy all these, each in another way."""
    chance.shuffle(windows)
    while windows:
        window = windows.pop()
        way = chance.randrange(3)
        if way == 0:
            window.deleteLater()
        elif way == 1:
            delete(window)
        else:
            window.setParent(parents[-1])
    delete(parents.pop())


@with_seeds(2)
def test_windows_die_with_running_slots(attached: AsyncSlotEventLoop, seed: int) -> None:
    """Each task of a dead window is cancelled for that reason, cleans up once, and never goes on otherwise."""
    chance = random.Random(seed)
    log = Log()
    for _ in range(WINDOWS // 2 // AT_ONCE):
        parents = [QtWidgets.QWidget()]
        windows = [Window(log) for _ in range(AT_ONCE)]
        wait_qt(lambda: True)
        kill(chance, windows, parents)
        wait_qt(lambda: log.ended == log.begun and not asyncio.all_tasks(attached))
    assert log.faults == []
    # Of the two queued calls only one has begun.
    assert log.begun == WINDOWS // 2 // AT_ONCE * AT_ONCE * 3


@with_seeds(1)
def test_windows_die_under_their_own_dialogs(attached: AsyncSlotEventLoop, seed: int) -> None:
    """A window may die while a slot of its has a dialog open: the slot ends when the dialog has returned."""
    ended: list[int] = []

    class Asking(QtCore.QObject):
        @AsyncSlot(int)
        async def ask(self, number: int) -> None:
            dialog = QtWidgets.QDialog()
            QtCore.QTimer.singleShot(0, self.deleteLater)
            QtCore.QTimer.singleShot(2, dialog.accept)
            dialog.exec()
            dialog.deleteLater()
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                ended.append(number)
                raise

    for number in range(100 * FACTOR):
        asking = Asking()
        asking.ask(number)
        wait_qt(lambda: len(ended) == number + 1)  # noqa: B023 - it returns before the next round.
    assert ended == list(range(100 * FACTOR))
