"""Awaiting and iterating signals."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Callable

import pytest
from qt import Signal, delete
from support import CEILING_S, run_coroutine
from test_connection import TELLS_OF_SENDERS

import asyncslot
from asyncslot import AsyncSlotEventLoop, SenderDestroyed, expect_signal, signal_stream, wait_signal
from asyncslot._qt import QtCore


class Source(QtCore.QObject):
    number = Signal(int)
    text = Signal(str)


@pytest.fixture
def source(app: Any) -> Source:
    return Source()


def count_receivers(source: Source) -> int:
    """Return how many connections *source* has, whatever the binding calls the signal."""
    total = 0
    for name in ("number(int)", "text(QString)"):
        try:
            total += source.receivers("2" + name)
        except TypeError:  # PyQt takes the signal itself.
            total += source.receivers(getattr(source, name.partition("(")[0]))
    return total


def later(function: Callable[..., object], *args: Any) -> None:
    """Call a function in a slot of Qt's, when the coroutine waits."""
    QtCore.QTimer.singleShot(0, lambda: function(*args))


# -- wait_signal --


def test_wait_signal_returns_the_arguments(attached: AsyncSlotEventLoop, source: Source) -> None:
    """The arguments come as a tuple that knows its signal; nothing stays connected."""
    number = source.number

    async def main() -> Any:
        later(source.number.emit, 3)
        return await wait_signal(number, source.text)

    received = run_coroutine(main())
    assert received == (3,)
    assert received.signal is number
    assert count_receivers(source) == 0


def test_wait_signal_where_chooses(attached: AsyncSlotEventLoop, source: Source) -> None:
    """Only what the predicate accepts counts."""

    async def main() -> Any:
        for number in range(5):
            later(source.number.emit, number)
        return await wait_signal(source.number, where=lambda number: number > 2)

    assert run_coroutine(main()) == (3,)


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError, KeyboardInterrupt, SystemExit])
def test_wait_signal_where_raises(attached: AsyncSlotEventLoop, source: Source, error: Any) -> None:
    """What the predicate raises is raised by the await, and does not enter Qt."""

    def fail(_: object) -> None:
        raise error("where")

    async def main() -> None:
        later(source.number.emit, 0)
        with pytest.raises(error, match="where"):
            await wait_signal(source.number, where=fail)

    run_coroutine(main())
    assert count_receivers(source) == 0


@pytest.mark.parametrize("how", ["wait", "stream"])
def test_signal_after_its_loop_was_closed_raises_nothing(app: Any, source: Source, how: str) -> None:
    """What a slot raises enters Qt; the end of the owner, too, comes by a slot."""
    loop, owner = AsyncSlotEventLoop(), QtCore.QObject()

    async def stream() -> None:
        async with signal_stream(source.number, owner=owner) as numbers:
            await numbers.__anext__()

    task = loop.run_task(wait_signal(source.number, owner=owner) if how == "wait" else stream())
    loop.detach()
    loop.close()
    source.number.emit(1)
    delete(owner)
    source.number.emit(2)
    assert not task.done()
    task._log_destroy_pending = False  # type: ignore[attr-defined]


def test_wait_signal_times_out(attached: AsyncSlotEventLoop, source: Source) -> None:
    """Without a signal in time, asyncio.TimeoutError says how long it was waited for."""

    async def main() -> None:
        with pytest.raises(asyncio.TimeoutError, match=r"within 0\.01 s"):
            await wait_signal(source.number, timeout_s=0.01)

    run_coroutine(main())
    assert count_receivers(source) == 0


def test_wait_signal_cancelled_disconnects(attached: AsyncSlotEventLoop, source: Source) -> None:
    """Cancelled while it waits, the task ends, and nothing stays connected."""

    async def main() -> None:
        task = asyncio.ensure_future(wait_signal(source.number))
        await asyncio.sleep(0)
        assert count_receivers(source) == 1
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    run_coroutine(main())
    assert count_receivers(source) == 0


def test_wait_signal_owner_destroyed(attached: AsyncSlotEventLoop, source: Source) -> None:
    """The end of the owner ends the waiting, on every binding."""
    owner = QtCore.QObject()

    async def main() -> None:
        later(delete, owner)
        with pytest.raises(SenderDestroyed, match="owner"):
            await wait_signal(source.number, owner=owner)

    run_coroutine(main())
    assert count_receivers(source) == 0


@pytest.mark.skipif(not TELLS_OF_SENDERS, reason="this binding does not tell of the sender's end")
def test_wait_signal_last_sender_destroyed(attached: AsyncSlotEventLoop) -> None:
    """Of two senders, the end of the last one ends the waiting."""
    first, second = Source(), Source()

    async def main() -> None:
        task = asyncio.ensure_future(wait_signal(first.number, second.number))
        await asyncio.sleep(0)
        delete(first)
        await asyncio.sleep(0)
        assert not task.done()
        delete(second)
        with pytest.raises(SenderDestroyed, match="sender"):
            await task

    run_coroutine(main())


