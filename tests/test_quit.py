"""How programs end, each case in a process of its own."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from support import INTERRUPTED_CODE, IS_QT_5, exit_is_heard, has_fork, run_script

from asyncslot._qt import EXIT_TELLS_AT_ONCE

PLACES = [
    "coroutine",
    "slot",
    "async-slot",
    "callback",
    "window",
    "quit",
    "dialog",
    "dialog-in-slot",
    "nested",
    "done",
    "system-exit",
    "async-slot-system-exit",
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("mode", ["attached", "blocking", "forever"])
def test_quit_from_anywhere_clean_up_runs(mode: str, place: str) -> None:
    """Wherever the application quits, every task's clean-up runs, and the program ends with the code given."""
    finished = run_script("quit", mode, place)
    assert finished.errors == ""
    assert finished.code == (0 if place in ("window", "quit") else 4)
    assert "clean background" in finished.lines
    assert ("clean main" in finished.lines) == (place != "done")
    # sys.exit() leaves a blocking call as it does in asyncio: that is no quit.
    is_quit = mode == "attached" or not place.endswith("system-exit")
    assert finished.lines.count("aboutToQuit") == is_quit
    if place.startswith("dialog"):
        assert "dialog returned" in finished.lines
    if place == "nested":
        assert "nested cancelled" in finished.lines


@pytest.mark.parametrize("mode", ["attached", "blocking"])
def test_quit_clean_up_longer_than_what_finishes_is_awaited(mode: str) -> None:
    """A task that was cancelled when the quit began is not cancelled again when what was to finish has."""
    finished = run_script("finish", mode, "patient")
    assert finished.errors == ""
    assert finished.lines[-1] == "cleaned up"
    assert finished.code == 4


def test_window_closed_during_await_clean_up_awaits() -> None:
    """The program of the README: no set-up call, its window is closed during an await, exit code 0."""
    finished = run_script("window", options=())
    assert finished.errors == ""
    assert finished.code == 0
    assert finished.lines == ["disabled when click() returns: True", "closing", "cleaned up"]


@pytest.mark.parametrize("how", [pytest.param("exit", marks=exit_is_heard), "SIGTERM"])
def test_quit_again_while_draining_ends_at_once(how: str) -> None:
    """A second exit(), or SIGTERM, does not wait for a task that swallows its cancellation; the task is named."""
    finished = run_script("stubborn", how)
    assert finished.code == 5
    assert "Task did not end" in finished.errors
    assert "'the stubborn one' in swallow() at" in finished.errors
    assert "stubborn.py:" in finished.errors
    assert "destroyed" not in finished.errors
    assert "closed" not in finished.errors


def test_quit_slots_called_meanwhile_do_not_prolong_it() -> None:
    """A timer that goes on calling a slot during the quit neither prolongs it nor makes its tasks errors."""
    finished = run_script("polling_window")
    assert finished.code == 0
    assert finished.lines == ["clean", "exec"]
    assert "did not end" not in finished.errors


@pytest.mark.parametrize("mode", ["attached", "blocking"])
@pytest.mark.parametrize("place", ["callback", "slot"])
def test_quit_clean_up_closes_last_window_code_kept(mode: str, place: str) -> None:
    """Clean-up that closes the last window is no second quit: it may go on waiting, and the exit code stays."""
    finished = run_script("closing_window", mode, place)
    assert finished.errors == ""
    assert finished.lines == ["aboutToQuit", "closed", "clean", "still quits on last window: True"]
    assert finished.code == 3


def test_quit_last_window_slot_detaches() -> None:
    """A slot of lastWindowClosed may detach the loop; while the application quits it gets an error, and no hang."""
    before = run_script("detach_last_window", "before")
    assert before.lines == ["detached", "0 STOPPED", "cleaned", "True CLOSED"]
    meanwhile = run_script("detach_last_window", "meanwhile")
    refused = "detach() was called while the application quits, or the loop shuts down; the loop ends by itself"
    # Qt 5 does not emit the signal when exec() has returned, which is when clean-up runs there.
    assert meanwhile.lines == [refused] * (not IS_QT_5) + ["cleaned", "3 CLOSED", "True CLOSED"]
    assert before.errors + meanwhile.errors == ""


def test_quit_while_subprocess_starts_ends_it() -> None:
    """A quit that meets a subprocess whose pipes are not connected yet ends it, and does not hang."""
    finished = run_script("starting_subprocess", options=())
    assert finished.errors == ""
    assert finished.lines == ["cancelled", "exec 4"]


def test_shutdown_timeout_reports_survivors() -> None:
    """A task that never ends holds the program for `shutdown_timeout_s` only."""
    finished = run_script("stubborn", "timeout")
    assert finished.code == 5
    assert "did not end within 0.2 s" in finished.errors


# What scripts/quit_edges.py does, what it prints, and its exit code.
EDGES = {
    "exit_in_last_iteration": (["cleaned", "SystemExit(3)", "blocked False"], 0),
    "ctrl_c_in_last_step": (["cleaned", "KeyboardInterrupt()", "blocked False"], 0),
    "result_behind_dialog": (["cleaned", "returned 7"], 0),
    "exit_in_plain_slot": ([], 4),
    "future_at_quit": (["SystemExit(4) True"], 0),
    "cancel_raises": (["cleaned", "exec 4 CLOSED"], 0),
    "factory_fails": (["cleaned", "exec 4 CLOSED"], 0),
    "last_window_in_shutdown": (["cleaned", "exec 5"], 0),
    "cancelled_before-owner": (["cleaned", "exec 4"], 0),
    "cancelled_before-restart": (["cleaned", "exec 4"], 0),
    "cancelled_before-cancel": (["cleaned", "exec 4"], 0),
    "swallowed_before": (["swallowed", "cleaned", "exec 4"], 0),
    "late_call": (["job cleaned", "cleaned", "CancelledError", "exec 4 CLOSED"], 0),
    "no_time": (["cleaned", "CLOSED"], 0),
}


