"""Qt loops nested in tasks, callbacks and first steps: everything else goes on. It has no module of its own."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import time
from typing import Any, Callable

import pytest
from support import CEILING_S, run_coroutine, run_qt

import asyncslot
from asyncslot import AsyncSlot, AsyncSlotEventLoop
from asyncslot._loop import blocking_calls
from asyncslot._loop.depth import MAX_DEPTH
from asyncslot._qt import QtCore, exec_loop, import_qt

QtWidgets = import_qt("QtWidgets")

# How often each kind of activity must be seen to go on while a dialog is open. Arbitrary.
STEPS = 20


class Activities:
    """Tasks that only yield, that sleep, that wait for each other, a timer, and a TCP echo."""

    def __init__(self, loop: AsyncSlotEventLoop) -> None:
        self.loop = loop
        self.counts = dict.fromkeys(("yielding", "sleeping", "handing on", "timer", "echo"), 0)
        self.tasks: list[asyncio.Task[Any]] = []
        self.handlers: list[asyncio.Task[Any]] = []

    async def __aenter__(self) -> Activities:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.queue: asyncio.Queue[int] = asyncio.Queue()
        for activity in (self.yield_on(), self.sleep_on(), self.put(), self.get(), self.echo()):
            self.tasks.append(self.loop.create_task(activity))
        self.tick()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.timer.cancel()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await asyncio.gather(*self.handlers)
        self.server.close()
        await self.server.wait_closed()

    async def yield_on(self) -> None:
        while True:
            self.counts["yielding"] += 1
            await asyncio.sleep(0)

    async def sleep_on(self) -> None:
        while True:
            self.counts["sleeping"] += 1
            await asyncio.sleep(0.001)

    async def put(self) -> None:
        while True:
            await self.queue.put(0)
            await asyncio.sleep(0.001)

    async def get(self) -> None:
        while True:
            await self.queue.get()
            self.counts["handing on"] += 1

    def tick(self) -> None:
        self.counts["timer"] += 1
        self.timer = self.loop.call_later(0.001, self.tick)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.handlers.append(asyncio.current_task())
        # The client is cancelled with its last echo unread.
        with contextlib.closing(writer), contextlib.suppress(ConnectionResetError):
            while data := await reader.read(100):
                writer.write(data)

    async def echo(self) -> None:
        reader, writer = await asyncio.open_connection(*self.server.sockets[0].getsockname())
        with contextlib.closing(writer):
            while True:
                writer.write(b"x")
                await reader.readexactly(1)
                self.counts["echo"] += 1

    async def wait_progress(self) -> None:
        """Wait until each has made `STEPS` steps."""
        before = dict(self.counts)
        while any(self.counts[kind] < before[kind] + STEPS for kind in before):
            await asyncio.sleep(0.001)


def exec_box(on_open: Callable[[Any], object]) -> None:
    """Run a message box's nested Qt loop."""
    box = QtWidgets.QMessageBox()
    QtCore.QTimer.singleShot(0, lambda: on_open(box))
    box.exec()


def open_in_task(loop: AsyncSlotEventLoop, open_box: Callable[[], None]) -> asyncio.Future[None]:
    async def body() -> None:
        await asyncio.sleep(0)
        me = asyncio.current_task()
        open_box()
        assert asyncio.current_task() is me
        await asyncio.sleep(0)

    return loop.create_task(body())


def open_in_callback(loop: AsyncSlotEventLoop, open_box: Callable[[], None]) -> asyncio.Future[None]:
    done = loop.create_future()
    loop.call_soon(lambda: (open_box(), done.set_result(None)))
    return done


def open_in_first_step(loop: AsyncSlotEventLoop, open_box: Callable[[], None]) -> asyncio.Future[None]:
    @AsyncSlot
    async def slot() -> None:
        open_box()
        await asyncio.sleep(0)

    done = loop.create_future()

    def emit() -> None:
        slot().add_done_callback(lambda task: done.set_result(task.result()))

    QtCore.QTimer.singleShot(0, emit)
    return done


