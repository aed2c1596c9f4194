"""The prompt, in a terminal: what is typed, what is answered; windows; Ctrl-C and Ctrl-D."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any, Iterator

import pytest
from support import CEILING_S, IS_QT_5, IS_WINDOWS

if IS_WINDOWS:
    pytest.skip("Windows has no pty", allow_module_level=True)

from console_support import CTRL_C, CTRL_D, MORE, PROMPT, Console
from qt import BINDING

from asyncslot._console.prompt import Completions, Inputs
from asyncslot._console.terminal import _has_bracketed_paste

pytest.importorskip("readline", reason="Ctrl-C at a half-typed line is readline's")

PAGE = (Path(__file__).parent.parent / "docs" / "console.md").read_text(encoding="utf-8")


@pytest.fixture
def console(tmp_path: Path) -> Iterator[Console]:
    with Console(tmp_path) as console:
        console.expect(PROMPT)
        yield console


# -- inputs --


def test_inputs_complete_line_is_compiled() -> None:
    """A line that is complete gives code; one that is not waits for more."""
    inputs = Inputs()
    assert inputs.push("1") is not None
    assert inputs.push("if 1:") is None
    assert inputs.is_begun
    assert inputs.push("  pass") is None
    assert inputs.push("") is not None
    assert not inputs.is_begun


def test_inputs_error_forgets_the_lines() -> None:
    """After an error, the next line begins a new input."""
    inputs = Inputs()
    assert inputs.push("def f():") is None
    with pytest.raises(SyntaxError):
        inputs.push("  a b")
    assert inputs.push("1") is not None


def test_completions_are_those_of_the_namespace() -> None:
    """The completer lists what begins with the text, and None after the last one."""

    class Execution:
        def call(self, function: Any, *, timeout_s: float) -> Any:
            assert timeout_s > 0
            return function()

    completions = Completions({"number_one": 1, "number_two": 2})
    assert completions.complete("number", 0) is None
    completions.execution = Execution()  # type: ignore[assignment]
    assert [completions.complete("number", state) for state in range(3)] == ["number_one", "number_two", None]


# -- what is typed --


def test_prompt_says_what_there_is(tmp_path: Path) -> None:
    """The banner names Python, the binding, the application and the names."""
    with Console(tmp_path) as console:
        banner = console.expect(PROMPT)
    version = ".".join(map(str, sys.version_info[:3]))
    assert f"Python {version}, {BINDING} " in banner
    assert "app, a QApplication" in banner
    assert "asyncio, asyncslot, QtCore, QtGui, QtWidgets" in banner


def test_prompt_quiet_prints_no_banner(tmp_path: Path) -> None:
    """With -q, the first text is the prompt."""
    with Console(tmp_path, "-q") as console:
        assert console.expect(PROMPT) == ""


def test_prompt_value_is_printed_and_kept(console: Console) -> None:
    """An expression's value is printed, and is `_` afterwards; None is not printed."""
    assert console.run("20 + 1") == "21"
    assert console.run("_ * 2") == "42"
    assert console.run("None") == ""


def test_prompt_await_at_top_level_waits_in_the_loop(console: Console) -> None:
    """An await takes its turn in the running loop; its value is printed, and kept."""
    assert console.run("await asyncio.sleep(0.01, 'slept')") == "'slept'"
    assert console.run("x = await asyncio.sleep(0, 5)") == ""
    assert console.run("x + 1") == "6"
    assert console.run("type(asyncio.get_running_loop()).__name__") == "'AsyncSlotEventLoop'"


def test_prompt_several_lines_pasted_run_in_order(console: Console) -> None:
    """Lines that come at once are taken one after the other, also while an await of theirs waits."""
    console.type("async def f(x):\n    await asyncio.sleep(0.05)\n    return x * 2\n\nawait f(4)\nprint('en' + 'd')\n")
    assert re.search(r"\n8\n", console.expect("end"))


PASTED = """class A:
    def f(self):
        return 1

    def g(self):
        return 2

20 + A().g()
await asyncio.sleep(0, "awa" + "ited")"""


def test_inputs_pasted_lines_are_whole_statements() -> None:
    """Pasted lines give a code for each statement; empty lines inside a block count for nothing."""
    inputs = Inputs()
    codes = inputs.push_pasted(PASTED)
    assert codes is not None
    assert len(codes) == 3
    assert inputs.push("if 1:") is None
    assert inputs.push_pasted("    x = 1\n\n    y = 2") is not None
    assert not inputs.is_begun
    assert inputs.push_pasted("x = (1,\n2") is None
    with pytest.raises(SyntaxError):
        inputs.push_pasted("x = 1\nreturn 2")
    assert not inputs.is_begun


