"""Work in threads and in processes: results, failures, progress, cancellation, and what is left."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from pathlib import Path
from typing import Any, Callable

import process_functions as functions
import pytest
from qt import delete
from support import CEILING_S, run_coroutine, run_script

import asyncslot
from asyncslot import AsyncSlotEventLoop, Progress, run_in_process, run_in_thread
from asyncslot._qt import QtCore, import_qt

QtWidgets = import_qt("QtWidgets")

both = pytest.mark.parametrize("run", [run_in_thread, run_in_process], ids=["thread", "process"])


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


# -- results and failures --


@both
def test_run_returns_the_result(attached: AsyncSlotEventLoop, run: Any) -> None:
    """Positional and keyword arguments arrive."""
    assert run_coroutine(run(functions.double, 21)) == 42
    assert run_coroutine(run(functions.double, number=21)) == 42


@both
def test_run_raises_what_the_function_raises(attached: AsyncSlotEventLoop, run: Any) -> None:
    """With the traceback of the worker, and for StopIteration an error that can be awaited."""
    with pytest.raises(ValueError, match="broken") as caught:
        run_coroutine(run(functions.raise_error, "broken"))
    cause = str(caught.value.__cause__) if run is run_in_process else ""
    assert "raise_error" in cause or any(entry.name == "raise_error" for entry in caught.traceback)
    with pytest.raises(RuntimeError, match="raised StopIteration"):
        run_coroutine(run(functions.stop_iteration))


@both
@pytest.mark.parametrize("loop_class", [asyncio.SelectorEventLoop, AsyncSlotEventLoop])
def test_run_works_on_any_loop(app: Any, run: Any, loop_class: Any) -> None:
    """Also on asyncio's own."""
    loop = loop_class()
    assert loop.run_until_complete(run(functions.count, 3, progress=Progress())) == 3
    loop.run_until_complete(loop.shutdown_default_executor()) if hasattr(loop, "shutdown_default_executor") else None
    loop.close()


def test_run_in_thread_has_the_context(attached: AsyncSlotEventLoop) -> None:
    """As asyncio.to_thread does it."""
    variable = contextvars.ContextVar("variable", default="")

    async def main() -> tuple[str, bool]:
        variable.set("set")
        return await run_in_thread(lambda: (variable.get(), threading.current_thread() is threading.main_thread()))

    assert run_coroutine(main()) == ("set", False)


@both
@pytest.mark.parametrize(
    ("arguments", "options", "text"),
    [
        ((3,), {}, r"\(\) calls a function, got 3"),
        ((asyncio.sleep,), {}, "got the coroutine function .*; await that, or use run_task"),
        ((functions.double, 1), {"progress": Progress()}, "has no parameter 'progress'"),
        ((functions.count, 1), {"progress": print}, "progress must be a Progress, got <built-in"),
    ],
)
def test_run_bad_input(attached: AsyncSlotEventLoop, run: Any, arguments: Any, options: Any, text: str) -> None:
    """The error says what was wrong, and the way out."""
    with pytest.raises(TypeError, match=text):
        run_coroutine(run(*arguments, **options))


def test_run_of_a_coroutine_says_what_to_pass(attached: AsyncSlotEventLoop) -> None:
    """The function was called by mistake."""
    coro = asyncio.sleep(0)
    with pytest.raises(TypeError, match="pass the function, and its arguments after it"):
        run_coroutine(run_in_thread(coro))  # type: ignore[arg-type]
    coro.close()


# -- progress --


@both
def test_progress_has_all_when_the_result_is_there(attached: AsyncSlotEventLoop, run: Any) -> None:
    """The last report is shown before the await returns, however fast the work was."""
    bar, label = QtWidgets.QProgressBar(), QtWidgets.QLabel()
    progress = Progress(lambda progress: seen.append(progress.done)).bind(bar, label)
    for number in (1, 10, 3000):
        seen: list[float] = []
        assert run_coroutine(run(functions.count, number, progress=progress)) == number
        assert (progress.done, progress.total, progress.text) == (number - 1, number, f"item {number - 1}")
        assert (bar.maximum(), bar.value(), label.text()) == (number, number - 1, f"item {number - 1}")
        assert seen == sorted(seen)
    assert len(seen) < 3000