OPENERS = [open_in_task, open_in_callback, open_in_first_step]


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize("mode", ["blocking", "attached"])
def test_dialog_in_callback_others_go_on(loop: AsyncSlotEventLoop, opener: Any, mode: str) -> None:
    """While a message box runs its Qt loop inside guest code, tasks, timers and I/O go on."""

    async def main() -> None:
        async with Activities(loop) as activities:

            def on_open(box: Any) -> None:
                asyncio.ensure_future(activities.wait_progress(), loop=loop).add_done_callback(lambda _: box.accept())

            await asyncio.wait_for(opener(loop, lambda: exec_box(on_open)), CEILING_S)
            await activities.wait_progress()

    run_in_mode(loop, mode, main())


@pytest.mark.parametrize("inner", OPENERS)
@pytest.mark.parametrize("outer", OPENERS)
def test_dialog_in_dialog_others_go_on(loop: AsyncSlotEventLoop, outer: Any, inner: Any) -> None:
    """With a second box opened while the first one runs, everything goes on in both; the inner returns first."""
    order = []

    async def main() -> None:
        async with Activities(loop) as activities:

            def close_after_progress(box: Any, name: str) -> None:
                def close(_: object) -> None:
                    order.append(name)
                    box.accept()

                asyncio.ensure_future(activities.wait_progress(), loop=loop).add_done_callback(close)

            def on_outer_open(box: Any) -> None:
                inner(loop, lambda: exec_box(lambda other: close_after_progress(other, "inner"))).add_done_callback(
                    lambda _: close_after_progress(box, "outer")
                )

            await asyncio.wait_for(outer(loop, lambda: exec_box(on_outer_open)), CEILING_S)
            await activities.wait_progress()

    loop.run_until_complete(main())
    assert order == ["inner", "outer"]


def run_in_mode(loop: AsyncSlotEventLoop, mode: str, coro: Any) -> None:
    """Run *coro* in blocking mode, or attached to a Qt loop of the application's."""
    if mode == "blocking":
        loop.run_until_complete(coro)
        return
    loop.attach()
    tasks = []

    def start(quit_qt: Callable[[], None]) -> None:
        tasks.append(loop.run_task(coro))
        tasks[0].add_done_callback(lambda _: quit_qt())

    run_qt(start, 3 * CEILING_S)
    tasks[0].result()


def test_batch_interrupted_by_nested_loop_order_kept(loop: AsyncSlotEventLoop) -> None:
    """A nested Qt loop goes on with the batch that it interrupts, first in, first out, each handle once."""
    order: list[int] = []
    qt_loop = QtCore.QEventLoop()

    def nest() -> None:
        order.append(-1)
        qt_loop.exec()
        order.append(-2)

    for number in range(5):
        loop.call_soon(order.append, number)
    loop.call_soon(nest)
    for number in range(5, 10):
        loop.call_soon(order.append, number)
    loop.call_soon(lambda: loop.call_soon(qt_loop.quit))
    loop.call_soon(lambda: loop.call_soon(loop.call_soon, loop.stop))
    loop.run_forever()
    assert order == [0, 1, 2, 3, 4, -1, 5, 6, 7, 8, 9, -2]


@pytest.mark.parametrize("debug", [False, True])
def test_context_entered_up_the_stack_callback_runs_later(loop: AsyncSlotEventLoop, debug: bool) -> None:
    """A callback whose context a nested loop's opener is in runs when that context is left, and is not lost."""
    loop.set_debug(debug)
    loop.slow_callback_duration = CEILING_S
    context = contextvars.copy_context()
    order: list[str] = []
    qt_loop = QtCore.QEventLoop()

    def nest() -> None:
        loop.call_soon(order.append, "same context", context=context)
        loop.call_soon(order.append, "other context")
        loop.call_soon(qt_loop.quit)
        qt_loop.exec()
        order.append("left")

    loop.call_soon(nest, context=context)
    loop.call_later(0.05, loop.stop)
    loop.run_forever()
    assert order == ["other context", "left", "same context"]


