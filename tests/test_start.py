"""Which loop run_task() takes: the running one, else this thread's, else a new one."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import inspect
import sys
import threading
import weakref
from typing import Any, Callable, Iterator

import pytest
from qt import Signal, Slot
from support import CEILING_S, IS_WINDOWS, run_qt, run_script

from asyncslot import AsyncSlotEventLoop, run_task
from asyncslot._qt import QtCore
from asyncslot._slot.start import ensure_loop
from asyncslot.loop import thread_loop

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


@pytest.fixture
def fresh(app: Any) -> Iterator[None]:
    """This thread has no loop; the one that the test has it make is shut down at the end."""
    assert thread_loop() is None
    assert asyncio._get_running_loop() is None
    yield
    loop = thread_loop()
    if loop is not None:
        loop.shutdown(timeout_s=1)


async def work() -> str:
    return "worked"


def is_closed(coro: Any) -> bool:
    return inspect.getcoroutinestate(coro) == inspect.CORO_CLOSED


# -- on the application's thread --


@pytest.mark.usefixtures("fresh")
def test_run_task_no_loop_makes_and_attaches_one() -> None:
    """Without a loop, one is made, attached and carried by the Qt loop that the application runs."""
    gate: list[asyncio.Future[None]] = []

    async def body() -> str:
        gate.append(asyncio.get_running_loop().create_future())
        await gate[0]
        return "went on"

    task = run_task(body())
    loop = thread_loop()
    assert isinstance(loop, AsyncSlotEventLoop)
    assert task.get_loop() is loop
    assert asyncio.get_running_loop() is loop

    def open_gate(quit_qt: Callable[[], None]) -> None:
        gate[0].set_result(None)
        task.add_done_callback(lambda _: quit_qt())

    run_qt(open_gate)
    assert task.result() == "went on"


@pytest.mark.usefixtures("fresh")
def test_run_task_again_takes_the_same_loop() -> None:
    """The loop made for the first task carries those that follow."""
    first, second = run_task(work()), run_task(work())
    assert first.get_loop() is second.get_loop()
    assert ensure_loop() is first.get_loop()


def test_run_task_loop_attached_takes_it(attached: AsyncSlotEventLoop) -> None:
    """The attached loop, which is the running one, carries the task."""
    assert run_task(work()).get_loop() is attached


def test_run_task_in_blocking_call_takes_its_loop(loop: AsyncSlotEventLoop) -> None:
    """In a blocking call, coroutines, callbacks and slots alike run tasks in its loop, which is not attached for it."""
    loops: list[object] = []

    def note_loop() -> None:
        task = run_task(work())
        loops.append(task.get_loop() if task.done() else None)

    async def main() -> None:
        note_loop()
        loop.call_soon(note_loop)
        in_slot = loop.create_future()
        QtCore.QTimer.singleShot(0, lambda: (note_loop(), in_slot.set_result(None)))
        await in_slot

    loop.run_until_complete(main())
    assert loops == [loop, loop, loop]
    assert not loop.is_running()


def test_run_task_loop_stopped_attaches_it_again(loop: AsyncSlotEventLoop) -> None:
    """A loop of this thread's that was detached is attached again, with the tasks that it has."""
    loop.attach()
    gate = loop.create_future()
    order: list[str] = []

    async def body() -> None:
        await gate
        order.append("suspended task went on")

    suspended = run_task(body())
    loop.detach()
    gate.set_result(None)
    assert run_task(work()).get_loop() is loop
    assert asyncio.get_running_loop() is loop
    loop.run_until_complete(suspended)
    assert order == ["suspended task went on"]


@pytest.mark.usefixtures("fresh")
def test_run_task_loop_closed_makes_another() -> None:
    """A closed loop of this thread's is replaced."""
    first = ensure_loop()
    assert isinstance(first, AsyncSlotEventLoop)
    first.shutdown()
    second = run_task(work()).get_loop()
    assert second is not first
    assert second is thread_loop()
    assert second.is_running()


@pytest.mark.usefixtures("fresh")
def test_constructing_loop_run_task_takes_another() -> None:
    """A loop that was only constructed, or only ran a blocking call, is not this thread's."""
    constructed = AsyncSlotEventLoop()
    constructed.run_until_complete(work())
    assert thread_loop() is None
    assert run_task(work()).get_loop() is not constructed
    constructed.close()