@both
def test_progress_shows_the_newest_report_while_the_work_is_silent(
    attached: AsyncSlotEventLoop, run: Any, tmp_path: Path
) -> None:
    """A report that came too soon after another one is shown all the same, without a third one."""
    path = tmp_path / "go on"

    async def main() -> None:
        progress = Progress()
        task = asyncslot.run_task(run(functions.report_once_and_wait, str(path), progress=progress))
        await until(lambda: progress.text == "waits")
        assert (progress.done, task.done()) == (2, False)
        path.touch()
        await task

    run_coroutine(main())


@both
def test_on_report_that_fails_is_reported_and_the_work_goes_on(app: Any, run: Any) -> None:
    """It is no failure of the work."""
    reports: list[Any] = []

    def fail(_: object) -> None:
        raise ValueError("on_report failed")

    async def main() -> int:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context["message"]))
        return await run(functions.count, 3, progress=Progress(fail))

    assert asyncslot.run(main()) == 3
    assert set(reports) == {"A Progress could not be shown"}


@both
def test_progress_in_use_refuses_another_call(attached: AsyncSlotEventLoop, run: Any) -> None:
    """And the second function never begins."""
    called: list[int] = []

    async def main() -> None:
        progress = Progress()
        task = asyncslot.run_task(run(functions.run_until_cancelled, progress=progress))
        with pytest.raises(RuntimeError, match="make a Progress for each"):
            await run_in_thread(lambda progress: called.append(1), progress=progress)
        assert not task.done()
        task.cancel()
        await asyncio.wait([task])

    run_coroutine(main())
    assert called == []


# -- cancellation --


@both
@pytest.mark.parametrize("how", ["cancel", "timeout", "owner", "progress"])
def test_cancelled_work_ends_before_the_await_does(
    attached: AsyncSlotEventLoop, run: Any, how: str, tmp_path: Path
) -> None:
    """However it is cancelled, the function's clean-up is over when the task goes on."""
    path, begun = tmp_path / "result", tmp_path / "begun"
    owner = QtCore.QObject()
    progress = Progress()

    async def main() -> None:
        work = run(functions.write_when_cancelled, str(path), str(begun), progress=progress)
        if how == "timeout":
            # Not before a process is there.
            await run(functions.double, 1)
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(work, 0.5)
        else:
            task = asyncslot.run_task(work, owner=owner)
            await until(lambda: progress.done > 3)
            {"cancel": task.cancel, "owner": lambda: delete(owner), "progress": progress.cancel}[how]()
            await asyncio.wait([task])
            assert task.cancelled()
        assert path.read_text() == "cleaned up"
        assert not progress.is_running

    run_coroutine(main())


@both
def test_cancelled_work_that_fails_raises_its_error(attached: AsyncSlotEventLoop, run: Any) -> None:
    """As a coroutine whose clean-up fails: the error is not lost."""
    progress = Progress()

    async def main() -> None:
        task = asyncslot.run_task(run(functions.fail_when_cancelled, progress=progress))
        await until(lambda: progress.done > 1)
        task.cancel()
        with pytest.raises(ValueError, match="clean-up failed"):
            await task

    run_coroutine(main())


@both
def test_work_may_ask_whether_it_was_cancelled(attached: AsyncSlotEventLoop, run: Any, tmp_path: Path) -> None:
    """Without a Progress, too. By Progress.cancel() alone, its result counts; a cancelled task stays cancelled."""
    progress = Progress()
    first, second = tmp_path / "first", tmp_path / "second"

    async def main() -> None:
        task = asyncslot.run_task(run(functions.wait_until_asked, str(first)))
        await until(first.exists)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        task = asyncslot.run_task(run(functions.wait_until_asked, str(second), progress=progress))
        await until(second.exists)
        progress.cancel()
        assert await task == "ended by itself"

    run_coroutine(main())


def test_second_cancellation_waits_too(attached: AsyncSlotEventLoop) -> None:
    """As in a TaskGroup: nothing goes on as long as the work does."""
    may_end = threading.Event()
    progress = Progress()

    def work(progress: Any) -> None:
        progress.report(1)
        may_end.wait(CEILING_S)

    async def main() -> None:
        task = asyncslot.run_task(run_in_thread(work, progress=progress))
        await until(lambda: progress.done)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0.01)
            assert not task.done()
        may_end.set()
        await asyncio.wait([task])
        assert task.cancelled()

    run_coroutine(main())


