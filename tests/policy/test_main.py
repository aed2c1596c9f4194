"""The launcher, ``python -m asyncslot_policy``: what it runs, against Python itself running the same."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from policy_support import (
    BINDING,
    OTHER_BINDING,
    OURS,
    PROGRAM,
    ROOT,
    SELECTOR_LOOP,
    STOCK,
    run_python,
    write_distribution,
)
from support import CEILING_S, INTERRUPTED_CODE, IS_WINDOWS, Finished

import asyncslot
from asyncslot._qt.proven import describe_platform

LAUNCHER = ("-m", "asyncslot_policy")

# Prints all that tells a program how it was started.
REPORT = """
import sys
import __main__
print(__name__, __main__.__dict__ is globals(), sys.argv)
print(__file__, __package__, __spec__ and __spec__.name, type(__loader__).__name__, __builtins__.__name__)
print(sys.path)
print(sorted(name for name in globals() if name not in ("__annotations__", "__conditional_annotations__")))
"""


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A directory with programs of all kinds."""
    (tmp_path / "app.py").write_text(REPORT)
    (tmp_path / "loop.py").write_text(PROGRAM)
    (tmp_path / "package").mkdir()
    for name in ("__init__.py", "__main__.py", "module.py"):
        (tmp_path / "package" / name).write_text(REPORT if name != "__init__.py" else "")
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.write(tmp_path / "app.py", "__main__.py")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "app.py").write_text(REPORT)
    with contextlib.suppress(OSError):  # Windows allows it to some users only.
        (tmp_path / "link.py").symlink_to(tmp_path / "below" / "app.py")
    return tmp_path


def run_both(files: Path, *arguments: str, options: tuple[str, ...] = ()) -> tuple[Finished, Finished]:
    """Run something by Python itself, and by the launcher."""
    # Where the packages are, for an interpreter that the current directory does not lead to them.
    plain = run_python(*arguments, directory=files, options=options)
    launched = run_python(*LAUNCHER, *arguments, directory=files, options=options)
    return plain, launched


# -- as Python itself --