def test_context_entered_handle_waits_without_wakeups(loop: AsyncSlotEventLoop) -> None:
    """While a callback waits for its context, the nested loop is idle: the guest is not called."""
    context = contextvars.copy_context()
    qt_loop = QtCore.QEventLoop()
    wakes = []

    def nest() -> None:
        loop.call_soon(int, context=context)
        QtCore.QTimer.singleShot(200, qt_loop.quit)
        original = loop._slicer.run
        loop._slicer.run = lambda *args: (wakes.append(1), original(*args))  # type: ignore[method-assign]
        qt_loop.exec()
        del loop._slicer.run

    loop.call_soon(nest, context=context)
    loop.call_later(0.3, loop.stop)
    loop.run_forever()
    assert len(wakes) < 5


def test_slow_callback_report_leaves_out_nested_loop(
    loop: AsyncSlotEventLoop, caplog: pytest.LogCaptureFixture
) -> None:
    """In debug mode, a callback that waits in a dialog is not reported as slow; one that computes is."""
    loop.set_debug(True)
    loop.slow_callback_duration = 0.1
    qt_loop = QtCore.QEventLoop()

    def wait_in_dialog() -> None:
        QtCore.QTimer.singleShot(300, qt_loop.quit)
        qt_loop.exec()

    def compute() -> None:
        end_s = loop.time() + 0.2
        while loop.time() < end_s:
            pass

    loop.call_soon(wait_in_dialog)
    loop.call_soon(compute)
    loop.call_soon(loop.stop)
    loop.run_forever()
    reports = [record.getMessage() for record in caplog.records if "Executing" in record.getMessage()]
    assert len(reports) == 1
    assert "compute" in reports[0]


def test_context_left_wakes_idle_guest(attached: AsyncSlotEventLoop) -> None:
    """What waited for a context runs when that is left, though nothing else wakes the guest."""
    context = contextvars.copy_context()
    order: list[str] = []

    def start(quit_qt: Callable[[], None]) -> None:
        def open_loop() -> None:
            attached.call_soon(lambda: (order.append("ran"), quit_qt()), context=context)
            nested = QtCore.QEventLoop()
            QtCore.QTimer.singleShot(30, nested.quit)
            nested.exec()
            order.append("left")

        attached.call_soon(open_loop, context=context)

    run_qt(start)
    assert order == ["left", "ran"]


@pytest.mark.parametrize("before", range(6))
def test_stop_in_nested_loop_finishes_the_iteration(loop: AsyncSlotEventLoop, before: int) -> None:
    """What is ready when stop() is called runs, wherever the clock is looked at, in a nested Qt loop, too."""
    ran: list[int] = []

    def run_slowly(number: int) -> None:
        time.sleep(0.003)
        ran.append(number)

    def open_loop() -> None:
        nested = QtCore.QEventLoop()
        QtCore.QTimer.singleShot(20, nested.quit)
        loop.call_soon(loop.stop)
        for number in range(20):
            loop.call_soon(run_slowly, number)
        nested.exec()

    for _ in range(before):
        loop.call_soon(int)
    loop.call_soon(open_loop)
    loop.run_forever()
    assert ran == list(range(20))


@pytest.mark.parametrize("how", ["dialog", "processEvents"])
def test_many_tasks_that_nest_all_end(attached: AsyncSlotEventLoop, how: str, caplog: Any) -> None:
    """More tasks open a Qt loop than Python's stack has room for: the rest waits, and one warning says so."""
    deepest = 0

    async def nest(go: asyncio.Event) -> None:
        nonlocal deepest
        await go.wait()
        deepest = max(deepest, attached._slicer.depth)
        if how == "dialog":
            dialog = QtWidgets.QDialog()
            QtCore.QTimer.singleShot(0, dialog.accept)
            exec_loop(dialog)
        else:
            QtCore.QCoreApplication.processEvents()

    async def run_all() -> None:
        go = asyncio.Event()
        tasks = [asyncio.create_task(nest(go)) for _ in range(400)]
        await asyncio.sleep(0)
        go.set()
        await asyncio.gather(*tasks)

    run_coroutine(run_all())
    assert deepest <= MAX_DEPTH
    assert len(caplog.records) == (deepest == MAX_DEPTH)


