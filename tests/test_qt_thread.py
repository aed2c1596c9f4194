"""run_in_qt_thread: a coroutine in the loop of another Qt thread."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
from typing import Any, Iterator

import pytest
from support import CEILING_S, run_coroutine

import asyncslot
from asyncslot import AsyncSlotEventLoop, run_in_qt_thread
from asyncslot._background import qt_thread
from asyncslot._qt import QtCore, thread_call


@pytest.fixture
def thread(attached: AsyncSlotEventLoop) -> Iterator[Any]:
    """A QThread that runs Qt's loop. At the end, it has ended."""
    thread = QtCore.QThread()
    thread.start()
    yield thread
    thread.quit()
    assert thread.wait(CEILING_S * 1000)


class NoLoop(QtCore.QThread):
    """A thread that never comes to a coroutine."""

    def __init__(self) -> None:
        super().__init__()
        self.may_end = threading.Event()

    def run(self) -> None:
        self.may_end.wait(CEILING_S)


async def until(event: threading.Event) -> None:
    """Wait until the other thread has set *event*."""
    while not event.is_set():
        await asyncio.sleep(0.001)


async def where() -> Any:
    await asyncio.sleep(0.001)
    return QtCore.QThread.currentThread()


def test_coroutine_runs_in_the_thread(thread: Any) -> None:
    """Each one in the same loop; the result comes back."""

    async def loop_of() -> Any:
        return asyncio.get_running_loop()

    async def main() -> None:
        assert await run_in_qt_thread(thread, where()) == thread
        loops = {await run_in_qt_thread(thread, loop_of()) for _ in range(3)}
        assert len(loops) == 1
        assert asyncio.get_running_loop() not in loops

    run_coroutine(main())


def test_coroutine_of_a_worker_runs_on_the_applications_thread(thread: Any) -> None:
    """So it can use widgets."""
    application_thread = QtCore.QThread.currentThread()

    async def in_worker() -> Any:
        return await run_in_qt_thread(application_thread, where())

    async def main() -> None:
        assert await run_in_qt_thread(thread, in_worker()) == application_thread
        assert await run_in_qt_thread(application_thread, where()) == application_thread

    run_coroutine(main())


def test_coroutine_has_the_context(thread: Any) -> None:
    """As a task would have."""
    variable = contextvars.ContextVar("variable", default="")

    async def get() -> str:
        await asyncio.sleep(0)
        return variable.get()

    async def main() -> str:
        variable.set("set")
        return await run_in_qt_thread(thread, get())

    assert run_coroutine(main()) == "set"


def test_failure_comes_back(thread: Any) -> None:
    """What the coroutine raises, the await raises."""

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("there")

    async def main() -> None:
        with pytest.raises(ValueError, match="there"):
            await run_in_qt_thread(thread, fail())

    run_coroutine(main())


def test_cancelled_await_waits_for_the_coroutine(thread: Any) -> None:
    """It is cancelled there, and its clean-up is over when the task ends."""
    begun, cleaned = threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.01)
            cleaned.set()

    async def main() -> None:
        task = asyncslot.run_task(run_in_qt_thread(thread, work()))
        await until(begun)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert cleaned.is_set()

    run_coroutine(main())


def test_cancelled_before_the_thread_comes_to_it_never_runs(thread: Any) -> None:
    """And the coroutine is closed."""
    begun: list[int] = []
    may_go_on = threading.Event()

    async def block() -> None:
        may_go_on.wait(CEILING_S)

    async def work() -> None:
        begun.append(1)

    async def main() -> None:
        blocking = asyncslot.run_task(run_in_qt_thread(thread, block()))
        task = asyncslot.run_task(run_in_qt_thread(thread, work()))
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        may_go_on.set()
        await blocking
        await run_in_qt_thread(thread, where())

    run_coroutine(main())
    assert begun == []


