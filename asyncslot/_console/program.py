"""
Loading and running a program as Python itself does: ``-c``, ``-m``, a file, standard input.

The program gets a fresh ``__main__``, its own ``sys.argv`` and ``sys.path[0]``. Code with a top-level await is the code
of a coroutine; whoever loads it asks `is_coroutine`, and decides what runs that. From runpy we use
``_run_module_as_main``, which ``python -m`` itself calls, seen on CPython 3.8 to 3.15.
"""

from __future__ import annotations

import ast
import builtins
import importlib.machinery
import inspect
import io
import linecache
import os
import pkgutil
import runpy
import sys
import types
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

if TYPE_CHECKING:
    from asyncslot._console.options import Program

__all__ = ["Loaded", "ProgramError", "become_main", "is_coroutine", "load", "set_first_path"]


class ProgramError(Exception):
    """The program cannot be read. The text says why."""


class Loaded(NamedTuple):
    """
    A program that is ready to run.

    Attributes:
        code: What to run in *namespace*; None for what runpy loads by itself.
        module: The name that runpy is given.
        namespace: The names of ``__main__``.
    """

    code: Optional[types.CodeType]
    module: str
    namespace: dict[str, Any]

    def run(self) -> None:
        """Run a program that has no top-level await."""
        if self.code is not None:
            exec(self.code, self.namespace)  # noqa: S102 - this runs the program.
        else:
            runpy._run_module_as_main(self.module, alter_argv=self.module != "__main__")  # type: ignore[attr-defined]

    def begin(self) -> Any:
        """Return the coroutine of a program that has a top-level await."""
        assert self.code is not None
        return eval(self.code, self.namespace)  # noqa: S307 - likewise.


def is_coroutine(code: types.CodeType | None) -> bool:
    """Tell whether the code has a top-level await, so that running it gives a coroutine."""
    return code is not None and bool(code.co_flags & inspect.CO_COROUTINE)


def load(program: Program) -> Loaded:
    """
    Read and compile a program, and make it the process's main program.

    Raises:
        ProgramError: If there is no such file.
        SyntaxError: If it cannot be compiled; or ValueError.
    """
    namespace = vars(become_main())
    if program.kind == "module":
        sys.argv[:] = ["-m", *program.arguments]
        return Loaded(None, program.value, namespace)
    if program.kind == "path":
        sys.argv[:] = [program.value, *program.arguments]
        return _load_path(program.value, namespace)
    set_first_path("", is_optional=True)
    namespace["__loader__"] = importlib.machinery.BuiltinImporter
    if program.kind == "command":
        sys.argv[:] = ["-c", *program.arguments]
        if sys.version_info >= (3, 13):
            # From there on, Python's own tracebacks show the lines of -c. Without a time: see linecache.checkcache().
            lines = program.value.splitlines(keepends=True)
            linecache.cache["<string>"] = (len(program.value), None, lines, "<string>")
        return Loaded(_compile(program.value, "<string>"), "", namespace)
    sys.argv[:] = [program.value if program.is_named else "", *program.arguments]
    namespace["__file__"] = "<stdin>"
    return Loaded(_compile(sys.stdin.buffer.read(), "<stdin>"), "", namespace)


def _compile(source: str | bytes, name: str) -> types.CodeType:
    code: types.CodeType = compile(source, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    return code


def _load_path(path: str, namespace: dict[str, Any]) -> Loaded:
    file = _make_absolute(path)
    if pkgutil.get_importer(path) is not None:
        # A directory or an archive.
        set_first_path(file, is_optional=False)
        return Loaded(None, "__main__", namespace)
    try:
        stream = io.open_code(file)  # noqa: SIM115 - what fails is the opening.
    except OSError as exc:
        msg = f"can't open file {file!r}: [Errno {exc.errno}] {exc.strerror}"
        raise ProgramError(msg) from None
    set_first_path(os.path.dirname(os.path.realpath(path)), is_optional=True)  # noqa: PTH120
    with stream:
        content = stream.read()  # Once: it may be a pipe.
    code = pkgutil.read_code(io.BytesIO(content)) or _compile(content, file)
    namespace["__file__"] = file
    if sys.version_info < (3, 15):
        namespace["__cached__"] = None
    namespace["__loader__"] = importlib.machinery.SourceFileLoader("__main__", file)
    return Loaded(code, "", namespace)


def _make_absolute(path: str) -> str:
    """Return what Python makes of the path of a program."""
    if sys.version_info < (3, 9):
        return path
    # By the system on Windows, which also changes slashes and dots; elsewhere by a mere prefix.
    return os.path.abspath(path) if sys.platform == "win32" else os.path.join(os.getcwd(), path)  # noqa: PTH100, PTH109, PTH118


def become_main() -> types.ModuleType:
    """Make a fresh module ``__main__``; our own one lives on in its functions."""
    module = types.ModuleType("__main__")
    module.__dict__["__builtins__"] = builtins
    if sys.version_info < (3, 14):
        module.__annotations__ = {}
    sys.modules["__main__"] = module
    return module


def set_first_path(directory: str, *, is_optional: bool) -> None:
    """
    Put the program's directory on the path, where ``python -m`` has put the current directory.

    Under -I and -P, ``python -m`` has put none there; then only a directory or archive that is itself run is added.
    """
    if not (sys.flags.isolated or getattr(sys.flags, "safe_path", False)):
        sys.path[0] = directory
    elif not is_optional:
        sys.path.insert(0, directory)
