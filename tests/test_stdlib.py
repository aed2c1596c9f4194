"""The private names of asyncio that asyncslot relies on are there on this Python."""

from __future__ import annotations

from typing import Any

import pytest

from asyncslot import AsyncSlotEventLoop, _stdlib


@pytest.mark.parametrize("name", list(_stdlib.StockLoop.__annotations__))
def test_loop_attribute_exists(app: Any, loop: AsyncSlotEventLoop, name: str) -> None:
    """The stock loop still has the attribute, which ours reads or sets."""
    stock = next(base for base in AsyncSlotEventLoop.__mro__ if base.__module__.startswith("asyncio."))
    assert hasattr(stock, name) or name in vars(loop)


@pytest.mark.parametrize("name", _stdlib.__all__)
def test_exported_name_exists(name: str) -> None:
    """Each name taken from asyncio was found when the module was imported."""
    assert getattr(_stdlib, name) is not None


def test_begin_running_refused_under_running_loop(attached: AsyncSlotEventLoop) -> None:
    """A thread has one running loop."""
    other = AsyncSlotEventLoop()
    with pytest.raises(RuntimeError):
        _stdlib.begin_running(other)
    other.close()
