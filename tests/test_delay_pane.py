"""The pane of delays."""

from __future__ import annotations

import time
from typing import Any, Iterator

import pytest
from qt import QApplication, Qt, QTest

from asyncslot._inspector import delay_pane
from asyncslot._inspector.delay_pane import DelayPane
from asyncslot._inspector.loop_watch import Delay, LoopWatch
from asyncslot._task.description import Place


@pytest.fixture
def pane(app: Any) -> Iterator[DelayPane]:
    watch = LoopWatch()
    watch.delays.appendleft(Delay(time.monotonic(), "slow callback", "work", Place("work", "/app.py", 7), 0.064))
    watch.delays.appendleft(Delay(time.monotonic(), "slow callback", "len", None, 0.1))
    pane = DelayPane(watch)
    pane.show()
    pane.refresh()
    pane.activateWindow()
    pane.view.setFocus()
    assert QTest.qWaitForWindowActive(pane)
    yield pane
    pane.close()


def test_limit_is_the_watchs(pane: DelayPane) -> None:
    """In milliseconds."""
    assert pane.limit_box.value() == 50
    pane.limit_box.setValue(20)
    assert pane._watch.slow_s == 0.02
    pane._watch.slow_s = 0.1  # Another inspector's.
    pane.refresh()
    assert pane.limit_box.value() == 100


def test_copy_and_open(pane: DelayPane, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not written in Python has no line to open."""
    opened: list[Any] = []
    said: list[str] = []
    monkeypatch.setattr(delay_pane, "open_line", lambda file, line: opened.append((file, line)) or "")
    pane.said.connect(said.append)
    for number in range(2):
        pane.view.setCurrentIndex(pane.model.index(number, 0))
        QTest.keyClick(pane.view, Qt.Key.Key_Return)
    assert opened == [("/app.py", 7)]
    assert sorted(said) == ["", "It is not written in Python."]
    QTest.keyClick(pane.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text().split("\t")[1] == "slow callback"


def test_reset_counts_from_zero(pane: DelayPane) -> None:
    """And forgets the delays."""
    pane.frames.count.tick(0)
    pane.frames.count.tick(1)
    pane.refresh()
    assert pane.frames_label.text().endswith(": 59. Longest gap: 1.00 s.")
    QTest.mouseClick(pane.reset_button, Qt.MouseButton.LeftButton)
    assert pane.frames_label.text().endswith(": 0. Longest gap: none yet.")
    assert pane.model.rowCount() == 0