@pytest.mark.skipif(not _has_bracketed_paste(), reason="it is there from readline 8.1 on")
@pytest.mark.parametrize("is_on", [True, False])
def test_prompt_bracketed_paste_runs_in_order(tmp_path: Path, is_on: bool) -> None:
    """A paste is taken whole, so that a block may have empty lines; PYTHONSTARTUP may switch it off."""
    switch = "" if is_on else "import readline; readline.parse_and_bind('set enable-bracketed-paste off')\n"
    (tmp_path / "startup.py").write_text(switch)
    with Console(tmp_path, environment={"PYTHONSTARTUP": str(tmp_path / "startup.py")}) as console:
        console.expect(PROMPT)
        assert console.takes_paste == is_on
        if is_on:
            console.type(f"\x1b[200~{PASTED}\x1b[201~\n")
            console.expect("\n22\n'awaited'\n")
            console.expect(PROMPT)
        assert console.run("1") == "1"


def test_prompt_tasks_go_on_while_it_waits(console: Console) -> None:
    """A task that was created at the prompt prints while the prompt waits."""
    console.define("async def late(): await asyncio.sleep(0.05); print('fr' + 'om the task')")
    console.run("task = asyncio.create_task(late())")
    console.expect("from the task")
    assert console.run("task.done()").endswith("True")


def test_prompt_run_task_and_run_and_slot(console: Console) -> None:
    """run_task(), asyncslot.run() and an AsyncSlot work at the prompt, which is foreign code."""
    console.define("async def f(): await asyncio.sleep(0); return 'do' + 'ne'")
    assert console.run("await asyncslot.run_task(f())") == "'done'"
    assert console.run("asyncslot.run(f())") == "'done'"
    assert console.run("await asyncslot.AsyncSlot(f)()") == "'done'"


def test_prompt_context_is_kept(console: Console) -> None:
    """A context variable that one input sets is set in the next one, and in its tasks."""
    console.run("import contextvars; v = contextvars.ContextVar('v')")
    console.define("async def f(): v.set(3)")
    console.run("await f()")
    assert console.run("v.get()") == "3"
    console.run("token = v.set(4)")
    assert console.run("v.get()") == "4"


def test_prompt_future_import_is_remembered(console: Console) -> None:
    """A __future__ import counts for later inputs."""
    console.run("from __future__ import annotations")
    console.define("def f(x: nowhere): pass")
    assert console.run("f.__annotations__") == "{'x': 'nowhere'}"


@pytest.mark.parametrize("call", ["f()", "await g()"])
def test_prompt_error_has_no_frame_of_ours(console: Console, call: str) -> None:
    """A traceback begins with the input, and shows its line."""
    console.define("def f(): raise ValueError('wro' + 'ng')")
    console.define("async def g(): await asyncio.sleep(0); f()")
    text = console.run(call)
    assert "asyncslot" not in text
    assert text.startswith("Traceback (most recent call last):\n")
    assert text.endswith("ValueError: wrong")
    assert f"    {call}\n" in text
    assert console.run("import sys; sys.last_value") == "ValueError('wrong')"


def test_prompt_syntax_error_is_shown(console: Console) -> None:
    """An input that cannot be compiled is shown with its place, without a traceback."""
    text = console.run("a b")
    assert "Traceback" not in text
    assert "SyntaxError" in text
    assert console.run("1") == "1"


def test_prompt_error_in_slot_is_printed(console: Console) -> None:
    """An exception in a slot prints its traceback, and the console goes on: with PyQt, too."""
    console.type("QtCore.QTimer.singleShot(0, lambda: 1/0)\n")
    console.expect("ZeroDivisionError")
    # The prompt may have come before or after the traceback.
    console.type("'th' + 'ree'\n")
    console.expect("\n'three'\n")


def test_prompt_ps_prints_the_tasks(console: Console) -> None:
    """`ps` alone prints the table, and `ps()` does."""
    assert console.run("ps") == "no tasks"
    console.run("task = asyncslot.run_task(asyncio.sleep(99), name='sleeper')")
    for line in ("ps", "ps()"):
        header, row = console.run(line).splitlines()
        assert header.split()[:5] == ["TASK", "COROUTINE", "STATE", "AGE", "OWNER"]
        assert row.split()[:3] == ["sleeper", "sleep", "suspended"]


