"""AsyncSlotEventLoop: states, modes, levels, threads, ways to misuse it."""

from __future__ import annotations

import asyncio
import gc
import inspect
import math
import re
import selectors
import socket
import threading
import weakref
from typing import Any, Callable, Iterator

import pytest
from qt import BINDING
from support import CEILING_S, IS_WINDOWS, list_descriptors, run_qt, run_script

from asyncslot import AsyncSlotEventLoop, AsyncSlotSelectorEventLoop, LoopState, run_task
from asyncslot._qt import QtCore, import_qt
from asyncslot.loop import thread_loop

QtWidgets = import_qt("QtWidgets")


@pytest.fixture
def refused_coro() -> Iterator[Any]:
    """A coroutine that nothing runs. Whoever refuses it need not close it."""

    async def never() -> None:
        raise AssertionError

    coro = never()
    yield coro
    coro.close()


# -- the table of states --


def run_and_forget(loop: AsyncSlotEventLoop) -> None:
    async def do_nothing() -> None: ...

    loop.run_task(do_nothing())


CALLS = {
    "run_forever()": lambda loop: (loop.call_soon(loop.stop), loop.run_forever()),
    "attach()": lambda loop: loop.attach(),
    "detach()": lambda loop: loop.detach(),
    "run_task()": run_and_forget,
    "call_soon()": lambda loop: loop.call_soon(int),
    "stop()": lambda loop: loop.stop(),
    "shutdown()": lambda loop: loop.shutdown(),
    "close()": lambda loop: loop.close(),
}

# How a quit comes about: by app.exit() under an attached loop, and in a blocking call; by loop.shutdown().
QUITS = ["attached", "blocking", "shutdown"]


def read_table() -> Iterator[tuple[str, str, str]]:
    """Yield state, call and outcome, from the table in the class's docstring."""
    lines = inspect.getdoc(AsyncSlotEventLoop).splitlines()
    first, _, last = (index for index, line in enumerate(lines) if line.startswith("===="))
    starts = [match.start() for match in re.finditer("=+", lines[first])]
    rows = [
        [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None])]
        for line in lines[first + 1 : last]
        if not line.startswith("=")
    ]
    calls = rows[0][1:]
    for state, *outcomes in rows[1:]:
        for call, outcome in zip(calls, outcomes):
            yield state, call, outcome


def test_states_table_is_complete() -> None:
    """The table has a row for each state and a column for each call that is tested, and no pair is left out."""
    rows = list(read_table())
    assert {state for state, _, _ in rows} == {state.name for state in LoopState}
    assert {call for _, call, _ in rows} == set(CALLS)
    assert len(rows) == len(LoopState) * len(CALLS)
    assert all(outcome for _, _, outcome in rows)


@pytest.mark.parametrize(("state", "call", "outcome"), [row for row in read_table() if row[0] != "QUITTING"])
def test_state_call_has_outcome_of_table(loop: AsyncSlotEventLoop, state: str, call: str, outcome: str) -> None:
    """Each call does in each state what the table of the class says, called by foreign code."""
    seen: list[Any] = []

    def try_call() -> None:
        assert loop.state is LoopState[state]
        try:
            CALLS[call](loop)
        except RuntimeError:
            seen.append("RuntimeError")
        else:
            seen.append(loop.state.name)

    if state == "BLOCKING":
        # A running loop's foreign code is a slot.
        QtCore.QTimer.singleShot(0, lambda: (try_call(), None if call == "stop()" else loop.call_soon(loop.stop)))
        loop.run_forever()
    else:
        if state == "ATTACHED":
            loop.attach()
        if state == "CLOSED":
            loop.close()
        try_call()
    if call == "stop()":
        check_stop(loop, state, outcome)
    elif outcome == "RuntimeError":
        assert seen == ["RuntimeError"]
    elif outcome == "BLOCKING":
        assert seen == ["STOPPED"]  # It was, and has returned.
    elif outcome in ("ATTACHED", "STOPPED", "CLOSED"):
        assert seen == [outcome]
    else:
        assert seen == [state]  # No change of state.


def check_stop(loop: AsyncSlotEventLoop, state: str, outcome: str) -> None:
    """Check what stop() has done, or does when Qt has its turn."""
    if outcome == "pending":
        ran: list[int] = []
        loop.call_soon(lambda: (ran.append(1), loop.call_soon(ran.append, 2)))
        loop.run_forever()  # It ends after one iteration.
        assert ran == [1]
        outcome = "STOPPED"
    if state == "ATTACHED":
        run_qt(lambda quit_qt: QtCore.QTimer.singleShot(20, quit_qt))
    assert loop.state.name == (state if outcome == "no-op" else outcome)


