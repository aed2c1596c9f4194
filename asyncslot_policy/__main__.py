"""
``python -m asyncslot_policy``: run a program as Python would, with asyncio on the Qt-hosted loop.

The program gets a fresh ``__main__``, its own ``sys.argv`` and ``sys.path[0]``, and no frame of ours in its
tracebacks. From runpy we use ``_run_module_as_main``, which ``python -m`` itself calls, seen on CPython 3.8 to 3.15.
"""

from __future__ import annotations

import argparse
import builtins
import importlib.machinery
import io
import os
import pkgutil
import platform
import runpy
import site
import sys
import types
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from asyncslot_policy import _registry
from asyncslot_policy._config import (
    APPLICATIONS,
    POLICY_VARIABLE,
    AsyncSlotPolicyError,
    Request,
    heeded_environment,
    read_argument,
    read_environment,
)
from asyncslot_policy._hooks import install_source, uninstall
from asyncslot_policy._policy import HAS_POLICIES
from asyncslot_policy._source import LoopSource, report

if TYPE_CHECKING:
    from types import TracebackType

EXIT_CODE_USAGE = 2

_OPTIONS_WITH_VALUE = ("--loop", "--app")
_USAGE = "python -m asyncslot_policy [--loop NAME] [--app KIND] (app.py | -m module) [argument ...]"


class _Program(NamedTuple):
    """What to run: a module, or a file, directory or archive."""

    module: str | None
    path: str
    arguments: list[str]


def main() -> None:
    """Do what the command line says, and end as the program does; a wrong command line ends with 2."""
    options, program = _read_command_line(sys.argv[1:])
    try:
        request = _read_request(options)
        if options.list:
            _print_loops()
        elif options.info:
            _print_info(request)
        elif program is not None:
            _prepare(request)
            _run(program)
    except AsyncSlotPolicyError as exc:
        report(f"{exc}; python -m asyncslot_policy --list shows the available loops")
        sys.exit(EXIT_CODE_USAGE)


def _read_command_line(arguments: list[str]) -> tuple[argparse.Namespace, _Program | None]:
    parser = argparse.ArgumentParser(
        "python -m asyncslot_policy",
        usage=_USAGE + "\n       python -m asyncslot_policy --list | --info",
        description="Run a program with asyncio on the Qt-hosted loop.",
        allow_abbrev=False,
    )
    parser.add_argument("--loop", metavar="NAME", help="the loop: qt, another name of --list, or module:callable")
    parser.add_argument("--app", choices=APPLICATIONS, help="make this application if the program makes none")
    parser.add_argument("--list", action="store_true", help="show which loops there are")
    parser.add_argument("--info", action="store_true", help="show what would be chosen, and why")
    end = 0
    while end < len(arguments) and arguments[end].startswith("-") and not arguments[end].startswith("-m"):
        end += 2 if arguments[end] in _OPTIONS_WITH_VALUE else 1
    options = parser.parse_args(arguments[:end])
    rest = arguments[end:]
    if options.list or options.info:
        if rest:
            parser.error(f"--list and --info take no program, got {rest[0]!r}")
        return options, None
    if not rest:
        parser.error("name the program to run: app.py, or -m module")
    if not rest[0].startswith("-m"):
        return options, _Program(None, rest[0], rest[1:])
    if rest[0] == "-m":
        rest = ["-m" + "".join(rest[1:2]), *rest[2:]]
    if rest[0] == "-m":
        parser.error("-m needs a module's name")
    return options, _Program(rest[0][2:], "", rest[1:])


def _read_request(options: argparse.Namespace) -> Request:
    """Return what is asked for: a flag overrides the environment."""
    environment = heeded_environment()
    if options.loop is not None:
        return read_argument(options.loop, f"--loop {options.loop}", environment, application=options.app)
    if environment.get(POLICY_VARIABLE, "").strip():
        return read_environment(environment, application=options.app)
    return read_argument("qt", "python -m asyncslot_policy", environment, application=options.app)


def _prepare(request: Request) -> None:
    if request.loop is None:
        uninstall()
        return
    source = LoopSource(request, is_tolerant=False)
    # A built-in loop imports a binding, which the program may want to choose.
    if request.loop not in _registry.BUILT_IN or heeded_environment().get("ASYNCSLOT_QT_API"):
        source.resolve()
    install_source(source)


# -- running the program --


def _run(program: _Program) -> None:
    try:
        if program.module is not None:
            _become_main()
            sys.argv[:] = ["-m", *program.arguments]
            runpy._run_module_as_main(program.module)  # type: ignore[attr-defined]
        else:
            sys.argv[:] = [program.path, *program.arguments]
            _run_path(program.path)
    except (AsyncSlotPolicyError, SystemExit):
        raise
    except BaseException as exc:
        _hide_frames(exc)
        raise


