"""The view of a table."""

from __future__ import annotations

from typing import Any

import pytest
from qt import QApplication, Qt, QTest
from test_row_model import Item, Model

from asyncslot._inspector.row_view import RowView, make_action
from asyncslot._qt import QtCore


@pytest.fixture
def view(app: Any) -> Any:
    model = Model()
    view = RowView(model, (10, 20))
    view.resize(300, 200)
    model.set_rows([Item(number, "x") for number in range(1000)])
    view.show()
    view.sortByColumn(0, QtCore.Qt.SortOrder.AscendingOrder)
    QApplication.processEvents()
    yield view
    view.close()


def select(view: RowView, *numbers: int) -> None:
    flags = QtCore.QItemSelectionModel.SelectionFlag
    for number in numbers:
        view.selectionModel().select(view.model().index(number, 0), flags.Select | flags.Rows)
    view.selectionModel().setCurrentIndex(view.model().index(numbers[-1], 0), flags.NoUpdate)


def test_view_computes_only_the_rows_it_shows(view: Any) -> None:
    """Some ten of a thousand; further down others."""
    assert len(set(view.model().computed)) < 50
    view.model().computed.clear()
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum())
    view.refresh()
    QApplication.processEvents()
    assert min(view.model().computed) > 900
    assert max(view.model().computed) == 999


@pytest.mark.parametrize("kept", [range(400, 600), range(0, 1000, 2)], ids=["few changes", "reset"])
def test_view_keeps_selection_and_current_row(view: Any, kept: Any) -> None:
    """Also if the model begins afresh."""
    rows = list(view.model().rows)
    select(view, 410, 450, 411)
    view.model().set_rows([rows[number] for number in kept])
    expected = [number for number in (410, 411, 450) if number in kept]
    assert [row.number for row in view.selected_rows()] == expected
    current = view.current_row()
    assert current is None or current.number == 411


def test_view_keeps_its_scroll_position_in_a_reset(view: Any) -> None:
    """As far as there are rows."""
    view.verticalScrollBar().setValue(300)
    view.model().set_rows(view.model().rows[::2])
    QApplication.processEvents()
    assert view.verticalScrollBar().value() == 300


def test_drawing_after_a_change_is_measured(view: Any) -> None:
    """That of a change only; what comes after it is for the user."""
    view.model().rows[0].text = "other"
    view.drawing_s = 0.0
    view.refresh()
    view.viewport().repaint()
    assert view.drawing_s > 0
    view.drawing_s = 0.0
    view.viewport().repaint()
    assert view.drawing_s == 0


def test_double_click_opens_the_row(view: Any) -> None:
    """The one under the pointer."""
    opened: list[Any] = []
    view.opened.connect(opened.append)
    at = view.visualRect(view.model().index(3, 0)).center()
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    QTest.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    assert [row.number for row in opened] == [3]


def test_action_is_in_the_menu_and_has_its_keys(view: Any) -> None:
    """They act while the view has the keyboard."""
    done: list[int] = []
    action = make_action(view, "Do it", ("Delete",), lambda: done.append(1))
    assert view.actions() == [action]
    view.activateWindow()
    view.setFocus()
    QTest.qWaitForWindowActive(view)
    QTest.keyClick(view, Qt.Key.Key_Delete)
    assert done == [1]
    action.setEnabled(False)
    QTest.keyClick(view, Qt.Key.Key_Delete)
    assert done == [1]


def test_no_rows_are_no_error(view: Any) -> None:
    """There is nothing to compute, and nothing selected."""
    view.model().set_rows([])
    view.refresh()
    assert view.selected_rows() == []
    assert view.current_row() is None
