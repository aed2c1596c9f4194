"""The private names of asyncio that asyncslot uses are there on this Python."""

from __future__ import annotations

import asyncio
import sys
from asyncio import base_events
from typing import Any

import pytest
from support import IS_WINDOWS, only_windows

from asyncslot import AsyncSlotEventLoop, AsyncSlotSelectorEventLoop
from asyncslot._loop import slicer
from asyncslot._task import asyncio_private
from asyncslot._task.asyncio_private import (
    StockFuture,
    StockHandle,
    StockLoop,
    StockProactorLoop,
    StockThreadSafeHandle,
    StockTimerHandle,
)

# What only the selector loop has, which is Windows' stock loop no more.
OF_SELECTOR_LOOPS = {"_process_self_data", "_read_from_self"}
OF_UNIX = {"_signal_handlers"}


@pytest.mark.parametrize("name", list(StockLoop.__annotations__))
def test_loop_attribute_exists(app: Any, loop: AsyncSlotEventLoop, name: str) -> None:
    """The stock loop still has the attribute, which ours reads, sets or overrides."""
    if IS_WINDOWS and name in OF_UNIX:
        pytest.skip("the stock loops of Windows have no signal handlers")
    kind = AsyncSlotSelectorEventLoop if name in OF_SELECTOR_LOOPS else AsyncSlotEventLoop
    stock = next(base for base in kind.__mro__ if base.__module__.startswith("asyncio."))
    assert hasattr(stock, name) or name in vars(loop)


@only_windows
@pytest.mark.parametrize("name", list(StockProactorLoop.__annotations__))
def test_proactor_loop_attribute_exists(app: Any, loop: AsyncSlotEventLoop, name: str) -> None:
    """The stock loop of Windows, or its proactor, still has the attribute."""
    stock = next(base for base in AsyncSlotEventLoop.__mro__ if base.__module__.startswith("asyncio."))
    assert hasattr(stock, name) or name in vars(loop) or name in vars(loop._proactor)


@pytest.mark.parametrize("name", list(StockHandle.__annotations__))
def test_handle_attribute_exists(name: str) -> None:
    """The stock handle still has the slot or method."""
    assert hasattr(asyncio.Handle, name)


@pytest.mark.parametrize("name", list(StockTimerHandle.__annotations__))
def test_timer_handle_attribute_exists(name: str) -> None:
    """The stock timer handle still has the slot."""
    assert hasattr(asyncio.TimerHandle, name)


@pytest.mark.skipif(sys.version_info < (3, 14), reason="before Python 3.14 there are no thread-safe handles")
@pytest.mark.parametrize("name", list(StockThreadSafeHandle.__annotations__))
def test_thread_safe_handle_attribute_exists(name: str) -> None:
    """The thread-safe handle still has the slot."""
    assert hasattr(asyncio_private.ThreadSafeHandle, name)


@pytest.mark.parametrize("name", list(StockFuture.__annotations__))
def test_future_attribute_exists(name: str) -> None:
    """A task still has the attribute; the C version, too."""
    assert hasattr(asyncio.Task, name)


def test_stock_handle_has_no_other_slot() -> None:
    """Our constructors set every slot that the stock handles have, and so need no call of theirs."""
    slots = {*asyncio.Handle.__slots__, *asyncio.TimerHandle.__slots__} - {"__weakref__"}
    assert slots <= {*StockHandle.__annotations__, *StockTimerHandle.__annotations__}


def test_slicer_rebuilds_timers_as_asyncio_does() -> None:
    """The slicer, which imports nothing of asyncio, has asyncio's own two numbers."""
    assert slicer.MIN_SCHEDULED_TIMERS == base_events._MIN_SCHEDULED_TIMER_HANDLES
    assert slicer.MAX_CANCELLED_FRACTION == base_events._MIN_CANCELLED_TIMER_HANDLES_FRACTION


@pytest.mark.parametrize("name", asyncio_private.__all__)
def test_exported_name_exists(name: str) -> None:
    """Each name taken from asyncio was found when the module was imported."""
    is_later = name == "ThreadSafeHandle" and sys.version_info < (3, 14)
    assert (getattr(asyncio_private, name) is None) == is_later


def test_awaited_future_follows_a_task(loop: AsyncSlotEventLoop) -> None:
    """What a task awaits is found, which deadlock detection and on_quit='finish' depend on; a future awaits nothing."""

    async def main() -> None:
        future = loop.create_future()

        async def wait() -> None:
            await future

        task = loop.create_task(wait())
        await asyncio.sleep(0)
        assert asyncio_private.awaited_future(task) is future
        assert asyncio_private.awaited_future(future) is None
        future.set_result(None)
        await task

    loop.run_until_complete(main())


def test_queued_callbacks_are_those_not_run_yet(loop: AsyncSlotEventLoop) -> None:
    """Inside a done callback, the ones behind it are found."""
    seen: list[Any] = []

    async def main() -> None:
        task = loop.create_task(asyncio.sleep(0))
        task.add_done_callback(lambda task: seen.extend(asyncio_private.queued_callbacks(task)))
        task.add_done_callback(print_nothing)
        await asyncio.wait([task])

    loop.run_until_complete(main())
    assert print_nothing in seen


def print_nothing(task: object) -> None: ...


def test_begin_running_refused_under_running_loop(attached: AsyncSlotEventLoop) -> None:
    """A thread has one running loop."""
    other = AsyncSlotEventLoop()
    with pytest.raises(RuntimeError):
        asyncio_private.begin_running(other)
    other.close()
