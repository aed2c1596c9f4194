"""DialogHold: which last window is a coroutine's own dialog. The cases of real programs are in test_dialogs."""

from __future__ import annotations

from typing import Any, Iterator

import pytest

from asyncslot._loop.dialog_hold import DialogHold
from asyncslot._qt import import_qt

QtWidgets = import_qt("QtWidgets")


@pytest.fixture
def quits(app: Any) -> Iterator[Any]:
    """The application, which quits when the last window closes."""
    app.setQuitOnLastWindowClosed(True)
    yield app
    app.setQuitOnLastWindowClosed(False)


def test_dialog_awaited_without_a_window_is_own_when_hidden(quits: Any) -> None:
    """Only in the block, and only when it is not visible any more."""
    hold, dialog = DialogHold(), QtWidgets.QDialog()
    with hold.hold(dialog):
        assert hold.is_closed(runs_qt_loop=False)
        dialog.show()
        assert not hold.is_closed(runs_qt_loop=False)
        dialog.hide()
        assert hold.is_closed(runs_qt_loop=False)
    assert not hold.is_closed(runs_qt_loop=False)


def test_dialog_awaited_beside_a_window_is_not_own(quits: Any) -> None:
    """A window that was there makes the last one's end a quit."""
    window = QtWidgets.QWidget()
    window.show()
    hold = DialogHold()
    with hold.hold(QtWidgets.QDialog()):
        assert not hold.is_closed(runs_qt_loop=False)
    window.close()


def test_property_is_off_until_the_block_ends(quits: Any) -> None:
    """And what the program has set itself is left alone."""
    hold = DialogHold()
    with hold.hold(QtWidgets.QDialog()):
        hold.switch_off()
        assert not quits.quitOnLastWindowClosed()
    assert quits.quitOnLastWindowClosed()
    quits.setQuitOnLastWindowClosed(False)
    hold.switch_off()
    hold.restore()
    assert not quits.quitOnLastWindowClosed()