def test_prompt_own_application_is_the_one_that_there_is(console: Console) -> None:
    """QApplication() gives the application that runs; a class of the program's own is refused with the reason."""
    assert console.run("QtWidgets.QApplication([]) is app") == "True"
    console.define("class Own(QtWidgets.QApplication): pass")
    assert "there is an application already, a QApplication" in console.run("Own([])")
    assert console.run("isinstance(app, QtWidgets.QApplication)") == "True"


def test_prompt_syntax_error_is_shown_on_the_main_thread(console: Console) -> None:
    """A hook of the user's may show a window, also for an input that cannot be compiled, or a bad prompt."""
    console.run("import sys, threading")
    console.define("def hook(kind, *_): print(kind.__name__, threading.current_thread().name)")
    console.run("sys.excepthook = hook")
    assert console.run("a b") == "SyntaxError MainThread"
    assert console.run("del sys.ps1") == "AttributeError MainThread"
    assert console.run("1") == "1"


def test_prompt_hook_that_shows_a_dialog_is_left_by_ctrl_c(console: Console) -> None:
    """A dialog of sys.excepthook's is rejected by Ctrl-C, as any that the input shows."""
    execute = "exec_" if BINDING == "PySide2" else "exec"
    console.run("dialog = QtWidgets.QDialog(); QtCore.QTimer.singleShot(500, lambda: print('op' + 'en'))")
    console.define(f"def hook(*_): dialog.{execute}()")
    console.run("import sys; sys.excepthook = hook")
    console.type("a b\n")
    console.expect("open\n")
    console.interrupt("KeyboardInterrupt\n")
    console.expect(PROMPT)
    assert console.run("dialog.isVisible()") == "False"


@pytest.mark.parametrize(
    "stop", ["asyncio.get_running_loop().stop()", "asyncio.get_running_loop().call_soon(loop.stop)"]
)
def test_prompt_attaches_a_loop_that_was_stopped(console: Console, stop: str) -> None:
    """A loop that was stopped is attached again: inputs and tasks go on, and Ctrl-C cancels."""
    console.run("loop = asyncio.get_running_loop()")
    console.type(f"{stop}\n")
    console.expect(PROMPT)
    console.type("await asyncio.sleep(0.01, 'sle' + 'pt')\n")
    console.expect("'slept'\n")
    console.expect(PROMPT)
    console.type("print('wai' + 'ting'); await asyncio.sleep(99)\n")
    console.expect("waiting\n")
    console.type(CTRL_C)
    console.expect("KeyboardInterrupt\n")
    console.expect(PROMPT)
    console.type(CTRL_D)
    assert console.wait() == 0


# -- windows --


def test_prompt_window_paints_while_it_waits(console: Console) -> None:
    """A window that was made at the prompt paints, and reacts, while the prompt and an await wait; it may be closed."""
    console.type(
        "class Window(QtWidgets.QWidget):\n"
        "    count = 0\n"
        "    def paintEvent(self, event):\n"
        "        Window.count += 1\n"
        "        print('pain' + 'ted', Window.count)\n"
        "\n"
        "window = Window(); window.show()\n"
    )
    console.expect("painted 1")
    # Nothing is typed, and the window is painted again.
    console.type("QtCore.QTimer.singleShot(100, window.update)\n")
    console.expect("painted 2")
    console.run("")
    console.run("QtCore.QTimer.singleShot(50, window.update)")
    console.type("await asyncio.sleep(99)\n")
    console.expect("painted 3")
    console.type(CTRL_C)
    console.expect(PROMPT)
    assert console.run("window.close()") == "True"
    assert console.run("await asyncio.sleep(0.05, 'still here')") == "'still here'"


def test_prompt_app_exec_ends_with_the_last_window(console: Console) -> None:
    """`app.exec()` at the prompt waits for the last window, or for Ctrl-C."""
    execute = "app.exec_()" if BINDING == "PySide2" else "app.exec()"
    console.run("label = QtWidgets.QLabel('x'); label.show()")
    console.run("QtCore.QTimer.singleShot(50, label.close)")
    assert console.run(execute) == "0"
    console.type(f"QtCore.QTimer.singleShot(0, lambda: print('insi' + 'de')); {execute}\n")
    console.expect("inside")
    console.type(CTRL_C)
    console.expect("KeyboardInterrupt")
    console.expect(PROMPT)
    assert console.run("1") == "1"