@pytest.mark.parametrize(
    "arguments",
    [
        ("app.py",),
        ("app.py", "--loop", "x", "-m", "y"),
        ("./below/app.py", "-h"),
        ("package",),
        ("archive.zip", "z"),
        ("-m", "package", "--list"),
        ("-m", "package.module", "a"),
        ("-mpackage.module", "a"),
        ("link.py",),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("options", [(), ("-P",), ("-B", "-E")], ids=["plain", "safe path", "E"])
def test_program_sees_what_python_shows_it(files: Path, arguments: tuple[str, ...], options: tuple[str, ...]) -> None:
    """Names, arguments, path, module ``__main__``: a program sees the same as if Python had run it."""
    if options == ("-P",) and (sys.version_info < (3, 11) or "package" in arguments[-1] or "-m" in arguments[0]):
        pytest.skip("no -P, or nothing to be found with it")
    if not (files / arguments[0]).exists() and arguments == ("link.py",):
        pytest.skip("this user may make no symbolic links")
    plain, launched = run_both(files, *arguments, options=options)
    assert plain.code == 0, plain.errors
    assert launched.errors == plain.errors
    assert launched.lines == plain.lines


@pytest.mark.parametrize(
    "end",
    [
        "raise SystemExit",
        "raise SystemExit(3)",
        "raise SystemExit('a message')",
        "import os; os._exit(4)",
        "raise ValueError('x')",
        "def f(): raise ValueError('x')\ntry: f()\nexcept ValueError as e: raise KeyError('y') from e",
        "raise BaseException('z')",
        "1 +",
        "import sys; sys.excepthook = lambda *a: print('hook', a[0].__name__, a[2].tb_lineno, a[2].tb_next); 1 / 0",
        "import atexit; atexit.register(print, 'at exit'); 1 / 0",
        "import threading; threading.Timer(0.1, lambda: print('late', x)).start(); x = 5",
        "import asyncio\nasync def main(): raise ValueError('in a coroutine')\nasyncio.run(main())",
        "import warnings; warnings.warn('careful')",
        "__import__('no_such_module')",
    ],
)
def test_program_ends_as_under_python(tmp_path: Path, end: str) -> None:
    """Exit codes and what is printed at the end, tracebacks to the letter, are as if Python had run the program."""
    (tmp_path / "program.py").write_text(end)
    plain = run_python("program.py", directory=tmp_path, options=())
    launched = run_python(*LAUNCHER, "--loop", "off", "program.py", directory=tmp_path, options=())
    assert launched.code == plain.code
    assert launched.lines == plain.lines
    assert launched.errors == plain.errors


@pytest.mark.skipif(sys.platform == "win32", reason="Windows' shells have no <(...)")
def test_program_from_a_pipe_runs(tmp_path: Path) -> None:
    """A program that can be read only once runs, as by the shell's <(...)."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("print('read')",))
    writer.start()
    finished = run_python(*LAUNCHER, str(pipe))
    writer.join()
    assert (finished.code, finished.lines, finished.errors) == (0, ["read"], "")


def test_module_traceback_has_no_frame_of_ours(tmp_path: Path) -> None:
    """A module's traceback is as under ``python -m``, with runpy's frames and none of ours."""
    (tmp_path / "program.py").write_text("1 / 0")
    plain, launched = run_both(tmp_path, "-m", "program")
    assert launched.code == plain.code == 1
    assert "asyncslot" not in launched.errors
    assert launched.errors == plain.errors


def test_program_ctrl_c_ends_by_the_signal(tmp_path: Path) -> None:
    """A KeyboardInterrupt that leaves the program ends the process as under Python; shells count on it."""
    # By the console, where there are no signals: it is the program's own.
    press = "ctypes.WinDLL('kernel32').GenerateConsoleCtrlEvent, (0, 0)" if IS_WINDOWS else "os.kill, (os.getpid(), 2)"
    (tmp_path / "program.py").write_text(
        "import asyncio, ctypes, os, threading\n"
        f"async def main():\n    threading.Timer(0.1, {press}).start()\n    await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    for how in ([], [*LAUNCHER, "--app", "core"]):
        finished = subprocess.run(
            [sys.executable, *how, "program.py"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=CEILING_S,
            creationflags=subprocess.CREATE_NO_WINDOW if IS_WINDOWS else 0,
        )
        assert finished.returncode == INTERRUPTED_CODE
        assert finished.stderr.endswith("KeyboardInterrupt\n")


@pytest.mark.parametrize("arguments", [("nothing.py",), ("-m", "no_such_module"), ("-m", "package.nothing")])
def test_program_missing_ends_as_under_python(files: Path, arguments: tuple[str, ...]) -> None:
    """A program that is not there: the exit code, and the reason, are Python's."""
    plain, launched = run_both(files, *arguments)
    assert launched.code == plain.code
    reason = re.compile(r"can't open file .*|No module named .*")
    assert reason.search(launched.errors).group() == reason.search(plain.errors).group()
    assert len(launched.errors.splitlines()) == 1


# -- the loop --


@pytest.mark.parametrize("program", [("loop.py",), ("-m", "loop")], ids=["script", "module"])
@pytest.mark.parametrize(
    ("options", "variables", "expected"),
    [
        (["--app", "core"], {}, OURS),
        (["--app=core", "--loop=qt"], {}, OURS),
        (["--loop", "asyncio:SelectorEventLoop"], {"ASYNCSLOT_POLICY": "qt"}, SELECTOR_LOOP),
        (["--loop", "off"], {"ASYNCSLOT_POLICY": "qt"}, STOCK),
        ([], {"ASYNCSLOT_POLICY": "off"}, STOCK),
        ([], {"ASYNCSLOT_POLICY": "asyncio:SelectorEventLoop"}, SELECTOR_LOOP),
        ([], {"ASYNCSLOT_POLICY": "qt", "ASYNCSLOT_APPLICATION": "core"}, OURS),
        ([], {"ASYNCSLOT_APPLICATION": "gui"}, OURS),
        (["--app", "core"], {"ASYNCSLOT_APPLICATION": "nonsense"}, OURS),
    ],
)
def test_loop_flag_counts_more_than_environment(
    files: Path, options: list[str], variables: dict[str, str], expected: str, program: tuple[str, ...]
) -> None:
    """The loop and the application are those of the flags, else of the variables, else Qt's and none."""
    if sys.platform == "win32" and "Unix" in expected:
        pytest.skip("another loop there")
    finished = run_python(*LAUNCHER, *options, *program, environment=variables, directory=files)
    assert finished.errors == ""
    assert finished.lines == [expected]


def test_loop_qt_is_imported_when_the_program_asks_for_it(files: Path) -> None:
    """The program may import the binding that it wants before asyncslot chooses one."""
    (files / "modules.py").write_text(f"import sys; print({BINDING!r} in sys.modules)")
    assert run_python(*LAUNCHER, "modules.py", directory=files).lines == ["False"]


@pytest.mark.parametrize(
    ("options", "variables", "reason"),
    [
        (["--loop", "qtt"], {}, "--loop qtt: there is no loop of this name; available: qt"),
        (["--loop", "no.such:thing"], {}, "No module named 'no'"),
        (["--loop", "os:getcwd"], {}, "no event loop"),
        (["--loop", "raising"], {}, "ValueError: at import"),
        ([], {"ASYNCSLOT_POLICY": "qtt"}, "ASYNCSLOT_POLICY='qtt': there is no loop of this name"),
        ([], {"ASYNCSLOT_QT_API": OTHER_BINDING}, OTHER_BINDING),
        ([], {"ASYNCSLOT_APPLICATION": "widget"}, "ASYNCSLOT_APPLICATION='widget'"),
    ],
)
def test_loop_unavailable_ends_with_2(files: Path, options: list[str], variables: dict[str, str], reason: str) -> None:
    """A loop that cannot be had ends the launcher with code 2 and the reason, in one line, not a traceback."""
    write_distribution(
        files / "site", "raising_loops", {"raising": "raising_loops:make"}, "raise ValueError('at import')"
    )
    environment = {"PYTHONPATH": str(files / "site"), **variables}
    finished = run_python(*LAUNCHER, *options, "loop.py", environment=environment, directory=files, options=())
    assert finished.code == 2
    assert finished.lines == []
    [line] = [
        line for line in finished.errors.splitlines() if "never awaited" not in line and "tracemalloc" not in line
    ]
    assert reason in line
    assert "--list" in line


# -- its own command line --


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-m"],
        ["--loop"],
        ["--loop", "qt"],
        ["--app", "nonsense", "app.py"],
        ["--nonsense", "app.py"],
        ["--list", "app.py"],
        ["-x", "app.py"],
    ],
)
def test_usage_error_ends_with_2(files: Path, arguments: list[str]) -> None:
    """A wrong command line ends with code 2 and the usage."""
    finished = run_python(*LAUNCHER, *arguments, directory=files)
    assert finished.code == 2
    assert finished.errors.startswith(
        "usage: python -m asyncslot_policy [--loop NAME] [--app KIND] (app.py | -m module)"
    )


