"""``%load_ext asyncslot`` in IPython's terminal: the prompt, its ``await`` and Qt's windows share one loop."""

from __future__ import annotations

import itertools
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Iterator

import pytest
from interactive_window import CLICKED, PAINTED
from support import SCRIPTS

if find_spec("IPython") is None:
    pytest.skip("IPython is not installed", allow_module_level=True)

from terminal_support import CTRL_C, CTRL_D, Terminal, run_terminal

COMMAND = [sys.executable, "-m", "IPython", "--no-banner", "--no-confirm-exit", "--colors=NoColor"]
ROOT = Path(__file__).parent.parent.parent

numbers = itertools.count(1)


class IPython:
    """IPython in a terminal, at its prompt."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self._await_prompt()

    def _await_prompt(self) -> None:
        self.terminal.expect("In [")
        self.terminal.expect("]:")

    def type(self, code: str) -> None:
        """Type a cell, which need not end."""
        self.terminal.send(f"{code}\r")

    def run(self, code: str) -> str:
        """Run a cell of one line, and return what it has printed."""
        number = next(numbers)
        # The terminal also shows what is typed, in which the marks are in two pieces.
        self.terminal.send(f"print('be' 'gin{number}'); {code}; print('e' 'nd{number}')\r")
        self.terminal.expect(f"begin{number}\n")
        printed = self.terminal.expect(f"end{number}")
        self._await_prompt()
        return printed.strip()

    def run_magic(self, line: str) -> str:
        """Run a line that begins with "%", and return what was printed up to the next prompt."""
        self.terminal.send(f"{line}\r")
        self.terminal.expect(f"{line}\n")
        printed = self.terminal.expect("\nIn [")
        self.terminal.expect("]:")
        return printed


@pytest.fixture
def ipython(tmp_path: Path) -> Iterator[IPython]:
    """IPython, with the extension loaded, and the modules that the cells use imported."""
    with run_terminal(COMMAND, IPYTHONDIR=str(tmp_path), PYTHONPATH=str(ROOT)) as terminal:
        ipython = IPython(terminal)
        # Last in the path: some scripts have the names of modules that IPython tries to import.
        ipython.run(
            f"import asyncio, signal, sys; sys.path.append({str(SCRIPTS)!r}); import qt, asyncslot, interactive_window"
        )
        ipython.run_magic("%load_ext asyncslot")
        yield ipython


def test_window_lives_while_the_prompt_waits(ipython: IPython) -> None:
    """A window paints, and a click's task ends, while nothing but the prompt runs."""
    ipython.run("window = interactive_window.Window(); window.show()")
    ipython.terminal.expect(PAINTED)
    ipython.run("qt.QTimer.singleShot(0, window.button.click)")
    ipython.terminal.expect(CLICKED)


def test_window_lives_while_a_cell_awaits(ipython: IPython) -> None:
    """Top-level ``await`` waits for asyncio, for a task of a slot and for a signal, while the window paints."""
    ipython.run("window = interactive_window.Window(); window.show()")
    ipython.terminal.expect(PAINTED)
    assert ipython.run("window.painted = 0; await asyncio.sleep(0.3); print(window.painted > 5)").endswith("True")
    assert ipython.run("print(await window.on_clicked())") == f"{CLICKED}\nNone"
    assert ipython.run("print(await asyncslot.wait_signal(window.timer.timeout))") == "()"


def test_task_of_one_cell_is_awaited_by_another(ipython: IPython) -> None:
    """A cell without ``await`` starts tasks, which go on between the cells, and a later cell awaits them."""
    ipython.run("first = asyncslot.run_task(asyncio.sleep(0.01, 'one'))")
    ipython.run("second = asyncio.create_task(asyncio.sleep(0.01, 'two'))")
    assert ipython.run("print(await first, await second)") == "one two"


def test_ctrl_c_ends_a_cell_and_not_the_session(ipython: IPython) -> None:
    """Ctrl-C ends a cell that awaits, and one that computes; the next cell runs, and the window lives."""
    ipython.run("window = interactive_window.Window(); window.show()")
    ipython.terminal.expect(PAINTED)
    ipython.type("print('wait' 'ing'); await asyncio.sleep(1000)")
    ipython.terminal.expect("waiting")
    ipython.terminal.send(CTRL_C)
    ipython.terminal.expect("CancelledError:")
    ipython._await_prompt()
    ipython.type("print('comput' 'ing'); [None for _ in iter(int, 1)]")
    ipython.terminal.expect("computing")
    ipython.terminal.send(CTRL_C)
    ipython.terminal.expect("KeyboardInterrupt:")
    ipython._await_prompt()
    ipython.run("window.count()")
    ipython.terminal.expect(PAINTED)
    # The Ctrl-C that has ended the cell does not come to the prompt once more.
    assert "escaped interact" not in ipython.terminal.text


def test_last_window_closed_session_goes_on(ipython: IPython) -> None:
    """To close the last window is no quit."""
    ipython.run("window = interactive_window.Window(); window.show()")
    ipython.terminal.expect(PAINTED)
    assert ipython.run("window.close(); await asyncio.sleep(0); print(1)").endswith("1")
    assert ipython.run("print(2)") == "2"