@pytest.mark.usefixtures("fresh")
def test_run_task_no_coroutine_makes_no_loop() -> None:
    """What is no coroutine is refused before a loop is made."""
    with pytest.raises(TypeError, match="a coroutine was expected"):
        run_task(work)  # type: ignore[arg-type]
    assert thread_loop() is None


@pytest.mark.usefixtures("fresh")
def test_run_task_options_reach_the_loop() -> None:
    """``name`` and ``context`` are the task's, and what it raises is its own."""
    context = contextvars.copy_context()

    async def body() -> None:
        variable.set("body's")
        raise LookupError("mine")

    task = run_task(body(), name="the one", context=context)
    assert task.get_name() == "the one"
    assert context[variable] == "body's"
    with pytest.raises(LookupError, match="mine"):
        task.result()


def test_run_task_no_application_refused() -> None:
    """Without a QCoreApplication it is a RuntimeError that says so; nothing is left, and with one it works."""
    finished = run_script("slot_no_application")
    assert finished.errors == ""
    assert finished.lines[0].startswith("there is no QCoreApplication")
    assert finished.lines[1:] == ["coroutine: CORO_CLOSED", "loops: None None", "worked"]


# -- under a loop that is not ours --


@pytest.fixture
def stock(fresh: None) -> Iterator[asyncio.AbstractEventLoop]:
    """A stock loop of asyncio's. At the end its exception handler was not called, and no loop of ours was made."""
    loop = asyncio.SelectorEventLoop()
    reports: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: reports.append(context))
    yield loop
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    assert thread_loop() is None
    assert not reports
    assert not left


def test_run_task_other_loop_runs_creates_task_in_it(stock: asyncio.AbstractEventLoop) -> None:
    """Under a running loop that is not ours the task is just created in it: no eager step, no loop of ours."""
    context = contextvars.copy_context()
    order: list[str] = []

    async def body() -> str:
        order.append("body")
        variable.set("body's")
        return "worked"

    async def main() -> str:
        assert ensure_loop() is stock
        task = run_task(body(), name="the one", context=context)
        order.append("run_task returned")
        assert task.get_loop() is stock
        assert task.get_name() == "the one"
        return await task

    assert stock.run_until_complete(main()) == "worked"
    assert order == ["run_task returned", "body"]
    assert context[variable] == "body's"


def test_run_task_other_loop_refuses_coroutine_closed(stock: asyncio.AbstractEventLoop) -> None:
    """If that loop makes no task, what it raises is raised, and the coroutine is closed."""
    coro = work()

    def fail(*_: Any, **__: Any) -> Any:
        raise LookupError("no task today")

    async def main() -> None:
        stock.set_task_factory(fail)
        with pytest.raises(LookupError, match="no task today"):
            run_task(coro)
        stock.set_task_factory(None)
        assert is_closed(coro)

    stock.run_until_complete(main())


def test_run_task_other_loop_context_entered_refused(stock: asyncio.AbstractEventLoop) -> None:
    """There, too, a context that is entered already is a RuntimeError, with the coroutine closed and no task left."""
    context = contextvars.copy_context()
    coro = work()

    async def main() -> None:
        with pytest.raises(RuntimeError, match="cannot enter context"):
            context.run(lambda: run_task(coro, context=context))
        assert is_closed(coro)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    stock.run_until_complete(main())


def test_run_task_other_loop_unreferenced_task_survives_collection(stock: asyncio.AbstractEventLoop) -> None:
    """There, too, a task that only a future of its own refers to is held until it ends."""

    async def wait_alone() -> None:
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        reference = weakref.ref(run_task(wait_alone()))
        await asyncio.sleep(0)
        gc.collect()
        task = reference()
        assert task is not None
        task.cancel()
        await asyncio.wait([task])

    stock.run_until_complete(main())


# -- on other threads --


def run_in_thread(function: Callable[[], None]) -> None:
    """Call a function on a thread of Python's; raise what it raises."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            function()
        except BaseException as exc:
            errors.append(exc)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(CEILING_S)
    assert not thread.is_alive()
    if errors:
        raise errors[0]


class QtThread(QtCore.QThread):
    """A thread of Qt's that calls a function without a Qt loop."""

    def __init__(self, function: Callable[[], None]) -> None:
        super().__init__()
        self._function = function

    def run(self) -> None:
        self._function()


