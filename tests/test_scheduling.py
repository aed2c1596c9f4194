"""The slicer in a real loop: order, slices, timers, threads. Nested Qt loops: test_nesting.py."""

from __future__ import annotations

import asyncio
import math
import selectors
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable

import pytest
from support import CEILING_S, WITHOUT_DESCRIPTOR, run_qt

from asyncslot import AsyncSlotEventLoop, AsyncSlotSelectorEventLoop
from asyncslot._qt import QtCore
from asyncslot.loop import LONG_QUEUE


def test_call_soon_order_kept_across_slices(loop: AsyncSlotEventLoop) -> None:
    """Callbacks run first in, first out, however many slices they take."""
    loop.time_slice_s = 0
    order: list[int] = []
    for number in range(200):
        loop.call_soon(lambda number=number: (order.append(number), loop.call_soon(order.append, number + 200)))
    loop.call_later(0.001, lambda: loop.call_later(0.001, loop.stop))
    loop.run_forever()
    assert order == list(range(400))


def test_io_polled_once_per_iteration(loop: AsyncSlotEventLoop) -> None:
    """As in asyncio, each batch of callbacks follows one poll for I/O, also when a batch takes several slices."""
    loop.time_slice_s = 0
    polls: list[int] = []
    original = loop._slicer.poll
    loop._slicer.poll = lambda: (polls.append(1), original())[1]
    ran: list[int] = []
    for number in range(20):
        loop.call_soon(ran.append, number)
    loop.call_soon(lambda: loop.call_soon(lambda: loop.call_soon(loop.stop)))
    loop.run_forever()
    assert len(ran) == 20
    assert len(polls) == 3


