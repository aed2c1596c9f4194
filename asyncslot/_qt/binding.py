"""The Qt binding. It is chosen once, when this module is imported. No other module imports Qt."""

from __future__ import annotations

import functools
import importlib
import operator
import os
import sys
import threading
import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Callable, Mapping

from asyncslot._qt.system_library import SYSTEM_LIBRARIES, list_packages

if TYPE_CHECKING:
    from PySide6 import QtCore

__all__ = [
    "BINDINGS",
    "SYSTEM_LIBRARIES",
    "QtCore",
    "binding_name",
    "binding_version",
    "choose_binding",
    "heeded_environment",
    "import_qt",
    "is_faulty",
    "is_frozen",
    "make_types",
    "warn_about_fault",
]

# The bindings that asyncslot runs on, best first.
BINDINGS = ("PySide6", "PyQt6", "PyQt5", "PySide2")

# The variables that name a binding, ours first: QT_API is shared with qtpy and others.
_VARIABLES = ("ASYNCSLOT_QT_API", "QT_API")

# The types that `make_types` looks up. A type that a loop uses and that is missing here can be made by two
# threads at once.
_TYPES = (
    "QAbstractEventDispatcher",
    "QCoreApplication",
    "QEvent.Type",
    "QEventLoop.ProcessEventsFlag",
    "QObject",
    "QSocketNotifier.Type",
    "Qt.ConnectionType",
    "Qt.TimerType",
    "QThread",
    "QTimer",
)
_types_lock = threading.Lock()
# Set by `make_types`.
_are_types_made = False


def choose_binding(
    environment: Mapping[str, str],
    imported: Callable[[str], bool],
    installed: Callable[[str], bool],
) -> str:
    """
    Decide which Qt binding to use.

    ``ASYNCSLOT_QT_API`` comes first, then a binding that the program has
    imported already, then ``QT_API`` if what it names is installed, then the
    first one installed.

    Args:
        environment: The environment variables that count.
        imported: Tells whether the program has imported a binding.
        installed: Tells whether a binding's package can be imported.

    Returns:
        The name of the binding's package, one of `BINDINGS`.

    Raises:
        ImportError: If ``ASYNCSLOT_QT_API`` names an unknown binding, or another one than the
            program has imported; or if no binding is installed.
    """
    # A second binding in the process would not see the application object of the first one.
    already = next((name for name in BINDINGS if imported(name)), None)
    ours, shared = (_named_binding(variable, environment) for variable in _VARIABLES)
    # Our own variable can only be meant for us, so a contradiction is an error. QT_API may be meant for another
    # package, or another environment: if it names what is not here, it does not count.
    if ours and already and ours != already:
        msg = (
            f"ASYNCSLOT_QT_API={environment['ASYNCSLOT_QT_API']!r} contradicts {already}, which "
            f"the program has imported already; unset the variable or import {ours} instead"
        )
        raise ImportError(msg)
    if shared and not installed(shared):
        shared = None
    chosen = ours or already or shared or next((name for name in BINDINGS if installed(name)), None)
    if chosen is None:
        msg = f"asyncslot found no Qt binding; install one of {', '.join(BINDINGS)}"
        raise ImportError(msg)
    return chosen


def _named_binding(variable: str, environment: Mapping[str, str]) -> str | None:
    value = environment.get(variable, "").strip()
    if not value:
        return None
    # QT_API is written in small letters by convention: qtpy's values are "pyside6", "pyqt6".
    for name in BINDINGS:
        if name.lower() == value.lower():
            return name
    if variable != _VARIABLES[0]:
        return None  # QT_API may name a binding that only other packages use.
    msg = f"{variable}={value!r} is not a binding that asyncslot supports; set it to one of {', '.join(BINDINGS)}"
    raise ImportError(msg)


def import_qt(module: str) -> Any:
    """
    Import one module of the chosen binding.

    Args:
        module: The module's name in the binding, such as ``"QtWidgets"``.

    Returns:
        The module.

    Raises:
        ImportError: If the binding lacks the module, or if a system library that the module
            needs is missing. In the second case the message names the packages to install.
    """
    try:
        return importlib.import_module(f"{_BINDING}.{module}")
    except ImportError as error:
        # The words of glibc's dynamic linker: Python has no exception class of its own for this.
        if "cannot open shared object file" not in str(error):
            raise
        msg = (
            f"{_BINDING}.{module} needs a system library that is missing ({error}). "
            f"On Debian or Ubuntu: apt-get install {list_packages(os.environ)}"
        )
        # "from None": the message contains the error, and the import system's traceback would hide the way out.
        raise ImportError(msg, name=error.name, path=error.path) from None