def test_wait_signal_of_another_thread(attached: AsyncSlotEventLoop, source: Source) -> None:
    """A signal that a thread emits wakes the task."""

    async def main() -> Any:
        thread = threading.Thread(target=source.number.emit, args=(7,))
        task = asyncio.ensure_future(wait_signal(source.number))
        await asyncio.sleep(0)
        thread.start()
        try:
            return await asyncio.wait_for(task, CEILING_S)
        finally:
            thread.join()

    assert run_coroutine(main()) == (7,)


def test_wait_signal_thousand_times_leaves_nothing(attached: AsyncSlotEventLoop, source: Source) -> None:
    """Served, cancelled, timed out, owner destroyed: no connection and no task is left."""

    async def main() -> None:
        owner = QtCore.QObject()
        tasks = []
        for number in range(1000):
            options: dict[str, Any] = [{}, {"timeout_s": 0}, {"owner": owner}, {}][number % 4]
            tasks.append(asyncio.ensure_future(wait_signal(source.number, **options)))
        await asyncio.sleep(0)
        for task in tasks[3::4]:
            task.cancel()
        delete(owner)
        await asyncio.wait(tasks[1::4])
        source.number.emit(1)
        await asyncio.wait(tasks)
        kinds = {type(task.exception()) if not task.cancelled() else "cancelled" for task in tasks}
        assert kinds == {type(None), asyncio.TimeoutError, SenderDestroyed, "cancelled"}
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_coroutine(main())
    assert count_receivers(source) == 0


def test_wait_signal_under_another_loop(app: Any, source: Source) -> None:
    """It works in any asyncio loop of the thread."""

    async def main() -> Any:
        asyncio.get_running_loop().call_soon(source.number.emit, 5)
        return await wait_signal(source.number)

    loop = asyncio.SelectorEventLoop()
    try:
        assert loop.run_until_complete(main()) == (5,)
    finally:
        loop.close()


@pytest.mark.parametrize(
    ("signals", "options", "error"),
    [
        ((), {}, "at least one signal"),
        ((1,), {}, "a signal of an object was expected"),
        ("number", {"where": 3}, "where must be a function"),
        ("number", {"owner": 3}, "QObject"),
        ("number", {"timeout_s": -1}, "timeout_s must be a number of seconds, 0 or more, got -1"),
        ("number", {"timeout_s": "1"}, "timeout_s must be a number of seconds"),
    ],
)
def test_wait_signal_bad_input(
    attached: AsyncSlotEventLoop, source: Source, signals: Any, options: dict[str, Any], error: str
) -> None:
    """Bad input raises at once, and says what to pass."""

    async def main() -> None:
        with pytest.raises((TypeError, ValueError), match=error):
            await wait_signal(*((source.number,) if signals == "number" else signals), **options)

    run_coroutine(main())
    assert count_receivers(source) == 0


# -- expect_signal --


def test_expect_signal_sees_what_the_block_emits(attached: AsyncSlotEventLoop, source: Source) -> None:
    """It is connected before the block runs, and waits at its end."""

    async def main() -> None:
        async with expect_signal(source.number) as received:
            assert received.arguments is None
            source.number.emit(1)
            source.number.emit(2)
        assert received.arguments == (1,)
        async with expect_signal(source.number) as received:
            later(source.number.emit, 3)
        assert received.arguments == (3,)

    run_coroutine(main())
    assert count_receivers(source) == 0


def test_expect_signal_block_raises(attached: AsyncSlotEventLoop, source: Source) -> None:
    """If the block raises, nothing is waited for, and nothing stays connected."""

    async def main() -> None:
        with pytest.raises(LookupError):
            async with expect_signal(source.number):
                raise LookupError

    run_coroutine(main())
    assert count_receivers(source) == 0


def test_expect_signal_is_used_once(attached: AsyncSlotEventLoop, source: Source) -> None:
    """A second use is an error that says what to do."""

    async def main() -> None:
        expected = expect_signal(source.number)
        async with expected:
            source.number.emit(1)
        with pytest.raises(RuntimeError, match=r"call expect_signal\(\) again"):
            async with expected:
                pass

    run_coroutine(main())


# -- signal_stream --


async def take(stream: Any, count: int) -> list[Any]:
    return [(await stream.__anext__())[0] for _ in range(count)]


def test_signal_stream_yields_all_in_order(attached: AsyncSlotEventLoop, source: Source) -> None:
    """What comes while the body runs waits in the buffer."""

    async def main() -> Any:
        numbers = []
        async with signal_stream(source.number) as stream:
            for number in range(3):
                source.number.emit(number)
            async for (number,) in stream:
                numbers.append(number)
                await asyncio.sleep(0)
                if number < 6:
                    source.number.emit(number + 3)
                if len(numbers) == 9:
                    stream.close()
        return numbers, stream.dropped

    assert run_coroutine(main()) == ([0, 1, 2, 3, 4, 5, 6, 7, 8], 0)
    assert count_receivers(source) == 0


