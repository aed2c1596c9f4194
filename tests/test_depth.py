"""DepthLimit: when the guest nests no further."""

from __future__ import annotations

import logging
import sys
from typing import Callable

import pytest

from asyncslot._loop.depth import FREE_DEPTH, MAX_DEPTH, DepthLimit


def in_stack_of(count: int, function: Callable[[], bool]) -> bool:
    """Call a function below *count* more frames of Python."""
    return function() if count == 0 else in_stack_of(count - 1, function)


def test_limit_is_reached_at_the_depth() -> None:
    """So many frames of the guest, and no more, may be on the stack."""
    limit = DepthLimit()
    assert not limit.is_reached(0)
    assert not limit.is_reached(MAX_DEPTH - 1)
    assert limit.is_reached(MAX_DEPTH)


@pytest.mark.parametrize(("depth", "reached"), [(FREE_DEPTH - 1, False), (FREE_DEPTH, True)])
def test_limit_is_reached_when_python_stack_is_half_full(depth: int, reached: bool) -> None:
    """Deep calls of the program's own count, too, from some depth on."""
    frames = sys.getrecursionlimit() // 2
    assert in_stack_of(frames, lambda: DepthLimit().is_reached(depth)) == reached
    assert not DepthLimit().is_reached(depth)
    assert DepthLimit().is_reached(depth, spare_frames=frames) == reached


def test_limit_warns_once_and_names_the_place(caplog: pytest.LogCaptureFixture) -> None:
    """The first time, one line says where the innermost Qt loop was opened."""
    limit = DepthLimit()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            limit.is_reached(MAX_DEPTH)
    (record,) = caplog.records
    assert f"{MAX_DEPTH} Qt event loops are open" in record.message
    assert f"test_limit_warns_once_and_names_the_place() at {__file__}" in record.message