def test_blocking_call_too_deep_is_refused(attached: AsyncSlotEventLoop) -> None:
    """At the depth at which the guest does not run, a blocking call could not end: it raises."""
    errors: list[BaseException] = []

    def block() -> None:
        try:
            asyncslot.run(asyncio.sleep(0))
        except RuntimeError as exc:
            errors.append(exc)

    def nest(left: int) -> None:
        nested = QtCore.QEventLoop()
        if left:
            attached.call_soon(nest, left - 1)
            attached.call_soon(nested.quit)
        else:
            QtCore.QTimer.singleShot(0, lambda: (block(), nested.quit()))
        exec_loop(nested)

    run_qt(lambda quit_qt: (attached.call_soon(nest, MAX_DEPTH - 1), attached.call_soon(quit_qt)))
    (error,) = errors
    assert "too many Qt event loops are nested" in str(error)


def test_blocking_call_in_process_events_of_coroutine_says_the_way_out(attached: AsyncSlotEventLoop) -> None:
    """Qt does not tell of processEvents(), so such a slot counts as the coroutine's code; the message says so."""
    errors: list[str] = []

    def block() -> None:
        try:
            asyncslot.run(asyncio.sleep(0))
        except RuntimeError as exc:
            errors.append(str(exc))

    async def main() -> None:
        QtCore.QTimer.singleShot(0, block)
        while not errors:
            QtCore.QCoreApplication.processEvents()

    run_coroutine(main())
    assert "If this is a slot that Qt calls in a coroutine's processEvents()" in errors[0]


def test_many_first_steps_leave_a_dialog_responsive(attached: AsyncSlotEventLoop, caplog: Any) -> None:
    """First steps that start each other are no Qt loops: in the dialog that the last one opens, asyncio goes on."""

    async def close(dialog: Any) -> None:
        await asyncio.sleep(0)
        dialog.accept()

    async def start(left: int) -> None:
        if left:
            asyncslot.run_task(start(left - 1))
            return
        dialog = QtWidgets.QDialog()
        asyncslot.run_task(close(dialog))
        exec_loop(dialog)

    run_coroutine(start(MAX_DEPTH // 2))
    assert not caplog.records


# -- dispatchers that do not tell when they wait --


def open_dialog(loop: AsyncSlotEventLoop, then: Callable[[], object]) -> None:
    """Run a nested Qt loop for a moment, and make something ready at its end."""
    dialog = QtCore.QEventLoop()
    QtCore.QTimer.singleShot(100, dialog.quit)
    dialog.exec()
    then()


@pytest.mark.parametrize("busy", ["guest", "program"])
def test_call_ends_behind_a_dialog_although_qt_never_sleeps(loop: AsyncSlotEventLoop, busy: str) -> None:
    """While a timer of 0 ms runs, the waker's or the program's, the dispatcher of Windows emits no aboutToBlock."""
    timer = QtCore.QTimer()

    async def main() -> str:
        loop.call_soon(open_dialog, loop, lambda: loop.call_soon(int) if busy == "guest" else timer.start(0))
        await asyncio.sleep(0.02)
        return "result"

    assert loop.run_until_complete(asyncio.wait_for(main(), CEILING_S)) == "result"
    timer.stop()


@pytest.mark.parametrize("tells_at_once", [True, False])
@pytest.mark.parametrize("has_dialog", [True, False])
def test_call_ends_without_any_signal_of_the_dispatcher(
    loop: AsyncSlotEventLoop, monkeypatch: pytest.MonkeyPatch, tells_at_once: bool, has_dialog: bool
) -> None:
    """Where a dispatcher emits nothing between two passes, as on macOS, the waker's next calls end the call."""
    monkeypatch.setattr(blocking_calls, "BETWEEN_PASSES", ())
    monkeypatch.setattr(blocking_calls, "EXIT_TELLS_AT_ONCE", tells_at_once)

    async def main() -> str:
        loop.call_soon(loop.call_later, 0, int)
        if has_dialog:
            loop.call_soon(open_dialog, loop, lambda: loop.call_soon(int))
        await asyncio.sleep(0.02)
        # The guest stays awake.
        task = loop.create_task(spin())
        loop.call_later(0.2, task.cancel)
        return "result"

    async def spin() -> None:
        while True:
            await asyncio.sleep(0)

    assert loop.run_until_complete(asyncio.wait_for(main(), CEILING_S)) == "result"
    # Now the guest rests, and the dispatcher is to tell.
    monkeypatch.undo()
    loop.run_until_complete(asyncio.sleep(0.3))