@pytest.mark.parametrize(("call", "outcome"), [row[1:] for row in read_table() if row[0] == "QUITTING"])
@pytest.mark.parametrize("way", QUITS)
def test_quitting_call_has_outcome_of_table(way: str, call: str, outcome: str) -> None:
    """While it quits, each call does what the table says; clean-up ends, once, and so does the program."""
    finished = run_script("quitting", way, call)
    assert finished.errors == ""
    assert finished.code == 0
    said = finished.lines[0]
    if outcome == "RuntimeError":
        assert said.startswith("RuntimeError: ")
        assert "the loop ends by itself" in said
    else:
        assert said.startswith("returned")
    if outcome == "cancelled":
        assert said == "returned cancelled"
    if outcome == "called":
        assert "called" in finished.lines
    end = "SystemExit 4" if way == "blocking" else "exec 4"
    assert [line for line in finished.lines[1:] if line != "called"] == ["cleaned", end]


@pytest.mark.parametrize("call", ["run_until_complete()", "asyncslot.run()"])
@pytest.mark.parametrize("way", QUITS)
def test_quitting_blocking_call_nests_and_returns_its_result(way: str, call: str) -> None:
    """A slot may run a coroutine while the application quits."""
    finished = run_script("quitting", way, call)
    assert finished.errors == ""
    assert finished.lines == ["returned nested", "cleaned", "SystemExit 4" if way == "blocking" else "exec 4"]


@pytest.mark.parametrize("way", ["attached", "blocking"])
def test_quitting_blocking_call_ends_with_the_quit(way: str) -> None:
    """A blocking call made during a quit, that would never end, ends with the quit, and is cancelled then."""
    finished = run_script("quitting", way, "endless")
    assert finished.code == 0
    assert "endless cancelled" in finished.lines
    assert any(line.startswith("CancelledError") for line in finished.lines)
    assert finished.lines[-1] == ("SystemExit 4" if way == "blocking" else "exec 4")


# -- making and closing --


def test_loop_made_with_application_is_refused(app: Any) -> None:
    """qasync's loop takes the application; ours says that it finds it by itself."""
    with pytest.raises(TypeError, match=r"got <.*QApplication.*>; it .*finds the application,? by itself"):
        AsyncSlotEventLoop(app)


def test_with_statement_shuts_the_loop_down(app: Any) -> None:
    """At the end of the block tasks have cleaned up, and the loop is closed; an error of the block is raised."""
    seen: list[str] = []

    async def job() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0)
            seen.append("cleaned")

    def fail_inside() -> None:
        with AsyncSlotEventLoop() as loop:
            made.append(loop)
            loop.run_task(job())
            raise ZeroDivisionError

    made: list[AsyncSlotEventLoop] = []
    with pytest.raises(ZeroDivisionError):
        fail_inside()
    assert seen == ["cleaned"]
    assert made[0].state is LoopState.CLOSED


@pytest.mark.parametrize("options", [(), ("-X", "dev")])
def test_loop_left_open_is_silent_but_for_the_stock_warning(options: tuple[str, ...]) -> None:
    """A program that closes no loop prints nothing; in Python's development mode, the stock ResourceWarning."""
    finished = run_script("left_open", options=options)
    assert finished.lines == ["done", "done"]
    said = [line for line in finished.errors.splitlines() if not line.startswith(("  ", "ResourceWarning: Enable"))]
    assert all("ResourceWarning: unclosed " in line for line in said)
    assert any("unclosed event loop <AsyncSlotEventLoop" in line for line in said) == bool(options)


# -- blocking mode --


def test_run_until_complete_returns_result_and_raises_error(loop: AsyncSlotEventLoop) -> None:
    """The coroutine's result and exception are the call's."""

    async def give(value: int) -> int:
        await asyncio.sleep(0)
        return value

    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("mine")

    assert loop.run_until_complete(give(5)) == 5
    with pytest.raises(ValueError, match="mine"):
        loop.run_until_complete(fail())