def mark_edge(case: str) -> Any:
    """Before Python 3.11 nobody can tell that a task has been cancelled by its own cancel()."""
    needs_cancelling = case.endswith(("-cancel", "swallowed_before"))
    reason = "Task.cancelling() came with Python 3.11"
    return pytest.param(case, marks=pytest.mark.skipif(needs_cancelling and sys.version_info < (3, 11), reason=reason))


@pytest.mark.parametrize("case", [mark_edge(case) for case in EDGES])
def test_quit_edge(case: str) -> None:
    """A quit, or the end of a blocking call, loses nothing that comes at the same time; see scripts/quit_edges.py."""
    lines, code = EDGES[case]
    finished = run_script("quit_edges", case, options=("-W", "error"))
    assert finished.lines == lines
    assert finished.code == code
    if case == "cancel_raises":
        assert "A future could not be cancelled" in finished.errors
    else:
        assert finished.errors == ""


def test_quit_plain_slot_exits_only_names_the_task() -> None:
    """sys.exit() in a plain slot during a quit ends the process without a traceback of ours."""
    finished = run_script("quit_edges", "slot_exits", options=())
    assert "Traceback" not in finished.errors
    assert len(finished.errors.splitlines()) == finished.errors.count("Task was abandoned") <= 1
    assert finished.code == 9


def test_second_exec_starts_afresh() -> None:
    """After a quit, the next run_task makes a new loop, which the next exec() carries."""
    finished = run_script("second_exec")
    assert finished.errors == ""
    assert finished.code == 0
    assert finished.lines == ["1 cancelled", "exec 1", "2 cancelled", "exec 2", "loops differ: True"]


@pytest.mark.parametrize("way", ["asyncio.run", "run_until_complete", "run_forever"])
def test_about_to_quit_not_emitted_when_blocking_call_ends(way: str) -> None:
    """The end of a blocking call is no quit."""
    finished = run_script("plain_end", way)
    assert finished.errors == ""
    assert finished.lines == ["done", "done"]


def test_exit_before_exec_raised_by_run_task() -> None:
    """SystemExit in the first step, before any Qt loop runs, is the caller's; in a slot it waits for the Qt loop."""
    finished = run_script("early_exit")
    assert finished.errors == ""
    assert finished.code == 7
    assert finished.lines == ["run_task raised SystemExit(6)", "slot returned", "exec returned 7"]


@pytest.mark.parametrize(
    ("how", "code", "raised"), [("sigint", INTERRUPTED_CODE, "KeyboardInterrupt()"), ("exit", 3, "SystemExit(3)")]
)
def test_dialog_before_exec_end_is_raised_by_run_task(how: str, code: int, raised: str) -> None:
    """Ctrl-C or sys.exit() during a dialog before app.exec() ends the dialog, then the program: nothing is lost."""
    finished = run_script("early_dialog", how, "task")
    assert finished.code == code
    assert "dialog: closed" in finished.lines
    end = finished.lines.index(f"run_task raised {raised}")
    # Before Qt 6.5, nobody is told of the exit() of a Qt loop that is not the application's. So the task is abandoned,
    # and Python may close its coroutine when the program ends.
    assert ("serve: cleaned up" in finished.lines[:end]) == EXIT_TELLS_AT_ONCE


@pytest.mark.parametrize(("how", "code"), [("sigint", 130), ("exit", 3)])
def test_dialog_of_slot_before_exec_end_takes_effect_in_exec(how: str, code: int) -> None:
    """The same in a slot, which raises nothing into Qt: app.exec() returns at once, with the code."""
    finished = run_script("early_dialog", how, "slot")
    assert "Traceback" not in finished.errors
    assert finished.code == code
    assert "dialog: closed" in finished.lines
    assert f"exec returned {code}" in finished.lines


@has_fork
def test_fork_child_sees_no_loop() -> None:
    """A forked child has no running loop, no loop of the thread, and its own signal handling."""
    finished = run_script("fork", options=())
    assert finished.errors == ""
    assert finished.lines == ["child: None None True -1", "child ran 42", "parent: True"]


def test_interpreter_exit_detaches() -> None:
    """A program that ends without a quit leaves no message of Qt's or Python's, and no traceback."""
    finished = run_script("no_exec")
    assert finished.errors == ""
    assert finished.code == 0


def test_last_window_closed_by_a_coroutine_that_returns_is_no_quit() -> None:
    """A coroutine closes the last window, and returns: its result comes back, with Qt 5, too."""
    finished = run_script("close_and_return", "return")
    assert finished.errors == ""
    assert finished.lines == ["result"]
    assert finished.code == 0


def test_exit_after_the_last_window_has_closed_keeps_its_code() -> None:
    """A coroutine that closes the last window, and then calls `exit(4)`, ends the program with code 4."""
    finished = run_script("close_and_return", "exit")
    assert finished.errors == ""
    assert finished.lines == []
    assert finished.code == 4


def test_quit_after_a_last_window_that_was_replaced_is_a_quit() -> None:
    """The last window closes, and another one opens at once: a later `quit()` is a quit, with Qt 5, too."""
    finished = run_script("close_and_return", "replace")
    assert finished.errors == ""
    assert finished.lines == []
    assert finished.code == 0
