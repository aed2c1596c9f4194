"""What docs/busy.md shows and says is what happens. For the tables of others see test_readme."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import gc
import inspect
import io
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from policy_support import STOCK
from qt import BINDING, Signal
from support import CEILING_S, run_coroutine, run_script

import asyncslot
from asyncslot import AsyncSlot, AsyncSlotEventLoop, CancelReason, cancel_reason
from asyncslot._qt import QtCore
from asyncslot._slot.call_queue import MODES

DOCS = Path(__file__).parent.parent / "docs"
PAGE = (DOCS / "busy.md").read_text(encoding="utf-8")

# A comment of this kind says what has been printed up to the end of its line, from the comment before on.
EXPECTED = re.compile(r"^(?:print\(.*\)|await .*|tasks = .*|    print\(error\))  # (.*)$")


def test_busy_page_code_prints_what_it_says(attached: AsyncSlotEventLoop) -> None:
    """The code of the page runs, in its order, and prints what its comments say."""
    code = "\n\n".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)).replace("PySide6", BINDING)
    lines = code.splitlines()
    expected = [(number, match[1]) for number, line in enumerate(lines, 1) if (match := EXPECTED.match(line))]
    names: dict[str, Any] = {}
    printed: list[tuple[int, str]] = []

    async def run() -> None:
        for statement in ast.parse(code).body:
            module = ast.Module([statement], [])
            program = compile(module, "docs/busy.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            with contextlib.redirect_stdout(io.StringIO()) as output:
                running = eval(program, names)
                if inspect.iscoroutine(running):
                    await running
            if output.getvalue():
                text = output.getvalue().rstrip("\n").replace("\n", ", ")
                printed.append((statement.end_lineno, text))
        names.clear()

    run_coroutine(run())
    assert printed == expected
    assert len(printed) > 8


def test_busy_picture_is_what_a_run_gives(attached: AsyncSlotEventLoop) -> None:
    """The picture tells the same events, in the same order and ticks, as a run does now."""
    drawing = runpy.run_path(str(DOCS / "draw_busy.py"))
    text = drawing["describe"](run_coroutine(drawing["record"]()))
    gc.collect()
    (description,) = ET.parse(DOCS / "busy.svg").iter("{http://purl.org/dc/elements/1.1/}description")
    assert description.text == text


def test_busy_picture_shows_each_mode() -> None:
    """There is a panel for every `when_busy`, and a row in the page's table."""
    text = "".join(ET.parse(DOCS / "busy.svg").getroot().itertext())
    for mode in MODES:
        assert f'when_busy="{mode}"' in text
        assert f'| `"{mode}"` |' in PAGE
    assert '`"start"` | It runs, too, beside the others. This is the default.' in PAGE
    assert inspect.signature(AsyncSlot).parameters["when_busy"].default == "start"


def test_busy_page_has_each_reason() -> None:
    """The page's table of reasons is complete."""
    assert re.findall(r"^\| `([A-Z_]+)` \|", PAGE, re.MULTILINE) == [
        *("DROPPED", "SUPERSEDED", "OWNER_DESTROYED", "QUIT", "REQUESTED")
    ]
    assert {reason.name for reason in CancelReason} == set(re.findall(r"^\| `([A-Z_]+)` \|", PAGE, re.MULTILINE))


def test_call_during_clean_up_cancels_nobody_again(attached: AsyncSlotEventLoop) -> None:
    """Of calls that come while the superseded one cleans up, the newest runs, and the clean-up is not disturbed."""
    journal: list[str] = []

    class Receiver(QtCore.QObject):
        @AsyncSlot(int, when_busy="restart")
        async def work(self, number: int) -> None:
            journal.append(f"begin {number}")
            try:
                await (asyncio.sleep(3600) if number == 1 else asyncio.sleep(0))
            except asyncio.CancelledError:
                cleaning.set()
                await may_end.wait()
                journal.append(f"clean {number}")
                raise

    async def run() -> list[Any]:
        receiver = Receiver()
        tasks = [receiver.work(1), receiver.work(2)]
        await cleaning.wait()
        tasks += [receiver.work(3), receiver.work(4)]
        await asyncio.sleep(0)
        may_end.set()
        await asyncio.wait(tasks)
        return [cancel_reason(task) for task in tasks]

    cleaning, may_end = asyncio.Event(), asyncio.Event()
    assert run_coroutine(run()) == [CancelReason.SUPERSEDED] * 3 + [None]
    assert journal == ["begin 1", "clean 1", "begin 4"]


def test_restart_with_limit_cancels_the_oldest(attached: AsyncSlotEventLoop) -> None:
    """With a limit of 2, it is the older of two that run which makes place."""

    class Receiver(QtCore.QObject):
        @AsyncSlot(int, when_busy="restart", limit=2)
        async def work(self, number: int) -> int:
            await asyncio.sleep(0.01)
            return number

    async def run() -> list[Any]:
        receiver = Receiver()
        tasks = [receiver.work(number) for number in range(3)]
        await asyncio.wait(tasks)
        return [cancel_reason(task) or task.result() for task in tasks]

    assert run_coroutine(run()) == [CancelReason.SUPERSEDED, 1, 2]


