"""Running an input's code. What a person sees of it is in test_prompt."""

from __future__ import annotations

import ast
import contextlib
import signal
import threading
from typing import Any, Iterator

import pytest
from support import run_qt

from asyncslot import AsyncSlotEventLoop, LoopState
from asyncslot._console.execution import Execution


@pytest.fixture
def execution(loop: AsyncSlotEventLoop) -> Iterator[Execution]:
    """An open one; at the end, SIGINT is as it was."""
    execution = Execution(loop, {}, lambda: None)
    execution.open()
    yield execution
    loop.detach()
    execution.close()


def run(execution: Execution, *sources: str) -> dict[str, Any]:
    """Run inputs, one after the other, from a thread as the prompt's; return their names."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    codes = [compile(source, "<input>", "exec", flags, dont_inherit=True) for source in sources]

    def in_slot(quit_qt: Any) -> None:
        def work() -> None:
            for code in codes:
                execution.run(code)
            execution.call(quit_qt)

        thread.append(threading.Thread(target=work))
        thread[0].start()

    thread: list[threading.Thread] = []
    run_qt(in_slot)
    with contextlib.suppress(RuntimeError):
        thread[0].join()
    return execution._namespace


def test_code_runs_on_the_main_thread_in_one_namespace(execution: Execution) -> None:
    """Inputs share their names, and run where the loop runs; a coroutine is waited for."""
    names = run(
        execution,
        "import asyncio, threading; a = threading.current_thread()",
        "b = await asyncio.sleep(0.01, 2)",
        "c = b + 1",
    )
    assert names["a"] is threading.main_thread()
    assert names["c"] == 3


def test_code_is_foreign_code(execution: Execution) -> None:
    """Code without an await runs in no callback of the guest: a blocking call nests."""
    names = run(execution, "import asyncio, asyncslot; a = asyncslot.run(asyncio.sleep(0, 5))")
    assert names["a"] == 5


def test_error_ends_only_its_input(execution: Execution, capsys: pytest.CaptureFixture[str]) -> None:
    """What an input raises is shown, and the next one runs."""
    names = run(execution, "1/0", "raise KeyboardInterrupt", "a = 1")
    text = capsys.readouterr().err
    assert "ZeroDivisionError" in text
    assert "KeyboardInterrupt" in text
    assert names["a"] == 1


def test_call_passes_on_what_is_raised(execution: Execution) -> None:
    """The caller on the other thread gets the result, or the exception."""
    seen: list[Any] = []

    def in_slot(quit_qt: Any) -> None:
        def work() -> None:
            seen.append(execution.call(lambda: 1))
            try:
                execution.call(lambda: 1 / 0)
            except ZeroDivisionError as exc:
                seen.append(type(exc))
            execution.call(quit_qt)

        thread.append(threading.Thread(target=work))
        thread[0].start()

    thread: list[threading.Thread] = []
    run_qt(in_slot)
    thread[0].join()
    assert seen == [1, ZeroDivisionError]


def test_signal_before_the_application_runs_is_dropped(execution: Execution) -> None:
    """No Qt loop runs, so there is nothing to interrupt, and nothing is raised, or left for later."""
    signal.raise_signal(signal.SIGINT)
    assert not execution._loop._interrupts.is_pending
    assert run(execution, "a = 1")["a"] == 1


def test_open_takes_an_attached_loop(attached: AsyncSlotEventLoop) -> None:
    """A loop that a program has attached before is taken over, with the meaning that Ctrl-C has here."""
    execution = Execution(attached, {}, lambda: None)
    execution.open()
    try:
        assert attached.state is LoopState.ATTACHED
        assert attached._interrupts._originals[signal.SIGINT] == execution._on_interrupt
    finally:
        attached.detach()
        execution.close()