def test_work_in_a_thread_that_has_not_begun_never_does(attached: AsyncSlotEventLoop) -> None:
    """A queued call is over at once, though all threads are busy."""
    may_end = threading.Event()
    called: list[int] = []

    async def main() -> None:
        busy = [asyncslot.run_task(run_in_thread(may_end.wait, CEILING_S)) for _ in range(40)]
        task = asyncslot.run_task(run_in_thread(called.append, 1))
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        may_end.set()
        await asyncio.gather(*busy)

    run_coroutine(main())
    assert called == []


def test_hundred_calls_at_once_each_have_their_result(attached: AsyncSlotEventLoop) -> None:
    """Whether they get a progress or not, and though some are cancelled."""

    async def main() -> None:
        for run in (run_in_thread, run_in_process):
            progresses = [Progress() for _ in range(50)]
            work = [run(functions.count, number, progress=progress) for number, progress in enumerate(progresses, 1)]
            tasks = [asyncslot.run_task(each) for each in [*work, *(run(functions.double, n) for n in range(50))]]
            for task in tasks[::7]:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            for number, (task, result) in enumerate(zip(tasks, results)):
                expected = number + 1 if number < 50 else (number - 50) * 2
                assert task.cancelled() or result == expected
                assert not task.cancelled() or task in tasks[::7]
            for number, (task, progress) in enumerate(zip(tasks, progresses)):
                assert progress.done == number or (task.cancelled() and progress.done < number)

    run_coroutine(main())


@both
def test_last_report_of_work_that_fails_is_shown(attached: AsyncSlotEventLoop, run: Any) -> None:
    """It tells where the work has failed."""
    progress = Progress()
    with pytest.raises(ValueError, match="after 50"):
        run_coroutine(run(functions.fail_after, 50, progress=progress))
    assert (progress.done, progress.text) == (50, "item 50")


@both
def test_work_whose_task_is_destroyed_ends(app: Any, run: Any, tmp_path: Path) -> None:
    """Nobody waits any more, so it is asked to end."""
    path = tmp_path / "result"
    begun = tmp_path / "begun"

    async def main() -> None:
        coro = run(functions.write_when_cancelled, str(path), str(begun))
        coro.send(None)
        await until(begun.exists)
        coro.close()
        await until(path.exists)

    asyncslot.run(main())


def test_thread_of_a_closed_loop_ends(app: Any, tmp_path: Path) -> None:
    """A loop that is closed without a quit asks its work to end, too."""
    path, begun = tmp_path / "result", tmp_path / "begun"
    loop = AsyncSlotEventLoop()
    task = loop.create_task(run_in_thread(functions.write_when_cancelled, str(path), str(begun)))
    loop.run_until_complete(until(begun.exists))
    loop.close()
    end = time.monotonic() + CEILING_S
    while not path.exists():
        assert time.monotonic() < end
        time.sleep(0.001)
    task._log_destroy_pending = False  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_program_that_ends_without_a_quit_ends_its_work(kind: str) -> None:
    """Python waits for the threads of executors, so the work must be asked to end before."""
    finished = run_script("no_quit_work", kind, options=("-W", "error"))
    assert finished.lines == ["cleaned up"]
    assert "Task was abandoned: the program has ended without a quit" in finished.errors
    assert finished.code == 0


def test_progress_cancelled_before_the_work_begins(attached: AsyncSlotEventLoop) -> None:
    """A widget may do so, when it hears that there is work."""
    begun: list[int] = []

    class Bar(QtWidgets.QProgressBar):
        def setRange(self, minimum: int, maximum: int) -> None:
            super().setRange(minimum, maximum)
            if maximum == 0:
                progress.cancel()

    progress = Progress()
    bar = Bar()
    progress.bind(bar)

    async def main() -> None:
        with pytest.raises(asyncio.CancelledError):
            await run_in_thread(lambda progress: (begun.append(1), progress.report(1)), progress=progress)
        assert not progress.is_running

    run_coroutine(main())


def test_work_in_a_thread_leaves_no_reference(attached: AsyncSlotEventLoop) -> None:
    """The arguments are freed with the call, without the garbage collector."""
    import gc
    import weakref

    class Argument:
        pass

    async def main() -> None:
        argument = Argument()
        reference = weakref.ref(argument)
        gc.disable()
        try:
            await run_in_thread(lambda argument, progress: progress.report(1), argument, progress=Progress())
            del argument
            # The thread itself lets go when its function has returned, which is a moment later.
            end = time.monotonic() + CEILING_S
            while reference() is not None and time.monotonic() < end:
                await asyncio.sleep(0.001)
            assert reference() is None
        finally:
            gc.enable()

    run_coroutine(main())