# -- Ctrl-C --


@pytest.mark.parametrize("keys", ["", "1 + 1", "if 1:\n", "if 1:\n    half = "])
def test_ctrl_c_at_the_prompt_gives_a_new_one(console: Console, keys: str) -> None:
    """Ctrl-C forgets what was typed, and nothing of it is run."""
    console.type(keys)
    console.expect(keys.rpartition("\n")[2] or (MORE if keys else ""))
    console.type(CTRL_C)
    console.expect("KeyboardInterrupt\n")
    console.expect(PROMPT)
    assert console.run("'half' in globals()") == "False"


def test_ctrl_c_line_is_not_in_the_history(console: Console) -> None:
    """The key "up" gives the line before the one that was interrupted."""
    console.run("'fir' + 'st'")
    console.type("second")
    console.expect("second")
    console.type(CTRL_C)
    console.expect("KeyboardInterrupt\n")
    console.expect(PROMPT)
    console.type("\x1b[A\n")
    console.expect("\n'first'\n")


def test_ctrl_c_works_in_vi_mode(tmp_path: Path) -> None:
    """With readline's vi keys, Ctrl-C works in both of their modes."""
    (tmp_path / "inputrc").write_text("set editing-mode vi\n")
    with Console(tmp_path, environment={"INPUTRC": str(tmp_path / "inputrc")}) as console:
        console.expect(PROMPT)
        for keys in ("abc", "abc\x1bh"):
            console.type(keys)
            console.expect("abc")
            console.type(CTRL_C)
            console.expect("KeyboardInterrupt\n")
            console.expect(PROMPT)
        assert console.run("1") == "1"


def test_signal_at_the_prompt_ends_nothing(console: Console) -> None:
    """SIGINT that comes from elsewhere leaves the line as it is."""
    console.type("40 + ")
    console.expect("40 + ")
    console.signal(2)
    console.expect("KeyboardInterrupt\n")
    console.expect(PROMPT)
    console.type("2\n")
    console.expect("\n42\n")


def test_ctrl_c_cancels_what_is_awaited(console: Console) -> None:
    """Ctrl-C cancels the await, its clean-up runs, and other tasks go on."""
    console.run("other = asyncio.create_task(asyncio.sleep(99))")
    console.type(
        "async def f():\n"
        "    try:\n"
        "        print('wai' + 'ting')\n"
        "        await asyncio.sleep(99)\n"
        "    finally:\n"
        "        await asyncio.sleep(0.01)\n"
        "        print('cle' + 'aned')\n"
        "\n"
        "await f()\n"
    )
    console.expect("waiting")
    console.type(CTRL_C)
    console.expect("cleaned\n")
    console.expect("KeyboardInterrupt\n")
    console.expect(PROMPT)
    assert console.run("other.done()") == "False"


@pytest.mark.parametrize(
    "busy",
    [
        "busy()",
        "await awaited(0)",
        "await awaited(1)",
        "action = QtCore.QObject(); action.objectNameChanged.connect(busy); action.setObjectName('a')",
    ],
)
def test_ctrl_c_interrupts_busy_code(console: Console, busy: str) -> None:
    """Ctrl-C interrupts Python code that hangs: at the prompt, in a coroutine before and after an await, in a slot."""
    console.define("def busy():\n    print('be' + 'gun')\n    while True: pass")
    console.define("async def awaited(steps):\n    for _ in range(steps): await asyncio.sleep(0)\n    busy()")
    console.type(f"{busy}\n")
    console.expect("begun\n")
    console.type(CTRL_C)
    console.expect("KeyboardInterrupt\n")
    console.expect(PROMPT)
    assert console.run("1") == "1"


def test_ctrl_c_ends_nested_run(console: Console) -> None:
    """asyncslot.run() at the prompt raises KeyboardInterrupt."""
    console.run("import functools; say = functools.partial(print, 'wai' + 'ting')")
    console.run("timer = asyncio.get_running_loop().call_later(0.05, say)")
    console.type("asyncslot.run(asyncio.sleep(99))\n")
    console.expect("waiting")
    console.type(CTRL_C)
    console.expect("KeyboardInterrupt\n")
    console.expect(PROMPT)
    assert console.run("1") == "1"


