"""The table of what kept the loop waiting."""

from __future__ import annotations

import time
from typing import Any

import pytest

from asyncslot._inspector.delay_model import DelayModel
from asyncslot._inspector.loop_watch import Delay, LoopWatch
from asyncslot._qt import QtCore
from asyncslot._task.description import Place


def test_delays_have_time_kind_duration_and_place(app: Any) -> None:
    """Newest first, as the watch has them."""
    watch, model = LoopWatch(), DelayModel()
    place = Place("work", "/home/me/app.py", 7)
    watch.delays.appendleft(Delay(time.monotonic(), "slow callback", "Window.work", place, 0.064))
    watch.delays.appendleft(Delay(time.monotonic(), "nested Qt loop", "len", None, 1.5))
    model.refresh(watch)
    texts = [model.texts(row) for row in model.rows]
    assert [text[1:] for text in texts] == [
        ["slow callback", "64 ms", "Window.work", "app.py:7 in work()"],
        ["nested Qt loop", "1.50 s", "len", ""],
    ]
    now = time.strftime("%H:%M")
    assert len(texts[0][0]) == len("18:43:07.250")
    assert texts[0][0].startswith(now[:2]) or now.endswith(("00", "59"))


@pytest.mark.parametrize("column", range(5))
def test_each_column_sorts(app: Any, column: int) -> None:
    """Also what is nowhere."""
    watch, model = LoopWatch(), DelayModel()
    for number in range(5):
        place = Place("f", f"{number % 2}.py", number) if number else None
        watch.delays.appendleft(Delay(float(number), f"kind {number % 3}", f"f{number}", place, number / 10))
    model.refresh(watch)
    model.sort(column, QtCore.Qt.SortOrder.DescendingOrder)
    keys = [model.columns[column].key(row) for row in model.rows]
    assert keys == sorted(keys, reverse=True)
    for row in model.rows:
        assert isinstance(model.columns[column].tip(row), str)
