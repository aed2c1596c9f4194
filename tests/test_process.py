"""The processes of a loop: how they begin, die and end; what cannot be sent to them."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import process_functions as functions
import pytest
from support import CEILING_S, is_process, run_coroutine, run_script

import asyncslot
from asyncslot import AsyncSlotEventLoop, Progress, run_in_process
from asyncslot._background import process


def wait_until_ended(pid: int) -> None:
    end = time.monotonic() + CEILING_S
    while is_process(pid):
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize(
    "function", [lambda: 1, functions.count.__get__(threading.Lock())], ids=["lambda", "method of what cannot be sent"]
)
def test_run_in_process_function_that_cannot_be_sent(attached: AsyncSlotEventLoop, function: Any) -> None:
    """The error says what kind of function can be."""
    with pytest.raises(TypeError, match="pass a function that is defined at the top level of a module"):
        run_coroutine(run_in_process(function))


@pytest.mark.parametrize(
    ("function", "arguments", "error", "text"),
    [
        (functions.raise_odd_error, (), RuntimeError, r"OddError: 404 \(this exception itself cannot be sent"),
        (functions.return_lock, (), TypeError, r"run_in_process\(\) cannot send .* to another process: cannot pickle"),
        (functions.double, (threading.Lock(),), TypeError, r"run_in_process\(\) cannot send .*: cannot pickle"),
        (functions.double, (functions.Unmakeable(),), RuntimeError, "cannot import what it is to call .*: no way back"),
        (functions.return_unmakeable, (), ValueError, "no way back"),
    ],
    ids=["exception", "result", "argument", "argument there", "result here"],
)
def test_what_cannot_be_sent_concerns_its_own_call_only(
    attached: AsyncSlotEventLoop, function: Any, arguments: Any, error: type[Exception], text: str
) -> None:
    """The pool does not break: calls that run beside it go on."""

    async def main() -> None:
        progress = Progress()
        other = asyncslot.run_task(run_in_process(functions.run_until_cancelled, progress=progress))
        while not progress.done:
            await asyncio.sleep(0.001)
        with pytest.raises(error, match=text):
            await run_in_process(function, *arguments)
        assert not other.done()
        other.cancel()
        await asyncio.wait([other])
        assert other.cancelled()

    run_coroutine(main())


def test_process_that_dies_breaks_its_calls_and_the_next_one_works(attached: AsyncSlotEventLoop) -> None:
    """The standard library's error tells; a new pool is made."""

    async def main() -> None:
        with pytest.raises(BrokenProcessPool):
            await run_in_process(functions.die)
        progress = Progress()
        assert await run_in_process(functions.count, 3, progress=progress) == 3
        assert progress.done == 2

    run_coroutine(main())


def test_process_ignores_ctrl_c(attached: AsyncSlotEventLoop) -> None:
    """The terminal sends it to all processes; the program decides what it means."""
    assert run_coroutine(run_in_process(functions.ignores_sigint))


def test_processes_end_with_the_loop(app: Any) -> None:
    """When the loop is closed, no process and no thread of the pool is left."""

    async def main() -> int:
        return await run_in_process(os.getpid)

    before = set(threading.enumerate())
    pid = asyncslot.run(main())
    wait_until_ended(pid)
    end = time.monotonic() + CEILING_S
    while set(threading.enumerate()) - before:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_processes_end_with_a_loop_of_asyncio(app: Any) -> None:
    """It has nothing that we could end with it, so they end when the loop is freed."""
    progress = Progress()
    assert asyncio.run(run_in_process(functions.count, 3, progress=progress)) == 3
    pid = asyncio.run(run_in_process(os.getpid))
    end = time.monotonic() + CEILING_S
    while is_process(pid):
        gc.collect()
        assert time.monotonic() < end
        time.sleep(0.01)
    while "asyncslot-progress" in [thread.name for thread in threading.enumerate()]:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_process_that_listens_to_nothing_is_killed_with_the_loop(app: Any, tmp_path: Path) -> None:
    """So the program can end."""
    path = tmp_path / "pid"
    loop = AsyncSlotEventLoop()
    loop.set_exception_handler(lambda *_: None)

    async def main() -> None:
        asyncslot.run_task(run_in_process(functions.sleep_long, str(path)))
        while not (path.exists() and path.read_text()):
            await asyncio.sleep(0.01)

    loop.run_until_complete(main())
    loop.shutdown(timeout_s=0.05)
    wait_until_ended(int(path.read_text()))


