"""Reading lines: history, completion, pipes, and what is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support import CEILING_S, IS_WINDOWS

if IS_WINDOWS:
    pytest.skip("Windows has no pty", allow_module_level=True)

from console_support import CTRL_D, PROMPT, Console

pytest.importorskip("readline", reason="history and completion are readline's")

UP, TAB = "\x1b[A", "\t"


def test_history_is_read_and_saved(tmp_path: Path) -> None:
    """The history is Python's own file: lines of earlier sessions come with the key "up", and new ones are added."""
    history = tmp_path / ".python_history"
    history.write_text("'ear' + 'lier'\n")
    with Console(tmp_path) as console:
        console.expect(PROMPT)
        console.type(f"{UP}\n")
        console.expect("\n'earlier'\n")
        console.expect(PROMPT)
        console.run("'ne' + 'w'")
        console.type(CTRL_D)
        assert console.wait() == 0
    assert history.read_text().splitlines()[-1] == "'ne' + 'w'"
    assert "'ear' + 'lier'" in history.read_text().splitlines()


def test_history_is_saved_if_the_application_quits(tmp_path: Path) -> None:
    """Also if it quits while a line is awaited."""
    with Console(tmp_path) as console:
        console.expect(PROMPT)
        console.type("QtCore.QTimer.singleShot(50, app.quit)\n")
        assert console.wait() == 0
    assert "singleShot" in (tmp_path / ".python_history").read_text()


def test_history_is_not_touched_under_isolated(tmp_path: Path) -> None:
    """Under -I Python's own prompt has no history, and neither has this one."""
    root = str(Path(__file__).parent.parent)
    begin = f"import runpy, sys; sys.path.insert(0, {root!r}); runpy.run_module('asyncslot', run_name='__main__')"
    with Console(tmp_path, options=("-I", "-c", begin)) as console:
        console.expect(PROMPT)
        assert console.run("1") == "1"
        console.type(CTRL_D)
        assert console.wait() == 0
    assert not (tmp_path / ".python_history").exists()


def test_tab_completes_names_on_the_main_thread(tmp_path: Path) -> None:
    """The key "tab" completes a name, and an attribute, whose object is asked on its own thread."""
    with Console(tmp_path) as console:
        console.expect(PROMPT)
        console.run("import threading")
        ask = "print(threading.current_thread().name)"
        console.define(f"class A:\n    @property\n    def only_one(self): {ask}")
        console.type("a_long_name = A()\n")
        console.type(f"a_long{TAB}.only_o{TAB}\n")
        console.expect("MainThread")
        assert "asyncslot prompt" not in console.rest


def test_line_without_readline_is_read_and_interrupted(tmp_path: Path) -> None:
    """Without readline, Ctrl-C gives a new prompt, too, and forgets what was typed."""
    hide = tmp_path / "hide"
    hide.mkdir()
    (hide / "readline.py").write_text("raise ImportError\n")
    with Console(tmp_path, environment={"PYTHONPATH": f"{hide}{os.pathsep}{Path(__file__).parent.parent}"}) as console:
        console.expect(PROMPT)
        assert console.run("await asyncio.sleep(0, 1)") == "1"
        console.type("half")
        console.expect("half")
        console.type("\x03")
        console.expect("KeyboardInterrupt\n")
        console.expect(PROMPT)
        assert console.run("1 + 1") == "2"
        console.type("exit(3)\n")
        assert console.wait() == 3
        assert console.read_modes() == console.modes


def test_line_of_a_pipe_needs_no_end_of_file() -> None:
    """Each line of a pipe is run when it comes."""
    command = [sys.executable, "-u", "-m", "asyncslot", "-q", "-i"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, text=True, **pipes) as process:
        for number in range(3):
            process.stdin.write(f"await asyncio.sleep(0, {number})\n")
            process.stdin.flush()
            assert process.stdout.readline() == f"{number}\n"
        process.stdin.close()
        assert process.wait(timeout=CEILING_S) == 0


def test_tab_while_the_main_thread_is_busy_gives_nothing(tmp_path: Path) -> None:
    """The line editor does not wait for a main thread that hangs: it goes on without completions."""
    with Console(tmp_path) as console:
        console.expect(PROMPT)
        console.define("def hang():\n    print('be' + 'gun')\n    while True: pass")
        console.type("QtCore.QTimer.singleShot(50, hang)\n")
        console.expect("begun\n")
        console.type(f"a_na{TAB}me")
        console.expect("a_na\ame")
        console.interrupt("KeyboardInterrupt")


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_line_is_read_if_an_output_is_redirected(tmp_path: Path, name: str) -> None:
    """If the output is an object of the program's, prompts stay in the terminal, and Ctrl-C gives a new one."""
    with Console(tmp_path) as console:
        console.expect(PROMPT)
        console.run("import io, os, sys, threading; threads = set()")
        console.define(
            "class Out:\n"
            "    def write(self, text): threads.add(threading.current_thread().name)\n"
            "    def flush(self): pass"
        )
        console.run(f"sys.{name} = Out()")
        console.run("a b")
        console.run("print('x', file=sys.stdout)")
        console.type("half")
        console.expect("half")
        console.type("\x03")
        console.expect("KeyboardInterrupt\n")
        console.expect(PROMPT)
        assert console.run("os.write(2, repr(threads).encode()) and None") == "{'MainThread'}"
        console.run(f"sys.{name} = sys.__{name}__")
        assert console.run("1 + 1") == "2"
        console.type(CTRL_D)
        assert console.wait() == 0
        assert console.read_modes() == console.modes


def test_console_begins_with_redirected_streams(tmp_path: Path) -> None:
    """A program before the prompt may have replaced all three streams, by objects with hardly any method."""
    (tmp_path / "program.py").write_text(
        "import io, os, sys\nclass Out:\n    def write(self, text): pass\n    def flush(self): pass\n"
        "sys.stdin, sys.stdout, sys.stderr = io.StringIO(), Out(), Out()\n"
    )
    with Console(tmp_path, "-i", str(tmp_path / "program.py")) as console:
        console.expect(PROMPT)
        console.type("os.write(1, b'en' + b'd')\n")
        console.expect("end")
        console.type("exit(3)\n")
        assert console.wait() == 3
