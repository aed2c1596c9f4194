"""What differs between PySide and PyQt at signals and slots."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from qt import BINDING, Signal, Slot
from support import run_qt

from asyncslot import AsyncSlot, AsyncSlotEventLoop
from asyncslot._qt import QtCore, import_qt, is_slot, own_arguments

QtGui = import_qt("QtGui")
QtWidgets = import_qt("QtWidgets")


class Source(QtCore.QObject):
    """Has one signal of each kind."""

    plain = Signal()
    number = Signal(int)
    pair = Signal(int, str)


def test_is_slot_knows_the_bindings_mark() -> None:
    """What the binding's Slot has decorated is a slot; nothing else is."""

    class Receiver(QtCore.QObject):
        @Slot(int)
        def declared(self, value: int) -> None: ...

        def other(self) -> None: ...

    assert is_slot(Receiver.declared)
    assert not is_slot(Receiver.other)


def test_arguments_that_end_with_the_emission_are_kept(attached: AsyncSlotEventLoop) -> None:
    """A slot may use a value that the emitter has on its stack after a suspension."""
    seen: list[tuple[list[int], int]] = []

    class Receiver(QtCore.QObject):
        @AsyncSlot
        async def on_selection_changed(self, selected: Any, deselected: Any) -> None:
            await asyncio.sleep(0)
            seen.append(([index.row() for index in selected.indexes()], len(deselected.indexes())))

        @AsyncSlot
        async def on_data_changed(self, first: Any, last: Any) -> None:
            await asyncio.sleep(0)
            seen.append(([first.row(), last.row()], 0))

    model = QtGui.QStandardItemModel()
    for number in range(4):
        model.appendRow(QtGui.QStandardItem(str(number)))
    view = QtWidgets.QListView()
    view.setModel(model)
    receiver = Receiver()
    view.selectionModel().selectionChanged.connect(receiver.on_selection_changed)
    model.dataChanged.connect(receiver.on_data_changed)

    def emit_often(quit_qt: Any) -> None:
        for row in range(4):
            view.setCurrentIndex(model.index(row, 0))
            model.setData(model.index(row, 0), "changed")
        attached.call_later(0.01, quit_qt)

    run_qt(emit_often)
    expected = [entry for row in range(4) for entry in (([row], 0 if row == 0 else 1), ([row, row], 0))]
    assert seen == expected


def test_own_arguments_keeps_python_values_and_qobjects(app: Any) -> None:
    """What lives on anyway is passed as it is."""
    arguments = (1, "text", QtCore.QObject(), None, [QtCore.QObject()])
    kept = own_arguments(arguments)
    assert all(one is other for one, other in zip(kept, arguments))


@pytest.mark.parametrize("decorate", [AsyncSlot, AsyncSlot()], ids=["bare", "()"])
def test_slot_gets_as_many_arguments_as_it_has_parameters(attached: AsyncSlotEventLoop, decorate: Any) -> None:
    """Without declared types, a slot gets what it has parameters for, from each signal, also by default values."""
    seen: list[tuple[object, ...]] = []

    class Receiver(QtCore.QObject):
        @decorate
        async def none(self) -> None:
            seen.append(())

        @decorate
        async def one(self, value: object) -> None:
            seen.append((value,))

        @decorate
        async def optional(self, value: object = "default") -> None:
            seen.append((value,))

        @decorate
        async def two(self, first: object = 1, second: object = 2) -> None:
            seen.append((first, second))

    receiver, source, button = Receiver(), Source(), QtWidgets.QPushButton()
    source.plain.connect(receiver.none)
    source.plain.connect(receiver.optional)
    source.plain.emit()
    assert seen == [(), ("default",)]
    seen.clear()
    for slot in (receiver.none, receiver.one, receiver.optional, receiver.two):
        source.pair.connect(slot)
    source.pair.emit(7, "x")
    assert seen == [(), (7,), (7,), (7, "x")]
    seen.clear()
    for slot in (receiver.none, receiver.one, receiver.optional, receiver.two):
        button.clicked.connect(slot)
    button.click()
    assert seen[:3] == [(), (False,), (False,)]
    # PySide2, and PySide6 6.6, look for the overload with just as many arguments, and else take clicked() without any.
    assert seen[3] == (False, 2) or (BINDING.startswith("PySide") and seen[3] == (1, 2))


class Named(QtCore.QPoint):
    """A value of the program's own, that no copy constructor could copy."""

    def __init__(self, name: str) -> None:
        super().__init__(1, 2)
        self.name = name


def test_own_arguments_keeps_what_python_has_made(attached: AsyncSlotEventLoop) -> None:
    """A value that Python has made is passed as it is, by a signal and by a call; it may be written to."""
    seen: list[object] = []

    class Receiver(QtCore.QObject):
        emitted = Signal(object)

        @AsyncSlot
        async def on_emitted(self, value: Named) -> None:
            value.setX(99)
            seen.append(value)

    receiver, named = Receiver(), Named("n")
    receiver.emitted.connect(receiver.on_emitted)
    receiver.emitted.emit(named)
    receiver.on_emitted(named)
    assert seen == [named, named]
    assert all(value is named for value in seen)
    assert (named.x(), named.name) == (99, "n")
