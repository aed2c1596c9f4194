"""
What the command line asks for, from the beginning to the exit code.

When is the application made?
- For the prompt, and for a program with a top-level await: before the first line. The program may rely on it; if it
  makes one itself, it gets this one: see `guard_application`.
- For any other program: when asyncslot first needs one, as in ``asyncslot.run()``. It runs as Python would run it, so
  it makes its own application, and calls ``app.exec()`` or ``asyncio.run()``. A prompt after it takes that application.
"""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import sys
import tokenize
from types import CodeType
from typing import Any

import asyncslot
from asyncslot import _qt
from asyncslot._console.error_display import hide_frames, show_error, surviving_slots
from asyncslot._console.execution import Execution
from asyncslot._console.options import HELP, Options, Program, UsageError, read_options
from asyncslot._console.program import Loaded, ProgramError, become_main, is_coroutine, load, set_first_path
from asyncslot._console.prompt import Completions, Prompt
from asyncslot._console.ps import TaskTable
from asyncslot._console.single_application import make_console_application
from asyncslot._console.terminal import Terminal
from asyncslot._qt import QtCore
from asyncslot._slot.start import make_loop
from asyncslot.loop import AsyncSlotEventLoop, thread_loop

__all__ = ["main"]

EXIT_CODE_USAGE = 2

# The modules of the binding that are there under their names, if they can be imported.
_MODULES = ("QtCore", "QtGui", "QtWidgets")


def main() -> None:
    """Do what the command line says, and end as Python would: by returning, by SystemExit, or by an exception."""
    try:
        options = read_options(sys.argv[1:])
    except UsageError as error:
        _report(f"{error}\n{HELP.splitlines()[0]}\nTry: python -m asyncslot --help")
        sys.exit(EXIT_CODE_USAGE)
    if options.action == "help":
        print(HELP, end="")
    elif options.action == "version":
        print(_describe_versions())
    else:
        _run(options)


def _run(options: Options) -> None:
    if sys.stdin is None and (options.is_interactive or options.program is None or options.program.kind == "stdin"):
        _report("there is no standard input")
        sys.exit(EXIT_CODE_USAGE)
    if options.program is None and (options.is_interactive or sys.stdin.isatty()):
        sys.argv[:] = [""]
        set_first_path("", is_optional=True)
        sys.exit(_run_console(vars(become_main()), None, options))
    program = options.program or Program("stdin", "-", is_named=False)
    AsyncSlotEventLoop.application_factory = functools.partial(make_console_application, options.application)
    try:
        loaded = load(program)
        if not options.is_interactive:
            _run_program(loaded, options)
            return
    except ProgramError as error:
        _report(error)
        sys.exit(EXIT_CODE_USAGE)
    except SystemExit:
        raise
    except BaseException as exc:
        if not options.is_interactive:
            hide_frames(exc)
            raise
        show_error(exc)
        loaded = Loaded(None, "", vars(sys.modules["__main__"]))
    sys.exit(_run_and_ask(loaded, options))


def _run_program(loaded: Loaded, options: Options) -> None:
    if not is_coroutine(loaded.code):
        loaded.run()
        return
    make_console_application(options.application)
    asyncslot.run(loaded.begin())


def _run_and_ask(loaded: Loaded, options: Options) -> int:
    """Run a program, then the prompt."""
    if is_coroutine(loaded.code):
        return _run_console(loaded.namespace, loaded.code, options)
    if loaded.code is not None or loaded.module:
        try:
            loaded.run()
        except BaseException as exc:  # noqa: BLE001 - as with Python's own -i, SystemExit is shown, too.
            show_error(exc)
    # runpy may have made another one.
    return _run_console(vars(sys.modules["__main__"]), None, options)


def _run_console(namespace: dict[str, Any], first: CodeType | None, options: Options) -> int:
    """
    Run the prompt, in the application that there is, or in a new one.

    Returns:
        The exit code of the application.
    """
    application = make_console_application(options.application)
    # The prompt goes on when the last window is closed. By the property: a QCoreApplication has no such method.
    application.setProperty("quitOnLastWindowClosed", False)
    _add_names(namespace, application)
    completions = Completions(namespace)
    terminal = Terminal(completions.complete)
    terminal.open()
    execution = Execution(thread_loop() or make_loop(), namespace, terminal.interrupt)
    completions.execution = execution
    try:
        if not (options.is_quiet or sys.flags.quiet):
            print(_describe_console(namespace, application), file=sys.stderr)
        _set_prompts()
        _run_startup_file(namespace)
        execution.open()
        with surviving_slots():
            # When Qt's loop runs: before, there is nothing that Ctrl-C could interrupt.
            # In a variable, because PyQt keeps no receiver of a bound method alive.
            prompt = Prompt(terminal, execution, first)
            QtCore.QTimer.singleShot(0, prompt.start)
            return int(_qt.exec_application())
    finally:
        execution.close()
        terminal.close()


def _add_names(namespace: dict[str, Any], application: Any) -> None:
    """Add the names of the prompt, but leave those alone that a program before it has defined."""
    names: dict[str, Any] = {"asyncslot": asyncslot, "app": application, "ps": TaskTable()}
    names["asyncio"] = sys.modules["asyncio"]
    for name in _MODULES:
        # QtGui may need a system library that is missing.
        with contextlib.suppress(ImportError):
            names[name] = _qt.import_qt(name)
    for name, value in names.items():
        namespace.setdefault(name, value)


def _set_prompts() -> None:
    # PYTHONSTARTUP may change them.
    for name, prompt in (("ps1", ">>> "), ("ps2", "... ")):
        if not hasattr(sys, name):
            setattr(sys, name, prompt)


def _run_startup_file(namespace: dict[str, Any]) -> None:
    path = None if sys.flags.ignore_environment else os.environ.get("PYTHONSTARTUP")
    if not path:
        return
    sys.audit("cpython.run_startup", path)
    try:
        with tokenize.open(path) as stream:
            code = compile(stream.read(), path, "exec", dont_inherit=True)
        exec(code, namespace)  # noqa: S102 - it is meant for the prompt.
    except Exception as exc:  # noqa: BLE001 - the prompt comes all the same.
        show_error(exc)


def _describe_versions() -> str:
    return (
        f"asyncslot {asyncslot.__version__}, Python {platform.python_version()}, "
        f"{_qt.binding_name()} {_qt.binding_version()}, Qt {_qt.QtCore.qVersion()}"
    )


def _describe_console(namespace: dict[str, Any], application: Any) -> str:
    modules = ", ".join(name for name in _MODULES if name in namespace)
    return (
        f"{_describe_versions()} on {sys.platform}\n"
        f'Use "await" directly. The application runs while you type: app, a {type(application).__name__}.\n'
        f'Also here: asyncio, asyncslot, {modules}. "ps" lists the tasks.\n'
        "Ctrl-C cancels what is awaited, Ctrl-D quits the application."
    )


def _report(message: object) -> None:
    print(f"asyncslot: {message}", file=sys.stderr)