def test_end_of_the_thread_cancels_the_coroutine(thread: Any) -> None:
    """Its loop does so, and waits for the clean-up."""
    cleaned: list[int] = []
    begun = threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.01)
            cleaned.append(1)

    async def main() -> None:
        task = asyncslot.run_task(run_in_qt_thread(thread, work()))
        await until(begun)
        thread.quit()
        await asyncio.wait([task])
        assert task.cancelled()
        assert cleaned == [1]

    run_coroutine(main())


def test_thread_without_a_qt_loop_ends_before_the_coroutine_begins(attached: AsyncSlotEventLoop) -> None:
    """The await does not hang."""
    thread = NoLoop()
    thread.start()

    async def main() -> None:
        task = asyncslot.run_task(run_in_qt_thread(thread, where()))
        await asyncio.sleep(0.01)
        assert not task.done()
        thread.may_end.set()
        with pytest.raises(RuntimeError, match="ended before its loop came to the coroutine"):
            await task

    run_coroutine(main())
    assert thread.wait(CEILING_S * 1000)


def test_thread_that_ends_at_the_call(thread: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at the thread and the connection to its end: the await does not hang."""
    check = qt_thread._check_thread

    def check_and_end(thread: Any) -> None:
        check(thread)
        thread.quit()
        assert thread.wait(CEILING_S * 1000)

    monkeypatch.setattr(qt_thread, "_check_thread", check_and_end)
    with pytest.raises(RuntimeError, match="ended before its loop came to the coroutine"):
        run_coroutine(run_in_qt_thread(thread, where()))


def test_thousand_cancelled_calls_crash_nothing(thread: Any) -> None:
    """The thread may be about to call what is not wanted any more."""

    async def main() -> None:
        for _ in range(40):
            tasks = [asyncslot.run_task(run_in_qt_thread(thread, where())) for _ in range(25)]
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            gc.collect()
        assert await run_in_qt_thread(thread, where()) == thread

    run_coroutine(main())


def test_thread_that_has_ended_is_forgotten(attached: AsyncSlotEventLoop) -> None:
    """By the next call, of whatever thread; and a thread may be started again."""

    async def main() -> None:
        first, second = QtCore.QThread(), QtCore.QThread()
        for _ in range(2):
            for thread in (first, second):
                thread.start()
                assert await run_in_qt_thread(thread, where()) == thread
                thread.quit()
                assert thread.wait(CEILING_S * 1000)
            threads = [mailbox._its_thread for mailbox in thread_call._mailboxes.values()]
            assert second in threads
            assert first not in threads

    run_coroutine(main())


def test_coroutine_that_outlives_the_thread_is_an_error(
    thread: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A task that swallows its cancellation is abandoned with the thread, and the await does not hang."""
    monkeypatch.setattr(AsyncSlotEventLoop, "shutdown_timeout_s", 0.05)
    begun = threading.Event()

    async def work() -> None:
        begun.set()
        while True:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                continue

    async def main() -> None:
        task = asyncslot.run_task(run_in_qt_thread(thread, work()))
        await until(begun)
        thread.quit()
        with pytest.raises(RuntimeError, match="ended before the coroutine did"):
            await task

    run_coroutine(main())
    assert "Task did not end within 0.05 s" in caplog.text


@pytest.mark.parametrize("what", ["not started", "no thread", "no coroutine"])
def test_bad_input(attached: AsyncSlotEventLoop, what: str) -> None:
    """The error says the way out, and the coroutine is closed."""
    thread: Any = QtCore.QThread() if what != "no thread" else threading.current_thread()
    errors = {
        "not started": (RuntimeError, r"does not run; call its start\(\) first"),
        "no thread": (TypeError, "a QThread was expected, got <_MainThread"),
        "no coroutine": (TypeError, "a coroutine was expected"),
    }
    kind, text = errors[what]
    coro: Any = where if what == "no coroutine" else where()
    with pytest.raises(kind, match=text):
        run_coroutine(run_in_qt_thread(thread, coro))
