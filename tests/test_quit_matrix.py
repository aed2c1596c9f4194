"""
Each way of ending a program, in each mode, with each thing that may be going on: `loop`, `_quit`, `current`.

Each case is a process of its own. By default each ending meets each thing once, in a mode that changes from one to the
next, so that each two of the three meet; with ``ASYNCSLOT_QUIT_MATRIX=all`` in the environment every case is run.
"""

from __future__ import annotations

import os
import signal
import sys
from time import monotonic

import pytest
from support import INTERRUPTED_CODE, IS_WINDOWS, Finished, run_script

ATTACHED = ["run_task", "AsyncSlot"]
# Those that end by asyncio's own clean-up, or by one that is as long as asyncio's: without a limit.
UNLIMITED = [*(["loop_factory"] if sys.version_info >= (3, 12) else []), "policy", "asyncslot.run"]
MODES = [*ATTACHED, "run_until_complete", *UNLIMITED]

# The exit code of each.
ENDINGS = {
    "quit": 0,
    "exit": 7,
    "window": 0,
    "system-exit": 3,
    "SIGINT": 130,
    "SIGTERM-exit": 5,
    "SIGTERM-quit": 0,
}
# Those that no blocking call takes for a quit: an exception leaves it, as in asyncio.
EXCEPTIONS = ["system-exit", "SIGINT", "SIGTERM-exit"]

# What each thing prints when it has been ended well, and where it is when it has not ended.
ALIVE = {
    "sleep": "",
    "clean-up": "clean",
    "stubborn": "'the one in the background' in swallow() at ",
    "executor": "job done",
    "generator": "clean",
    "open-generator": "clean",
    "stubborn-generator": "in stay_open() at ",
    "process": f"process ended {1 if IS_WINDOWS else -signal.SIGTERM}",
    "open-process": "",
}

# Seconds that a program may take, where the longest has to wait for two. Arbitrary, generous; Wine is slow.
LIMIT_S = 40 if IS_WINDOWS else 10

# What no program may say at its end, whatever else it does.
FORBIDDEN = ["Event loop is closed", "never awaited", "never retrieved", "dispatcher", "ignored", "Fatal", "QObject"]


def list_cases() -> list[tuple[str, str, str]]:
    """Return the mode, the ending and the thing of each case."""
    if os.environ.get("ASYNCSLOT_QUIT_MATRIX") == "all":
        return [(mode, ending, alive) for mode in MODES for ending in ENDINGS for alive in ALIVE]
    return [
        (MODES[(row + column) % len(MODES)], ending, alive)
        for row, ending in enumerate(ENDINGS)
        for column, alive in enumerate(ALIVE)
    ]


def run_case(mode: str, ending: str, alive: str) -> Finished:
    """Run the program, and send it the signals that it needs, within the limit."""
    signals = []
    if ending.startswith("SIG"):
        signals.append(("ready", signal.Signals[ending.partition("-")[0]]))
    if is_endless(mode, ending, alive):
        # On the stock loop one SIGINT is enough; here the first one cancels what asyncio waits for.
        signals += [("stubborn", signal.SIGTERM if ending == "SIGTERM-exit" else signal.SIGINT)] * 2
    began_s = monotonic()
    finished = run_script("quit_program", mode, ending, alive, signals=signals)
    assert monotonic() - began_s < LIMIT_S
    return finished


def is_quit(mode: str, ending: str) -> bool:
    """Tell whether it is the application that ends."""
    return mode in ATTACHED or ending not in EXCEPTIONS


def is_endless(mode: str, ending: str, alive: str) -> bool:
    """Tell whether asyncio's clean-up would go on waiting, as on the stock loop, until it is interrupted."""
    return mode in UNLIMITED and not is_quit(mode, ending) and alive.startswith("stubborn")


def is_spoilt(mode: str, ending: str, alive: str) -> bool:
    """
    Tell whether it is asyncio's clean-up, or one like it, that does not close the generator.

    It does not wait for the task that closes it, if another task was iterating over it.
    Source: seen with the stock loop on CPython 3.8 to 3.13.
    """
    return mode in UNLIMITED and not is_quit(mode, ending) and alive == "generator"


def expected_code(mode: str, ending: str, alive: str) -> int:
    """Return the exit code; negative for the signal that Python ends itself by, after KeyboardInterrupt."""
    is_interrupted = ending == "SIGINT" or (ending == "system-exit" and is_endless(mode, ending, alive))
    if is_interrupted and not is_quit(mode, ending):
        return INTERRUPTED_CODE
    return ENDINGS[ending]


@pytest.mark.parametrize(("mode", "ending", "alive"), list_cases())
def test_quit_whatever_goes_on_ends(mode: str, ending: str, alive: str) -> None:
    """A program ends in time, with its exit code, cleaned up, and says only what it could not end."""
    finished = run_case(mode, ending, alive)
    assert finished.code == expected_code(mode, ending, alive)
    assert finished.lines[0] == "ready"
    assert finished.lines.count("aboutToQuit") == is_quit(mode, ending)
    assert not [words for words in FORBIDDEN if words in finished.errors]
    if is_endless(mode, ending, alive) or is_spoilt(mode, ending, alive):
        return
    errors = finished.errors
    if finished.code == INTERRUPTED_CODE:
        errors, _, traceback = errors.partition("Traceback")
        assert traceback.endswith("\nKeyboardInterrupt\n")
    if alive.startswith("stubborn"):
        assert errors.count("\n") == 1
        assert errors.startswith("Task did not end within 0.3 s: ")
        assert ALIVE[alive] in errors
        assert "quit_program.py:" in errors
    else:
        assert errors == ""
        assert finished.lines[1:].count(ALIVE[alive]) == (ALIVE[alive] != "")
