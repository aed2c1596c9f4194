"""Connection: a function that gets all arguments of a signal, until it is closed or the sender is destroyed."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from qt import BINDING, IS_PYQT, Signal, delete

from asyncslot._qt import Connection, QtCore, binding_version, check_signal, import_qt

QtWidgets = import_qt("QtWidgets")

VERSION = tuple(map(int, binding_version().split(".")[:2]))
IS_OLD_PYSIDE = BINDING == "PySide2" or (BINDING == "PySide6" and VERSION < (6, 7))
# Others keep the function that is connected.
TELLS_OF_SENDERS = BINDING == "PySide2" or (BINDING == "PySide6" and VERSION >= (6, 7))


class Source(QtCore.QObject):
    plain = Signal()
    pair = Signal(int, str)
    selected = Signal(QtCore.QItemSelection)


def connect(signal: Any) -> tuple[Connection, list[Any]]:
    """Connect *signal*; return the connection, and a list of what happens."""
    seen: list[Any] = []
    return Connection(signal, seen.append, lambda: seen.append("dropped")), seen


def test_connection_passes_all_arguments(app: Any) -> None:
    """Of a signal with a default argument, such as clicked(bool), too, but for old versions of PySide."""
    source, button = Source(), QtWidgets.QPushButton()
    connections = [connect(source.plain), connect(source.pair), connect(button.clicked)]
    source.plain.emit()
    source.pair.emit(1, "a")
    button.click()
    clicked = () if IS_OLD_PYSIDE else (False,)
    assert [seen for _, seen in connections] == [[()], [(1, "a")], [clicked]]


def test_connection_closed_is_not_called(app: Any) -> None:
    """close() disconnects, twice is a no-op, and nothing counts as dropped."""
    source = Source()
    connection, seen = connect(source.pair)
    for _ in range(2):
        connection.close()
    source.pair.emit(1, "a")
    del source
    gc.collect()
    assert seen == []


@pytest.mark.skipif(not TELLS_OF_SENDERS, reason="this binding does not tell of the sender's end")
def test_connection_tells_of_the_senders_end(app: Any) -> None:
    """When the C++ object is destroyed, the connection is dropped; closing it is then a no-op."""
    source = Source()
    connection, seen = connect(source.pair)
    delete(source)
    assert seen == ["dropped"]
    connection.close()
    assert seen == ["dropped"]


def test_connection_survives_the_senders_end(app: Any) -> None:
    """On every binding, a connection may be closed after its sender was destroyed."""
    source = Source()
    connection, _ = connect(source.pair)
    delete(source)
    connection.close()


@pytest.mark.parametrize("collected", [False, True])
def test_connection_survives_the_end_of_a_bound_signal(collected: bool, app: Any) -> None:
    """The same if Python has collected the sender: PySide 6.6 crashes in signal.disconnect() then."""
    source = QtCore.QTimer()
    connection, _ = connect(source.timeout)
    if collected:
        del source
        gc.collect()
    connection.close()


@pytest.mark.skipif(not IS_PYQT, reason="PySide copies the arguments itself")
def test_connection_copies_what_ends_with_the_emission(app: Any) -> None:
    """The arguments may be used later."""
    source = Source()
    _, seen = connect(source.selected)
    source.selected.emit(QtCore.QItemSelection())
    ((selection,),) = seen
    assert selection.count() == 0


@pytest.mark.parametrize("signal", [None, 1, "clicked", Source, QtCore.QObject(), lambda: None])
def test_check_signal_refuses_what_is_no_bound_signal(signal: object) -> None:
    """The error says what to pass."""
    with pytest.raises(TypeError, match=r"such as button\.clicked, got"):
        check_signal(signal)


def test_check_signal_refuses_a_class_signal(app: Any) -> None:
    """A signal of a class belongs to no object."""
    with pytest.raises(TypeError, match="a signal of an object"):
        check_signal(Source.plain)
