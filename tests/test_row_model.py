"""A table of objects, sorted and filtered by itself."""

from __future__ import annotations

import random
from typing import Any

import pytest

from asyncslot._inspector.row_model import MAX_RANGES, Column, RowModel
from asyncslot._qt import QtCore, import_qt

DISPLAY = QtCore.Qt.ItemDataRole.DisplayRole
ASCENDING, DESCENDING = QtCore.Qt.SortOrder.AscendingOrder, QtCore.Qt.SortOrder.DescendingOrder


class Item:
    """A row."""

    def __init__(self, number: int, text: str = "") -> None:
        self.number = number
        self.text = text


class Model(RowModel):
    """Computes as few cells as it can."""

    def __init__(self) -> None:
        super().__init__(
            (
                Column("Number", lambda row: str(row.number), lambda row: row.number, lambda row: f"tip {row.number}"),
                Column("Text", self.text_of, lambda row: row.text, lambda row: row.text),
            )
        )
        self.computed: list[int] = []
        self.limit = 10**9

    def text_of(self, row: Item) -> str:
        self.computed.append(row.number)
        return row.text

    def is_wanted(self, row: Item) -> bool:
        return row.number < self.limit


@pytest.fixture
def model(app: Any) -> Model:
    return Model()


def numbers(model: Model) -> list[int]:
    return [row.number for row in model.rows]


def test_rows_are_sorted_and_filtered(model: Model) -> None:
    """Equal ones stay in their order."""
    items = [Item(3, "a"), Item(1, "b"), Item(2, "a")]
    model.set_rows(items)
    assert numbers(model) == [1, 2, 3]
    model.sort(1, ASCENDING)
    assert numbers(model) == [3, 2, 1]
    model.sort(1, DESCENDING)
    assert numbers(model) == [1, 3, 2]
    model.limit = 3
    model.set_rows(items)
    assert numbers(model) == [1, 2]
    assert model.find_number(items[1]) == 0
    assert model.find_number(items[0]) is None


def test_cells_are_computed_when_they_are_asked_for(model: Model) -> None:
    """Not for rows that nobody sees."""
    model.set_rows([Item(number) for number in range(1000)])
    assert model.computed == []
    assert model.data(model.index(7, 0), DISPLAY) == "7"
    assert model.data(model.index(7, 0), QtCore.Qt.ItemDataRole.ToolTipRole) == "tip 7"
    assert model.data(model.index(7, 0), QtCore.Qt.ItemDataRole.FontRole) is None
    assert model.headerData(1, QtCore.Qt.Orientation.Horizontal, DISPLAY) == "Text"
    assert set(model.computed) == {7}
    assert (model.rowCount(), model.columnCount()) == (1000, 2)
    assert model.rowCount(model.index(0, 0)) == 0


@pytest.mark.parametrize("text", ["<b>name</b>\n  <img src='http://host/x'> & co", "<lambda>", "a & b"])
def test_tool_tip_shows_the_text_as_it_is(model: Model, text: str) -> None:
    """A task's name or an error may look like HTML; Qt does not show it as such."""
    model.set_rows([Item(1, text)])
    tip = model.data(model.index(0, 1), QtCore.Qt.ItemDataRole.ToolTipRole)
    document = import_qt("QtGui").QTextDocument()
    # Qt takes the whole for HTML only if it has a tag.
    (document.setHtml if "<" in tip else document.setPlainText)(tip)
    assert document.toPlainText() == text


def test_see_tells_of_what_differs(model: Model) -> None:
    """In ranges."""
    items = [Item(number, "old") for number in range(10)]
    model.set_rows(items)
    model.see(0, 9)
    changed: list[tuple[int, int]] = []
    model.dataChanged.connect(lambda first, last, *_: changed.append((first.row(), last.row())))
    model.take_change()
    model.see(0, 9)
    assert not model.take_change()
    for number in (2, 3, 7):
        items[number].text = "new"
    model.see(0, 9)
    assert changed == [(2, 3), (7, 7)]
    assert model.take_change()
    assert not model.take_change()