# The cache makes it once. Python's own "once" depends on the program's warning filters.
@functools.lru_cache(maxsize=None)
def warn_about_fault() -> None:
    """
    Warn, once, if the binding is known to crash this Python.

    PySide6 6.12.0 takes a reference from ``None`` at each void call and from
    ``True`` at each ``emit()``. Before Python 3.12, whose ``None`` and ``True``
    are immortal, the interpreter aborts when the count reaches zero.
    Source: measured; 6.4 to 6.11.3 are clean on Python 3.11.
    """
    if is_faulty(_BINDING, binding_version()):
        warnings.warn(
            "PySide6 6.12.0 corrupts reference counts on Python older than 3.12 and will abort the "
            "interpreter; install another version: pip install 'PySide6-Essentials!=6.12.0'",
            RuntimeWarning,
            stacklevel=3,
        )


def is_faulty(binding: str, version: str, python: tuple[int, ...] = sys.version_info[:2]) -> bool:
    """Tell whether this version of the binding corrupts this Python's reference counts."""
    return binding == "PySide6" and version == "6.12.0" and python < (3, 12)


def binding_name() -> str:
    """Return the name of the binding's package, one of `BINDINGS`."""
    return _BINDING


def binding_version() -> str:
    """Return the version of the binding's package, such as ``"6.11.0"``."""
    # PyQt's package has no __version__.
    version = getattr(sys.modules[_BINDING], "__version__", None)
    return str(version or QtCore.PYQT_VERSION_STR)  # type: ignore[attr-defined]


def heeded_environment() -> Mapping[str, str]:
    """
    Return the environment variables that count: under ``python -E`` and ``-I``, none.

    In a frozen program all count. PyInstaller starts Python as ``-E`` does, but that is not the user's choice.
    """
    return {} if sys.flags.ignore_environment and not is_frozen() else os.environ


def is_frozen() -> bool:
    """Tell whether the program was frozen: by PyInstaller and others, which set a flag, or compiled by Nuitka."""
    return bool(getattr(sys, "frozen", False)) or "__compiled__" in globals()


def make_types() -> None:
    """
    Look up the types that a loop uses, once, on one thread at a time.

    PySide makes a class, and a class's enumerations, when they are first looked up. Two threads that do this at
    once get "AttributeError: type object 'PySide6.QtCore.Qt' has no attribute 'TimerType'" (6.11, 6.12).
    It is not done when asyncslot is imported, because ``Qt`` alone takes 12 ms.
    """
    global _are_types_made  # noqa: PLW0603 - a process makes them once.
    if _are_types_made:
        return
    with _types_lock:
        for path in _TYPES:
            operator.attrgetter(path)(QtCore)
        _are_types_made = True


def _explain_to_user(error: ImportError) -> None:
    """
    End the process with one line instead of a traceback, if Python imports this for ``python -m asyncslot...``.

    Only Python itself could handle the error then, and its traceback would hide the line.

    Raises:
        SystemExit: With the line, so with exit code 1. In a program that imports asyncslot: nothing.
    """
    # "-m" until the module has been found, which imports its package. Source: sys.argv in Python's reference.
    # Python 3.10 and newer tell which module that is; older ones print the traceback.
    arguments = getattr(sys, "orig_argv", [])
    if sys.argv[:1] != ["-m"] or "-m" not in arguments[:-1]:
        return
    module = arguments[arguments.index("-m") + 1]
    if module.partition(".")[0] == __name__.partition(".")[0]:
        msg = f"{module}: {' '.join(str(error).split())}"
        raise SystemExit(msg) from None


# Below the functions, because choosing and importing call them.
try:
    _BINDING = choose_binding(
        # A frozen program has one binding, and a variable that is meant for the user's own programs must not stop it.
        {} if is_frozen() else heeded_environment(),
        # QtCore tells: importing the bare package does not import it, and such a program has not used Qt yet.
        imported=lambda name: f"{name}.QtCore" in sys.modules,
        # find_spec() imports nothing, so that looking at a binding does not load it.
        installed=lambda name: find_spec(name) is not None,
    )
    # Type checkers take the import at the top instead: of a module imported by name they know nothing.
    if not TYPE_CHECKING:
        QtCore = import_qt("QtCore")
except ImportError as _error:
    _explain_to_user(_error)
    raise