def test_run_until_complete_stopped_before_is_an_error(loop: AsyncSlotEventLoop) -> None:
    """As in asyncio, stop() before the future is done is an error."""
    future = loop.create_future()
    loop.call_soon(loop.stop)
    with pytest.raises(RuntimeError, match="stopped before Future completed"):
        loop.run_until_complete(future)


def test_stop_in_the_iteration_in_which_a_nested_call_ends_is_for_that_call(attached: AsyncSlotEventLoop) -> None:
    """The call's end and stop() in one iteration end one thing, the call; the loop stays attached."""
    results: list[int] = []

    def nest(quit_qt: Callable[[], None]) -> None:
        future = attached.create_future()
        attached.call_soon(lambda: (future.set_result(1), attached.stop()))
        results.append(attached.run_until_complete(future))
        attached.call_later(0.01, quit_qt)

    run_qt(nest)
    assert results == [1]
    assert attached.state is LoopState.ATTACHED


def test_exit_in_a_nested_call_leaves_that_one_only(loop: AsyncSlotEventLoop) -> None:
    """SystemExit leaves the innermost call, though it ends in the same iteration; the outer one goes on."""
    raised: list[BaseException] = []

    def leave() -> None:
        raise SystemExit(3)

    def slot() -> None:
        future = loop.create_future()
        loop.call_soon(lambda: (future.set_result(1), loop.call_soon(leave)))
        try:
            loop.run_until_complete(future)
        except SystemExit as error:
            raised.append(error)

    async def main() -> str:
        QtCore.QTimer.singleShot(0, slot)
        await asyncio.sleep(0.05)
        return "done"

    assert loop.run_until_complete(main()) == "done"
    assert [error.code for error in raised] == [3]


@pytest.mark.parametrize("timeout_s", [-1, math.nan, "soon"])
def test_shutdown_wrong_time_refused(attached: AsyncSlotEventLoop, timeout_s: Any) -> None:
    """A time that is none is a ValueError before anything is cancelled."""
    with pytest.raises(ValueError, match="timeout_s must be a number of seconds, 0 or more, got"):
        attached.shutdown(timeout_s)
    assert attached.state is LoopState.ATTACHED


def test_stop_lets_ready_callbacks_run(loop: AsyncSlotEventLoop) -> None:
    """stop() ends the loop after the batch that it is called in; what that batch adds runs next time."""
    order: list[int] = []
    loop.call_soon(order.append, 1)
    loop.call_soon(loop.stop)
    loop.call_soon(lambda: loop.call_soon(order.append, 3))
    loop.call_soon(order.append, 2)
    loop.run_forever()
    assert order == [1, 2]
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert order == [1, 2, 3]


def test_stop_long_batch_ends_with_it(loop: AsyncSlotEventLoop) -> None:
    """A batch that takes several slices still runs to its end before stop() takes effect."""
    loop.time_slice_s = 0
    order: list[int] = []
    loop.call_soon(loop.stop)
    for number in range(50):
        loop.call_soon(order.append, number)
    loop.run_forever()
    assert order == list(range(50))


def test_stop_before_run_forever_runs_one_iteration(loop: AsyncSlotEventLoop) -> None:
    """stop() on a stopped loop makes the next run_forever() run just what is ready."""
    order: list[int] = []
    loop.call_soon(order.append, 1)
    loop.stop()
    loop.run_forever()
    assert order == [1]


def test_nothing_runs_after_the_end_of_the_call(loop: AsyncSlotEventLoop) -> None:
    """When the future is done, the batch ends and no further one begins, though the slice has time left."""
    steps: list[int] = []

    async def step_on() -> None:
        while True:
            steps.append(1)
            await asyncio.sleep(0)

    async def wait_for_steps() -> int:
        while len(steps) < 10:
            await asyncio.sleep(0)
        return len(steps)

    task = loop.create_task(step_on())
    count = loop.run_until_complete(wait_for_steps())
    # One batch to wake the call, one in which it ends.
    assert len(steps) <= count + 2
    task.cancel()
    loop.run_until_complete(asyncio.wait([task]))


def test_nested_call_outer_done_first_returns_in_order(loop: AsyncSlotEventLoop) -> None:
    """Of two nested calls whose outer future is done first, each returns its own result, the inner first."""
    order: list[str] = []

    async def main() -> str:
        await asyncio.sleep(0.05)
        order.append("outer done")
        return "outer"

    async def inner() -> str:
        await asyncio.sleep(0.1)
        order.append("inner done")
        return "inner"

    QtCore.QTimer.singleShot(0, lambda: order.append(loop.run_until_complete(inner()) + " returned"))
    assert loop.run_until_complete(main()) == "outer"
    assert order == ["outer done", "inner done", "inner returned"]