def test_persistent_index_follows_its_row(model: Model) -> None:
    """When rows come, go and move; this is how a view keeps its selection."""
    items = [Item(number, f"{number:02}") for number in range(0, 20, 2)]
    model.set_rows(items)
    index = QtCore.QPersistentModelIndex(model.index(5, 0))
    assert model.data(model.index(index.row(), 0), DISPLAY) == "10"
    new = [*items[3:], *(Item(number, "a") for number in (1, 3, 11))]
    model.set_rows(new)
    assert model.data(model.index(index.row(), 0), DISPLAY) == "10"
    model.sort(1, DESCENDING)
    assert model.data(model.index(index.row(), 0), DISPLAY) == "10"
    model.set_rows([])
    assert not index.isValid()


def test_random_changes_agree_with_the_signals(model: Model) -> None:
    """Whoever follows the signals has the same rows."""
    chance = random.Random(7)
    items = [Item(number, str(chance.random())) for number in range(200)]
    copy: list[str] = []

    def read(first: int, last: int) -> list[str]:
        return [model.data(model.index(number, 0), DISPLAY) for number in range(first, last + 1)]

    def insert(_: Any, first: int, last: int) -> None:
        copy[first:first] = read(first, last)

    def remove(_: Any, first: int, last: int) -> None:
        del copy[first : last + 1]

    def replace(*_: Any) -> None:
        copy[:] = read(0, model.rowCount() - 1)

    model.rowsInserted.connect(insert)
    model.rowsRemoved.connect(remove)
    model.layoutChanged.connect(replace)
    model.modelReset.connect(replace)
    for turn in range(60):
        if turn % 5 == 4:
            model.sort(chance.randrange(2), chance.choice((ASCENDING, DESCENDING)))
        model.set_rows(chance.sample(items, chance.randrange(200)) if turn % 2 else model._source[: turn * 3])
        assert copy == [str(row.number) for row in model.rows]
        assert sorted(numbers(model)) == sorted(row.number for row in model._source)


def test_few_changes_are_told_one_by_one_and_many_as_a_reset(model: Model) -> None:
    """A view begins afresh faster than it follows a thousand signals."""
    resets: list[int] = []
    model.set_rows([Item(number) for number in range(1000)])
    model.modelReset.connect(lambda: resets.append(1))
    rows = model.rows
    model.set_rows([row for row in rows if row.number != 500])
    model.set_rows(rows[:990])
    assert resets == []
    model.set_rows(rows[::2])
    assert len(resets) == 1
    assert MAX_RANGES < 500


@pytest.mark.parametrize("mode", ["Fatal"])
def test_model_passes_qts_own_tester(model: Model, mode: str) -> None:
    """QAbstractItemModelTester finds nothing wrong, through all kinds of changes."""
    try:
        tester_class = import_qt("QtTest").QAbstractItemModelTester
    except (ImportError, AttributeError):
        pytest.skip("this binding lacks it")
    tester = tester_class(model, getattr(tester_class.FailureReportingMode, mode))
    items = [Item(number, str(number % 7)) for number in range(100)]
    for rows in (items[:10], items[5:40], items[::2], items, items[::-1], []):
        model.set_rows(rows)
        model.sort(1, DESCENDING)
        model.sort(0, ASCENDING)
    del tester


def test_cell_that_fails_is_a_question_mark() -> None:
    """Qt asks for cells and sorts: with PyQt, what is raised there would end the program."""

    def fail(_: Any) -> str:
        raise RuntimeError

    model = RowModel([Column("title", fail, fail, fail)])
    rows = [object(), object()]
    model.set_rows(rows)
    model.sort(0)
    assert model.rows == rows
    assert model.data(model.index(0, 0)) == "?"