@pytest.mark.parametrize("steps", [None, 0, 1])
def test_ctrl_c_rejects_a_dialog(console: Console, steps: int | None) -> None:
    """A dialog whose exec() waits is rejected: one of the prompt's, or of a coroutine's."""
    execute = "exec_" if BINDING == "PySide2" else "exec"
    console.run("dialog = QtWidgets.QDialog()")
    run = "async def ask(steps):\n    for _ in range(steps): await asyncio.sleep(0)"
    console.define(f"{run}\n    dialog.{execute}(); await asyncio.sleep(0)")
    wait = "QtCore.QTimer.singleShot(50, lambda: print('op' + 'en'))"
    console.type(f"{wait}; dialog.{execute}()\n" if steps is None else f"{wait}; await ask({steps})\n")
    console.expect("open\n")
    console.type(CTRL_C)
    console.expect("KeyboardInterrupt\n")
    console.expect(PROMPT)
    assert console.run("dialog.isVisible()") == "False"


def test_ctrl_c_leaves_other_dialogs(console: Console) -> None:
    """A dialog that another part of the application shows stays, when an await is cancelled."""
    execute = "exec_" if BINDING == "PySide2" else "exec"
    console.run("dialog = QtWidgets.QDialog(); dialog.setModal(True)")
    console.run(f"QtCore.QTimer.singleShot(0, dialog.{execute})")
    console.run("while not dialog.isVisible(): await asyncio.sleep(0)\n")
    console.type("print('wai' + 'ting'); await asyncio.sleep(99)\n")
    console.expect("waiting\n")
    console.type(CTRL_C)
    console.expect("KeyboardInterrupt\n")
    console.expect(PROMPT)
    assert console.run("dialog.isVisible()") == "True"
    console.type(CTRL_D)
    assert console.wait() == 0


def test_prompt_that_cannot_be_shown_is_replaced(console: Console) -> None:
    """If sys.ps1 fails, its error is shown, and Python's own prompt comes back."""
    console.define("class Prompt:\n    def __str__(self): return 1/0")
    console.type("import sys; sys.ps1 = Prompt()\n")
    console.expect("ZeroDivisionError")
    console.expect(PROMPT)
    assert console.run("1") == "1"


HANG = "def hang():\n    print('be' + 'gun')\n    while True: pass"


@pytest.mark.parametrize("is_waiting", [True, False])
@pytest.mark.parametrize(
    "begin",
    [
        "QtCore.QTimer.singleShot(50, hang)",
        "asyncio.get_running_loop().call_later(0.05, hang) and None",
        "task = asyncslot.run_task(later())",
    ],
)
def test_second_ctrl_c_interrupts_what_hangs(console: Console, begin: str, is_waiting: bool) -> None:
    """A slot, a callback or a task that hangs is interrupted by the second Ctrl-C: at the prompt, and after it."""
    console.define(HANG)
    console.define("async def later(): await asyncio.sleep(0.05); hang()")
    console.type(f"{begin}\n")
    console.expect("begun\n")
    if is_waiting:
        console.type("40 + 2\n")
        console.expect("40 + 2\n")
    console.interrupt("in hang\n")
    console.expect("KeyboardInterrupt")
    console.type("'th' + 'ree'\n")
    console.expect("\n'three'\n")
    console.type("await asyncio.sleep(0.01, 'still' + ' here')\n")
    console.expect("\n'still here'\n")


def test_second_ctrl_c_interrupts_a_slot_that_hangs_during_an_await(console: Console) -> None:
    """Also while the input awaits something else, which is cancelled by the first one."""
    console.define(HANG)
    console.type("QtCore.QTimer.singleShot(50, hang); await asyncio.sleep(99)\n")
    console.expect("begun\n")
    console.interrupt("in hang\n")
    console.expect(PROMPT)
    assert console.run("1") == "1"


def test_second_ctrl_c_interrupts_a_first_step_that_hangs(console: Console) -> None:
    """run_task() at the prompt runs the first step at once; if that hangs, it is interrupted, too."""
    console.define(HANG)
    console.define("async def first(): hang()")
    console.type("task = asyncslot.run_task(first())\n")
    console.expect("begun\n")
    console.interrupt("KeyboardInterrupt")
    console.expect(PROMPT)
    assert console.run("1") == "1"


# -- the end --