def test_nested_call_under_dialog_ends_when_dialog_has(loop: AsyncSlotEventLoop, app: Any) -> None:
    """A call whose future is done returns when the dialog above it is closed, and does not close it."""
    order: list[str] = []
    dialog = QtWidgets.QDialog()

    async def main() -> None:
        QtCore.QTimer.singleShot(0, lambda: (dialog.exec(), order.append("dialog returned")))
        await asyncio.sleep(0.02)
        order.append("done")
        QtCore.QTimer.singleShot(50, lambda: (order.append("accepting"), dialog.accept()))

    loop.run_until_complete(main())
    assert order == ["done", "accepting", "dialog returned"]


def test_nested_stop_concerns_innermost(loop: AsyncSlotEventLoop) -> None:
    """stop() in a nested run_forever() ends that one alone."""
    order: list[str] = []

    def nest() -> None:
        loop.call_soon(loop.stop)
        loop.run_forever()
        order.append("inner")

    async def main() -> None:
        QtCore.QTimer.singleShot(0, nest)
        while not order:
            await asyncio.sleep(0.001)
        order.append("outer")

    loop.run_until_complete(main())
    assert order == ["inner", "outer"]


@pytest.mark.parametrize("debug", [False, True])
def test_blocking_call_inside_coroutine_refused(loop: AsyncSlotEventLoop, debug: bool, refused_coro: Any) -> None:
    """Blocking calls and detach() inside a coroutine or callback raise; the coroutine is left as by the stock loop."""
    loop.set_debug(debug)

    async def main() -> None:
        with pytest.raises(RuntimeError, match="already running"):
            loop.run_until_complete(refused_coro)
        with pytest.raises(RuntimeError, match="already running"):
            loop.run_forever()

    loop.run_until_complete(main())
    refused: list[bool] = []

    def detach() -> None:
        with pytest.raises(RuntimeError, match="inside a callback"):
            loop.detach()
        with pytest.raises(RuntimeError, match="inside a callback"):
            loop.shutdown()
        refused.append(True)

    loop.attach()
    loop.call_soon(detach)
    loop.call_soon(loop.stop)
    loop.run_forever()
    assert refused
    assert inspect.getcoroutinestate(refused_coro) == inspect.CORO_CREATED


def test_blocking_call_in_foreign_code_of_attached_loop_nests(attached: AsyncSlotEventLoop) -> None:
    """While attached, a slot may block on a coroutine; asyncio.run() there is refused as under any running loop."""
    results = []

    def slot(quit_qt: Callable[[], None]) -> None:
        results.append(attached.run_until_complete(asyncio.sleep(0.01, "slept")))
        coro = asyncio.sleep(0)
        with pytest.raises(RuntimeError, match=r"asyncio\.run\(\) cannot be called"):
            asyncio.run(coro)
        coro.close()
        quit_qt()

    run_qt(slot)
    assert results == ["slept"]


def test_blocking_call_without_host_loop_on_attached_loop(attached: AsyncSlotEventLoop) -> None:
    """Attached before app.exec(), the program may block; the loop stays attached."""
    assert attached.run_until_complete(asyncio.sleep(0.01, "slept")) == "slept"
    assert asyncio._get_running_loop() is attached


def test_blocking_system_exit_leaves_call(loop: AsyncSlotEventLoop) -> None:
    """SystemExit in a coroutine or callback leaves run_until_complete(), as in asyncio; the loop goes on after."""

    async def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit) as caught:
        loop.run_until_complete(leave())
    assert caught.value.code == 3

    def callback() -> None:
        raise SystemExit(4)

    loop.call_soon(callback)
    with pytest.raises(SystemExit):
        loop.run_until_complete(asyncio.sleep(CEILING_S))
    for task in asyncio.all_tasks(loop):
        task.cancel()
    assert loop.run_until_complete(asyncio.sleep(0, "alive")) == "alive"


# -- non-blocking mode --