def test_exception_in_plain_slot_is_shown_as_any_other(ipython: IPython) -> None:
    """IPython does not take an exception in a slot for a fault of its own."""
    ipython.run("qt.QTimer.singleShot(0, lambda: 1 / 0)")
    ipython.run("await asyncio.sleep(0)")
    assert "\nZeroDivisionError: division by zero" in ipython.terminal.text
    assert "please report it" not in ipython.terminal.text


def test_session_ends_tasks_clean_up(ipython: IPython) -> None:
    """Ctrl-D at the prompt ends IPython; tasks are cancelled, and clean up before."""
    ipython.run("task = asyncslot.run_task(interactive_window.clean_up_late())")
    ipython.terminal.send(CTRL_D)
    ipython.terminal.expect("cleaned up")
    assert ipython.terminal.wait() == 0
    assert "abandoned" not in ipython.terminal.text


def test_quit_ends_the_session(ipython: IPython) -> None:
    """``quit()`` ends the program, which is IPython; tasks clean up before."""
    ipython.run("task = asyncslot.run_task(interactive_window.clean_up_late())")
    ipython.type("qt.QTimer.singleShot(0, qt.QApplication.quit)")
    ipython.terminal.expect("cleaned up")
    assert ipython.terminal.wait() == 0


def test_other_gui_is_refused_and_the_prompt_stays(ipython: IPython) -> None:
    """``%gui`` does not end the extension, which says how to; the session goes on."""
    assert "%unload_ext asyncslot" in ipython.run_magic("%gui")
    ipython.run_magic("%gui qt")
    assert ipython.run("print(await asyncio.sleep(0, 'on'))") == "on"


STATE = (
    "print(asyncio._get_running_loop(), get_ipython().active_eventloop, signal.getsignal(signal.SIGINT).__name__, "
    "qt.QApplication.instance().quitOnLastWindowClosed(), sys.excepthook.__qualname__)"
)


def test_unload_undoes_everything(ipython: IPython) -> None:
    """After ``%unload_ext``, there is no loop, no integration and no handler of ours; it can be loaded again."""
    task = "task = asyncslot.run_task(interactive_window.clean_up_late())"
    ipython.run(task)
    assert "cleaned up" in ipython.run_magic("%unload_ext asyncslot")
    found = ipython.run(STATE).split()
    assert found[:4] == ["None", "None", "default_int_handler", "True"]
    assert ipython.run("print(await asyncio.sleep(0, 'stock'))") == "stock"
    ipython.run_magic("%load_ext asyncslot")
    ipython.run(task)
    assert "cleaned up" in ipython.run_magic("%reload_ext asyncslot")
    assert ipython.run("print(type(asyncio.get_running_loop()).__name__)") == "AsyncSlotEventLoop"


def test_load_beside_an_await_is_refused(ipython: IPython) -> None:
    """A cell that awaits can neither load nor unload the extension, and the error says how to."""
    call = "await asyncio.sleep(0); get_ipython().run_line_magic('{}_ext', 'asyncslot')"
    ipython.type(call.format("unload"))
    ipython.terminal.expect("RuntimeError: asyncslot cannot be unloaded here: do it in a cell of its own")
    ipython._await_prompt()
    ipython.run_magic("%unload_ext asyncslot")
    ipython.type(call.format("load"))
    ipython.terminal.expect("load it in a cell of its own, without 'await'")
    ipython._await_prompt()
    ipython.run_magic("%load_ext asyncslot")
    ipython.run("window = interactive_window.Window(); window.show()")
    ipython.terminal.expect(PAINTED)


def test_no_display_is_an_error(tmp_path: Path) -> None:
    """Where Qt would abort the process for want of a display, loading is an error."""
    variables = {"QT_QPA_PLATFORM": "", "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    with run_terminal(COMMAND, IPYTHONDIR=str(tmp_path), PYTHONPATH=str(ROOT), **variables) as terminal:
        ipython = IPython(terminal)
        assert "DISPLAY and WAYLAND_DISPLAY are not set" in ipython.run_magic("%load_ext asyncslot")
        assert ipython.run("print(1)") == "1"


def test_simple_prompt_is_refused(tmp_path: Path) -> None:
    """With ``--simple-prompt``, loading is an error, and IPython goes on."""
    with run_terminal([*COMMAND, "--simple-prompt"], IPYTHONDIR=str(tmp_path), PYTHONPATH=str(ROOT)) as terminal:
        ipython = IPython(terminal)
        ipython.type("%load_ext asyncslot")
        terminal.expect("RuntimeError: asyncslot needs IPython's own prompt")
        ipython._await_prompt()
        assert ipython.run("print(1)") == "1"


@pytest.mark.parametrize("waits", ["await asyncio.sleep(20)", "qt.QCoreApplication.instance().exec()"])
def test_quit_inside_a_cell_leaves_a_prompt_that_lives(ipython: IPython, waits: str) -> None:
    """The tasks are cancelled; windows and new tasks live on, in a new loop, which %unload_ext ends."""
    assert "IPython goes on" in ipython.run_magic(
        f"qt.QTimer.singleShot(50, qt.QCoreApplication.instance().quit); {waits}"
    )
    ipython.run("window = interactive_window.Window(); window.show()")
    ipython.terminal.expect(PAINTED)
    assert ipython.run("print(await asyncslot.run_task(asyncio.sleep(0.01, 'slept')))") == "slept"
    ipython.run_magic("%unload_ext asyncslot")
    assert ipython.run("print(await asyncio.sleep(0.01, 'again'))") == "again"
