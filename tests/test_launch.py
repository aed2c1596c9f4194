"""``python -m asyncslot`` with a program: what Python does with it, and the prompt afterwards."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from qt import BINDING
from support import CEILING_S, IS_WINDOWS, SCRIPTS, is_noise

import asyncslot
from asyncslot._console.options import HELP

EXECUTE = "exec_" if BINDING == "PySide2" else "exec"

OWN_APPLICATION = f"""
import asyncio, sys
sys.path.append({str(SCRIPTS)!r})
from qt import QApplication, QTimer
app = QApplication(sys.argv)
print(asyncio.run(asyncio.sleep(0, "stock")))
QTimer.singleShot(0, lambda: app.exit(3))
sys.exit(app.{EXECUTE}())
"""


def run(*command: str, stdin: str = "", directory: Any = None, **environment: str) -> tuple[int, list[str], list[str]]:
    """Run Python; return the exit code, and the lines of both outputs."""
    finished = subprocess.run(
        [sys.executable, "-W", "error", *command],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=CEILING_S,
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(Path(asyncslot.__file__).parent.parent), "NO_COLOR": "1", **environment},
    )
    errors = [line for line in finished.stderr.splitlines() if not is_noise(line)]
    return finished.returncode, finished.stdout.splitlines(), errors


LOOK = "import sys; print(__name__, sys.argv, repr(sys.path[0]), globals().get('__file__'), __doc__)"
TWICE = {
    "command": (["-c", LOOK, "a", "-i"], ""),
    "command-exit": (["-c", "import sys; sys.exit(7)"], ""),
    "command-words": (["-c", "import sys; sys.exit('words')"], ""),
    "command-error": (["-c", "1/0"], ""),
    "command-chain": (["-c", "try: 1/0\nexcept Exception: raise ValueError from None"], ""),
    "script": (["look.py", "a", "-c"], ""),
    "script-error": (["fail.py"], ""),
    "syntax": (["wrong.py"], ""),
    "module": (["-m", "look", "a"], ""),
    "module-error": (["-m", "fail"], ""),
    "module-missing": (["-m", "nosuch"], ""),
    "directory": (["package", "a"], ""),
    "stdin": ([], LOOK),
    "stdin-arguments": (["-", "a", "-b"], LOOK),
    "stdin-error": (["-"], "1/0"),
    "application": (["own.py", "x"], ""),
}


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    (tmp_path / "look.py").write_text(f'"""About."""\n{LOOK}\n')
    (tmp_path / "fail.py").write_text("def f():\n    raise KeyError('x')\n\nf()\n")
    (tmp_path / "wrong.py").write_text("x = 1\na b\n")
    (tmp_path / "own.py").write_text(OWN_APPLICATION)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__main__.py").write_text(LOOK)
    return tmp_path


@pytest.mark.parametrize("name", TWICE)
def test_program_runs_as_python_runs_it(programs: Path, name: str) -> None:
    """Exit code, output, arguments, path and traceback are those of Python itself, but for frames of runpy's."""
    arguments, stdin = TWICE[name]
    expected = run(*arguments, stdin=stdin, directory=programs)
    code, lines, errors = run("-m", "asyncslot", *arguments, stdin=stdin, directory=programs)
    assert (code, lines) == expected[:2]
    assert without_marks(errors) == without_marks(expected[2])


def without_marks(errors: list[str]) -> list[str]:
    """Leave out what differs: runpy's frames, and the lines of code that Python itself has for -c, and we have not."""
    hidden = ("runpy", "<string>", "<stdin>")
    kept = [line for line in errors if not any(each in line for each in hidden)]
    return [line for line in kept if line.strip(" ~^") and not line.startswith("    ")]


def test_command_has_its_lines_in_a_traceback() -> None:
    """The traceback of -c shows lines of code where Python's own does: from 3.13 on."""
    code = "def f():\n    1/0\n\nf()"
    expected = [line for line in run("-c", code)[2] if line.strip(" ~^")]
    errors = [line for line in run("-m", "asyncslot", "-c", code)[2] if line.strip(" ~^")]
    assert errors == expected
    assert ("    f()" in errors) == (sys.version_info >= (3, 13))