def test_burst_does_not_hold_up_qt(loop: AsyncSlotEventLoop) -> None:
    """While 20,000 callbacks of 20 µs are ready, a 16 ms Qt timer's 95th-percentile gap stays under 40 ms."""
    gaps_ms: list[float] = []
    last_s = time.perf_counter()

    def tick() -> None:
        nonlocal last_s
        now_s = time.perf_counter()
        gaps_ms.append((now_s - last_s) * 1000)
        last_s = now_s

    def burn() -> None:
        end_s = time.perf_counter() + 20e-6
        while time.perf_counter() < end_s:
            pass

    timer = QtCore.QTimer()
    timer.setTimerType(QtCore.Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    timer.start(16)
    for _ in range(20_000):
        loop.call_soon(burn)
    loop.call_soon(loop.stop)
    last_s = time.perf_counter()
    loop.run_forever()
    timer.stop()
    assert len(gaps_ms) > 10
    assert statistics.quantiles(gaps_ms, n=20)[-1] < 40


def test_sleep_never_ends_early(loop: AsyncSlotEventLoop) -> None:
    """None of 700 sleeps of different lengths ends before its time."""
    early: list[float] = []

    async def sleep(delay_s: float) -> None:
        began_s = loop.time()
        await asyncio.sleep(delay_s)
        if loop.time() - began_s < delay_s:
            early.append(delay_s)

    async def main() -> None:
        await asyncio.gather(*(sleep(number * 0.000777) for number in range(700)))

    loop.run_until_complete(main())
    assert early == []


def test_sleep_alone_never_ends_early(loop: AsyncSlotEventLoop) -> None:
    """A Qt timer that fires a little early does not end the sleep that it was armed for."""

    async def main() -> None:
        for number in range(60):
            delay_s = 0.0003 + number * 0.000333
            began_s = loop.time()
            await asyncio.sleep(delay_s)
            assert loop.time() - began_s >= delay_s

    loop.run_until_complete(main())


def test_timers_fire_in_order_of_deadline(loop: AsyncSlotEventLoop) -> None:
    """Timers fire by deadline, whatever the order in which they were armed; cancelled ones do not."""
    order: list[int] = []
    timers = {number: loop.call_later(number / 1000, order.append, number) for number in (5, 1, 3, 2, 4)}
    timers[3].cancel()
    loop.call_later(0.02, loop.stop)
    loop.run_forever()
    assert order == [1, 2, 4, 5]


def test_timers_cancelled_in_numbers_are_dropped(loop: AsyncSlotEventLoop) -> None:
    """Cancelled timers far in the future do not stay in the heap."""
    timers = [loop.call_later(3600, int) for _ in range(1000)]
    for timer in timers:
        timer.cancel()
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert len(loop._scheduled) < 100


@pytest.mark.parametrize("delay_s", [1e9, math.inf])
def test_timer_beyond_qt_range_waits(loop: AsyncSlotEventLoop, delay_s: float) -> None:
    """A deadline that no QTimer can hold neither fires early nor breaks the loop."""
    fired: list[int] = []
    timer = loop.call_later(delay_s, fired.append, 1)
    assert loop.run_until_complete(asyncio.sleep(0.01, "slept")) == "slept"
    assert not fired
    timer.cancel()


def test_timer_at_nan_refused(loop: AsyncSlotEventLoop) -> None:
    """A time that is not a number has no place among the others."""
    with pytest.raises(ValueError, match="not a number"):
        loop.call_later(math.nan, int)


@pytest.mark.parametrize("debug", [False, True])
def test_task_that_fails_unreferenced_is_reported_in_the_same_iteration(loop: AsyncSlotEventLoop, debug: bool) -> None:
    """No frame of the loop keeps a failed task alive, so asyncio tells at once that nobody has retrieved its error."""
    reports: list[str] = []

    async def fail() -> None:
        raise ValueError

    async def main() -> None:
        loop.set_exception_handler(lambda _, context: reports.append(context["message"]))
        loop.create_task(fail())
        await asyncio.sleep(0)
        assert reports == ["Task exception was never retrieved"]

    loop.set_debug(debug)
    loop.run_until_complete(main())


def test_call_later_on_other_thread_does_not_lose_the_loops_own_timer(loop: AsyncSlotEventLoop) -> None:
    """call_later() of another thread is an error that only debug mode reports; the loop's own timers still fire."""

    def schedule_elsewhere() -> None:
        thread = threading.Thread(target=loop.call_later, args=(0.001, int))
        thread.start()
        thread.join()

    QtCore.QTimer.singleShot(10, schedule_elsewhere)  # The guest waits by then.
    loop.call_later(0.1, loop.stop)
    loop.run_forever()


def test_call_soon_threadsafe_four_threads_nothing_lost(loop: AsyncSlotEventLoop) -> None:
    """4 threads with 5,000 calls each, against run_task() in a loop: none is lost, each thread's order is kept."""
    per_thread = 5_000
    seen: list[list[int]] = [[] for _ in range(4)]
    finished = threading.Barrier(5)

    def post(mine: list[int]) -> None:
        for number in range(per_thread):
            loop.call_soon_threadsafe(mine.append, number)
        finished.wait(CEILING_S)

    async def step() -> None:
        await asyncio.sleep(0)

    async def main() -> None:
        threads = [threading.Thread(target=post, args=(mine,)) for mine in seen]
        for thread in threads:
            thread.start()
        while sum(map(len, seen)) < 4 * per_thread:
            await loop.run_task(step())
        finished.wait(CEILING_S)
        for thread in threads:
            thread.join()

    loop.run_until_complete(main())
    assert seen == [list(range(per_thread))] * 4


def test_call_soon_threadsafe_wakes_idle_guest(attached: AsyncSlotEventLoop) -> None:
    """A thread wakes a guest that waits with nothing else to do."""

    def start(quit_qt: Any) -> None:
        threading.Timer(0.05, attached.call_soon_threadsafe, (quit_qt,)).start()

    run_qt(start)


def test_call_soon_threadsafe_writes_only_while_the_guest_waits(
    attached: AsyncSlotEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An awake guest looks at its queue before it waits, so nobody needs to wake it."""
    writes: list[int] = []
    write = attached._write_to_self
    monkeypatch.setattr(attached, "_write_to_self", lambda: (writes.append(1), write()))

    def post(count: int) -> None:
        thread = threading.Thread(target=lambda: [attached.call_soon_threadsafe(int) for _ in range(count)])
        thread.start()
        thread.join()

    run_qt(lambda quit_qt: attached.call_soon(lambda: (post(100), quit_qt())))
    assert writes == []
    run_qt(lambda quit_qt: attached.call_later(0.02, quit_qt))
    assert attached._slicer.is_waiting
    post(1)
    assert writes == [1]


def test_call_soon_threadsafe_long_queue_slows_threads_down(
    attached: AsyncSlotEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a long queue each call writes, as asyncio's own does, which lets the guest run meanwhile."""
    writes: list[int] = []
    write = attached._write_to_self
    monkeypatch.setattr(attached, "_write_to_self", lambda: (writes.append(1), write()))

    def post() -> None:
        thread = threading.Thread(target=lambda: [attached.call_soon_threadsafe(int) for _ in range(3 * LONG_QUEUE)])
        thread.start()
        thread.join()

    run_qt(lambda quit_qt: attached.call_soon(lambda: (post(), quit_qt())))
    assert LONG_QUEUE < len(writes) <= 2 * LONG_QUEUE


def test_call_soon_threadsafe_threads_without_pause_timers_still_run(loop: AsyncSlotEventLoop) -> None:
    """Four threads queue as fast as they can: a sleep ends all the same."""
    is_over = threading.Event()

    async def nothing() -> None:
        pass

    def flood() -> Any:
        while not is_over.is_set():
            last = asyncio.run_coroutine_threadsafe(nothing(), loop)
        return last

    async def main() -> None:
        with ThreadPoolExecutor(4) as pool:
            floods = [pool.submit(flood) for _ in range(4)]
            timer = threading.Timer(CEILING_S, is_over.set)
            timer.start()
            await asyncio.sleep(0.1)
            was_over = is_over.is_set()
            timer.cancel()
            is_over.set()
        # The last of each thread ends after all others of it.
        for each in floods:
            await asyncio.wrap_future(each.result())
        assert not was_over

    loop.run_until_complete(main())


def test_callback_error_reported_others_run(app: Any) -> None:
    """A callback that raises is reported through the exception handler, as by asyncio, and the batch goes on."""
    loop = AsyncSlotEventLoop()
    reports: list[dict[str, Any]] = []
    order: list[int] = []
    loop.set_exception_handler(lambda _, context: reports.append(context))

    def fail() -> None:
        raise ValueError("mine")

    loop.call_soon(order.append, 1)
    handle = loop.call_soon(fail)
    loop.call_soon(order.append, 2)
    loop.call_soon(loop.stop)
    loop.run_forever()
    loop.close()
    assert order == [1, 2]
    assert len(reports) == 1
    assert "Exception in callback" in reports[0]["message"]
    assert "fail" in reports[0]["message"]
    assert str(reports[0]["exception"]) == "mine"
    assert reports[0]["handle"] is handle


def test_cancelled_handle_does_not_run(loop: AsyncSlotEventLoop) -> None:
    """A handle cancelled while it is queued is passed over."""
    order: list[int] = []
    handle = loop.call_soon(order.append, 1)
    loop.call_soon(order.append, 2)
    handle.cancel()
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert order == [2]


def test_debug_mode_checks_arguments_and_thread(loop: AsyncSlotEventLoop) -> None:
    """Debug mode refuses coroutines as callbacks and calls from the wrong thread, as asyncio's."""
    loop.set_debug(True)

    async def coroutine_function() -> None: ...

    with pytest.raises(TypeError, match="coroutines cannot be used"):
        loop.call_soon(coroutine_function)
    with pytest.raises(TypeError, match="callable"):
        loop.call_later(1, 5)
    errors: list[str] = []

    async def main() -> None:
        await loop.run_in_executor(None, call_from_thread)

    def call_from_thread() -> None:
        try:
            loop.call_soon(int)
        except RuntimeError as exc:
            errors.append(str(exc))

    loop.run_until_complete(main())
    assert "Non-thread-safe operation" in errors[0]


@pytest.mark.parametrize("selector", WITHOUT_DESCRIPTOR)
def test_selector_without_descriptor_carries_io(app: Any, selector: str) -> None:
    """A selector that Qt cannot watch works, by way of a thread: 200 echoes over TCP."""
    loop = AsyncSlotSelectorEventLoop(getattr(selectors, selector)())

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    async def main() -> int:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        count = 0
        for number in range(200):
            writer.write(bytes([number]))
            count += await reader.readexactly(1) == bytes([number])
        writer.close()
        await writer.wait_closed()
        server.close()
        await server.wait_closed()
        return count

    assert loop.run_until_complete(asyncio.wait_for(main(), CEILING_S)) == 200
    loop.close()
    assert "asyncslot-waiter" not in [thread.name for thread in threading.enumerate()]


def test_callbacks_that_fail_do_not_hold_up_qt(attached: AsyncSlotEventLoop) -> None:
    """Callbacks that raise, one after the other, leave Qt its turn like any."""
    attached.set_exception_handler(lambda *_: None)
    ticks: list[int] = []
    left = 40

    def fail() -> None:
        nonlocal left
        left -= 1
        time.sleep(0.003)
        raise ValueError

    def start(quit_qt: Callable[[], None]) -> None:
        timer.timeout.connect(lambda: ticks.append(left))
        timer.start(0)
        for _ in range(left):
            attached.call_soon(fail)
        attached.call_soon(quit_qt)

    timer = QtCore.QTimer()
    run_qt(start)
    timer.stop()
    # At each turn of Qt's there are fewer left: a slice has two of them, or so.
    assert len(set(ticks)) >= 10


def test_callback_may_fail_without_end(attached: AsyncSlotEventLoop) -> None:
    """A callback that queues itself and raises does not keep Qt from its turn."""
    attached.set_exception_handler(lambda *_: None)
    over: list[int] = []

    def fail() -> None:
        if not over:
            attached.call_soon(fail)
        raise ValueError

    def start(quit_qt: Callable[[], None]) -> None:
        attached.call_soon(fail)
        QtCore.QTimer.singleShot(20, lambda: (over.append(1), quit_qt()))

    run_qt(start)
    assert over