def test_attach_sets_running_loop_in_foreign_code(attached: AsyncSlotEventLoop) -> None:
    """asyncio.create_task() works in a plain slot, and the task runs in the application's Qt loop."""

    async def work() -> None:
        await asyncio.sleep(0.001)

    def slot(quit_qt: Callable[[], None]) -> None:
        assert asyncio.get_running_loop() is attached
        asyncio.create_task(work()).add_done_callback(lambda _: quit_qt())

    run_qt(slot)


def foreign_read(loop: AsyncSlotEventLoop, done: Callable[[], None]) -> None:
    reader, writer = socket.socketpair()

    def on_readable() -> None:
        loop.remove_reader(reader)
        reader.close()
        writer.close()
        done()

    loop.add_reader(reader, on_readable)
    writer.send(b"x")


def foreign_write(loop: AsyncSlotEventLoop, done: Callable[[], None]) -> None:
    reader, writer = socket.socketpair()

    def on_writable() -> None:
        loop.remove_writer(writer)
        reader.close()
        writer.close()
        done()

    loop.add_writer(writer, on_writable)


async def call(done: Callable[[], None]) -> None:
    done()


async def connect(done: Callable[[], None]) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    await reader.read()
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()
    done()


def stop(loop: AsyncSlotEventLoop, done: Callable[[], None]) -> None:
    original = loop._close_running
    loop._close_running = lambda **later: (original(**later), done())  # type: ignore[method-assign]
    loop.stop()


WAKERS = {
    "call_soon": lambda loop, done: loop.call_soon(done),
    "call_later": lambda loop, done: loop.call_later(0.01, done),
    "call_at": lambda loop, done: loop.call_at(loop.time() + 0.01, done),
    "earlier call_at": lambda loop, done: (loop.call_later(3600, int), loop.call_later(0.01, done)),
    "create_task": lambda loop, done: loop.create_task(call(done)),
    "run_task": lambda loop, done: loop.run_task(call(done)),
    "future": lambda loop, done: (lambda future: (future.add_done_callback(lambda _: done()), future.set_result(None)))(
        loop.create_future()
    ),
    "cancel": lambda loop, done: (lambda task: (task.add_done_callback(lambda _: done()), task.cancel()))(
        loop.run_task(asyncio.sleep(3600))
    ),
    "add_reader": foreign_read,
    "add_writer": foreign_write,
    "transport": lambda loop, done: loop.create_task(connect(done)),
    "executor": lambda loop, done: loop.run_in_executor(None, int).add_done_callback(lambda _: done()),
    "call_soon_threadsafe": lambda loop, done: threading.Thread(target=loop.call_soon_threadsafe, args=(done,)).start(),
    "stop": stop,
}
NEED_SELECTOR = ["add_reader", "add_writer"]
# What makes a loop, by name: the platform's own, and one with each selector.
LOOPS: dict[str, Callable[[], Any]] = {
    "": AsyncSlotEventLoop,
    **{
        name: lambda name=name: AsyncSlotSelectorEventLoop(getattr(selectors, name)())
        for name in ("EpollSelector", "KqueueSelector", "PollSelector", "SelectSelector")
        if hasattr(selectors, name)
    },
}


@pytest.mark.parametrize("waker", WAKERS)
@pytest.mark.parametrize("kind", LOOPS)
def test_foreign_code_wakes_waiting_guest(app: Any, kind: str, waker: str) -> None:
    """Whatever a slot changes while the guest waits, the guest sees it without another Qt event."""
    if IS_WINDOWS and not kind and waker in NEED_SELECTOR:
        pytest.skip("Windows' stock loop has no add_reader()")
    loop = LOOPS[kind]()
    loop.attach()
    run_qt(lambda quit_qt: loop.call_later(0.02, quit_qt))  # Let it come to rest.
    assert loop._slicer.is_waiting
    run_qt(lambda quit_qt: WAKERS[waker](loop, quit_qt))
    loop.shutdown()


def test_attach_detach_leaves_nothing(app: Any) -> None:
    """Twenty rounds of attach() and detach() leave no descriptor, thread, hook, handler or running loop."""
    for make_loop in LOOPS.values():
        loop = make_loop()
        run_qt(lambda quit_qt: QtCore.QTimer.singleShot(0, quit_qt))
        before = (list_descriptors(), threading.active_count())
        for _ in range(20):
            loop.attach()
            loop.attach()
            run_qt(lambda quit_qt, loop=loop: loop.call_later(0.001, quit_qt))
            loop.detach()
            loop.detach()
            assert asyncio._get_running_loop() is None
        assert (list_descriptors(), threading.active_count()) == before
        loop.close()