def test_program_may_end_while_a_process_starts() -> None:
    """The process finds what it was given, and ends without a word."""
    finished = run_script("process_program", "early", options=("-W", "error"))
    assert finished.errors == ""
    assert finished.lines == ["False"]
    assert finished.code == 0


def test_call_that_has_not_begun_never_does(attached: AsyncSlotEventLoop, tmp_path: Path) -> None:
    """The pool takes more calls than it has processes: these, too, ask before they begin."""
    paths = [tmp_path / str(number) for number in range(20)]

    async def main() -> None:
        # The processes only start, so none of them begins.
        tasks = [asyncslot.run_task(run_in_process(functions.write, str(path))) for path in paths]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert all(task.cancelled() for task in tasks)
        assert await run_in_process(functions.double, 1) == 2

    run_coroutine(main())
    assert not any(path.exists() for path in paths)


def test_pools_that_broke_are_forgotten(attached: AsyncSlotEventLoop) -> None:
    """A loop ends the pool that it has, and no earlier one."""

    async def main() -> None:
        counts = set()
        for _ in range(3):
            with pytest.raises(BrokenProcessPool):
                await run_in_process(functions.die)
            assert await run_in_process(functions.double, 1) == 2
            counts.add(len(attached._at_close))
        assert counts == {1}

    run_coroutine(main())


def test_call_that_cannot_be_submitted_leaves_nothing(
    attached: AsyncSlotEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error comes through, and what the pool may have queued does not run."""

    def fail(*_: object) -> None:
        raise OSError("no descriptor")

    async def main() -> None:
        await run_in_process(functions.double, 1)
        pool = process.find_pool(attached)
        with monkeypatch.context() as patch:
            patch.setattr(pool._executor, "submit", fail)
            with pytest.raises(OSError, match="no descriptor"):
                await run_in_process(functions.double, 1)
        assert pool._puts == {}
        assert sum(pool._flags[:-1]) == 1
        assert await run_in_process(functions.double, 1) == 2

    run_coroutine(main())


def test_calls_share_the_slots_of_those_that_have_ended(
    attached: AsyncSlotEventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the calls that run or wait at once are limited."""
    monkeypatch.setattr(process, "MAX_CALLS", 2)

    async def main() -> None:
        for _ in range(5):
            assert await run_in_process(functions.count, 1) == 1
        running = [asyncslot.run_task(run_in_process(functions.run_until_cancelled)) for _ in range(2)]
        with pytest.raises(RuntimeError, match=r"2 calls of run_in_process\(\) run or wait already"):
            await run_in_process(functions.count, 1)
        for task in running:
            task.cancel()
        await asyncio.wait(running)
        assert await run_in_process(functions.count, 1) == 1

    run_coroutine(main())


@pytest.mark.parametrize("end", ["quit", "sigint", "stubborn"])
def test_program_with_processes_ends(end: str) -> None:
    """A quit and Ctrl-C cancel the work, and wait for it; a process that does not listen is killed."""
    finished = run_script("process_program", end, options=("-W", "error"))
    assert finished.lines[-1] == {"quit": "cleaned up", "sigint": "cleaned up", "stubborn": "begun"}[end]
    if end == "stubborn":
        assert "Task did not end within" in finished.errors
    else:
        assert finished.errors == ""
    assert finished.code == (130 if end == "sigint" else 0)
