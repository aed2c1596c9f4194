"""The application that the console makes: which kind, and what a program gets that makes one itself."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from typing import Any, Callable, Mapping

from asyncslot._qt import (
    APPLICATIONS,
    QtCore,
    check_platform_plugin,
    exec_loop,
    import_qt,
    loop_level,
    make_application,
)

__all__ = ["choose_kind", "end_exec", "guard_application", "make_console_application"]

# The variables that say where windows can be shown, other than on Windows and macOS.
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def choose_kind(
    environment: Mapping[str, str], platform: str, can_import: Callable[[str], str | None]
) -> tuple[str, str]:
    """
    Choose the best kind of application that can be had.

    Args:
        environment: The environment variables.
        platform: As ``sys.platform``.
        can_import: Tells why a module of the binding cannot be imported; None if it can.

    Returns:
        The kind, one of `APPLICATIONS`, and why it is not ``"widgets"``; an empty text if it is.
    """
    # Without a display, Qt aborts the process as soon as a QGuiApplication is made.
    if platform not in ("win32", "darwin") and not any(environment.get(name) for name in _DISPLAYS):
        return "core", f"there is no display (none of {', '.join(_DISPLAYS)} is set)"
    why = ""
    for kind in ("widgets", "gui"):
        error = can_import(APPLICATIONS[kind][0])
        if error is None:
            return kind, why
        why = why or error
    return "core", why


def make_console_application(kind: str | None) -> Any:
    """
    Make the application, unless there is one, and say on standard error if it can show no windows.

    Args:
        kind: One of `APPLICATIONS`; None for the best that can be had.

    Raises:
        ImportError: If the binding lacks what *kind* needs.
    """
    if QtCore.QCoreApplication.instance() is None and kind is None:
        kind, why = choose_kind(os.environ, sys.platform, _find_import_error)
        if why:
            print(f"asyncslot: a {APPLICATIONS[kind][1]}, without windows: {why}", file=sys.stderr)
    application = make_application(kind)
    guard_application()
    return application


def _find_import_error(module: str) -> str | None:
    try:
        import_qt(module)
        check_platform_plugin()
    except ImportError as error:
        return str(error)
    return None


def guard_application() -> None:
    """
    Have ``QApplication(...)`` return the application that there is, and ``app.exec()`` wait, inside a running one, too.

    Examples and programs begin and end with these lines. There can be only one application: PySide raises, and PyQt
    makes a second one, and crashes when either of the two is freed. And Qt's own ``exec()`` returns -1 at once.
    """
    kinds = []
    for module, name in APPLICATIONS.values():
        # Also those that nobody has imported yet: the program may do it later. What cannot be imported needs no guard.
        with contextlib.suppress(ImportError):
            kinds.append(getattr(import_qt(module), name))
    # When all are imported: while PyQt5 imports QtWidgets, it calls the class for the application that there is.
    for kind in kinds:
        _guard(kind)


def _guard(kind: Any) -> None:
    if "_asyncslot_guard" in vars(kind):
        return
    make, initialize = kind.__new__, kind.__init__

    def __new__(cls: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: N807 - it becomes the method of that name.
        present = QtCore.QCoreApplication.instance()
        if present is None:
            return make(cls, *args, **kwargs)
        if isinstance(present, cls):
            return present
        msg = (
            f"there is an application already, a {type(present).__name__}, and there can be no {cls.__name__} "
            "besides it; use QCoreApplication.instance()"
        )
        if cls.__name__ in (name for _, name in APPLICATIONS.values()):
            msg += f", or start python -m asyncslot with --app {_find_kind(cls.__name__)}"
        raise RuntimeError(msg)

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        # Python initializes what __new__() returns, also if it was there before.
        if QtCore.QCoreApplication.instance() is None:
            initialize(self, *args, **kwargs)

    kind.__new__, kind.__init__, kind._asyncslot_guard = __new__, __init__, True
    for name in ("exec", "exec_"):
        if hasattr(kind, name):
            setattr(kind, name, staticmethod(functools.partial(_exec, getattr(kind, name))))


# The Qt loops that `_exec` runs, the innermost last.
_running: list[Any] = []


def _exec(execute: Callable[..., int], *_: object) -> int:
    """
    Do what ``app.exec()`` does; if the application runs already, wait until it quits.

    At the prompt, the application does not quit when the last window is closed, but this call ends.

    Returns:
        The exit code.
    """
    if loop_level() == 0:
        return execute()
    qt_loop = QtCore.QEventLoop()
    application: Any = QtCore.QCoreApplication.instance()
    # A QCoreApplication has no windows.
    closed = getattr(application, "lastWindowClosed", None)
    if closed is not None:
        closed.connect(qt_loop.quit)
    _running.append(qt_loop)
    try:
        return exec_loop(qt_loop)
    finally:
        _running.remove(qt_loop)


def end_exec() -> bool:
    """Make the innermost ``app.exec()`` inside the running application return. Return whether there was one."""
    if _running:
        _running[-1].exit(0)
    return bool(_running)


def _find_kind(class_name: str) -> str:
    return next(kind for kind, (_, name) in APPLICATIONS.items() if name == class_name)
