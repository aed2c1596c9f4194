"""The application object: which kind to make, and the error if there is none."""

from __future__ import annotations

import sys
import threading
from typing import Any, Callable

from asyncslot._qt.binding import QtCore, heeded_environment, import_qt

__all__ = ["APPLICATIONS", "make_application", "require_application"]

# The kinds of application object, and the module and the class of each.
APPLICATIONS = {
    "core": ("QtCore", "QCoreApplication"),
    "gui": ("QtGui", "QGuiApplication"),
    "widgets": ("QtWidgets", "QApplication"),
}

# The applications that no code of the program's refers to.
_made_applications: list[object] = []


def make_application(kind: str | None = None) -> Any:
    """
    Make the application object, and keep it alive: PySide deletes one that nothing refers to.

    Qt gets the program's name only: its arguments are not meant for Qt.

    Args:
        kind: One of `APPLICATIONS`; None for the richest that the installed binding has.

    Returns:
        The application; the present one if there is one already.

    Raises:
        ImportError: If the binding lacks the module that *kind* needs.
    """
    present = QtCore.QCoreApplication.instance()
    if present is None:
        module, name = APPLICATIONS[kind or _richest_application()]
        present = getattr(import_qt(module), name)(sys.argv[:1] or [""])
        _made_applications.append(present)
    return present


def _richest_application() -> str:
    for kind in ("widgets", "gui"):
        try:
            import_qt(APPLICATIONS[kind][0])
        except ImportError:
            continue
        return kind
    return "core"


def require_application(factory: Callable[[], object] | None = None) -> Any:
    """
    Return the application object.

    Args:
        factory: Called if there is none, to make it, but on the main thread only:
            Qt binds an application to the thread that makes it.

    Raises:
        RuntimeError: If there is none, which Qt needs for everything.
    """
    application = QtCore.QCoreApplication.instance()
    if application is None and factory is not None and threading.current_thread() is threading.main_thread():
        _made_applications.append(factory())
        application = QtCore.QCoreApplication.instance()
    if application is None:
        msg = "there is no QCoreApplication, which Qt needs; create one first: app = QApplication(sys.argv)"
        if heeded_environment().get("ASYNCSLOT_POLICY"):  # The program may know nothing of Qt.
            msg += "; or have one made: ASYNCSLOT_APPLICATION=core (gui, widgets); or unset ASYNCSLOT_POLICY"
        raise RuntimeError(msg)
    return application