def run_in_qt_thread(function: Callable[[], None]) -> None:
    """Call a function on a QThread that runs no Qt loop; raise what it raises."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            function()
        except BaseException as exc:
            errors.append(exc)

    thread = QtThread(run)
    thread.start()
    assert thread.wait(CEILING_S * 1000)
    if errors:
        raise errors[0]


@pytest.mark.parametrize("run_in", [run_in_thread])
def test_run_task_other_thread_without_qt_loop_refused(app: Any, run_in: Callable[[Callable[[], None]], None]) -> None:
    """On another thread than the application's where no Qt loop runs, it is a RuntimeError that names attach()."""
    coro = work()
    loops: list[object] = []

    def misuse() -> None:
        try:
            run_task(coro)
        finally:
            loops.extend([thread_loop(), asyncio._get_running_loop()])

    with pytest.raises(RuntimeError, match=r"AsyncSlotEventLoop\(\)\.attach\(\)"):
        run_in(misuse)
    assert is_closed(coro)
    assert loops == [None, None]


@pytest.mark.parametrize("run_in", [run_in_thread, run_in_qt_thread])
def test_run_task_other_thread_loop_attached_taken(app: Any, run_in: Callable[[Callable[[], None]], None]) -> None:
    """The way out that the error names works: a loop attached there carries tasks as soon as a Qt loop runs."""
    order: list[str] = []

    def use() -> None:
        loop = AsyncSlotEventLoop()
        loop.attach()

        async def body() -> None:
            order.append("first step")
            await asyncio.sleep(0)
            order.append("went on")

        task = run_task(body())
        assert task.get_loop() is loop
        order.append("run_task returned")
        qt_loop = QtCore.QEventLoop()
        task.add_done_callback(lambda _: qt_loop.quit())
        qt_loop.exec()
        loop.shutdown()

    run_in(use)
    assert order == ["first step", "run_task returned", "went on"]


class Caller(QtCore.QObject):
    """Calls functions on the thread that it lives on."""

    called = Signal(object)
    done = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.called.connect(self.on_called)
        self.errors: list[BaseException] = []

    @Slot(object)
    def on_called(self, function: Callable[[], None]) -> None:
        try:
            function()
        except BaseException as exc:
            self.errors.append(exc)
            self.done.emit()


class Worker:
    """A QThread with a Qt loop, on which functions can be called."""

    def __init__(self) -> None:
        self.thread = QtCore.QThread()
        self.caller = Caller()
        self.caller.moveToThread(self.thread)
        self.thread.start()

    def call(self, function: Callable[[Callable[[], None]], None]) -> None:
        """Call *function* there, with what it is to call when it is done; raise what it raises."""

        def start(quit_qt: Callable[[], None]) -> None:
            self.caller.done.connect(quit_qt)
            self.caller.called.emit(lambda: function(self.caller.done.emit))

        run_qt(start)  # Its Qt loop, and with it the connection, is gone at the end.
        if self.caller.errors:
            raise self.caller.errors.pop()

    def end(self) -> None:
        self.thread.quit()
        assert self.thread.wait(CEILING_S * 1000)


@pytest.fixture
def workers(app: Any) -> Iterator[list[Worker]]:
    """Two threads of Qt's with Qt loops."""
    workers = [Worker(), Worker()]
    yield workers
    for worker in workers:
        worker.end()


@pytest.mark.usefixtures("fresh")
@pytest.mark.skipif(
    IS_WINDOWS and sys.version_info < (3, 13), reason="the stock loop of Windows makes such an object when it is made"
)
def test_loop_on_qt_thread_leaves_no_thread_object(workers: list[Worker]) -> None:
    """Before Python 3.13, ``threading.current_thread()`` on a thread of Qt's leaves an object for ever."""
    before = threading.enumerate()

    def on_thread(done: Callable[[], None]) -> None:
        run_task(asyncio.sleep(0)).add_done_callback(lambda _: done())

    workers[0].call(on_thread)
    workers[0].end()
    assert threading.enumerate() == before


@pytest.mark.usefixtures("fresh")
def test_run_task_qt_thread_gets_its_own_loop(workers: list[Worker]) -> None:
    """Each QThread has one loop of its own, on which its tasks go on, in every slot that it runs."""
    seen: dict[int, list[Any]] = {0: [], 1: []}

    for _ in range(2):
        for number, worker in enumerate(workers):

            def on_thread(done: Callable[[], None], seen: list[Any] = seen[number]) -> None:
                async def body() -> None:
                    seen.append((threading.get_ident(), asyncio.get_running_loop()))
                    await asyncio.sleep(0)
                    seen.append((threading.get_ident(), asyncio.get_running_loop()))
                    done()

                run_task(body())

            worker.call(on_thread)
    mine = (threading.get_ident(), run_task(work()).get_loop())
    for pairs in seen.values():
        assert len(pairs) == 4
        assert len(set(pairs)) == 1
        assert isinstance(pairs[0][1], AsyncSlotEventLoop)
    assert len({*seen[0], *seen[1], mine}) == 3