def test_detach_suspends_tasks_until_attach(loop: AsyncSlotEventLoop) -> None:
    """Tasks of a detached loop go on after the next attach()."""
    steps: list[int] = []

    async def step_on() -> None:
        while True:
            steps.append(1)
            await asyncio.sleep(0.001)

    task = loop.run_task(step_on())
    run_qt(lambda quit_qt: loop.call_later(0.02, quit_qt))
    loop.detach()
    count = len(steps)
    assert count > 1
    run_qt(lambda quit_qt: QtCore.QTimer.singleShot(20, quit_qt))
    assert len(steps) == count
    loop.attach()
    run_qt(lambda quit_qt: loop.call_later(0.02, quit_qt))
    assert len(steps) > count
    task.cancel()
    run_qt(lambda quit_qt: task.add_done_callback(lambda _: quit_qt()))


def test_attach_second_loop_on_thread_refused(attached: AsyncSlotEventLoop) -> None:
    """A thread has one running loop."""
    other = AsyncSlotEventLoop()
    with pytest.raises(RuntimeError):
        other.attach()
    assert asyncio._get_running_loop() is attached
    other.close()


def test_stop_attached_detaches(attached: AsyncSlotEventLoop) -> None:
    """With no blocking call, stop() detaches, after the present batch."""
    order: list[int] = []

    def callback() -> None:
        attached.stop()
        order.append(1)

    attached.call_soon(callback)
    attached.call_soon(order.append, 2)
    run_qt(lambda quit_qt: QtCore.QTimer.singleShot(50, quit_qt))
    assert order == [1, 2]
    assert not attached.is_running()


def test_shutdown_cancels_drains_and_closes(attached: AsyncSlotEventLoop) -> None:
    """shutdown() lets tasks clean up, closes async generators, then closes the loop."""
    order: list[str] = []

    async def generate() -> Any:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            order.append("generator closed")

    async def work(generator: Any) -> None:
        await generator.__anext__()
        try:
            await asyncio.sleep(3600)
        finally:
            await asyncio.sleep(0.01)
            order.append("cleaned up")

    generator = generate()
    attached.run_task(work(generator))
    attached.shutdown()
    assert order == ["cleaned up", "generator closed"]
    assert attached.is_closed()
    attached.shutdown()  # No effect.


def test_shutdown_no_task_closes_generators(loop: AsyncSlotEventLoop) -> None:
    """An async generator that was left open is closed, though there is no task left to cancel."""
    closed: list[bool] = []

    async def generate() -> Any:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            closed.append(True)

    async def main(generator: Any) -> None:
        await generator.__anext__()

    generator = generate()
    loop.run_until_complete(main(generator))
    loop.shutdown()
    assert closed


def test_idle_guest_costs_no_wakeups() -> None:
    """With a task asleep for an hour, the process hardly ever gets the processor in 2 seconds."""
    finished = run_script("idle")
    assert finished.errors == ""
    assert int(finished.lines[0]) < 6


# -- threads --


def test_blocking_call_in_python_thread(app: Any) -> None:
    """A loop runs in a plain Python thread, with timers, I/O and executor; Qt has nothing to complain about."""
    results: list[object] = []

    async def main() -> object:
        await connect(lambda: None)
        return await asyncio.get_running_loop().run_in_executor(None, threading.current_thread)

    def run() -> None:
        loop = AsyncSlotEventLoop()
        results.append(loop.run_until_complete(main()))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(CEILING_S)
    assert len(results) == 1


def test_thread_finished_drains_and_closes_its_loop(app: Any) -> None:
    """When a QThread's Qt loop ends, its tasks are cancelled, may clean up there, and its loop is closed."""
    finished = run_script("thread")
    assert finished.errors == ""
    assert finished.lines == ["started on worker: True", "clean on worker: True", "closed: True"]


@pytest.mark.parametrize("way", ["started", "attach"])
def test_thread_before_its_qt_loop_runs(way: str) -> None:
    """A slot connected to QThread.started runs on the thread; so does a loop attached in QThread.run()."""
    finished = run_script("thread_early", way)
    assert finished.errors == ""
    assert finished.lines == ["on worker: True", "clean on worker: True", "closed: True"]