@pytest.mark.parametrize("kind", ["command", "script", "stdin"])
def test_program_may_await_at_its_top_level(tmp_path: Path, kind: str) -> None:
    """Top-level await works in -c, in a script, and in standard input: in our loop, with an application."""
    code = "import asyncio, asyncslot\nprint(await asyncio.sleep(0, type(asyncio.get_running_loop()).__name__))\n"
    (tmp_path / "program.py").write_text(code)
    arguments = {"command": ["-c", code], "script": ["program.py"], "stdin": []}[kind]
    finished = run("-m", "asyncslot", *arguments, stdin=code, directory=tmp_path)
    assert finished == (0, ["AsyncSlotEventLoop"], [])


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("await sleep(0); sys.exit(5)", (5, [], [])),
        ("await sleep(0); sys.exit('words')", (1, [], ["words"])),
        ("await sleep(0); QtCore.QCoreApplication.exit(4); await sleep(99)", (4, [], [])),
        ("t = asyncio.ensure_future(sleep(99)); await sleep(0)", (0, [], [])),
    ],
)
def test_program_with_await_has_the_exit_code(code: str, expected: Any) -> None:
    """SystemExit and a quit give the exit code; tasks that are left are cancelled."""
    begin = (
        f"import asyncio, sys; sys.path.append({str(SCRIPTS)!r}); from asyncio import sleep; from qt import QtCore; "
    )
    assert run("-m", "asyncslot", "-c", begin + code) == expected


def test_program_with_await_has_a_traceback_without_our_frames(tmp_path: Path) -> None:
    """The traceback begins with the program, also after a suspension."""
    (tmp_path / "program.py").write_text(
        "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    1/0\nawait f()\n"
    )
    code, lines, errors = run("-m", "asyncslot", "program.py", directory=tmp_path)
    assert (code, lines) == (1, [])
    file = tmp_path / "program.py" if sys.version_info >= (3, 9) else "program.py"
    assert [line.strip() for line in errors if "File" in line] == [
        f'File "{file}", line 5, in <module>',
        f'File "{file}", line 4, in f',
    ]
    assert errors[-1] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize("is_coroutine", [True, False])
def test_program_spawns_a_process_if_it_is_plain_python(tmp_path: Path, is_coroutine: bool) -> None:
    """A child process imports the file without top-level await, so it ends at once; a coroutine of its own works."""
    run_it = "print(await main())" if is_coroutine else "print(asyncslot.run(main()))"
    (tmp_path / "program.py").write_text(
        "import asyncslot\n\n\ndef square(n):\n    return n * n\n\n\n"
        "async def main():\n    return await asyncslot.run_in_process(square, 3)\n\n\n"
        f"if __name__ == '__main__':\n    {run_it}\n"
    )
    code, lines, errors = run("-m", "asyncslot", "program.py", directory=tmp_path)
    assert (code, lines) == ((1, []) if is_coroutine else (0, ["9"]))
    assert any("SyntaxError" in line for line in errors) == is_coroutine