def test_help_says_how_to_use_it() -> None:
    """``--help`` ends with 0."""
    finished = run_python(*LAUNCHER, "--help")
    assert finished.code == 0
    assert finished.lines[0].startswith("usage: python -m asyncslot_policy")


def test_info_says_what_is_chosen_and_why() -> None:
    """``--info`` has Python, binding, Qt, the loop and who chose it, the application, the startup file."""
    finished = run_python(*LAUNCHER, "--info", environment={"ASYNCSLOT_POLICY": "auto", "ASYNCSLOT_APPLICATION": "gui"})
    assert finished.errors == ""
    told = dict(re.split(r":\s+", line, maxsplit=1) for line in finished.lines)
    assert told["Python"].startswith(".".join(map(str, sys.version_info[:3])))
    assert told["asyncslot"].startswith(f"{asyncslot.__version__} (")
    assert told["loop"] == "qt (built in), by ASYNCSLOT_POLICY='auto'"
    assert told["system"] == describe_platform()
    assert told["binding"].startswith(BINDING)
    assert re.match(r"\d\.\d+", told["Qt"])
    assert told["application"] == "gui"
    assert list(told) == [
        *("Python", "loop", "asyncslot", "system", "binding", "Qt", "application", "asyncio", "startup file")
    ]


def test_info_startup_file_is_looked_for(tmp_path: Path) -> None:
    """``--info`` says where the startup file is, or that there is none."""
    code = (
        f"import runpy, site, sys; site.getsitepackages = lambda: [{str(tmp_path)!r}]; site.ENABLE_USER_SITE = False\n"
        "sys.argv[1:] = ['--loop', 'off', '--info']; runpy.run_module('asyncslot_policy', run_name='__main__')"
    )
    name = "asyncslot_policy.start" if sys.version_info >= (3, 15) else "asyncslot_policy.pth"
    assert "not found" in run_python("-c", code, directory=ROOT).lines[-1]
    (tmp_path / name).write_text("")
    assert run_python("-c", code, directory=ROOT).lines[-1] == f"startup file: {tmp_path / name}"


def test_info_unavailable_ends_with_2() -> None:
    """``--info`` for a loop that cannot be had says so."""
    finished = run_python(*LAUNCHER, "--info", "--loop", "qtt")
    assert finished.code == 2
    assert "no loop of this name" in finished.errors


def test_launcher_leaves_no_variable(files: Path) -> None:
    """The launcher writes no variable."""
    (files / "variables.py").write_text("import os; print([name for name in os.environ if 'ASYNCSLOT' in name])")
    assert run_python(*LAUNCHER, "--app", "core", "variables.py", directory=files).lines == ["[]"]


def test_multiprocessing_in_launched_script_finds_main(tmp_path: Path) -> None:
    """multiprocessing finds what a launched script defines, in a spawned child, by the script's file."""
    (tmp_path / "program.py").write_text(
        "import multiprocessing\n"
        "def work(n):\n"
        "    return n * n\n"
        "if __name__ == '__main__':\n"
        "    with multiprocessing.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map(work, [1, 2, 3]))\n"
        "        pool.close()\n"
        "        pool.join()\n"
    )
    finished = run_python(*LAUNCHER, "program.py", directory=tmp_path, options=())
    assert finished.errors == ""
    assert finished.lines == ["[1, 4, 9]"]
    assert os.listdir(tmp_path) == ["program.py"]