def test_wrong_thread_refused(attached: AsyncSlotEventLoop, refused_coro: Any) -> None:
    """attach(), detach(), run_task() and blocking calls on another thread raise, and say what to use."""
    errors: list[str] = []

    def misuse() -> None:
        for call_it in (
            attached.attach,
            attached.detach,
            lambda: attached.run_task(asyncio.sleep(0)),
            lambda: attached.run_until_complete(refused_coro),
        ):
            try:
                call_it()
            except RuntimeError as exc:
                errors.append(str(exc))

    thread = threading.Thread(target=misuse)
    thread.start()
    thread.join(CEILING_S)
    assert len(errors) == 4
    assert all("thread" in error for error in errors)


# -- bad input --


def test_no_application_clear_error() -> None:
    """Without a QCoreApplication every way in fails, and says to create one; a slot raises nothing and logs it."""
    finished = run_script("no_application")
    assert finished.errors == ""
    assert finished.lines[:4] == ["RuntimeError: there is no QCoreApplication"] * 4
    assert finished.lines[4] == "ERROR Slot work() was called, but could not be started"
    assert finished.lines[-2].startswith("RuntimeError: there is no QCoreApplication")
    assert finished.lines[-1].startswith("RuntimeError('there is no QCoreApplication")


@pytest.mark.parametrize("work", ["idle", "busy", "owned"])
@pytest.mark.parametrize(
    "way",
    [
        "delete",
        pytest.param(
            "shutdown",
            marks=pytest.mark.skipif(BINDING != "PySide6", reason="PyQt has no shutdown(), PySide2's tells nobody"),
        ),
    ],
)
def test_application_destroyed_ends_its_loop(work: str, way: str) -> None:
    """The loop closes with its application, and reports what ran; a new application gets a new loop."""
    finished = run_script("application_again", work, way)
    assert finished.errors == ""
    reports, ends = finished.lines[:-3], finished.lines[-3:]
    assert [line.partition(": '")[0] for line in reports] == (
        [] if work == "idle" else ["Task was abandoned: the application was destroyed without a quit"]
    )
    assert ends == ["closed: True running: None", "waited", "waited"]


def test_closed_loop_refuses(loop: AsyncSlotEventLoop, refused_coro: Any) -> None:
    """A closed loop says so; run_task() closes the coroutine that it is given."""
    loop.close()
    for call_it in (
        lambda: loop.run_task(asyncio.sleep(0)),
        lambda: loop.run_until_complete(refused_coro),
        loop.attach,
        lambda: loop.call_soon(int),
        lambda: loop.call_later(1, int),
    ):
        with pytest.raises(RuntimeError, match="closed"):
            call_it()


def test_other_loop_running_refused(loop: AsyncSlotEventLoop, refused_coro: Any) -> None:
    """Inside another running loop, blocking and attaching raise."""

    async def main() -> None:
        for call_it in (loop.attach, loop.run_forever, lambda: loop.run_until_complete(refused_coro)):
            with pytest.raises(RuntimeError):
                call_it()

    other = asyncio.SelectorEventLoop()
    other.run_until_complete(main())
    other.close()


def test_constructing_does_not_make_it_the_threads_loop(app: Any) -> None:
    """This thread's loop is the one last attached."""
    before = thread_loop()
    loop = AsyncSlotEventLoop()
    assert thread_loop() is before
    loop.attach()
    assert thread_loop() is loop
    loop.detach()
    loop.close()
    assert thread_loop() is None


def test_closed_loop_is_freed_without_the_collector(app: Any) -> None:
    """A closed loop is in no reference cycle: with its last reference it is gone."""

    async def main() -> weakref.ref[Any]:
        await asyncio.sleep(0)
        return weakref.ref(asyncio.get_running_loop())

    gc.disable()
    try:
        loop = AsyncSlotEventLoop()
        reference = loop.run_until_complete(main())
        loop.close()
        del loop
        assert reference() is None
    finally:
        gc.enable()


def test_closed_loop_is_collected(app: Any) -> None:
    """A closed loop, even one that was attached, is freed with its tasks and Qt objects."""
    loop = AsyncSlotEventLoop()
    loop.attach()
    run_task(asyncio.sleep(0))
    run_qt(lambda quit_qt, loop=loop: loop.call_later(0.001, quit_qt))
    loop.shutdown()
    other = AsyncSlotEventLoop()
    other.attach()  # This thread's loop is now another.
    other.shutdown()
    reference = weakref.ref(loop)
    del loop
    gc.collect()
    assert reference() is None
