"""pdb, in a terminal: the program goes on as before, however pdb's prompt was left."""

from __future__ import annotations

import sys

import pytest
from qt import IS_PYQT
from support import INTERRUPTED_CODE, IS_WINDOWS, SCRIPTS

if IS_WINDOWS:
    pytest.skip("Windows has no pseudo-terminal in the standard library", allow_module_level=True)

from terminal_support import CTRL_C, CTRL_D, Terminal, run_terminal

PROMPT = "(Pdb) "

WAYS_TO_LEAVE = {"continue": ["c\r"], "step": ["n\r", "c\r"], "quit": ["q\r"], "end of file": [CTRL_D]}


def leave(terminal: Terminal, way: str) -> None:
    for keys in WAYS_TO_LEAVE[way]:
        terminal.expect(PROMPT)
        terminal.send(keys)
    if way in ("quit", "end of file") and sys.version_info >= (3, 14):
        # It asks first.
        terminal.expect("[y/n]")
        terminal.send("y\r")


@pytest.mark.parametrize("mode", ["run", "exec"])
@pytest.mark.parametrize("where", ["slot", "coroutine", "plain"])
@pytest.mark.parametrize("way", ["continue", "step"])
def test_pdb_continued_program_goes_on(way: str, where: str, mode: str) -> None:
    """After a breakpoint in a slot's first step, after a suspension, or in a plain slot, all goes on as before."""
    with run_terminal([sys.executable, str(SCRIPTS / "debugged.py"), where, mode]) as terminal:
        leave(terminal, way)
        terminal.expect("goes on: True []")
        terminal.expect("program ended")
        assert terminal.wait() == 0
        assert "Traceback" not in terminal.text


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="there, to quit pdb ends the process")
@pytest.mark.parametrize("mode", ["run", "exec"])
@pytest.mark.parametrize("where", ["slot", "coroutine", "plain"])
@pytest.mark.parametrize("way", ["quit", "end of file"])
def test_pdb_quit_only_the_call_fails(way: str, where: str, mode: str) -> None:
    """Leaving pdb by ``q`` or Ctrl-D raises BdbQuit in the slot, which is reported; the program goes on."""
    if where == "plain" and IS_PYQT:
        pytest.skip("PyQt ends the process when an exception leaves a plain slot")
    with run_terminal([sys.executable, str(SCRIPTS / "debugged.py"), where, mode]) as terminal:
        leave(terminal, way)
        terminal.expect("BdbQuit")
        terminal.expect("goes on: True []")
        terminal.expect("program ended")
        assert terminal.wait() == 0


def test_pdb_ctrl_c_at_its_prompt_interrupts_the_program() -> None:
    """Ctrl-C at pdb's first prompt is for the program, as under asyncio.run(): it ends once pdb is left."""
    with run_terminal([sys.executable, str(SCRIPTS / "debugged.py"), "coroutine", "run"]) as terminal:
        terminal.expect(PROMPT)
        terminal.send("p 'typed ' + 'before'\r")
        terminal.expect("typed before")
        terminal.expect(PROMPT)
        terminal.send(CTRL_C)
        terminal.send("c\r")
        terminal.expect("KeyboardInterrupt")
        assert terminal.wait() == INTERRUPTED_CODE