@pytest.mark.usefixtures("fresh")
def test_run_task_qt_thread_finished_drains_and_closes_loop(workers: list[Worker]) -> None:
    """When a QThread's Qt loop ends, its tasks are cancelled and clean up there; other threads' loops go on."""
    clean_ups: list[int] = []
    tasks: list[asyncio.Task[None]] = []
    threads: list[int] = []

    def on_thread(done: Callable[[], None]) -> None:
        async def body() -> None:
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                await asyncio.sleep(0)
                clean_ups.append(threading.get_ident())

        threads.append(threading.get_ident())
        tasks.append(run_task(body()))
        done()

    for worker in workers:
        worker.call(on_thread)
    assert not any(task.done() for task in tasks)
    workers[0].end()
    assert clean_ups == threads[:1]
    assert tasks[0].cancelled()
    assert tasks[0].get_loop().is_closed()
    assert not tasks[1].done()
    assert tasks[1].get_loop().is_running()
    workers[1].end()
    assert clean_ups == threads
    assert tasks[1].get_loop().is_closed()


@pytest.mark.usefixtures("fresh")
def test_run_task_qt_thread_restarted_makes_another_loop(workers: list[Worker]) -> None:
    """A QThread that runs again after its end has a new loop, which ends with it, too."""
    worker = workers[0]
    loops: list[asyncio.AbstractEventLoop] = []

    def on_thread(done: Callable[[], None]) -> None:
        loops.append(run_task(work()).get_loop())
        done()

    worker.call(on_thread)
    worker.end()
    worker.thread.start()
    worker.call(on_thread)
    worker.end()
    assert loops[0] is not loops[1]
    assert [loop.is_closed() for loop in loops] == [True, True]


@pytest.mark.usefixtures("fresh")
def test_run_task_qt_thread_loop_stopped_attaches_it_again(workers: list[Worker]) -> None:
    """A detached loop of a QThread's is attached again by the next slot there that runs a task."""
    loops: list[Any] = []

    def detach(done: Callable[[], None]) -> None:
        loops.append(run_task(work()).get_loop())
        loops[0].detach()
        done()

    def on_thread(done: Callable[[], None]) -> None:
        loops.append(run_task(work()).get_loop())
        done()

    workers[0].call(detach)
    workers[0].call(on_thread)
    if loops[0] is not loops[1]:
        loops[0].close()
    assert loops[0] is loops[1]


def test_run_task_on_a_pools_thread_refused(app: Any) -> None:
    """A thread of a QThreadPool runs no Qt loop: what would never go on does not begin."""
    errors: list[BaseException] = []

    class Job(QtCore.QRunnable):
        def run(self) -> None:
            try:
                run_task(asyncio.sleep(0))
            except RuntimeError as exc:
                errors.append(exc)

    pool = QtCore.QThreadPool()
    pool.start(Job())
    assert pool.waitForDone(10_000)
    assert "no Qt event loop runs on this thread" in str(errors[0])


def test_run_task_context_of_wrong_type_refused(attached: AsyncSlotEventLoop) -> None:
    """A context that is none is a TypeError that tells how to make one; the coroutine is closed."""
    with pytest.raises(TypeError, match=r"context must be a contextvars.Context, got 3; contextvars.copy_context\(\)"):
        run_task(asyncio.sleep(0), context=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("how", ["close", "collect"])
def test_loop_of_qt_thread_ends_on_another_thread(how: str) -> None:
    """Closed or collected elsewhere, it does not release the state of the wrong thread."""
    finished = run_script("end_elsewhere", how)
    assert finished.lines == ["ended"]
    assert finished.code == 0


def test_slot_without_descriptors_logs_and_fails() -> None:
    """No loop can be made, not even for the failed future: nothing leaves the slot into Qt."""
    # On Windows, the stock loop warns that it was not closed, although it was not made.
    finished = run_script("no_descriptors", options=() if IS_WINDOWS else ("-X", "dev", "-W", "error"))
    assert "Traceback" not in finished.errors
    assert finished.lines[0] == "ERROR Slot work() was called, but could not be started"
    assert finished.lines[-1] == "emitted"
