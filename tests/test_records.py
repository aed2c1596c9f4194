"""Who emitted the signal that a slot's task began with."""

from __future__ import annotations

import asyncio

from qt import Signal
from support import IS_WINDOWS, run_qt, run_script

from asyncslot import AsyncSlot, AsyncSlotEventLoop, sender
from asyncslot._qt import QtCore, import_qt

QtWidgets = import_qt("QtWidgets")


class Source(QtCore.QObject):
    fired = Signal()


class Receiver(QtCore.QObject):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[object] = []

    @AsyncSlot()
    async def on_fired(self) -> None:
        self.seen.append(sender())
        await asyncio.sleep(0.001)
        self.seen.append(sender())


def test_sender_known_after_suspension(attached: AsyncSlotEventLoop) -> None:
    """Each of two tasks of one slot knows its own sender, before its first suspension and after."""
    receiver, sources = Receiver(), [Source(), Source()]
    for source in sources:
        source.fired.connect(receiver.on_fired)
        source.fired.emit()
    run_qt(lambda quit_qt: attached.call_later(0.05, quit_qt))
    assert receiver.seen == [*sources, *sources]


def test_sender_is_that_of_the_call_after_a_nested_emission(attached: AsyncSlotEventLoop) -> None:
    """Another signal may call the same object's slot during the first step: each task keeps its own sender."""
    seen: list[tuple[str, object, object]] = []

    class Receiver(QtCore.QObject):
        @AsyncSlot()
        async def on_outer(self) -> None:
            before = sender()
            buttons[1].click()
            seen.append(("outer", before, sender()))
            await asyncio.sleep(0)
            seen.append(("outer later", sender(), None))

        @AsyncSlot()
        async def on_inner(self) -> None:
            before = sender()
            await asyncio.sleep(0)
            seen.append(("inner later", before, sender()))

    receiver = Receiver()
    buttons = [QtWidgets.QPushButton(), QtWidgets.QPushButton()]
    buttons[0].clicked.connect(receiver.on_outer)
    buttons[1].clicked.connect(receiver.on_inner)
    buttons[0].click()
    run_qt(lambda quit_qt: attached.call_later(0.01, quit_qt))
    assert sorted(seen, key=str) == sorted(
        [
            ("outer", buttons[0], buttons[0]),
            ("inner later", buttons[1], buttons[1]),
            ("outer later", buttons[0], None),
        ],
        key=str,
    )


def test_sender_none_without_signal(attached: AsyncSlotEventLoop) -> None:
    """A slot that Python calls has no sender; nor has code outside a task."""
    receiver = Receiver()
    receiver.on_fired()
    run_qt(lambda quit_qt: attached.call_later(0.05, quit_qt))
    assert receiver.seen == [None, None]
    assert sender() is None


def test_sender_gone_is_none(attached: AsyncSlotEventLoop) -> None:
    """The sender is not kept alive."""
    receiver, source = Receiver(), Source()
    source.fired.connect(receiver.on_fired)
    source.fired.emit()
    del source, receiver.seen[:]
    run_qt(lambda quit_qt: attached.call_later(0.05, quit_qt))
    assert receiver.seen == [None]


def test_sender_without_loop_is_none() -> None:
    """Where no loop runs there is no sender."""
    assert sender() is None


def test_sender_outside_a_slot_after_loops_in_threads() -> None:
    """PyQt notes the sender in a variable of all threads; our wake-ups do not leave it dangling."""
    # Wine takes minutes for the tracebacks of debug mode.
    finished = run_script("threads_sender", options=("-W", "error") if IS_WINDOWS else ("-X", "dev", "-W", "error"))
    assert finished.lines == ["None"] * 3
    assert (finished.code, finished.errors) == (0, "")
