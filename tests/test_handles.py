"""Handles made fast: the stock ones, but for how they are made."""

from __future__ import annotations

import asyncio
import contextvars
import sys
import threading
from typing import Any

import pytest

from asyncslot import AsyncSlotEventLoop
from asyncslot._loop.handles import Handle, TimerHandle


def read_slots(handle: asyncio.Handle) -> dict[str, Any]:
    """Return all attributes of a handle that it has of its own; contexts by what they contain."""
    names = {name for base in type(handle).__mro__ for name in vars(base).get("__slots__", ())} - {"__weakref__"}
    values = {name: getattr(handle, name) for name in names}
    return {**values, "_context": dict(values["_context"])}


@pytest.mark.parametrize("context", [None, contextvars.Context()])
def test_handle_has_what_the_stock_one_has(loop: AsyncSlotEventLoop, context: Any) -> None:
    """Every attribute that asyncio's constructor sets is set, to the same."""
    loop.set_debug(False)
    arguments = (print, (1, 2), loop, context)
    assert read_slots(Handle(*arguments)) == read_slots(asyncio.Handle(*arguments))
    stock = asyncio.TimerHandle(1.5, *arguments)
    stock._scheduled = True
    assert read_slots(TimerHandle(1.5, *arguments)) == read_slots(stock)


def test_handle_is_shown_as_the_stock_one(loop: AsyncSlotEventLoop) -> None:
    """Its repr() and its cancellation are the stock one's."""
    loop.set_debug(False)
    handles = [
        [Handle(print, (), loop, None), TimerHandle(1.5, print, (), loop, None)],
        [asyncio.Handle(print, (), loop, None), asyncio.TimerHandle(1.5, print, (), loop, None)],
    ]
    for _ in range(2):
        assert [repr(handle) for handle in handles[0]] == [repr(handle) for handle in handles[1]]
        for handle in (*handles[0], *handles[1]):
            handle.cancel()
    loop._timer_cancelled_count = 0  # They were on no heap.


def test_timer_handles_are_ordered_by_time(loop: AsyncSlotEventLoop) -> None:
    """They compare with the stock ones, which debug mode makes, too."""
    loop.set_debug(False)
    early, late = TimerHandle(1.0, print, (), loop, None), asyncio.TimerHandle(2.0, print, (), loop, None)
    assert early < late
    assert not late < early


@pytest.mark.parametrize("debug", [True, False])
def test_call_soon_debug_mode_has_stock_handles(loop: AsyncSlotEventLoop, debug: bool) -> None:
    """In debug mode a handle knows where it was made; the loop's own frames are left out."""
    loop.set_debug(debug)
    handles = [loop.call_soon(int), loop.call_later(0, int), loop.call_at(loop.time(), int)]
    assert [type(handle) in (Handle, TimerHandle) for handle in handles] == [not debug] * 3
    if debug:
        for handle in (*handles, loop.call_soon_threadsafe(int)):
            assert handle._source_traceback[-1].name == "test_call_soon_debug_mode_has_stock_handles"
    loop.run_until_complete(asyncio.sleep(0.001))


@pytest.mark.skipif(sys.version_info < (3, 14), reason="before Python 3.14 handles have no lock")
@pytest.mark.parametrize("debug", [True, False])
def test_cancel_on_another_thread_waits_while_the_callback_runs(loop: AsyncSlotEventLoop, debug: bool) -> None:
    """When cancel() returns, the callback has either ended or will never begin."""
    loop.set_debug(debug)
    begun, order = threading.Event(), []

    def callback() -> None:
        begun.set()
        cancelling.wait()
        order.append("callback")

    def cancel() -> None:
        begun.wait()
        cancelling.set()
        handle.cancel()
        order.append("cancelled")
        loop.call_soon_threadsafe(loop.stop)

    cancelling = threading.Event()
    handle = loop.call_soon_threadsafe(callback)
    thread = threading.Thread(target=cancel)
    thread.start()
    loop.run_forever()
    thread.join()
    assert order == ["callback", "cancelled"]


@pytest.mark.parametrize("debug", [True, False])
def test_thread_safe_callback_fails_reports_it_by_name(loop: AsyncSlotEventLoop, debug: bool) -> None:
    """The report has the callback and the handle that call_soon_threadsafe() returned."""
    loop.set_debug(debug)
    reports: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: reports.append(context))

    def fail() -> None:
        raise ValueError

    handle = loop.call_soon_threadsafe(fail)
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert len(reports) == 1
    assert "fail" in reports[0]["message"]
    assert reports[0]["handle"] is handle


def test_thread_safe_handle_cancelled_runs_nothing(loop: AsyncSlotEventLoop) -> None:
    """A callback that was cancelled before its turn is not called."""
    called: list[int] = []
    loop.call_soon_threadsafe(called.append, 1).cancel()
    loop.call_soon_threadsafe(loop.stop)
    loop.run_forever()
    assert not called