def test_await_of_dropped_call_ends_who_awaits(attached: AsyncSlotEventLoop) -> None:
    """A coroutine that awaits a dropped call is cancelled with it, and nothing is reported."""

    class Receiver(QtCore.QObject):
        @AsyncSlot(when_busy="drop")
        async def work(self) -> None:
            await asyncio.sleep(0.01)

    async def awaiting() -> None:
        await receiver.work()

    async def run() -> bool:
        tasks = [receiver.work(), asyncslot.run_task(awaiting())]
        await asyncio.wait(tasks)
        return tasks[1].cancelled()

    receiver = Receiver()
    assert run_coroutine(run())


@pytest.mark.parametrize("mode", MODES)
def test_first_step_runs_in_emit_unless_it_has_to_wait(mode: str, attached: AsyncSlotEventLoop) -> None:
    """A call that finds nothing running has run its first step when `emit()` returns; one that waits has not."""
    begun: list[int] = []

    class Receiver(QtCore.QObject):
        emitted = Signal(int)

        @AsyncSlot(int, when_busy=mode)
        async def work(self, number: int) -> None:
            begun.append(number)
            await asyncio.sleep(0.01)

    async def run() -> None:
        receiver = Receiver()
        receiver.emitted.connect(receiver.work)
        receiver.emitted.emit(1)
        assert begun == [1]
        receiver.emitted.emit(2)
        assert begun == ([1, 2] if mode == "start" else [1])
        await asyncio.wait([info.task for info in asyncslot.tasks(receiver)])

    run_coroutine(run())


@pytest.mark.parametrize("on_quit", ["cancel", "finish"])
def test_quit_while_a_call_waits(on_quit: str) -> None:
    """A call that waits when the application quits never begins, or is finished as the one before it is."""
    finished = run_script("busy_quit", on_quit)
    assert finished.errors == ""
    if on_quit == "cancel":
        assert finished.lines == ["begin 1", "['QUIT', 'QUIT']"]
    else:
        assert finished.lines == ["begin 1", "end 1", "begin 2", "end 2", "[None, None]"]


RECIPES = re.findall(r"```python\n(.*?)```", (DOCS / "recipes.md").read_text(encoding="utf-8"), re.DOTALL)


def test_recipe_of_process_tells_a_program_that_is_not_there(tmp_path: Path) -> None:
    """The first recipe prints Qt's error at once, if there is no such program."""
    path = tmp_path / "recipe.py"
    path.write_text(RECIPES[0].replace("PySide6", BINDING).replace("sys.executable", '"no-such-program"'))
    run = subprocess.run(
        [sys.executable, "-W", "error", str(path)], capture_output=True, text=True, check=False, timeout=CEILING_S
    )
    assert "exit code" not in run.stdout
    assert len(run.stdout.splitlines()) == 1
    assert run.returncode == 0


@pytest.mark.parametrize("state", ["attached", "bare"])
def test_asyncio_says_in_a_slot_what_the_page_says(state: str) -> None:
    """The messages of docs/differences.md are those that come, and the ways out that it names work."""
    finished = run_script("asyncio_messages", state, options=("-W", "error"))
    attached = "asyncio.run() cannot be called from a running event loop"
    bare = "no running event loop"
    other = next((line for line in finished.lines if line.startswith("other_loop !!")), "")
    expected = {
        "attached": [f"run !! {attached}", other, "run -> 1", "run_task -> 1"],
        "bare": [f"create_task !! {bare}", "run -> 1", "other_loop -> 1", "run -> 1", "run_task -> 1"],
    }
    assert finished.lines == expected[state]
    assert (state == "attached") == ("use asyncslot.run(), which nests in that loop" in other)
    page = (DOCS / "differences.md").read_text(encoding="utf-8")
    assert f"| `{attached}` |" in page
    assert f"| `{bare}`, from" in page
    assert finished.errors == ""


def test_asyncio_makes_a_loop_that_nobody_runs_in_a_slot() -> None:
    """Without a policy, and before asyncio.run(), get_event_loop() in a slot makes a stock loop up to Python 3.13."""
    finished = run_script("asyncio_messages", "get", options=("-W", "error"))
    message = "There is no current event loop"
    # Once: then the thread has a loop. 3.10.0 to 3.10.8 and 3.11.0 warn, too.
    warned = " DeprecationWarning" if sys.version_info >= (3, 12) else ""
    made = [f"before -> {STOCK}{warned}", f"before -> {STOCK}"]
    lines = [line.partition(" in thread")[0] for line in finished.lines]
    if sys.version_info >= (3, 14):
        assert lines == [*[f"before !! {message}"] * 2, *[f"after !! {message}"] * 2, "done: []", "run_task -> 1"]
    else:
        assert lines == [*made, *[f"after !! {message}"] * 2, "done: [False, False]", "run_task -> 1"]
    assert finished.errors == ""
    assert f"| `{message}`, from `asyncio.get_event_loop()`" in (DOCS / "differences.md").read_text(encoding="utf-8")