@pytest.mark.skipif(IS_WINDOWS, reason="Windows sends no SIGINT to one process")
@pytest.mark.parametrize("code", ["await asyncio.sleep(99)", "time.sleep(99)"])
def test_program_interrupted_ends_as_python(code: str) -> None:
    """Ctrl-C ends the program by the signal, with KeyboardInterrupt on standard error."""
    process = subprocess.Popen(
        [sys.executable, "-m", "asyncslot", "-c", f"import asyncio, time; print('begun', flush=True); {code}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(2)
    _, errors = process.communicate(timeout=CEILING_S)
    assert process.returncode == -2
    assert errors.splitlines()[-1] == "KeyboardInterrupt"
    assert "asyncslot/" not in errors


def test_program_then_prompt_has_its_names() -> None:
    """With -i, the prompt has the names of the program, and they are not replaced by ours."""
    finished = run(
        "-m", "asyncslot", "-q", "-i", "-c", "x = 5; app = 'mine'", stdin="print(x, app)\nimport sys\nsys.exit(x)\n"
    )
    assert finished[:2] == (5, ["5 mine"])


@pytest.mark.parametrize("ending", ["import sys; sys.exit(3)", "1/0", "a b"])
@pytest.mark.parametrize("begin", ["x = 1", "import asyncio; x = await asyncio.sleep(0, 1)"])
def test_program_that_fails_is_shown_and_the_prompt_comes(begin: str, ending: str) -> None:
    """With -i, also SystemExit is shown, and ends nothing, as with Python's own -i."""
    code, lines, errors = run("-m", "asyncslot", "-q", "-i", "-c", f"{begin}\n{ending}", stdin="print(1)\n")
    assert (code, lines) == (0, ["1"])
    name = {"i": "SystemExit: 3", "1": "ZeroDivisionError", "a": "SyntaxError"}[ending[0]]
    assert any(line.startswith(name) for line in errors)
    assert not any("asyncslot" in line for line in errors)


def test_program_with_its_own_application_then_prompt(programs: Path) -> None:
    """The prompt takes the application that the program has made and run."""
    finished = run(
        "-m",
        "asyncslot",
        "-q",
        "-i",
        "own.py",
        stdin="print(app is QtWidgets.QApplication.instance())\n",
        directory=programs,
    )
    assert finished[:2] == (0, ["stock", "True"])
    assert any("SystemExit: 3" in line for line in finished[2])


def test_program_tasks_live_on_at_the_prompt() -> None:
    """With -i, a task of a program with a top-level await goes on at the prompt."""
    begin = "import asyncio; t = asyncio.ensure_future(asyncio.sleep(0.05, 'late')); await asyncio.sleep(0)"
    assert run("-m", "asyncslot", "-q", "-i", "-c", begin, stdin="print(await t)\n")[:2] == (0, ["late"])


def test_prompt_from_a_pipe_ends_with_it() -> None:
    """With -i and a pipe, the prompts go to standard error, and the end of the pipe quits."""
    code, lines, errors = run("-m", "asyncslot", "-i", stdin="1 + 1\nif 1:\n  print(3)\n\n1/0\n4")
    assert (code, lines) == (0, ["2", "3", "4"])
    assert any("ZeroDivisionError" in line for line in errors)
    assert any(line.startswith(">>> >>> ... ... >>> ") for line in errors)


@pytest.mark.parametrize(("variable", "options"), [(True, ()), (False, ("-E",)), (False, ("-I",))])
def test_startup_file_is_run_unless_python_ignores_it(tmp_path: Path, variable: bool, options: tuple[str, ...]) -> None:
    """PYTHONSTARTUP is run in the namespace of the prompt; an error in it is shown; -E and -I ignore it."""
    (tmp_path / "startup.py").write_text("started = type(app).__name__\n1/0\n")
    # Not by -m: -I and -E ignore PYTHONPATH.
    path = str(Path(asyncslot.__file__).parent.parent)
    begin = f"import runpy, sys; sys.path.insert(0, {path!r}); sys.argv[1:] = ['-q', '-i']; "
    line = "print(globals().get('started'))\n"
    finished = run(
        *(*options, "-c", begin + "runpy.run_module('asyncslot', run_name='__main__')"),
        stdin=line,
        PYTHONSTARTUP=str(tmp_path / "startup.py"),
    )
    assert finished[:2] == (0, ["QApplication" if variable else "None"])
    assert any("ZeroDivisionError" in each for each in finished[2]) == variable


def test_no_display_gives_a_core_application() -> None:
    """Without a display, one line says why there are no windows."""
    if not sys.platform.startswith("linux"):
        pytest.skip("only there is a display a matter of variables")
    nothing = {"DISPLAY": "", "WAYLAND_DISPLAY": "", "QT_QPA_PLATFORM": ""}
    _, lines, errors = run("-m", "asyncslot", "-q", "-i", stdin="print(type(app).__name__)\n", **nothing)
    assert lines == ["QCoreApplication"]
    assert errors[0].startswith("asyncslot: a QCoreApplication, without windows: there is no display")


def test_wrong_option_ends_with_2() -> None:
    """A wrong command line prints what is wrong and the usage."""
    code, lines, errors = run("-m", "asyncslot", "--nope")
    assert (code, lines) == (2, [])
    assert errors[0] == "asyncslot: unknown option '--nope'"
    assert errors[1].startswith("usage: python -m asyncslot ")


def test_missing_script_ends_with_2() -> None:
    """A file that is not there is one line, as with Python itself."""
    code, _, errors = run("-m", "asyncslot", "nosuch.py")
    assert code == 2
    assert len(errors) == 1
    assert "can't open file" in errors[0]


def test_help_and_version() -> None:
    """Both print to standard output and end with 0."""
    assert run("-m", "asyncslot", "-h") == (0, HELP.splitlines(), [])
    code, (line,), _ = run("-m", "asyncslot", "--version")
    assert code == 0
    assert line.startswith(f"asyncslot {asyncslot.__version__}, Python ")
    assert BINDING in line


# -- docs/console.md --

PAGE = (Path(__file__).parent.parent / "docs" / "console.md").read_text(encoding="utf-8")


def test_page_s_program_runs(tmp_path: Path) -> None:
    """The page's program prints what its comment says."""
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "program.py").write_text(program.replace("PySide6", BINDING))
    assert run("-m", "asyncslot", "program.py", directory=tmp_path) == (0, re.findall(r"\)  # (.*)", program), [])


def test_page_s_command_prints_what_stands_there() -> None:
    """The page's command line prints the line below it."""
    code, printed = re.search(r'\$ python -m asyncslot -c "(.*)"\n(.*)\n', PAGE).groups()  # type: ignore[union-attr]
    assert run("-m", "asyncslot", "-c", code) == (0, [printed], [])