def test_ctrl_d_quits_the_application(console: Console) -> None:
    """Ctrl-D ends with 0; tasks clean up, and the terminal is as it was."""
    clean_up = "await asyncio.sleep(0.01); print('cle' + 'aned')"
    console.define(f"async def f():\n    try: await asyncio.sleep(99)\n    finally: {clean_up}")
    console.run("task = asyncslot.run_task(f())")
    console.run("app.aboutToQuit.connect(lambda: print('qu' + 'its')) and None")
    console.type(CTRL_D)
    assert console.wait() == 0
    assert {"cleaned", "quits"} <= set(console.rest.splitlines())
    assert PROMPT not in console.rest
    assert console.read_modes() == console.modes


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("exit()", 0),
        ("quit(3)", 3),
        ("import sys; sys.exit(4)", 4),
        ("import sys; sys.exit('wor' + 'ds')", 1),
        ("app.exit(5)", 5),
        ("app.quit()", 0),
        ("await asyncio.sleep(0); raise SystemExit(6)", 6),
        ("QtCore.QTimer.singleShot(50, app.quit)", 0),
        ("QtCore.QTimer.singleShot(50, lambda: app.exit(7))", 7),
        ("app.quit(); await asyncio.sleep(99)", 0),
    ],
)
def test_end_has_the_exit_code(console: Console, line: str, code: int) -> None:
    """Whatever ends the application ends the console, with its code; the terminal is as it was."""
    console.type(f"{line}\n")
    assert console.wait() == code
    assert ("words\n" in console.rest) == ("ds'" in line)
    assert "Traceback" not in console.rest
    assert console.read_modes() == console.modes


@pytest.mark.skipif(IS_QT_5, reason="Qt 5's quit() asks no window")
def test_ctrl_d_window_that_refuses_keeps_the_prompt(console: Console) -> None:
    """If a window ignores its close event, Ctrl-D says so, and exit() quits."""
    console.define("class Window(QtWidgets.QWidget):\n    def closeEvent(self, event): event.ignore()")
    console.run("window = Window(); window.show()")
    console.type(CTRL_D)
    console.expect("a window has refused to close")
    console.expect(PROMPT)
    console.type("exit(2)\n")
    assert console.wait() == 2


def test_prompt_thread_is_the_main_one(console: Console) -> None:
    """Inputs run on the main thread, where Qt's objects live."""
    assert console.run("import threading; threading.current_thread() is threading.main_thread()") == "True"


@pytest.mark.parametrize("line", ["sys.stdin.close()", "os.close(0)"])
def test_end_comes_if_no_line_can_be_read(console: Console, line: str) -> None:
    """If standard input is closed, the console ends, instead of asking for ever."""
    console.run("import os, sys")
    console.type(f"{line}\n")
    console.wait()
    assert console.rest.count("no line can be read") == 1


def test_end_comes_if_the_terminal_is_gone(tmp_path: Path) -> None:
    """Also if the process ignores SIGHUP, it ends with its terminal."""
    ignore = "import runpy, signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
    begin = f"{ignore}runpy.run_module('asyncslot', run_name='__main__')"
    with Console(tmp_path, options=("-c", begin)) as console:
        console.expect(PROMPT)
        console.hang_up()
        assert console.process.wait(CEILING_S) in {0, 120}


@pytest.mark.parametrize("line", ["sys.stderr.close()", "sys.stdout = None", "sys.stderr = None"])
def test_prompt_goes_on_without_an_output(console: Console, line: str) -> None:
    """If an output is closed or missing, what would be written there is lost, and the prompt goes on."""
    console.run("import os, sys")
    console.type(f"{line}\na b\n1/0\nraise KeyboardInterrupt\nos.write(1, b'en' + b'd\\n') and None\n")
    console.expect("end\n")
    console.type("exit(3)\n")
    assert console.wait() == 3


# -- docs/console.md --


def test_page_s_session_is_what_comes(console: Console) -> None:
    """Each line of the page's first session, typed, is answered by what stands there."""
    (session,) = re.findall(r"```console\n(>>> .*?)```", PAGE, re.DOTALL)
    for block in re.split(r"^(?=>>> )", session, flags=re.MULTILINE)[1:]:
        lines = block.splitlines()
        typed = [line[len(PROMPT) :] for line in lines if line.startswith((PROMPT, MORE.strip()))]
        console.type("\n".join(typed) + "\n")
        for _ in typed:
            console.expect("\n")
        assert console.expect(PROMPT).splitlines() == lines[len(typed) :]