def _make_absolute(path: str) -> str:
    """Return what Python makes of the path of a program."""
    if sys.version_info < (3, 9):
        return path
    # By the system on Windows, which also changes slashes and dots; elsewhere by a mere prefix.
    return os.path.abspath(path) if sys.platform == "win32" else os.path.join(os.getcwd(), path)  # noqa: PTH100, PTH109, PTH118


def _run_path(path: str) -> None:
    """Run a file, directory or archive as ``python path`` does."""
    file = _make_absolute(path)
    if pkgutil.get_importer(path) is not None:
        _become_main()
        _set_first_path(file, is_optional=False)
        runpy._run_module_as_main("__main__", alter_argv=False)  # type: ignore[attr-defined]
        return
    try:
        stream = io.open_code(file)  # noqa: SIM115 - what fails is the opening.
    except OSError as exc:
        report(f"can't open file {file!r}: [Errno {exc.errno}] {exc.strerror}")
        sys.exit(EXIT_CODE_USAGE)
    _set_first_path(os.path.dirname(os.path.realpath(path)), is_optional=True)  # noqa: PTH120
    with stream:
        content = stream.read()  # Once: it may be a pipe.
    code = pkgutil.read_code(io.BytesIO(content)) or compile(content, file, "exec", dont_inherit=True)
    namespace = vars(_become_main())
    namespace["__file__"] = file
    if sys.version_info < (3, 15):
        namespace["__cached__"] = None
    namespace["__loader__"] = importlib.machinery.SourceFileLoader("__main__", file)
    exec(code, namespace)  # noqa: S102 - this runs the program.


def _become_main() -> types.ModuleType:
    """Make a fresh module ``__main__``; our own one lives on in its functions."""
    module = types.ModuleType("__main__")
    module.__dict__["__builtins__"] = builtins
    if sys.version_info < (3, 14):
        module.__annotations__ = {}
    sys.modules["__main__"] = module
    return module


def _set_first_path(directory: str, *, is_optional: bool) -> None:
    """
    Put the program's directory on the path, where ``python -m`` has put the current directory.

    Under -I and -P, ``python -m`` has put none there; then only a directory or archive that is itself run is added.
    """
    if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
        sys.path[0] = directory
    elif not is_optional:
        sys.path.insert(0, directory)


def _hide_frames(exc: BaseException) -> None:
    """Have the interpreter report *exc* from the program's first frame on, with the hook that the program has set."""
    hook: Callable[..., Any] = sys.excepthook
    traceback = exc.__traceback__
    while traceback is not None and traceback.tb_frame.f_code.co_filename == __file__:
        traceback = traceback.tb_next

    def show(kind: type[BaseException], value: BaseException, outer: TracebackType | None) -> None:
        if value is not exc:
            hook(kind, value, outer)
            return
        sys.excepthook = hook
        hook(kind, value.with_traceback(traceback), traceback)

    sys.excepthook = show


# -- reporting --


def _print_loops() -> None:
    for name, value in _registry.BUILT_IN.items():
        print(f"{name:<12} {value} (built in)")
    for entry in _registry.find_entries():
        if entry.name not in _registry.BUILT_IN:
            print(f"{entry.name:<12} {entry.value} (entry point of {entry.distribution})")


def _print_info(request: Request) -> None:
    print(f"Python:       {platform.python_version()} ({sys.executable})")
    if request.loop is None:
        print(f"loop:         asyncio's own, by {request.asked}")
    else:
        loaded = LoopSource(request, is_tolerant=False).resolve()
        print(f"loop:         {request.loop} ({loaded.origin}), by {request.asked}")
        ours = sys.modules.get("asyncslot")
        if ours is not None:
            print(f"asyncslot:    {getattr(ours, '__version__', 'unknown')} ({', '.join(ours.__path__)})")
        qt = sys.modules.get("asyncslot._qt")
        if qt is not None:
            from asyncslot._qt.proven import describe_platform  # noqa: PLC0415 - asyncslot may be absent until here.

            print(f"system:       {describe_platform()}")
            print(f"binding:      {qt.binding_name()} {qt.binding_version()}")
            print(f"Qt:           {qt.QtCore.qVersion()}")
    print(f"application:  {request.application or 'the program makes its own'}")
    print(f"asyncio:      {'has policies' if HAS_POLICIES else 'has no policies: by loop factory'}")
    files = _find_startup_files()
    print(f"startup file: {', '.join(files) or f'not found: {POLICY_VARIABLE} has no effect on other programs'}")


def _find_startup_files() -> list[str]:
    """Return the startup files that this interpreter reads."""
    directories = [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]
    suffixes = ["pth"] if sys.version_info < (3, 15) else ["start"]
    candidates = (os.path.join(folder, f"asyncslot_policy.{suffix}") for folder in directories for suffix in suffixes)  # noqa: PTH118
    return [path for path in dict.fromkeys(candidates) if os.path.exists(path)]  # noqa: PTH110


if __name__ == "__main__":
    main()