@pytest.mark.parametrize(
    ("overflow", "maxsize", "left"),
    [("drop_oldest", 3, [7, 8, 9]), ("drop_newest", 3, [0, 1, 2]), ("latest", 64, [9])],
)
def test_signal_stream_drops_and_counts(
    attached: AsyncSlotEventLoop, source: Source, overflow: Any, maxsize: int, left: list[int]
) -> None:
    """A full buffer does as `overflow` says."""

    async def main() -> None:
        async with signal_stream(source.number, maxsize=maxsize, overflow=overflow) as stream:
            for number in range(10):
                source.number.emit(number)
            assert await take(stream, len(left)) == left
            assert stream.dropped == 10 - len(left)

    run_coroutine(main())


def test_signal_stream_error_comes_after_the_buffer(attached: AsyncSlotEventLoop, source: Source) -> None:
    """With "error", what was in the buffer is yielded first; after the error, the iteration is over."""

    async def main() -> None:
        async with signal_stream(source.number, maxsize=2, overflow="error") as stream:
            for number in range(3):
                source.number.emit(number)
            assert await take(stream, 2) == [0, 1]
            with pytest.raises(asyncio.QueueFull, match="buffer of 2"):
                await take(stream, 1)
            assert [each async for each in stream] == []

    run_coroutine(main())


def test_signal_stream_owner_destroyed(attached: AsyncSlotEventLoop, source: Source) -> None:
    """The iteration raises when the owner dies, after what came before."""
    owner = QtCore.QObject()

    async def main() -> None:
        async with signal_stream(source.number, owner=owner) as stream:
            source.number.emit(1)
            later(delete, owner)
            assert await take(stream, 1) == [1]
            with pytest.raises(SenderDestroyed):
                await take(stream, 1)

    run_coroutine(main())
    assert count_receivers(source) == 0


def test_signal_stream_in_a_task_whose_owner_dies_ends(attached: AsyncSlotEventLoop, source: Source) -> None:
    """The task is cancelled, and the stream disconnects."""
    owner = QtCore.QObject()

    async def iterate() -> None:
        async with signal_stream(source.number) as stream:
            async for _ in stream:
                raise AssertionError

    async def main() -> None:
        task = asyncslot.run_task(iterate(), owner=owner)
        await asyncio.sleep(0)
        delete(owner)
        await asyncio.wait([task])
        assert task.cancelled()

    run_coroutine(main())
    assert count_receivers(source) == 0


def test_signal_stream_of_a_flooding_thread_is_bounded(attached: AsyncSlotEventLoop, source: Source) -> None:
    """A thread that emits faster than the loop takes fills the buffer, and not the loop's queue."""
    count = 20_000

    def flood() -> None:
        for number in range(count):
            source.number.emit(number)

    async def main() -> None:
        async with signal_stream(source.number, maxsize=10) as stream:
            thread = threading.Thread(target=flood)
            thread.start()
            thread.join()  # Nothing is taken meanwhile.
            assert len(attached._ready) <= 2
            assert await take(stream, 10) == list(range(count - 10, count))
            assert stream.dropped == count - 10

    run_coroutine(main())


@pytest.mark.parametrize("options", [{"maxsize": 0}, {"maxsize": True}, {"maxsize": 1.5}, {"overflow": "block"}])
def test_signal_stream_bad_input(source: Source, options: dict[str, Any]) -> None:
    """Bad settings are a ValueError."""
    with pytest.raises(ValueError, match=r"maxsize|overflow"):
        signal_stream(source.number, **options)


def test_signal_stream_misused(attached: AsyncSlotEventLoop, source: Source) -> None:
    """Without `async with`, opened twice, iterated by two tasks: an error that says so."""

    async def main() -> None:
        stream = signal_stream(source.number)
        with pytest.raises(RuntimeError, match="async with"):
            await stream.__anext__()
        async with stream:
            with pytest.raises(RuntimeError, match="open already"):
                await stream.__aenter__()
            first = asyncio.ensure_future(stream.__anext__())
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="another task"):
                await stream.__anext__()
            source.number.emit(1)
            assert await first == (1,)

    run_coroutine(main())


@pytest.mark.parametrize("cause", ["overflow", "where"])
def test_signal_stream_error_is_raised_though_signals_go_on(
    attached: AsyncSlotEventLoop, source: Source, cause: str
) -> None:
    """After an error, nothing more is taken, so the iteration comes to it."""
    options: Any = {"overflow": "error"} if cause == "overflow" else {"where": lambda number: 1 / (number - 3)}

    numbers: list[int] = []

    async def take_all(stream: Any) -> None:
        async for (number,) in stream:
            numbers.append(number)
            source.number.emit(10)

    async def main() -> None:
        async with signal_stream(source.number, maxsize=2, **options) as stream:
            for number in (1, 2, 3):
                source.number.emit(number)
            with pytest.raises((asyncio.QueueFull, ZeroDivisionError)):
                await take_all(stream)

    run_coroutine(main())
    assert numbers == [1, 2]


def test_signal_stream_closed_is_not_opened(attached: AsyncSlotEventLoop, source: Source) -> None:
    """A stream that was closed before stays closed."""

    async def main() -> None:
        stream = signal_stream(source.number)
        stream.close()
        with pytest.raises(RuntimeError, match="closed"):
            await stream.__aenter__()

    run_coroutine(main())
